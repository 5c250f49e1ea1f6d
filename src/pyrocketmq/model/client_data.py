"""What is told about running clients: connections, the state of a consumer, a direct consumption."""

from __future__ import annotations

from enum import StrEnum

from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.producer_consumer import SubscriptionData

__all__ = [
    "CheckClientRequestBody",
    "Connection",
    "ConsumeMessageDirectlyResult",
    "ConsumeResult",
    "ConsumeStatus",
    "ConsumerConnection",
    "ConsumerRunningInfo",
    "GetConsumerListByGroupResponseBody",
    "PopProcessQueueInfo",
    "ProcessQueueInfo",
    "ProducerConnection",
    "ProducerInfo",
    "ProducerTableInfo",
]


class Connection(JsonBody):
    """One connection of a client to a broker; ``language`` is a name of LanguageCode."""

    client_id: str | None = None
    client_addr: str | None = None
    language: str | None = None
    version: int = 0


class ConsumerConnection(JsonBody):
    """Answer of GET_CONSUMER_CONNECTION_LIST: the online members of a group and what they want."""

    connection_set: list[Connection] = wire(default_factory=list[Connection])
    subscription_table: dict[str, SubscriptionData] = wire(default_factory=dict[str, SubscriptionData])
    consume_type: str | None = None
    message_model: str | None = None
    consume_from_where: str | None = None


class ProducerConnection(JsonBody):
    """Answer of GET_PRODUCER_CONNECTION_LIST."""

    connection_set: list[Connection] = wire(default_factory=list[Connection])


class ProducerInfo(JsonBody):
    """One producer in the answer of GET_ALL_PRODUCER_INFO."""

    client_id: str | None = None
    remote_ip: str | None = wire("remoteIP", default=None)
    language: str | None = None
    version: int = 0
    last_update_timestamp: int = 0


class ProducerTableInfo(JsonBody):
    """Answer of GET_ALL_PRODUCER_INFO: producers by group."""

    data: dict[str, list[ProducerInfo]] = wire(default_factory=dict[str, list[ProducerInfo]])


class GetConsumerListByGroupResponseBody(JsonBody):
    """Answer of GET_CONSUMER_LIST_BY_GROUP: client ids, in no useful order."""

    consumer_id_list: list[str] = wire(default_factory=list[str])


class CheckClientRequestBody(JsonBody):
    """Body of CHECK_CLIENT_CONFIG: a subscription whose SQL92 text the broker is to check."""

    client_id: str | None = None
    group: str | None = None
    subscription_data: SubscriptionData | None = None
    namespace: str | None = None


class ProcessQueueInfo(JsonBody):
    """What a push consumer holds of one queue. ``droped`` is spelt as on the wire."""

    commit_offset: int = 0
    cached_msg_min_offset: int = 0
    cached_msg_max_offset: int = 0
    cached_msg_count: int = 0
    cached_msg_size_in_mib: int = wire("cachedMsgSizeInMiB", default=0)
    transaction_msg_min_offset: int = 0
    transaction_msg_max_offset: int = 0
    transaction_msg_count: int = 0
    locked: bool = False
    try_unlock_times: int = 0
    last_lock_timestamp: int = 0
    droped: bool = False
    last_pull_timestamp: int = 0
    last_consume_timestamp: int = 0


class PopProcessQueueInfo(JsonBody):
    """What a pop consumer holds of one queue. ``droped`` is spelt as on the wire."""

    wait_ack_count: int = 0
    droped: bool = False
    last_pop_timestamp: int = 0


class ConsumeStatus(JsonBody):
    """Rates of one topic: per second for ``tps``, milliseconds for ``rt``, failures of the last hour."""

    pull_rt: float = wire("pullRT", default=0.0)
    pull_tps: float = wire("pullTPS", default=0.0)
    consume_rt: float = wire("consumeRT", default=0.0)
    consume_ok_tps: float = wire("consumeOKTPS", default=0.0)
    consume_failed_tps: float = wire("consumeFailedTPS", default=0.0)
    consume_failed_msgs: int = 0


class ConsumerRunningInfo(JsonBody):
    """A consumer's answer to GET_CONSUMER_RUNNING_INFO."""

    properties: dict[str, str] = wire(default_factory=dict[str, str])
    subscription_set: list[SubscriptionData] = wire(default_factory=list[SubscriptionData])
    mq_table: dict[MessageQueue, ProcessQueueInfo] = wire(
        default_factory=dict[MessageQueue, ProcessQueueInfo]
    )
    mq_pop_table: dict[MessageQueue, PopProcessQueueInfo] = wire(
        default_factory=dict[MessageQueue, PopProcessQueueInfo]
    )
    status_table: dict[str, ConsumeStatus] = wire(default_factory=dict[str, ConsumeStatus])
    user_consumer_info: dict[str, str] = wire(default_factory=dict[str, str])
    jstack: str | None = None


class ConsumeResult(StrEnum):
    """How a directly consumed message ended."""

    CR_SUCCESS = "CR_SUCCESS"
    CR_LATER = "CR_LATER"
    CR_ROLLBACK = "CR_ROLLBACK"
    CR_COMMIT = "CR_COMMIT"
    CR_THROW_EXCEPTION = "CR_THROW_EXCEPTION"
    CR_RETURN_NULL = "CR_RETURN_NULL"


class ConsumeMessageDirectlyResult(JsonBody):
    """A consumer's answer to CONSUME_MESSAGE_DIRECTLY; ``spent_time_mills`` is spelt as on the wire."""

    order: bool = False
    auto_commit: bool = True
    consume_result: str | None = None
    remark: str | None = None
    spent_time_mills: int = 0
