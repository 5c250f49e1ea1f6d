"""Popping: messages taken from any queue of a topic, invisible to others until they are acknowledged or due.

What is not acknowledged in time goes to the retry topic of group and topic and is popped from there. Where a
group has come is its consumer offset, which moves on when messages are taken. Ordered popping takes from the
queues themselves again. Must not know how acknowledgements arrive.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.logcut import CutStatus
from pyrocketmq._native.properties import join_properties
from pyrocketmq._native.stored import encode_message
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    NotificationRequestHeader,
    PopMessageRequestHeader,
    PopMessageResponseHeader,
)
from pyrocketmq.model.message_ext import MessageExt, decode_messages_strict
from pyrocketmq.model.names import RETRY_PREFIX, pop_retry_topic_v1, pop_retry_topic_v2
from pyrocketmq.model.pop import ORDER_REVIVE_QUEUE, PopReceipt, retry_mark
from pyrocketmq.server.call import Refused, make_answer
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.messages import MAX_PROPERTIES_BYTES, Draft
from pyrocketmq.server.pop_flights import Flight, Flights, Place
from pyrocketmq.server.pop_orders import Orders
from pyrocketmq.server.pop_waits import Waits, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.connection import Connection
    from pyrocketmq._native.logqueue import LogQueue
    from pyrocketmq.errors import StoreError
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Answer, Call, Handler
    from pyrocketmq.server.pulling import Choice
    from pyrocketmq.server.topics import TopicSettings

__all__ = ["Pops", "wanted"]

logger = logging.getLogger(__name__)

REVIVE_QUEUES: Final = 8
RETRY_FIRST: Final = 5
"""Every so many pops the retry topic comes first, so that it does not starve."""
FROM_END: Final = 1
"""The init mode of groups that begin with the newest messages."""
MOST_WAITING_MS: Final = 600_000

NO_MESSAGE: Final = "NO_MESSAGE_IN_QUEUE"  # what 5.5.0 says, whatever the reason


@dataclass(slots=True)
class _Taken:
    """What one pop found."""

    pop_ms: int
    revive_queue: int
    records: list[bytes] = field(default_factory=list[bytes])
    count: int = 0
    rest: int = 0
    starts: list[str] = field(default_factory=list[str])
    offsets: list[str] = field(default_factory=list[str])
    counts: list[str] = field(default_factory=list[str])


class Pops(Concern):
    """The pops of consumers."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._log = broker.store.log
        self.flights = Flights(broker, self._revive)
        self.orders = Orders()
        self.waits = Waits(broker)
        # Where groups go on, while that is not safe yet and so is not their offset.
        self._cursors: dict[Place, int] = {}
        self._turn = random.randrange(REVIVE_QUEUES)  # noqa: S311 - any beginning will do
        broker.topics.watchers.append(self._topic_changed)

    def handlers(self) -> Mapping[int, Handler]:
        """The request code of taking messages."""
        return {
            RequestCode.POP_MESSAGE: self._pop,
        }

    async def start(self) -> None:
        """Find what was taken before a restart."""
        self.flights.start()

    async def stop(self) -> None:
        """Answer who waits, and keep what is to be kept."""
        self.waits.stop()
        await self.flights.stop()

    def connection_lost(self, connection: Connection) -> None:
        """Drop the pops that a client waits for no more."""
        self.waits.connection_lost(connection)

    def _topic_changed(self, topic: str) -> None:
        if topic not in self._broker.topics:
            self.flights.forget(topic)
            self.orders.forget(topic)
            self._cursors = {place: at for place, at in self._cursors.items() if place.topic != topic}

    # ---- popping ----

    def _pop(self, call: Call) -> Answer:
        header = call.header(PopMessageRequestHeader)
        nothing = PopMessageResponseHeader(pop_time=0, invisible_time=0, revive_qid=0, rest_num=0)
        try:
            topic = self.readable(call, header.topic, header.queue_id)
            self.check_group(header.consumer_group)
        except Refused as refused:
            refused.fields = nothing
            raise
        chosen = self._broker.pulling.compiled(header.exp_type or "TAG", header.exp or "*")
        taken = self._take(header, topic, chosen)
        poll_ms = min(header.poll_time, MOST_WAITING_MS)
        if taken.count or poll_ms <= 0:
            return self._answer(header, taken)

        def again() -> RemotingCommand | None:
            settings = self._broker.topics.get(header.topic)
            found = None if settings is None else self._take(header, settings, chosen)
            return self._answer(header, found) if found is not None and found.count else None

        def over() -> RemotingCommand:
            return self._answer(header, _Taken(self._broker.clock.now_ms(), self._revive_queue(header)))

        return self.waits.hold(
            call.connection, wanted(header), self.watched(header), poll_ms, look=again, over=over
        )

    def readable(self, call: Call, name: str, queue_id: int) -> TopicSettings:
        """The topic of a request, with this queue.

        Raises:
            Refused: there is none, or it must not be read.
        """
        topic = self._broker.topics.require(name)
        if not topic.is_readable:
            raise Refused(ResponseCode.NO_PERMISSION, f"the topic[{topic.name}] peeking message is forbidden")
        if queue_id >= topic.read_queues:
            raise Refused(
                ResponseCode.INVALID_PARAMETER,
                f"queueId[{queue_id}] is illegal, topic:[{topic.name}] topicConfig.readQueueNums:"
                f"[{topic.read_queues}] consumer:[{call.peer}]",
            )
        return topic

    def check_group(self, group: str) -> None:
        """Refuse a group that must not consume."""
        settings = self._broker.groups.require(group)
        if not settings.consume_enable:
            raise Refused(ResponseCode.NO_PERMISSION, f"subscription group no permission, {group}")

    def retry_topics(self, group: str, topic: str) -> list[str]:
        """The topics with messages of a topic that come again for a group, as far as there are any."""
        if topic.startswith(RETRY_PREFIX):
            return []
        names = pop_retry_topic_v1(group, topic), pop_retry_topic_v2(group, topic)
        return [name for name in names if name in self._broker.topics]

    def watched(self, header: PopMessageRequestHeader | NotificationRequestHeader) -> tuple[str, ...]:
        """The topics whose arrivals may end a wait; the retry topic may be yet to come."""
        if header.order:
            return (header.topic,)
        return header.topic, pop_retry_topic_v1(header.consumer_group, header.topic)

    def _revive_queue(self, header: PopMessageRequestHeader) -> int:
        self._turn += 1
        return ORDER_REVIVE_QUEUE if header.order else self._turn % REVIVE_QUEUES

    def _take(self, header: PopMessageRequestHeader, topic: TopicSettings, chosen: Choice) -> _Taken:
        taken = _Taken(self._broker.clock.now_ms(), self._revive_queue(header))
        retries: list[str] = []
        if not header.order:
            retries = self.retry_topics(header.consumer_group, header.topic)
        retry_first = retries and self._turn % RETRY_FIRST == 0
        if retry_first:
            self._take_retries(header, retries, chosen, taken)
        count = topic.read_queues
        queue_ids = [header.queue_id]
        if header.queue_id < 0:
            queue_ids = [(self._turn + index) % count for index in range(count)]
        for queue_id in queue_ids:
            self._take_queue(header, Place(header.consumer_group, topic.name, queue_id), chosen, taken)
        if retries and not retry_first:
            self._take_retries(header, retries, chosen, taken)
        return taken

    def _take_retries(
        self, header: PopMessageRequestHeader, topics: list[str], chosen: Choice, taken: _Taken
    ) -> None:
        for name in topics:
            topic = self._broker.topics.require(name)
            for queue_id in range(topic.read_queues):
                self._take_queue(header, Place(header.consumer_group, name, queue_id), chosen, taken)

    def _take_queue(
        self, header: PopMessageRequestHeader, place: Place, chosen: Choice, taken: _Taken
    ) -> None:
        queue = self._log.queue(place.topic, place.queue_id)
        start = self.cursor(place, queue, header.init_mode)
        most = min(header.max_msg_nums, self._broker.config.max_pull_messages) - taken.count
        is_blocked = header.order and self.orders.is_blocked(place, taken.pop_ms, header.attempt_id)
        if most <= 0 or is_blocked:
            taken.rest += 0 if is_blocked else max(queue.max_offset - start, 0)
            return
        messages, following = self.read(queue, start, most, chosen)
        taken.rest += max(queue.max_offset - following, 0)
        if not messages:
            if following != start:
                self._move(place, following)
            return
        offsets = [message.queue_offset for message in messages]
        mark = retry_mark(place.topic)
        if mark == "0":
            taken.records.extend([message.raw_record for message in messages])
        else:
            receipt = PopReceipt(
                offsets[0],
                taken.pop_ms,
                header.invisible_time,
                taken.revive_queue,
                mark,
                self._broker.name,
                place.queue_id,
            )
            taken.records.extend([_as_of(message, header.topic, receipt) for message in messages])
        if header.order:
            self._give_in_order(header, place, offsets, taken)
        else:
            self.flights.take(place, offsets, taken.pop_ms, header.invisible_time)
            self._move(place, following)
        taken.count += len(messages)
        taken.starts.append(f"{mark} {place.queue_id} {offsets[0]}")
        taken.offsets.append(f"{mark} {place.queue_id} {','.join(map(str, offsets))}")

    def _give_in_order(
        self, header: PopMessageRequestHeader, place: Place, offsets: list[int], taken: _Taken
    ) -> None:
        order = self.orders.give(place, offsets, taken.pop_ms, header.invisible_time, header.attempt_id)
        self.wake_at(place, taken.pop_ms + header.invisible_time)
        counts = order.counts
        taken.counts.extend(
            [f"0 qo{place.queue_id}%{offset} {count}" for offset, count in counts.items() if count]
        )
        least = min(counts.values(), default=0) if len(counts) == len(offsets) else 0
        taken.counts.append(f"0 {place.queue_id} {least}")

    def read(self, queue: LogQueue, offset: int, most: int, chosen: Choice) -> tuple[list[MessageExt], int]:
        """The next messages of a queue, and where to go on."""
        while True:
            cut = self._log.cut(
                queue, offset, most, self._broker.config.max_pull_bytes, chosen.tags, chosen.accept
            )
            if cut.status == CutStatus.FOUND:
                return decode_messages_strict(cut.data, expand=False), cut.next_offset
            if cut.status == CutStatus.AT_END or cut.next_offset == offset:
                return [], offset
            offset = cut.next_offset  # behind what is for others, or back into the queue

    # ---- where groups are ----

    def cursor(self, place: Place, queue: LogQueue, init_mode: int) -> int:
        """Where a group goes on in a queue."""
        offsets = self._broker.offsets
        reset = offsets.take_reset(place.group, place.topic, place.queue_id)
        if reset is not None:
            self.flights.forget_place(place)
            self.orders.forget_place(place)
            self._cursors.pop(place, None)
            return reset
        cursor = self._cursors.get(place)
        if cursor is None:
            cursor = offsets.get(place.group, place.topic, place.queue_id)
        if cursor is not None:
            return cursor
        wanted = self._broker.config.unknown_offset
        is_young = queue.min_offset == 0 and wanted != "not-found"
        if init_mode != FROM_END or place.topic.startswith(RETRY_PREFIX) or is_young:
            return queue.min_offset
        return queue.max_offset

    def _move(self, place: Place, offset: int) -> None:
        """Let a group go on behind what it took, when that is written down safely."""
        self._cursors[place] = offset

        def safe(error: StoreError | None) -> None:
            if error is None and place in self._cursors:
                self._broker.offsets.commit(*place, offset)
                if self._cursors[place] == offset:
                    del self._cursors[place]

        self._broker.messages.when_committed(safe)

    # ---- answering ----

    def _answer(self, header: PopMessageRequestHeader, taken: _Taken) -> RemotingCommand:
        fields = PopMessageResponseHeader(
            pop_time=taken.pop_ms,
            invisible_time=header.invisible_time,
            revive_qid=taken.revive_queue,
            rest_num=taken.rest,
            start_offset_info=";".join(taken.starts),
            msg_offset_info=";".join(taken.offsets),
            order_count_info=";".join(taken.counts) if header.order else None,
        )
        if not taken.count:
            return make_answer(ResponseCode.POLLING_TIMEOUT, NO_MESSAGE, fields)
        return make_answer(0, "FOUND", fields, b"".join(taken.records))

    # ---- coming back ----

    def _revive(self, flight: Flight) -> None:
        """Make a message visible again, whose time is over."""
        place = flight.place
        self.send_to_retry(place, flight.offset, flight.pop_ms)
        self.flights.finish([flight])

    def send_to_retry(self, place: Place, offset: int, pop_ms: int) -> None:
        """Store a message for another try of its group.

        Raises:
            Refused: there is no space.
        """
        queue = self._log.find_queue(place.topic, place.queue_id)
        entry = None if queue is None else queue.entry(offset)
        message = None if entry is None else self._broker.messages.read(entry[0])
        if message is None:
            return  # it went with the oldest messages
        topic = place.topic
        if not topic.startswith(RETRY_PREFIX):
            topic = pop_retry_topic_v1(place.group, topic)
        self._broker.topics.ensure(topic)
        properties = dict(message.properties)
        properties.setdefault("1ST_POP_TIME", str(pop_ms))
        properties["ORIGIN_GROUP"] = place.group
        host, port = message.born_host
        self._broker.messages.append(
            Draft(
                topic,
                0,
                message.raw_body,
                properties,
                message.flag,
                message.raw_sys_flag,
                message.born_timestamp,
                self._broker.messages.packed_host(f"[{host}]:{port}" if ":" in host else f"{host}:{port}"),
                message.reconsume_times + 1,
                message.prepared_transaction_offset,
            )
        )

    def wake_at(self, place: Place, due_ms: int) -> None:
        """Let who waits for an ordered queue look again at a time."""
        self._broker.timers.at(due_ms, lambda: self.waits.wake(place.topic))


def wanted(header: PopMessageRequestHeader | NotificationRequestHeader) -> Wanted:
    """What a request waits for."""
    return Wanted(
        header.consumer_group, header.queue_id, header.exp_type, header.exp, bool(header.order), type(header)
    )


def _as_of(message: MessageExt, topic: str, receipt: PopReceipt) -> bytes:
    """The record of a message out of a retry topic as its consumer gets it: of its topic, with a receipt."""
    properties = dict(message.properties)
    properties["POP_CK"] = f"{receipt.encode()} {message.queue_offset}"
    text = join_properties(properties)
    if len(text.encode()) > MAX_PROPERTIES_BYTES:
        # The consumer can make the receipt itself, from the header of the answer.
        del properties["POP_CK"]
        text = join_properties(properties)
    return encode_message(
        topic,
        message.raw_body,
        properties=text,
        flag=message.flag,
        queue_id=message.queue_id,
        queue_offset=message.queue_offset,
        commit_log_offset=message.commit_log_offset,
        sys_flag=message.raw_sys_flag,
        born_timestamp=message.born_timestamp,
        born_host=message.born_host,
        store_timestamp=message.store_timestamp,
        store_host=message.store_host,
        reconsume_times=message.reconsume_times,
        prepared_transaction_offset=message.prepared_transaction_offset,
        body_crc=message.body_crc,
    )
