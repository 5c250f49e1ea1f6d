"""Creators of the pop family, 5.x only; their codes from 200050 on need the JSON header codec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.pop import (
    AckMessageRequestHeader,
    ChangeInvisibleTimeRequestHeader,
    NotificationRequestHeader,
    PeekMessageRequestHeader,
    PollingInfoRequestHeader,
    PopMessageRequestHeader,
)
from pyrocketmq.model.requests.making import make_request, now_ms

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.requests.making import RequestBody

__all__ = ["PopRequests"]


class PopRequests:
    """Requests of consumers that let the broker keep track of what they took. All times are in ms."""

    @staticmethod
    def create_pop_message_request(
        consumer_group: str,
        topic: str,
        queue_id: int = -1,
        max_msg_nums: int = 32,
        *,
        invisible_time: int = 60_000,
        poll_time: int = 15_000,
        born_time: int | None = None,
        init_mode: int = 1,
        exp_type: str | None = "TAG",
        exp: str | None = "*",
        order: bool = False,
        attempt_id: str | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """POP_MESSAGE: messages that stay invisible to others until acknowledged or a time has passed.

        Args:
            consumer_group: the group that pops.
            topic: the topic.
            queue_id: number of the queue, -1 = any.
            max_msg_nums: messages wanted.
            invisible_time: how long the messages stay invisible.
            poll_time: how long the broker may hold the request; POLLING_TIMEOUT when nothing came.
            born_time: when the request was made; None = now.
            init_mode: where a new group begins: 0 at the first message, 1 at the last.
            exp_type: ``TAG`` or ``SQL92``.
            exp: which messages.
            order: whether the group consumes in order.
            attempt_id: the same for repeated tries of one ordered pop.
            bname: name of the broker.
        """
        header = PopMessageRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            max_msg_nums=max_msg_nums,
            invisible_time=invisible_time,
            poll_time=poll_time,
            born_time=now_ms() if born_time is None else born_time,
            init_mode=init_mode,
            exp_type=exp_type,
            exp=exp,
            order=order,
            attempt_id=attempt_id,
            bname=bname,
        )
        return make_request(RequestCode.POP_MESSAGE, header)

    @staticmethod
    def create_ack_message_request(
        consumer_group: str,
        topic: str,
        queue_id: int,
        extra_info: str,
        offset: int,
        *,
        lite_topic: str | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """ACK_MESSAGE: a popped message is done; ``extra_info`` is its handle (property POP_CK)."""
        header = AckMessageRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            extra_info=extra_info,
            offset=offset,
            lite_topic=lite_topic,
            bname=bname,
        )
        return make_request(RequestCode.ACK_MESSAGE, header)

    @staticmethod
    def create_batch_ack_message_request(body: RequestBody) -> RemotingCommand:
        """BATCH_ACK_MESSAGE: many popped messages are done; the body is a BatchAckMessageRequestBody."""
        return make_request(RequestCode.BATCH_ACK_MESSAGE, body=body)

    @staticmethod
    def create_change_invisible_time_request(
        consumer_group: str,
        topic: str,
        queue_id: int,
        extra_info: str,
        offset: int,
        *,
        invisible_time: int,
        lite_topic: str | None = None,
        suspend: bool | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """CHANGE_MESSAGE_INVISIBLETIME: show a popped message again sooner or later.

        The old handle is void afterwards; the answer has what the new one is made of.
        """
        header = ChangeInvisibleTimeRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            extra_info=extra_info,
            offset=offset,
            invisible_time=invisible_time,
            lite_topic=lite_topic,
            suspend=suspend,
            bname=bname,
        )
        return make_request(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, header)

    @staticmethod
    def create_peek_message_request(
        consumer_group: str, topic: str, queue_id: int, max_msg_nums: int, *, bname: str | None = None
    ) -> RemotingCommand:
        """PEEK_MESSAGE: look at messages without taking them."""
        header = PeekMessageRequestHeader(
            topic=topic,
            queue_id=queue_id,
            max_msg_nums=max_msg_nums,
            consumer_group=consumer_group,
            bname=bname,
        )
        return make_request(RequestCode.PEEK_MESSAGE, header)

    @staticmethod
    def create_notification_request(
        consumer_group: str,
        topic: str,
        queue_id: int = -1,
        *,
        poll_time: int = 15_000,
        born_time: int | None = None,
        order: bool = False,
        attempt_id: str | None = None,
        exp_type: str | None = None,
        exp: str | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """NOTIFICATION: wait until there is something to pop."""
        header = NotificationRequestHeader(
            consumer_group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            poll_time=poll_time,
            born_time=now_ms() if born_time is None else born_time,
            order=order,
            attempt_id=attempt_id,
            exp_type=exp_type,
            exp=exp,
            bname=bname,
        )
        return make_request(RequestCode.NOTIFICATION, header)

    @staticmethod
    def create_polling_info_request(
        consumer_group: str, topic: str, queue_id: int, *, bname: str | None = None
    ) -> RemotingCommand:
        """POLLING_INFO: how many pops wait on a queue."""
        header = PollingInfoRequestHeader(
            consumer_group=consumer_group, topic=topic, queue_id=queue_id, bname=bname
        )
        return make_request(RequestCode.POLLING_INFO, header)

    @staticmethod
    def create_query_assignment_request(body: RequestBody) -> RemotingCommand:
        """QUERY_ASSIGNMENT: let the broker allocate; the body is a QueryAssignmentRequestBody.

        A 4.9.x broker answers REQUEST_CODE_NOT_SUPPORTED: allocate on the client then.
        """
        return make_request(RequestCode.QUERY_ASSIGNMENT, body=body)

    @staticmethod
    def create_set_message_request_mode_request(body: RequestBody) -> RemotingCommand:
        """SET_MESSAGE_REQUEST_MODE: pull or pop for a group; the body: SetMessageRequestModeRequestBody."""
        return make_request(RequestCode.SET_MESSAGE_REQUEST_MODE, body=body)

    @staticmethod
    def create_get_all_message_request_mode_request() -> RemotingCommand:
        """GET_ALL_MESSAGE_REQUEST_MODE: which groups pop and which pull."""
        return make_request(RequestCode.GET_ALL_MESSAGE_REQUEST_MODE)
