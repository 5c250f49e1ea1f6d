"""Consumption as tools see it: who reads what, how far groups have come, and how late they are."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    GetConsumeStatsInBrokerHeader,
    GetConsumeStatsRequestHeader,
    QueryConsumeTimeSpanRequestHeader,
    QueryCorrectionOffsetHeader,
    QuerySubscriptionByConsumerRequestHeader,
    QueryTopicConsumeByWhoRequestHeader,
    QueryTopicsByConsumerRequestHeader,
)
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.result_data import QueryCorrectionOffsetBody
from pyrocketmq.model.topic_data import (
    ConsumeStats,
    ConsumeStatsList,
    GroupList,
    OffsetWrapper,
    QueryConsumeTimeSpanBody,
    QuerySubscriptionResponseBody,
    QueueTimeSpan,
    TopicList,
)
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.logqueue import LogQueue
    from pyrocketmq.model.producer_consumer import SubscriptionData
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["ConsumeAdmin"]


class ConsumeAdmin(Concern):
    """Questions about consumer groups and their topics."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of questions about consumption."""
        return {
            RequestCode.GET_CONSUME_STATS: self._stats,
            RequestCode.GET_BROKER_CONSUME_STATS: self._all_stats,
            RequestCode.QUERY_TOPIC_CONSUME_BY_WHO: self._groups_of_topic,
            RequestCode.QUERY_TOPICS_BY_CONSUMER: self._topics_of_group,
            RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER: self._subscription,
            RequestCode.QUERY_CONSUME_TIME_SPAN: self._time_spans,
            RequestCode.QUERY_CORRECTION_OFFSET: self._correction,
        }

    def _queue(self, topic: str, queue_id: int) -> LogQueue | None:
        return self._broker.store.log.find_queue(topic, queue_id)

    def _subscriptions_of(self, group: str) -> Mapping[str, SubscriptionData]:
        members = self._broker.clients.consumers.get(group)
        return {} if members is None else members.subscriptions

    # ---- how far ----

    def _stats(self, call: Call) -> RemotingCommand:
        header = call.header(GetConsumeStatsRequestHeader)
        group = header.consumer_group
        if header.topic_list:
            topics = [topic for topic in header.topic_list.split(";") if topic]
        elif header.topic:
            topics = [header.topic]
        else:
            topics = self._topics_with_offsets(group)
        stats = ConsumeStats()
        for topic in topics:
            self._add_stats(stats, group, topic)
        return call.answer(body=stats.encode())

    def _topics_with_offsets(self, group: str) -> list[str]:
        """The topics of a group, without those that its members, if there are any, ask for no more."""
        subscriptions = self._subscriptions_of(group)
        return [
            topic
            for topic in self._broker.offsets.of_group(group)
            if not subscriptions or topic in subscriptions
        ]

    def _add_stats(self, stats: ConsumeStats, group: str, topic: str) -> None:
        settings = self._broker.topics.get(topic)
        if settings is None:
            return
        for queue_id in range(settings.read_queues):
            offset = max(self._broker.offsets.get(group, topic, queue_id) or 0, 0)
            queue = self._queue(topic, queue_id)
            wrapper = OffsetWrapper(0 if queue is None else queue.max_offset, offset, offset)
            newest = None if queue is None else queue.entry(offset - 1)
            if newest is not None:
                wrapper.last_timestamp = newest[3]
            stats.offset_table[MessageQueue(topic, self._broker.name, queue_id)] = wrapper
        stats.consume_tps += self._broker.stats.get_tps(group, topic)

    def _all_stats(self, call: Call) -> RemotingCommand:
        header = call.header(GetConsumeStatsInBrokerHeader, check_required=False)
        body = ConsumeStatsList(broker_addr=self._broker.address)
        for group in self._broker.groups.names():
            found: list[ConsumeStats] = []
            for topic in self._topics_with_offsets(group):
                settings = self._broker.topics.get(topic)
                if settings is None or (header.is_order and not settings.order):
                    continue
                stats = ConsumeStats()
                self._add_stats(stats, group, topic)
                found.append(stats)
                for wrapper in stats.offset_table.values():
                    body.total_diff += wrapper.broker_offset - wrapper.consumer_offset
            body.consume_stats_list.append({group: found})
        return call.answer(body=body.encode())

    def _time_spans(self, call: Call) -> RemotingCommand:
        header = call.header(QueryConsumeTimeSpanRequestHeader)
        settings = self._broker.topics.get(header.topic)
        if settings is None:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{header.topic}] not exist")
        body = QueryConsumeTimeSpanBody()
        for queue_id in range(settings.write_queues):
            span = self._time_span(header.topic, queue_id, header.group)
            body.consume_time_span_set.append(span)
        return call.answer(body=body.encode())

    def _time_span(self, topic: str, queue_id: int, group: str) -> QueueTimeSpan:
        span = QueueTimeSpan(MessageQueue(topic, self._broker.name, queue_id), -1, -1, -1)
        queue = self._queue(topic, queue_id)
        if queue is not None:
            offset = self._broker.offsets.get(group, topic, queue_id) or 0
            span.min_time_stamp = _time_of(queue, queue.min_offset)
            span.max_time_stamp = _time_of(queue, queue.max_offset - 1)
            span.consume_time_stamp = _time_of(queue, offset - 1) if offset > 0 else span.min_time_stamp
            following = _time_of(queue, max(offset, queue.min_offset))
            if following >= 0:
                span.delay_time = self._broker.clock.now_ms() - following
        span.min_time_stamp_str = _shown(span.min_time_stamp)
        span.max_time_stamp_str = _shown(span.max_time_stamp)
        span.consume_time_stamp_str = _shown(span.consume_time_stamp)
        return span

    def _correction(self, call: Call) -> RemotingCommand:
        """The least offset that any other group has in each queue; it is for groups that copy one another."""
        header = call.header(QueryCorrectionOffsetHeader)
        left_out = set((header.filter_groups or "").split(","))
        offsets = self._broker.offsets
        body = QueryCorrectionOffsetBody()
        if header.topic in self._broker.topics:
            compared = offsets.of_group(header.compare_group).get(header.topic, {})
            for group in offsets.groups_of(header.topic):
                if group in left_out:
                    continue
                for queue_id, offset in offsets.of_group(group)[header.topic].items():
                    if offset <= compared.get(queue_id, offset):
                        known = body.correction_offsets.get(queue_id, offset)
                        body.correction_offsets[queue_id] = min(known, offset)
        return call.answer(body=body.encode())

    # ---- who and what ----

    def _groups_of_topic(self, call: Call) -> RemotingCommand:
        topic = call.header(QueryTopicConsumeByWhoRequestHeader).topic
        online = [
            group.name for group in self._broker.clients.consumers.values() if topic in group.subscriptions
        ]
        return call.answer(
            body=GroupList(list(dict.fromkeys([*online, *self._broker.offsets.groups_of(topic)]))).encode()
        )

    def _topics_of_group(self, call: Call) -> RemotingCommand:
        group = call.header(QueryTopicsByConsumerRequestHeader).group
        return call.answer(
            body=TopicList(list(self._broker.offsets.of_group(group)), self._broker.address).encode()
        )

    def _subscription(self, call: Call) -> RemotingCommand:
        header = call.header(QuerySubscriptionByConsumerRequestHeader)
        found = self._subscriptions_of(header.group).get(header.topic or "")
        return call.answer(body=QuerySubscriptionResponseBody(found, header.group, header.topic).encode())


def _time_of(queue: LogQueue, offset: int) -> int:
    entry = queue.entry(offset)
    return -1 if entry is None else entry[3]


def _shown(time_ms: int) -> str:
    """A time as Java writes it for tools."""
    moment = datetime.fromtimestamp(time_ms // 1000).astimezone()
    return f"{moment:%Y-%m-%d#%H:%M:%S}:{time_ms % 1000:03}"
