"""Looking for messages without taking them: peeks, and notifications that there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    NotificationRequestHeader,
    NotificationResponseHeader,
    PeekMessageRequestHeader,
    PollingInfoRequestHeader,
    PollingInfoResponseHeader,
    PopMessageResponseHeader,
)
from pyrocketmq.server.call import make_answer
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.pop_flights import Place
from pyrocketmq.server.pops import MOST_WAITING_MS, NO_MESSAGE, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Answer, Call, Handler
    from pyrocketmq.server.topics import TopicSettings

__all__ = ["PopLooks"]


class PopLooks(Concern):
    """The looks of consumers that pop."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._pops = broker.pops

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of looking."""
        return {
            RequestCode.PEEK_MESSAGE: self._peek,
            RequestCode.NOTIFICATION: self._notification,
            RequestCode.POLLING_INFO: self._polling_info,
        }

    def _peek(self, call: Call) -> RemotingCommand:
        header = call.header(PeekMessageRequestHeader)
        topic = self._pops.readable(call, header.topic, header.queue_id)
        self._pops.check_group(header.consumer_group)
        chosen = self._broker.pulling.compiled("TAG", "*")
        names = [topic.name, *self._pops.retry_topics(header.consumer_group, topic.name)]
        records: list[bytes] = []
        rest = 0
        for name in names:
            settings = self._broker.topics.require(name)
            queue_ids = [header.queue_id]
            if header.queue_id < 0 or name != topic.name:
                queue_ids = list(range(settings.read_queues))
            for queue_id in queue_ids:
                queue = self._broker.store.log.queue(name, queue_id)
                start = self._pops.cursor(Place(header.consumer_group, name, queue_id), queue, 0)
                rest += max(queue.max_offset - start, 0)
                most = min(header.max_msg_nums, self._broker.config.max_pull_messages) - len(records)
                if most > 0:
                    messages, _ = self._pops.read(queue, start, most, chosen)
                    records.extend([message.raw_record for message in messages])
        fields = PopMessageResponseHeader(pop_time=0, invisible_time=0, revive_qid=0, rest_num=rest)
        if not records:
            return call.answer(ResponseCode.PULL_NOT_FOUND, NO_MESSAGE, fields)
        return call.answer(0, "FOUND", fields, b"".join(records))

    def _notification(self, call: Call) -> Answer:
        header = call.header(NotificationRequestHeader)
        topic = self._pops.readable(call, header.topic, header.queue_id)
        self._pops.check_group(header.consumer_group)

        def told(*, has_message: bool) -> RemotingCommand:
            fields = NotificationResponseHeader(has_msg=has_message, polling_full=False)
            return make_answer(0, None, fields)

        def look() -> RemotingCommand | None:
            return told(has_message=True) if self._has_message(header, topic) else None

        found = look()
        poll_ms = min(header.poll_time, MOST_WAITING_MS)
        if found is not None or poll_ms <= 0:
            return found or told(has_message=False)
        return self._pops.waits.hold(
            call.connection,
            wanted(header),
            self._pops.watched(header),
            poll_ms,
            look=look,
            over=lambda: told(has_message=False),
        )

    def _has_message(self, header: NotificationRequestHeader, topic: TopicSettings) -> bool:
        chosen = self._broker.pulling.compiled(header.exp_type or "TAG", header.exp or "*")
        places = [
            Place(header.consumer_group, name, queue_id)
            for name in self._pops.retry_topics(header.consumer_group, topic.name)
            for queue_id in range(self._broker.topics.require(name).read_queues)
            if not header.order
        ]
        queue_ids = range(topic.read_queues) if header.queue_id < 0 else (header.queue_id,)
        places += [Place(header.consumer_group, topic.name, queue_id) for queue_id in queue_ids]
        now = self._broker.clock.now_ms()
        for place in places:
            if header.order and self._pops.orders.is_blocked(place, now, header.attempt_id):
                continue
            queue = self._broker.store.log.queue(place.topic, place.queue_id)
            if self._pops.read(queue, self._pops.cursor(place, queue, 0), 1, chosen)[0]:
                return True
        return False

    def _polling_info(self, call: Call) -> RemotingCommand:
        header = call.header(PollingInfoRequestHeader)
        count = self._pops.waits.count(header.topic, header.consumer_group)
        return call.answer(fields=PollingInfoResponseHeader(polling_num=count))
