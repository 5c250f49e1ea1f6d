"""Headers of sending, sending back, replies, recalls and transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.base import Header, wire
from pyrocketmq.model.headers.routing import RpcRequestHeader, TopicRequestHeader

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "CheckTransactionStateRequestHeader",
    "CheckTransactionStateResponseHeader",
    "ConsumerSendMsgBackRequestHeader",
    "EndTransactionRequestHeader",
    "EndTransactionResponseHeader",
    "RecallMessageRequestHeader",
    "RecallMessageResponseHeader",
    "ReplyMessageRequestHeader",
    "ResumeCheckHalfMessageRequestHeader",
    "SendMessageRequestHeader",
    "SendMessageRequestHeaderV2",
    "SendMessageResponseHeader",
]


class SendMessageRequestHeader(TopicRequestHeader):
    """Send one message, long names; the form of the Go client and of replies (code 324).

    A negative ``queue_id`` lets the broker pick a queue at random.
    """

    CODE = RequestCode.SEND_MESSAGE

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: I32
    queue_id: I32
    sys_flag: I32
    born_timestamp: I64
    flag: I32
    properties: str | None = None
    reconsume_times: I32 | None = None
    unit_mode: bool | None = None
    batch: bool | None = None
    max_reconsume_times: I32 | None = None


class SendMessageRequestHeaderV2(TopicRequestHeader):
    """Send one message or a batch, one-letter names; also the header of codes 320 and 325.

    ``broker_name`` is the letter form of ``bname``. ``max_reconsume_times`` is only for messages to a retry
    topic.
    """

    CODE = RequestCode.SEND_MESSAGE_V2

    producer_group: str = wire("a")
    topic: str = wire("b")
    default_topic: str = wire("c")
    default_topic_queue_nums: I32 = wire("d")
    queue_id: I32 = wire("e")
    sys_flag: I32 = wire("f")
    born_timestamp: I64 = wire("g")
    flag: I32 = wire("h")
    properties: str | None = wire("i", default=None)
    reconsume_times: I32 | None = wire("j", default=None)
    unit_mode: bool | None = wire("k", default=None)
    max_reconsume_times: I32 | None = wire("l", default=None)
    batch: bool | None = wire("m", default=None)
    broker_name: str | None = wire("n", default=None)


class SendMessageResponseHeader(Header):
    """Where a message was stored.

    ``msg_id`` is the offset message id, or a comma-separated list of them for a batch. For delayed, timer and
    half messages it describes the internal record. 4.9.x sends no ``transaction_id``.
    """

    msg_id: str
    queue_id: I32
    queue_offset: I64
    transaction_id: str | None = None
    batch_uniq_id: str | None = None
    recall_handle: str | None = None


class ConsumerSendMsgBackRequestHeader(RpcRequestHeader):
    """Give a message back to be delivered later; ``offset`` is its commit-log offset.

    ``delay_level`` 0 lets the broker choose by the number of tries, -1 sends it to the dead letters now.
    """

    CODE = RequestCode.CONSUMER_SEND_MSG_BACK

    offset: I64
    group: str
    delay_level: I32
    origin_msg_id: str | None = None
    origin_topic: str | None = None
    unit_mode: bool | None = None
    max_reconsume_times: I32 | None = None


class EndTransactionRequestHeader(RpcRequestHeader):
    """Commit (8), roll back (12) or leave open (0) a half message. An open one is never answered.

    The offsets come from the send answer, or from the check request when ``from_transaction_check`` is set.
    """

    CODE = RequestCode.END_TRANSACTION

    topic: str | None = None
    producer_group: str
    tran_state_table_offset: I64
    commit_log_offset: I64
    commit_or_rollback: I32
    from_transaction_check: bool | None = None
    msg_id: str
    transaction_id: str | None = None


class EndTransactionResponseHeader(Header):
    """Answer to the end of a transaction; has no fields."""


class CheckTransactionStateRequestHeader(RpcRequestHeader):
    """Pushed by a broker to ask for the state of a half message; answered by an END_TRANSACTION request.

    Its ``topic`` is the internal half topic; the user's topic is in the message of the body.
    """

    CODE = RequestCode.CHECK_TRANSACTION_STATE

    topic: str | None = None
    tran_state_table_offset: I64
    commit_log_offset: I64
    msg_id: str | None = None
    transaction_id: str | None = None
    offset_msg_id: str | None = None


class CheckTransactionStateResponseHeader(Header):
    """Historic answer to a transaction check."""

    producer_group: str
    tran_state_table_offset: I64
    commit_log_offset: I64
    commit_or_rollback: I32


class RecallMessageRequestHeader(TopicRequestHeader):
    """Recall a timer message that is not due yet, by the handle of its send answer; 5.3 and later."""

    CODE = RequestCode.RECALL_MESSAGE

    producer_group: str | None = None
    topic: str
    recall_handle: str


class RecallMessageResponseHeader(Header):
    """Unique id of the recalled message."""

    msg_id: str


class ReplyMessageRequestHeader(TopicRequestHeader):
    """Pushed by a broker: the reply to a request message of this client.

    Unless the client answers it with code 0 the replier gets an error.
    """

    CODE = RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: I32
    queue_id: I32
    sys_flag: I32
    born_timestamp: I64
    flag: I32
    properties: str | None = None
    reconsume_times: I32 | None = None
    unit_mode: bool | None = None
    born_host: str
    store_host: str
    store_timestamp: I64


class ResumeCheckHalfMessageRequestHeader(Header):
    """Check a half message again that was given up."""

    CODE = RequestCode.RESUME_CHECK_HALF_MESSAGE

    topic: str | None = None
    msg_id: str | None = None
