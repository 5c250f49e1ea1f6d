"""A stored message sent once more: what is repeated of it, and where it goes. Knows no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.message import Message
from pyrocketmq._native.queuehash import pick_queue_go
from pyrocketmq.admin.results import SentMessage
from pyrocketmq.errors import AdminError
from pyrocketmq.model.names import DLQ_PREFIX, RETRY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq.admin.results import MessageView
    from pyrocketmq.broker.client import BrokerClient
    from pyrocketmq.model.message_queue import MessageQueue

__all__ = ["copy_of", "origin_of", "queue_for", "sent"]

_OF_ONE_DELIVERY: Final = """
    1ST_POP_TIME ARRIVE_TIME BORN_TIMESTAMP BUYER_ID CHECK_IMMUNITY_TIME_IN_SECONDS CLUSTER CONSUME_START_TIME
    CORRECTION_FLAG CORRELATION_ID DELAY DLQ_ORIGIN_MESSAGE_ID DLQ_ORIGIN_TOPIC DUP_INFO EXTEND_UNIQ_INFO
    INNER_BASE INNER_MULTI_DISPATCH INNER_MULTI_QUEUE_OFFSET INNER_NUM INSTANCE_ID MAX_OFFSET
    MAX_RECONSUME_TIMES MIN_OFFSET MQ2_FLAG MSG_REGION MSG_TYPE ORIGIN_MESSAGE_ID PGROUP POP_CK POP_CK_OFFSET
    PROPERTY_FORWARD_QUEUE_ID PUSH_REPLY_TIME REAL_QID REAL_TOPIC RECONSUME_TIME REDIRECT REPLY_TO_CLIENT
    RETRY_TOPIC TIMER_DELAY_LEVEL TIMER_DELAY_MS TIMER_DELAY_SEC TIMER_DELIVER_MS TIMER_DEL_UNIQKEY
    TIMER_DEQUEUE_MS TIMER_ENQUEUE_MS TIMER_OUT_MS TIMER_ROLL_LABEL TIMER_ROLL_TIMES TRACE_CONTEXT TRACE_ON
    TRANSACTION_CHECK_TIMES TRANSFER_FLAG TRANS_OFFSET TRAN_MSG TRAN_PREPARED_QUEUE_OFFSET TTL UNIQ_KEY WAIT
    __BORNHOST __CRC32# __transactionId__
"""
_NOT_SENT_AGAIN: Final = frozenset(_OF_ONE_DELIVERY.split())
"""Properties of one delivery, set by clients and brokers; what the sender said of the message is kept."""


def copy_of(found: MessageView, topic: str) -> Message:
    """A message with what its sender said, for a topic."""
    kept = {name: value for name, value in found.properties.items() if name not in _NOT_SENT_AGAIN}
    for name in ("TAGS", "KEYS"):
        kept.pop(name, None)
    return Message(topic, found.body, found.tags, found.keys, flag=found.flag, properties=kept)


def origin_of(found: MessageView) -> str:
    """The topic that a message was sent to at first.

    Raises:
        AdminError: it is in a retry topic or the dead letters, and does not say.
    """
    if not found.topic.startswith((RETRY_PREFIX, DLQ_PREFIX)):
        return found.topic
    origin = found.properties.get("DLQ_ORIGIN_TOPIC") or found.properties.get("RETRY_TOPIC")
    if not origin:
        raise AdminError(
            f"message {found.msg_id} of {found.topic} does not say which topic it came from",
            field="to_topic",
            likely="it was sent there, and not given back by a consumer",
            advice="name the topic to send it to",
        )
    return origin


def queue_for(message: Message, found: MessageView, queues: Sequence[MessageQueue]) -> MessageQueue:
    """The queue of its sharding key, or the one that it was in, or the next best."""
    if message.sharding_key:
        return queues[pick_queue_go(message.sharding_key, len(queues))]
    same_broker = [queue for queue in queues if queue.broker_name == found.broker] or queues
    return next((queue for queue in same_broker if queue.queue_id == found.queue_id), same_broker[0])


def sent(message: Message, client: BrokerClient, result: SendResult) -> SentMessage:
    """The record of a send that a broker took."""
    return SentMessage(
        message.topic,
        result.msg_id or "",
        result.offset_msg_id or "",
        client.broker_name,
        result.queue_id,
        result.queue_offset,
        result.status.name if result.status is not None else "",
    )
