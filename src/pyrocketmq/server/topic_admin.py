"""Topics as tools see them: made, changed, deleted, listed, and how full they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    CreateTopicRequestHeader,
    DeleteTopicRequestHeader,
    GetAllTopicConfigRequestHeader,
    GetAllTopicConfigResponseHeader,
    GetTopicConfigRequestHeader,
    GetTopicStatsInfoRequestHeader,
)
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.names import is_system_topic, pop_retry_topic_v1, pop_retry_topic_v2
from pyrocketmq.model.result_data import DataVersion
from pyrocketmq.model.topic_data import (
    CreateTopicListRequestBody,
    TopicConfig,
    TopicConfigSerializeWrapper,
    TopicList,
    TopicOffset,
    TopicStatsTable,
)
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.topic_attributes import changed_attributes
from pyrocketmq.server.topics import TopicSettings, check_topic_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["TopicAdmin"]

TRACE_TOPIC: Final = "RMQ_SYS_TRACE_TOPIC"
MOST_QUEUES: Final = 65_536
MOST_PERM: Final = 15  # priority, read, write, inherit

_UNSET: Final = "not set any response code"  # what 5.5.0 and 4.9.7 say to this success


class TopicAdmin(Concern):
    """The administration of topics."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._started_ms = broker.clock.now_ms()
        self._changes = 0

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of the administration of topics."""
        return {
            RequestCode.UPDATE_AND_CREATE_TOPIC: self._update,
            RequestCode.UPDATE_AND_CREATE_TOPIC_LIST: self._update_list,
            RequestCode.DELETE_TOPIC_IN_BROKER: self._delete,
            RequestCode.GET_ALL_TOPIC_CONFIG: self._all,
            RequestCode.GET_TOPIC_CONFIG: self._one,
            RequestCode.GET_TOPIC_STATS_INFO: self._stats,
            RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER: self._system_topics,
            RequestCode.CLEAN_UNUSED_TOPIC: self._clean,
            RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE: self._clean,
            RequestCode.DELETE_EXPIRED_COMMITLOG: self._clean,
        }

    async def start(self) -> None:
        """Make the topic that clients trace to."""
        self._broker.topics.ensure(TRACE_TOPIC)

    # ---- changing ----

    def _update(self, call: Call) -> RemotingCommand:
        header = call.header(CreateTopicRequestHeader)
        wanted = TopicConfig(
            header.topic,
            header.read_queue_nums,
            header.write_queue_nums,
            header.perm,
            header.topic_filter_type,
            header.topic_sys_flag or 0,
            bool(header.order),
        )
        self._check(wanted)
        self._put(wanted, header.attributes or "")
        return call.answer(remark=_UNSET)

    def _update_list(self, call: Call) -> RemotingCommand:
        topics = call.decode(CreateTopicListRequestBody).topic_config_list
        for wanted in topics:
            self._check(wanted)
        for wanted in topics:
            changes = [f"{name}={value}" for name, value in (wanted.attributes or {}).items()]
            self._put(wanted, ",".join(changes))
        return call.answer(remark=_UNSET)

    def _check(self, wanted: TopicConfig) -> None:
        self._check_name(wanted.topic_name or "")
        for count in (wanted.read_queue_nums, wanted.write_queue_nums):
            if not 0 <= count <= MOST_QUEUES:
                raise Refused(
                    ResponseCode.INVALID_PARAMETER, f"{count} queues are wanted, it can be 0 to {MOST_QUEUES}"
                )
        if not 0 <= wanted.perm <= MOST_PERM:
            raise Refused(
                ResponseCode.INVALID_PARAMETER, f"the perm is {wanted.perm}, it can be 0 to {MOST_PERM}"
            )

    def _put(self, wanted: TopicConfig, attributes: str) -> None:
        name = wanted.topic_name or ""
        former = self._broker.topics.get(name)
        settings = TopicSettings(
            name,
            wanted.read_queue_nums,
            wanted.write_queue_nums,
            wanted.perm,
            wanted.topic_sys_flag,
            wanted.order,
            wanted.topic_filter_type or "SINGLE_TAG",
            changed_attributes(None if former is None else former.attributes, attributes),
        )
        self._changes += 1
        self._broker.topics.put(settings)

    @staticmethod
    def _check_name(topic: str) -> None:
        check_topic_name(topic)
        if is_system_topic(topic):
            raise Refused(
                ResponseCode.INVALID_PARAMETER, f"The topic[{topic}] is conflict with system topic."
            )

    def _delete(self, call: Call) -> RemotingCommand:
        topic = call.header(DeleteTopicRequestHeader).topic
        if not topic.strip():
            raise Refused(ResponseCode.INVALID_PARAMETER, "The specified topic is blank.")
        if is_system_topic(topic):
            raise Refused(
                ResponseCode.INVALID_PARAMETER, f"The topic[{topic}] is conflict with system topic."
            )
        offsets = self._broker.offsets
        for group in offsets.groups_of(topic):
            for retry in (pop_retry_topic_v1(group, topic), pop_retry_topic_v2(group, topic)):
                self._forget(retry)
        self._forget(topic)
        return call.answer()

    def _forget(self, topic: str) -> None:
        self._broker.offsets.forget_topic(topic)
        if self._broker.topics.delete(topic):
            self._changes += 1

    def _clean(self, call: Call) -> RemotingCommand:
        """What is not needed any more goes; queues without topics do not exist here."""
        self._broker.store.retain()
        return call.answer()

    # ---- showing ----

    def _all(self, call: Call) -> RemotingCommand:
        header = call.header(GetAllTopicConfigRequestHeader, check_required=False)
        every = self._broker.topics.all()
        chosen = every[max(header.topic_seq or 0, 0) :]
        if header.max_topic_num is not None and header.max_topic_num > 0:
            chosen = chosen[: header.max_topic_num]
        body = TopicConfigSerializeWrapper(
            {settings.name: _shown(settings) for settings in chosen},
            DataVersion(0, self._started_ms, self._changes),
        )
        fields = GetAllTopicConfigResponseHeader(total_topic_num=len(every))
        return call.answer(fields=fields, body=body.encode())

    def _one(self, call: Call) -> RemotingCommand:
        name = call.header(GetTopicConfigRequestHeader).topic
        settings = self._broker.topics.get(name)
        if settings is None:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"No topic in this broker. topic: {name}")
        return call.answer(body=_shown(settings).encode())

    def _stats(self, call: Call) -> RemotingCommand:
        name = call.header(GetTopicStatsInfoRequestHeader).topic
        settings = self._broker.topics.get(name)
        if settings is None:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{name}] not exist")
        table: dict[MessageQueue, TopicOffset] = {}
        for queue_id in range(settings.queue_limit):
            offset = TopicOffset()
            queue = self._broker.store.log.find_queue(name, queue_id)
            if queue is not None:
                newest = queue.entry(queue.max_offset - 1)
                offset = TopicOffset(queue.min_offset, queue.max_offset, 0 if newest is None else newest[3])
            table[MessageQueue(name, self._broker.name, queue_id)] = offset
        return call.answer(body=TopicStatsTable(table, self._broker.stats.put_tps(name)).encode())

    def _system_topics(self, call: Call) -> RemotingCommand:
        broker = self._broker
        own = {broker.name, broker.config.cluster, f"{broker.config.cluster}_REPLY_TOPIC"}
        names = [
            settings.name
            for settings in broker.topics.all()
            if settings.name in own or is_system_topic(settings.name)
        ]
        return call.answer(body=TopicList(names).encode())


def _shown(settings: TopicSettings) -> TopicConfig:
    return TopicConfig(
        settings.name,
        settings.read_queues,
        settings.write_queues,
        settings.perm,
        settings.filter_type,
        settings.sys_flag,
        settings.order,
        dict(settings.attributes),
    )
