"""How far each consumer group has come in each queue, and where tools want it to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    CloneGroupOffsetRequestHeader,
    QueryConsumerOffsetRequestHeader,
    QueryConsumerOffsetResponseHeader,
    ResetOffsetRequestHeader,
    UpdateConsumerOffsetRequestHeader,
)
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.result_data import ConsumerOffsetSerializeWrapper, DataVersion, ResetOffsetBody
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.saving import Saver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Offsets"]

_SEPARATOR: Final = "@"  # neither topics nor groups may have it


class Offsets(Concern):
    """The offsets of all groups; they outlive the members.

    A reset by a tool is done here, as on 5.x brokers: the next pull of the queue is told where to go on, and
    until then what the members report is not taken.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._offsets: dict[tuple[str, str], dict[int, int]] = {}
        self._resets: dict[tuple[str, str, int], int] = {}
        self._saver = Saver(broker, "offsets", self._snapshot)
        for key, queues in self._saver.load().items():
            topic, _, group = key.partition(_SEPARATOR)
            self._offsets[topic, group] = {int(queue_id): offset for queue_id, offset in queues.items()}
        broker.pulling.committed_offset = self.commit
        broker.pulling.offset_resets = self.take_reset

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of consumer offsets."""
        return {
            RequestCode.QUERY_CONSUMER_OFFSET: self._query,
            RequestCode.UPDATE_CONSUMER_OFFSET: self._update,
            RequestCode.GET_ALL_CONSUMER_OFFSET: self._all,
            RequestCode.INVOKE_BROKER_TO_RESET_OFFSET: self._reset,
            RequestCode.CLONE_GROUP_OFFSET: self._clone,
        }

    async def stop(self) -> None:
        """Save what is new."""
        await self._saver.close()

    # ---- for other parts ----

    def get(self, group: str, topic: str, queue_id: int) -> int | None:
        """Where the group goes on in a queue, None if that is not known."""
        reset = self._resets.get((group, topic, queue_id))
        return reset if reset is not None else self._offsets.get((topic, group), {}).get(queue_id)

    def commit(self, group: str, topic: str, queue_id: int, offset: int) -> bool:
        """Keep an offset, whatever it is; False if a reset is under way, which goes before it."""
        if (group, topic, queue_id) in self._resets:
            return False
        self._put(group, topic, queue_id, offset)
        return True

    def reset(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        """Let the group go on at an offset, in whichever direction that is."""
        self._put(group, topic, queue_id, offset)
        self._resets[group, topic, queue_id] = offset
        self._broker.quick.look_at(topic)
        # A pull that is held has to hear of it as well.
        self._broker.arrivals.tell(topic, queue_id)

    def take_reset(self, group: str, topic: str, queue_id: int) -> int | None:
        """The offset that a pull of this queue has to be told to go to, once; None for most."""
        if not self._resets:
            return None
        offset = self._resets.pop((group, topic, queue_id), None)
        if offset is not None:
            self._broker.quick.look_at(topic)
        return offset

    def has_resets(self, topic: str) -> bool:
        """Whether a group is to be told to go elsewhere in a topic."""
        return any(key[1] == topic for key in self._resets)

    def of_group(self, group: str) -> dict[str, dict[int, int]]:
        """The offsets of a group: topic -> queue id -> offset."""
        return {topic: dict(queues) for (topic, name), queues in self._offsets.items() if name == group}

    def groups_of(self, topic: str) -> list[str]:
        """The groups that have offsets in a topic."""
        return [group for name, group in self._offsets if name == topic]

    def sums(self) -> list[tuple[str, str, int]]:
        """Topic, group and the sum of its offsets, for all that there are."""
        return [(topic, group, sum(queues.values())) for (topic, group), queues in self._offsets.items()]

    def forget_group(self, group: str) -> None:
        """Drop all offsets of a group."""
        self._forget([key for key in self._offsets if key[1] == group])

    def forget_topic(self, topic: str) -> None:
        """Drop all offsets in a topic, which is deleted."""
        self._forget([key for key in self._offsets if key[0] == topic])

    def _forget(self, keys: list[tuple[str, str]]) -> None:
        for topic, group in keys:
            for queue_id in self._offsets.pop((topic, group)):
                self.take_reset(group, topic, queue_id)
            self._saver.changed()

    def _put(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        queues = self._offsets.get((topic, group))
        if queues is None:
            queues = self._offsets[topic, group] = {}
        if queues.get(queue_id) != offset:
            queues[queue_id] = offset
            self._saver.changed()

    def _snapshot(self) -> dict[str, Any]:
        return {
            f"{topic}{_SEPARATOR}{group}": {str(queue_id): offset for queue_id, offset in queues.items()}
            for (topic, group), queues in self._offsets.items()
        }

    # ---- requests ----

    def _query(self, call: Call) -> RemotingCommand:
        header = call.header(QueryConsumerOffsetRequestHeader)
        offset = self.get(header.consumer_group, header.topic, header.queue_id)
        if offset is None:
            offset = self._unknown(header)
        return call.answer(fields=QueryConsumerOffsetResponseHeader(offset=offset))

    def _unknown(self, header: QueryConsumerOffsetRequestHeader) -> int:
        if header.set_zero_if_not_found is False:
            raise Refused(
                ResponseCode.QUERY_NOT_FOUND,
                "Not found, do not set to zero, maybe this group boot first",
            )
        wanted = self._broker.config.unknown_offset
        # A queue that still has its first message is young: real brokers let new groups begin with it.
        queue = self._broker.store.log.find_queue(header.topic, header.queue_id)
        is_young = queue is not None and queue.min_offset == 0 and queue.max_offset > 0
        if wanted == "zero" or (wanted == "auto" and is_young):
            return 0
        raise Refused(
            ResponseCode.QUERY_NOT_FOUND,
            "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
        )

    def _update(self, call: Call) -> RemotingCommand:
        header = call.header(UpdateConsumerOffsetRequestHeader)
        if header.consumer_group not in self._broker.groups:
            raise Refused(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"Group {header.consumer_group} not exist!"
            )
        if header.topic not in self._broker.topics:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"Topic {header.topic} not exist!")
        taken = self.commit(header.consumer_group, header.topic, header.queue_id, header.commit_offset)
        return call.answer(remark=None if taken else "Offset has been previously reset")

    def _all(self, call: Call) -> RemotingCommand:
        table = {
            f"{topic}{_SEPARATOR}{group}": dict(queues) for (topic, group), queues in self._offsets.items()
        }
        version = DataVersion(0, self._broker.clock.now_ms(), 0)
        return call.answer(body=ConsumerOffsetSerializeWrapper(table, version).encode())

    def _reset(self, call: Call) -> RemotingCommand:
        header = call.header(ResetOffsetRequestHeader)
        topic = self._broker.topics.get(header.topic)
        if topic is None:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"Topic {header.topic} does not exist")
        if header.group not in self._broker.groups:
            raise Refused(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"Group {header.group} does not exist")
        targets: dict[int, int] = {}
        if header.queue_id is not None and header.queue_id >= 0:
            targets[header.queue_id] = self._target(header, header.queue_id, header.offset)
        else:
            for queue_id in range(topic.read_queues):
                targets[queue_id] = self._target(header, queue_id, None)
        for queue_id, offset in targets.items():
            self.reset(header.group, topic.name, queue_id, offset)
        name = self._broker.name
        table = {MessageQueue(topic.name, name, queue_id): offset for queue_id, offset in targets.items()}
        return call.answer(body=ResetOffsetBody(table).encode())

    def _target(self, header: ResetOffsetRequestHeader, queue_id: int, offset: int | None) -> int:
        queue = self._broker.store.log.find_queue(header.topic, queue_id)
        lowest, highest = (0, 0) if queue is None else (queue.min_offset, queue.max_offset)
        if offset is not None and offset != -1:
            if not lowest <= offset <= highest + 1:
                raise Refused(
                    ResponseCode.SYSTEM_ERROR,
                    f"Target offset {offset} not in consume queue range [{lowest}-{highest}]",
                )
            return offset
        if queue is None or header.timestamp < 0:
            return highest
        return queue.offset_at_time(header.timestamp)

    def _clone(self, call: Call) -> RemotingCommand:
        header = call.header(CloneGroupOffsetRequestHeader)
        source = self.of_group(header.src_group)
        for topic in [header.topic] if header.topic else source:
            for queue_id, offset in source.get(topic, {}).items():
                self._put(header.dest_group, topic, queue_id, offset)
        return call.answer()
