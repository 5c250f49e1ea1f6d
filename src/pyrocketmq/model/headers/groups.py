"""Headers of heartbeats, groups, locks, and of what brokers ask their clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.base import Header, wire
from pyrocketmq.model.headers.routing import RpcRequestHeader, TopicRequestHeader

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "CloneGroupOffsetRequestHeader",
    "ConsumeMessageDirectlyResultRequestHeader",
    "GetAllProducerInfoRequestHeader",
    "GetConsumeStatsInBrokerHeader",
    "GetConsumeStatsRequestHeader",
    "GetConsumerConnectionListRequestHeader",
    "GetConsumerListByGroupRequestHeader",
    "GetConsumerListByGroupResponseHeader",
    "GetConsumerRunningInfoRequestHeader",
    "GetConsumerStatusRequestHeader",
    "GetProducerConnectionListRequestHeader",
    "HeartbeatRequestHeader",
    "LockBatchMqRequestHeader",
    "NotifyConsumerIdsChangedRequestHeader",
    "QueryConsumeTimeSpanRequestHeader",
    "QuerySubscriptionByConsumerRequestHeader",
    "QueryTopicConsumeByWhoRequestHeader",
    "QueryTopicsByConsumerRequestHeader",
    "ResetOffsetRequestHeader",
    "UnlockBatchMqRequestHeader",
    "UnregisterClientRequestHeader",
    "UnregisterClientResponseHeader",
    "UpdateGroupForbiddenRequestHeader",
]


class HeartbeatRequestHeader(RpcRequestHeader):
    """Heartbeat; who the client is stands in the body."""

    CODE = RequestCode.HEART_BEAT


class UnregisterClientRequestHeader(RpcRequestHeader):
    """Take a producer group or a consumer group of a client away; sent once for each group."""

    CODE = RequestCode.UNREGISTER_CLIENT

    client_id: str = wire("clientID")
    producer_group: str | None = None
    consumer_group: str | None = None


class UnregisterClientResponseHeader(Header):
    """Answer to an unregistration; has no fields."""


class GetConsumerListByGroupRequestHeader(RpcRequestHeader):
    """Ask for the client ids of a consumer group; an empty group is answered with code 1."""

    CODE = RequestCode.GET_CONSUMER_LIST_BY_GROUP

    consumer_group: str


class GetConsumerListByGroupResponseHeader(Header):
    """Answer with client ids in its body; has no fields."""


class LockBatchMqRequestHeader(RpcRequestHeader):
    """Lock queues for ordered consumption; which ones stands in the body."""

    CODE = RequestCode.LOCK_BATCH_MQ


class UnlockBatchMqRequestHeader(RpcRequestHeader):
    """Unlock queues; which ones stands in the body."""

    CODE = RequestCode.UNLOCK_BATCH_MQ


class NotifyConsumerIdsChangedRequestHeader(RpcRequestHeader):
    """Pushed by a broker, one-way: the members of a group changed."""

    CODE = RequestCode.NOTIFY_CONSUMER_IDS_CHANGED

    consumer_group: str


class GetConsumerRunningInfoRequestHeader(RpcRequestHeader):
    """Ask a client, directly or through its broker, for its state."""

    CODE = RequestCode.GET_CONSUMER_RUNNING_INFO

    consumer_group: str
    client_id: str
    jstack_enable: bool | None = None


class ConsumeMessageDirectlyResultRequestHeader(TopicRequestHeader):
    """Let a client consume the message of the body at once and tell the result."""

    CODE = RequestCode.CONSUME_MESSAGE_DIRECTLY

    consumer_group: str
    client_id: str | None = None
    msg_id: str | None = None
    broker_name: str | None = None
    topic: str | None = None
    topic_sys_flag: I32 | None = None
    group_sys_flag: I32 | None = None


class GetConsumerStatusRequestHeader(TopicRequestHeader):
    """Ask the members of a group, through a broker, for their offsets in memory."""

    CODE = RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS

    topic: str
    group: str
    client_addr: str | None = None


class ResetOffsetRequestHeader(TopicRequestHeader):
    """Set a group's offset of a topic by time or, with ``queue_id`` and ``offset``, directly; also pushed as
    code 220.

    ``timestamp`` -1 means the latest.
    """

    CODE = RequestCode.INVOKE_BROKER_TO_RESET_OFFSET

    group: str
    topic: str
    queue_id: I32 | None = None
    offset: I64 | None = None
    timestamp: I64
    is_force: bool


class QueryTopicConsumeByWhoRequestHeader(TopicRequestHeader):
    """Ask which groups consume a topic."""

    CODE = RequestCode.QUERY_TOPIC_CONSUME_BY_WHO

    topic: str


class QueryTopicsByConsumerRequestHeader(RpcRequestHeader):
    """Ask which topics a group consumes."""

    CODE = RequestCode.QUERY_TOPICS_BY_CONSUMER

    group: str


class QuerySubscriptionByConsumerRequestHeader(TopicRequestHeader):
    """Ask for a group's subscription."""

    CODE = RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER

    group: str
    topic: str | None = None


class QueryConsumeTimeSpanRequestHeader(TopicRequestHeader):
    """Ask for the times of a group's oldest, newest and consumed messages."""

    CODE = RequestCode.QUERY_CONSUME_TIME_SPAN

    topic: str
    group: str


class GetConsumeStatsRequestHeader(TopicRequestHeader):
    """Ask for a group's offsets and lag. ``topic_list`` needs 5.x."""

    CODE = RequestCode.GET_CONSUME_STATS

    consumer_group: str
    topic: str | None = None
    topic_list: str | None = None


class GetConsumeStatsInBrokerHeader(Header):
    """Ask for the consume statistics of all groups of a broker."""

    CODE = RequestCode.GET_BROKER_CONSUME_STATS

    is_order: bool


class GetConsumerConnectionListRequestHeader(RpcRequestHeader):
    """Ask for a consumer group's connections; code 206 when none is online."""

    CODE = RequestCode.GET_CONSUMER_CONNECTION_LIST

    consumer_group: str


class GetProducerConnectionListRequestHeader(RpcRequestHeader):
    """Ask for a producer group's connections."""

    CODE = RequestCode.GET_PRODUCER_CONNECTION_LIST

    producer_group: str


class GetAllProducerInfoRequestHeader(Header):
    """Ask for all producers of a broker; has no fields."""

    CODE = RequestCode.GET_ALL_PRODUCER_INFO


class CloneGroupOffsetRequestHeader(RpcRequestHeader):
    """Copy a group's offsets to another group."""

    CODE = RequestCode.CLONE_GROUP_OFFSET

    src_group: str
    dest_group: str
    topic: str | None = None
    offline: bool | None = None


class UpdateGroupForbiddenRequestHeader(TopicRequestHeader):
    """Allow or forbid a group to read a topic."""

    CODE = RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN

    group: str
    topic: str
    readable: bool | None = None
