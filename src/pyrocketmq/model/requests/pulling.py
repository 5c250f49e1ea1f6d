"""Creators of pulls, of requests about offsets, and of message look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.flags import build_pull_sys_flag
from pyrocketmq.model.headers.pulling import (
    UNIQUE_KEY_QUERY,
    GetEarliestMsgStoretimeRequestHeader,
    GetMaxOffsetRequestHeader,
    GetMinOffsetRequestHeader,
    PullMessageRequestHeader,
    QueryConsumeQueueRequestHeader,
    QueryConsumerOffsetRequestHeader,
    QueryCorrectionOffsetHeader,
    QueryMessageRequestHeader,
    SearchOffsetRequestHeader,
    UpdateConsumerOffsetRequestHeader,
    ViewMessageRequestHeader,
)
from pyrocketmq.model.requests.making import make_request

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.enums import BoundaryType

__all__ = ["PullingRequests"]

_END_OF_TIME_MS: Final = (1 << 63) - 1


class PullingRequests:
    """Requests that read messages, or read and set offsets."""

    @staticmethod
    def create_pull_message_request(
        consumer_group: str,
        topic: str,
        queue_id: int,
        queue_offset: int,
        max_msg_nums: int,
        *,
        subscription: str | None = "*",
        expression_type: str | None = "TAG",
        sub_version: int = 0,
        commit_offset: int | None = None,
        suspend_timeout_millis: int = 0,
        sys_flag: int | None = None,
        max_msg_bytes: int | None = None,
        lite_topic: str | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """PULL_MESSAGE: messages of one queue.

        Args:
            consumer_group: the group that pulls.
            topic: topic of the queue.
            queue_id: number of the queue.
            queue_offset: where to begin.
            max_msg_nums: messages wanted; the broker may send fewer, and stops after 256 KiB.
            subscription: which messages; None = what the broker learned from the heartbeat.
            expression_type: ``TAG`` or ``SQL92``.
            sub_version: version of the subscription; one newer than the broker's is refused.
            commit_offset: offset to store on the way; not for a pull from a slave.
            suspend_timeout_millis: how long the broker may hold the request; 0 = not at all. The answer may
                come up to 5 s later than this.
            sys_flag: bits of ``PullSysFlag``; None = what the other arguments mean.
            max_msg_bytes: bytes wanted, 5.x only.
            lite_topic: a lite topic below the topic, 5.5 only.
            bname: name of the broker.
        """
        if sys_flag is None:
            sys_flag = build_pull_sys_flag(
                commit_offset=commit_offset is not None,
                suspend=suspend_timeout_millis > 0,
                subscription=subscription is not None,
            )
        header = PullMessageRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            lite_topic=lite_topic,
            queue_id=queue_id,
            queue_offset=queue_offset,
            max_msg_nums=max_msg_nums,
            sys_flag=sys_flag,
            commit_offset=0 if commit_offset is None else commit_offset,
            suspend_timeout_millis=suspend_timeout_millis,
            subscription=subscription,
            sub_version=sub_version,
            expression_type=expression_type,
            max_msg_bytes=max_msg_bytes,
            bname=bname,
        )
        return make_request(RequestCode.PULL_MESSAGE, header)

    @staticmethod
    def create_lite_pull_message_request(
        consumer_group: str,
        topic: str,
        queue_id: int,
        queue_offset: int,
        max_msg_nums: int,
        *,
        subscription: str | None = "*",
        expression_type: str | None = "TAG",
        sub_version: int = 0,
        suspend_timeout_millis: int = 0,
        max_msg_bytes: int | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """LITE_PULL_MESSAGE (5.x): the same for a consumer that assigns and commits by itself."""
        sys_flag = build_pull_sys_flag(
            suspend=suspend_timeout_millis > 0, subscription=subscription is not None, lite_pull=True
        )
        header = PullMessageRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            queue_offset=queue_offset,
            max_msg_nums=max_msg_nums,
            sys_flag=sys_flag,
            commit_offset=0,
            suspend_timeout_millis=suspend_timeout_millis,
            subscription=subscription,
            sub_version=sub_version,
            expression_type=expression_type,
            max_msg_bytes=max_msg_bytes,
            bname=bname,
        )
        return make_request(RequestCode.LITE_PULL_MESSAGE, header)

    @staticmethod
    def create_query_consumer_offset_request(
        consumer_group: str,
        topic: str,
        queue_id: int,
        *,
        set_zero_if_not_found: bool | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """QUERY_CONSUMER_OFFSET: a group's stored offset.

        A queue that still begins at 0 and is young answers 0 although nothing is stored. On 5.x
        ``set_zero_if_not_found=False`` gets QUERY_NOT_FOUND instead.
        """
        header = QueryConsumerOffsetRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            set_zero_if_not_found=set_zero_if_not_found,
            bname=bname,
        )
        return make_request(RequestCode.QUERY_CONSUMER_OFFSET, header)

    @staticmethod
    def create_update_consumer_offset_request(
        consumer_group: str, topic: str, queue_id: int, commit_offset: int, *, bname: str | None = None
    ) -> RemotingCommand:
        """UPDATE_CONSUMER_OFFSET: store a group's offset. Brokers store any number, even one past the end."""
        header = UpdateConsumerOffsetRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            commit_offset=commit_offset,
            bname=bname,
        )
        return make_request(RequestCode.UPDATE_CONSUMER_OFFSET, header)

    @staticmethod
    def create_get_max_offset_request(
        topic: str, queue_id: int, *, committed: bool | None = None, bname: str | None = None
    ) -> RemotingCommand:
        """GET_MAX_OFFSET: the offset after the last message; 0 for unknown topics and queues."""
        header = GetMaxOffsetRequestHeader(topic=topic, queue_id=queue_id, committed=committed, bname=bname)
        return make_request(RequestCode.GET_MAX_OFFSET, header)

    @staticmethod
    def create_get_min_offset_request(
        topic: str, queue_id: int, *, bname: str | None = None
    ) -> RemotingCommand:
        """GET_MIN_OFFSET: the offset of the first message still stored."""
        header = GetMinOffsetRequestHeader(topic=topic, queue_id=queue_id, bname=bname)
        return make_request(RequestCode.GET_MIN_OFFSET, header)

    @staticmethod
    def create_search_offset_request(
        topic: str,
        queue_id: int,
        timestamp: int,
        *,
        boundary_type: BoundaryType | None = None,
        lite_topic: str | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """SEARCH_OFFSET_BY_TIMESTAMP: the offset of the first message stored at or after a time in ms.

        Past the last message 5.x answers the maximum and 4.9.x one less; 4.9.x ignores ``boundary_type``.
        """
        header = SearchOffsetRequestHeader(
            topic=topic,
            lite_topic=lite_topic,
            queue_id=queue_id,
            timestamp=timestamp,
            boundary_type=boundary_type,
            bname=bname,
        )
        return make_request(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, header)

    @staticmethod
    def create_get_earliest_msg_storetime_request(
        topic: str, queue_id: int, *, bname: str | None = None
    ) -> RemotingCommand:
        """GET_EARLIEST_MSG_STORETIME: store time of a queue's first message in ms, -1 for an empty queue."""
        header = GetEarliestMsgStoretimeRequestHeader(topic=topic, queue_id=queue_id, bname=bname)
        return make_request(RequestCode.GET_EARLIEST_MSG_STORETIME, header)

    @staticmethod
    def create_view_message_request(offset: int, *, topic: str | None = None) -> RemotingCommand:
        """VIEW_MESSAGE_BY_ID: the message at a commit-log offset, of the broker that the message id names."""
        return make_request(
            RequestCode.VIEW_MESSAGE_BY_ID, ViewMessageRequestHeader(topic=topic, offset=offset)
        )

    @staticmethod
    def create_query_message_request(
        topic: str,
        key: str,
        *,
        max_num: int = 32,
        begin_timestamp: int = 0,
        end_timestamp: int = _END_OF_TIME_MS,
        unique_key: bool = False,
        index_type: str | None = None,
        last_key: str | None = None,
    ) -> RemotingCommand:
        """QUERY_MESSAGE: messages by an index key, or with ``unique_key`` by a client message id.

        Index hashes collide: filter the answer by the key. Times are store times in ms. ``index_type`` (5.x)
        is K for keys, U for unique ids, T for tags.
        """
        header = QueryMessageRequestHeader(
            topic=topic,
            key=key,
            max_num=max_num,
            begin_timestamp=begin_timestamp,
            end_timestamp=end_timestamp,
            index_type=index_type,
            last_key=last_key,
        )
        command = make_request(RequestCode.QUERY_MESSAGE, header)
        if unique_key:
            command.ext_fields = {**header.to_ext_fields(), UNIQUE_KEY_QUERY: "true"}
        return command

    @staticmethod
    def create_query_consume_queue_request(
        topic: str, queue_id: int, index: int, count: int, *, consumer_group: str | None = None
    ) -> RemotingCommand:
        """QUERY_CONSUME_QUEUE: raw entries of a consume queue, and whether a group's filter passes them."""
        header = QueryConsumeQueueRequestHeader(
            topic=topic, queue_id=queue_id, index=index, count=count, consumer_group=consumer_group
        )
        return make_request(RequestCode.QUERY_CONSUME_QUEUE, header)

    @staticmethod
    def create_query_correction_offset_request(
        topic: str, compare_group: str, *, filter_groups: str | None = None
    ) -> RemotingCommand:
        """QUERY_CORRECTION_OFFSET: the offsets to which other groups of a topic should be corrected."""
        header = QueryCorrectionOffsetHeader(
            filter_groups=filter_groups, compare_group=compare_group, topic=topic
        )
        return make_request(RequestCode.QUERY_CORRECTION_OFFSET, header)
