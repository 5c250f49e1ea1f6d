"""Offsets, locks and assignments: bodies that consumers exchange with brokers."""

from __future__ import annotations

from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.producer_consumer import SubscriptionData

__all__ = [
    "ConsumeQueueData",
    "ConsumerOffsetSerializeWrapper",
    "DataVersion",
    "GetConsumerStatusBody",
    "KVTable",
    "LockBatchRequestBody",
    "LockBatchResponseBody",
    "MessageQueueAssignment",
    "MessageQueueForC",
    "OffsetResult",
    "QueryAssignmentRequestBody",
    "QueryAssignmentResponseBody",
    "QueryConsumeQueueResponseBody",
    "QueryCorrectionOffsetBody",
    "ResetOffsetBody",
    "ResetOffsetBodyForC",
    "SetMessageRequestModeRequestBody",
    "UnlockBatchRequestBody",
]


class OffsetResult(JsonBody):
    """The offset in the header of an answer; ``OffsetResult.from_value(command.ext_fields)`` reads it.

    It is the answer of GET_MAX_OFFSET, GET_MIN_OFFSET, SEARCH_OFFSET_BY_TIMESTAMP and QUERY_CONSUMER_OFFSET.
    """

    offset: int


class KVTable(JsonBody):
    """Names and values: a broker's run-time facts, a namespace of the name server's key-value store."""

    table: dict[str, str] = wire(default_factory=dict[str, str])


class DataVersion(JsonBody):
    """Version of a table of a broker; two brokers compare them."""

    state_version: int = 0
    timestamp: int = 0
    counter: int | None = None


class LockBatchRequestBody(JsonBody):
    """Body of LOCK_BATCH_MQ; only the queues that could be locked come back."""

    consumer_group: str | None = None
    client_id: str | None = None
    mq_set: list[MessageQueue] = wire(default_factory=list[MessageQueue])
    only_this_broker: bool = False


class LockBatchResponseBody(JsonBody):
    """Answer of LOCK_BATCH_MQ: the queues this client holds now. The code is 0 even if there are none."""

    lock_ok_mq_set: list[MessageQueue] = wire("lockOKMQSet", default_factory=list[MessageQueue])


class UnlockBatchRequestBody(JsonBody):
    """Body of UNLOCK_BATCH_MQ."""

    consumer_group: str | None = None
    client_id: str | None = None
    mq_set: list[MessageQueue] = wire(default_factory=list[MessageQueue])
    only_this_broker: bool = False


class ResetOffsetBody(JsonBody):
    """New offsets of queues, pushed to consumers and answered by INVOKE_BROKER_TO_RESET_OFFSET."""

    offset_table: dict[MessageQueue, int] = wire(default_factory=dict[MessageQueue, int])


class MessageQueueForC(JsonBody):
    """A queue with its offset, for clients that cannot read object keys."""

    topic: str | None = None
    broker_name: str | None = None
    queue_id: int = 0
    offset: int = 0


class ResetOffsetBodyForC(JsonBody):
    """ResetOffsetBody as a broker sends it to clients of language CPP."""

    offset_table: list[MessageQueueForC] = wire(default_factory=list[MessageQueueForC])


class GetConsumerStatusBody(JsonBody):
    """Offsets as consumers hold them: of one consumer, or by client id."""

    message_queue_table: dict[MessageQueue, int] = wire(default_factory=dict[MessageQueue, int])
    consumer_table: dict[str, dict[MessageQueue, int]] = wire(
        default_factory=dict[str, dict[MessageQueue, int]]
    )


class ConsumerOffsetSerializeWrapper(JsonBody):
    """Answer of GET_ALL_CONSUMER_OFFSET: ``topic@group`` -> queue id -> offset."""

    offset_table: dict[str, dict[int, int]] = wire(default_factory=dict[str, dict[int, int]])
    data_version: DataVersion | None = None


class QueryCorrectionOffsetBody(JsonBody):
    """Answer of QUERY_CORRECTION_OFFSET: queue id -> offset."""

    correction_offsets: dict[int, int] = wire(default_factory=dict[int, int])


class QueryAssignmentRequestBody(JsonBody):
    """Body of QUERY_ASSIGNMENT (5.x): the broker divides the queues."""

    topic: str | None = None
    consumer_group: str | None = None
    client_id: str | None = None
    strategy_name: str | None = None
    message_model: str | None = None


class MessageQueueAssignment(JsonBody):
    """One assigned queue; ``mode`` is PULL or POP."""

    message_queue: MessageQueue | None = None
    mode: str | None = "PULL"
    attachments: dict[str, str] | None = None


class QueryAssignmentResponseBody(JsonBody):
    """Answer of QUERY_ASSIGNMENT."""

    message_queue_assignments: list[MessageQueueAssignment] = wire(
        default_factory=list[MessageQueueAssignment]
    )


class SetMessageRequestModeRequestBody(JsonBody):
    """Body of SET_MESSAGE_REQUEST_MODE (5.x)."""

    topic: str | None = None
    consumer_group: str | None = None
    mode: str | None = "PULL"
    pop_share_queue_num: int = 0


class ConsumeQueueData(JsonBody):
    """One entry of a consume queue."""

    physic_offset: int = 0
    physic_size: int = 0
    tags_code: int = 0
    extend_data_json: str | None = None
    bit_map: str | None = None
    eval: bool = False
    msg: str | None = None


class QueryConsumeQueueResponseBody(JsonBody):
    """Answer of QUERY_CONSUME_QUEUE."""

    subscription_data: SubscriptionData | None = None
    filter_data: str | None = None
    queue_data: list[ConsumeQueueData] = wire(default_factory=list[ConsumeQueueData])
    max_queue_index: int = 0
    min_queue_index: int = 0
