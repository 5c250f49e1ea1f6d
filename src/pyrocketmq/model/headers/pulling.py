"""Headers of pulling, of offsets, and of looking messages up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import BoundaryType, RequestCode
from pyrocketmq.model.headers.base import Header, wire
from pyrocketmq.model.headers.routing import TopicRequestHeader

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "GetEarliestMsgStoretimeRequestHeader",
    "GetEarliestMsgStoretimeResponseHeader",
    "GetMaxOffsetRequestHeader",
    "GetMaxOffsetResponseHeader",
    "GetMinOffsetRequestHeader",
    "GetMinOffsetResponseHeader",
    "InitConsumerOffsetRequestHeader",
    "PullMessageRequestHeader",
    "PullMessageResponseHeader",
    "QueryConsumeQueueRequestHeader",
    "QueryConsumerOffsetRequestHeader",
    "QueryConsumerOffsetResponseHeader",
    "QueryCorrectionOffsetHeader",
    "QueryMessageRequestHeader",
    "QueryMessageResponseHeader",
    "SearchOffsetRequestHeader",
    "SearchOffsetResponseHeader",
    "StatisticsMessagesRequestHeader",
    "UpdateConsumerOffsetRequestHeader",
    "UpdateConsumerOffsetResponseHeader",
    "ViewMessageRequestHeader",
    "ViewMessageResponseHeader",
]

UNIQUE_KEY_QUERY: Final = "_UNIQUE_KEY_QUERY"
"""An ext field of QUERY_MESSAGE that is no field of its header: the key is a client's message id."""


class PullMessageRequestHeader(TopicRequestHeader):
    """Pull messages of one queue; also the header of LITE_PULL_MESSAGE.

    ``sys_flag`` says which other fields count, see ``build_pull_sys_flag``.
    """

    CODE = RequestCode.PULL_MESSAGE

    consumer_group: str
    topic: str
    lite_topic: str | None = None
    queue_id: I32
    queue_offset: I64
    max_msg_nums: I32
    sys_flag: I32
    commit_offset: I64
    suspend_timeout_millis: I64
    subscription: str | None = None
    sub_version: I64
    expression_type: str | None = None
    max_msg_bytes: I32 | None = None
    request_source: I32 | None = None
    proxy_forward_client_id: str | None = wire("proxyFrowardClientId", default=None)


class PullMessageResponseHeader(Header):
    """Where to go on after a pull. Continue at ``next_begin_offset``, whatever the answer's code.

    4.9.x sends the four offsets only. ``offset_delta`` (static topics) is to be added to each queue offset.
    """

    suggest_which_broker_id: I64
    next_begin_offset: I64
    min_offset: I64
    max_offset: I64
    offset_delta: I64 | None = None
    topic_sys_flag: I32 | None = None
    group_sys_flag: I32 | None = None
    forbidden_type: I32 | None = None


class QueryConsumerOffsetRequestHeader(TopicRequestHeader):
    """Ask for a group's stored offset.

    With ``set_zero_if_not_found=False`` a 5.x broker says "not found" where it would say 0 for a young queue.
    """

    CODE = RequestCode.QUERY_CONSUMER_OFFSET

    consumer_group: str
    topic: str
    queue_id: I32
    set_zero_if_not_found: bool | None = None


class QueryConsumerOffsetResponseHeader(Header):
    """A group's stored offset."""

    offset: I64


class UpdateConsumerOffsetRequestHeader(TopicRequestHeader):
    """Store a group's offset. Brokers do not check its range."""

    CODE = RequestCode.UPDATE_CONSUMER_OFFSET

    consumer_group: str
    topic: str
    queue_id: I32
    commit_offset: I64


class UpdateConsumerOffsetResponseHeader(Header):
    """Answer to a stored offset; has no fields."""


class GetMaxOffsetRequestHeader(TopicRequestHeader):
    """Ask for the offset after the last message; unknown topics and queues get 0."""

    CODE = RequestCode.GET_MAX_OFFSET

    topic: str
    queue_id: I32
    committed: bool | None = None


class GetMaxOffsetResponseHeader(Header):
    """The offset after the last message."""

    offset: I64


class GetMinOffsetRequestHeader(TopicRequestHeader):
    """Ask for the offset of the first message still stored."""

    CODE = RequestCode.GET_MIN_OFFSET

    topic: str
    queue_id: I32


class GetMinOffsetResponseHeader(Header):
    """The offset of the first message still stored."""

    offset: I64


class SearchOffsetRequestHeader(TopicRequestHeader):
    """Ask for the offset of a store time in ms. 4.9.x ignores ``boundary_type``."""

    CODE = RequestCode.SEARCH_OFFSET_BY_TIMESTAMP

    topic: str
    lite_topic: str | None = None
    queue_id: I32
    timestamp: I64
    boundary_type: BoundaryType | None = None


class SearchOffsetResponseHeader(Header):
    """The offset of a store time."""

    offset: I64


class GetEarliestMsgStoretimeRequestHeader(TopicRequestHeader):
    """Ask for the store time of a queue's first message."""

    CODE = RequestCode.GET_EARLIEST_MSG_STORETIME

    topic: str
    queue_id: I32


class GetEarliestMsgStoretimeResponseHeader(Header):
    """Store time of a queue's first message in ms, -1 for an empty queue."""

    timestamp: I64


class ViewMessageRequestHeader(Header):
    """Ask for the message at a commit-log offset, the one that an offset message id names."""

    CODE = RequestCode.VIEW_MESSAGE_BY_ID

    topic: str | None = None
    offset: I64


class ViewMessageResponseHeader(Header):
    """Answer with a message in its body; has no fields."""


class QueryMessageRequestHeader(TopicRequestHeader):
    """Look messages up by an index key, in a span of store times in ms.

    Index hashes collide, so the found messages must be filtered by the caller. ``index_type`` is K (key), U
    (unique id) or T (tag), 5.x only.
    """

    CODE = RequestCode.QUERY_MESSAGE

    topic: str
    key: str
    max_num: I32
    begin_timestamp: I64
    end_timestamp: I64
    index_type: str | None = None
    last_key: str | None = None


class QueryMessageResponseHeader(Header):
    """How far the index has got."""

    index_last_update_timestamp: I64
    index_last_update_phyoffset: I64


class QueryConsumeQueueRequestHeader(TopicRequestHeader):
    """Ask for raw entries of a consume queue."""

    CODE = RequestCode.QUERY_CONSUME_QUEUE

    topic: str | None = None
    queue_id: I32 | None = None
    index: I64 | None = None
    count: I32 | None = None
    consumer_group: str | None = None


class QueryCorrectionOffsetHeader(TopicRequestHeader):
    """Ask for the offsets to which groups should be corrected."""

    CODE = RequestCode.QUERY_CORRECTION_OFFSET

    filter_groups: str | None = None
    compare_group: str
    topic: str


class InitConsumerOffsetRequestHeader(TopicRequestHeader):
    """Let servers set a topic's first consumer offsets."""

    topic: str | None = None
    init_mode: I32 | None = None


class StatisticsMessagesRequestHeader(TopicRequestHeader):
    """Ask for the number of messages in a span of time."""

    consumer_group: str
    topic: str
    queue_id: I32
    from_time: I64 | None = None
    to_time: I64 | None = None
