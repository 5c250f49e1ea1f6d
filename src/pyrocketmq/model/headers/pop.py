"""Headers of the pop family and of lite topics, 5.x only; their codes need the JSON header codec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.base import Header
from pyrocketmq.model.headers.routing import RpcRequestHeader, TopicRequestHeader

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "AckMessageRequestHeader",
    "ChangeInvisibleTimeRequestHeader",
    "ChangeInvisibleTimeResponseHeader",
    "GetLiteClientInfoRequestHeader",
    "GetLiteGroupInfoRequestHeader",
    "GetLiteTopicInfoRequestHeader",
    "GetParentTopicInfoRequestHeader",
    "LiteSubscriptionCtlRequestHeader",
    "NotificationRequestHeader",
    "NotificationResponseHeader",
    "NotifyUnsubscribeLiteRequestHeader",
    "PeekMessageRequestHeader",
    "PollingInfoRequestHeader",
    "PollingInfoResponseHeader",
    "PopLiteMessageRequestHeader",
    "PopLiteMessageResponseHeader",
    "PopMessageRequestHeader",
    "PopMessageResponseHeader",
    "TriggerLiteDispatchRequestHeader",
]


class PopMessageRequestHeader(TopicRequestHeader):
    """Pop messages of a topic; ``queue_id`` -1 means any queue. Times are in ms."""

    CODE = RequestCode.POP_MESSAGE

    consumer_group: str
    topic: str
    queue_id: I32
    max_msg_nums: I32
    invisible_time: I64
    poll_time: I64
    born_time: I64
    init_mode: I32
    exp_type: str | None = None
    exp: str | None = None
    order: bool | None = None
    attempt_id: str | None = None


class PopMessageResponseHeader(Header):
    """The three info strings from which the handle of each popped message is built.

    They are empty when nothing came within the poll time.
    """

    pop_time: I64
    invisible_time: I64
    revive_qid: I32
    rest_num: I64
    start_offset_info: str | None = None
    msg_offset_info: str | None = None
    order_count_info: str | None = None


class AckMessageRequestHeader(TopicRequestHeader):
    """Acknowledge one popped message; ``extra_info`` is its pop handle."""

    CODE = RequestCode.ACK_MESSAGE

    consumer_group: str
    topic: str
    queue_id: I32
    extra_info: str
    offset: I64
    lite_topic: str | None = None


class ChangeInvisibleTimeRequestHeader(TopicRequestHeader):
    """Make a popped message visible again sooner or later; its old handle is void afterwards."""

    CODE = RequestCode.CHANGE_MESSAGE_INVISIBLETIME

    consumer_group: str
    topic: str
    queue_id: I32
    extra_info: str
    offset: I64
    invisible_time: I64
    lite_topic: str | None = None
    suspend: bool | None = None


class ChangeInvisibleTimeResponseHeader(Header):
    """What the new handle of the message is built from."""

    pop_time: I64
    invisible_time: I64
    revive_qid: I32


class PeekMessageRequestHeader(TopicRequestHeader):
    """Look at messages without taking them."""

    CODE = RequestCode.PEEK_MESSAGE

    topic: str
    queue_id: I32
    max_msg_nums: I32
    consumer_group: str


class NotificationRequestHeader(TopicRequestHeader):
    """Wait until there is something to pop."""

    CODE = RequestCode.NOTIFICATION

    consumer_group: str
    topic: str
    queue_id: I32
    poll_time: I64
    born_time: I64
    order: bool | None = None
    attempt_id: str | None = None
    exp_type: str | None = None
    exp: str | None = None


class NotificationResponseHeader(Header):
    """Whether there is something to pop, and whether the broker could not hold the question."""

    has_msg: bool
    polling_full: bool | None = None


class PollingInfoRequestHeader(TopicRequestHeader):
    """Ask how many pops wait on a queue."""

    CODE = RequestCode.POLLING_INFO

    consumer_group: str
    topic: str
    queue_id: I32


class PollingInfoResponseHeader(Header):
    """How many pops wait on a queue."""

    polling_num: I32


class PopLiteMessageRequestHeader(RpcRequestHeader):
    """Pop messages of the lite topics that a client subscribes; 5.5."""

    CODE = RequestCode.POP_LITE_MESSAGE

    client_id: str
    consumer_group: str
    topic: str
    max_msg_num: I32
    invisible_time: I64
    poll_time: I64
    born_time: I64
    attempt_id: str | None = None


class PopLiteMessageResponseHeader(Header):
    """Answer to a pop of lite topics; 5.5."""

    pop_time: I64
    invisible_time: I64
    revive_qid: I32
    start_offset_info: str | None = None
    msg_offset_info: str | None = None
    order_count_info: str | None = None


class LiteSubscriptionCtlRequestHeader(RpcRequestHeader):
    """Change lite subscriptions; what changes is in the body; 5.5."""

    CODE = RequestCode.LITE_SUBSCRIPTION_CTL


class NotifyUnsubscribeLiteRequestHeader(RpcRequestHeader):
    """Pushed by a broker: a lite subscription of this client has ended; 5.5."""

    CODE = RequestCode.NOTIFY_UNSUBSCRIBE_LITE

    lite_topic: str
    consumer_group: str
    client_id: str


class GetLiteClientInfoRequestHeader(Header):
    """Ask for a client's lite subscriptions; 5.5."""

    CODE = RequestCode.GET_LITE_CLIENT_INFO

    parent_topic: str | None = None
    group: str | None = None
    client_id: str | None = None
    max_count: I32 | None = None


class GetLiteGroupInfoRequestHeader(Header):
    """Ask for a group's lite topics with the most lag; 5.5."""

    CODE = RequestCode.GET_LITE_GROUP_INFO

    group: str
    lite_topic: str | None = None
    top_k: I32 | None = None


class GetLiteTopicInfoRequestHeader(Header):
    """Ask for the state of one lite topic; 5.5."""

    CODE = RequestCode.GET_LITE_TOPIC_INFO

    parent_topic: str | None = None
    lite_topic: str | None = None


class GetParentTopicInfoRequestHeader(Header):
    """Ask for the lite topics below a topic; 5.5."""

    CODE = RequestCode.GET_PARENT_TOPIC_INFO

    topic: str


class TriggerLiteDispatchRequestHeader(Header):
    """Dispatch a group's lite topics again; 5.5."""

    CODE = RequestCode.TRIGGER_LITE_DISPATCH

    group: str
    client_id: str | None = None
