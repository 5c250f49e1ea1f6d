"""Pop consumption (5.x): the broker keeps track of who has which message."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.broker.reading import HELD_ANSWER_S
from pyrocketmq.model.broker_data import MessageRequestModes
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.headers.pop import (
    ChangeInvisibleTimeResponseHeader,
    NotificationResponseHeader,
    PollingInfoResponseHeader,
)
from pyrocketmq.model.message_results import MessageResults
from pyrocketmq.model.pop import BatchAck, BatchAckMessageRequestBody, PopReceipt, encode_bits
from pyrocketmq.model.pop_results import PopResult
from pyrocketmq.model.result_data import (
    MessageQueueAssignment,
    QueryAssignmentRequestBody,
    QueryAssignmentResponseBody,
    SetMessageRequestModeRequestBody,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PoppingCalls"]

_POPPED = (ResponseCode.PULL_NOT_FOUND, ResponseCode.POLLING_FULL, ResponseCode.POLLING_TIMEOUT)


class PoppingCalls(BrokerCalls):
    """Pop, acknowledge, change the invisible time. A 4.9 broker answers with UnsupportedRequestError."""

    async def pop_message(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int = -1,
        max_msg_nums: int = 32,
        *,
        invisible_time: float = 60.0,
        hold: float = 0.0,
        init_mode: int = 1,
        expression: str = "*",
        expression_type: str = "TAG",
        order: bool = False,
        attempt_id: str | None = None,
        timeout: float | None = None,
    ) -> PopResult:
        """Messages that nobody else of the group gets until they are acknowledged or their time is over.

        Args:
            consumer_group: the group.
            topic: the topic.
            queue_id: number of the queue, -1 = any.
            max_msg_nums: messages wanted, at most 32.
            invisible_time: seconds until a message that was not acknowledged comes again.
            hold: seconds that the broker may wait for messages.
            init_mode: where a new group begins: 0 at the first message, 1 at the last.
            expression: which messages.
            expression_type: ``TAG`` or ``SQL92``.
            order: whether the group consumes in order.
            attempt_id: the same for repeated tries of one ordered pop.
            timeout: seconds for this call; by default that of the settings, and more than ``hold``.
        """
        request = Requests.create_pop_message_request(
            consumer_group,
            topic,
            queue_id,
            max_msg_nums,
            invisible_time=round(invisible_time * 1000),
            poll_time=round(hold * 1000),
            init_mode=init_mode,
            exp_type=expression_type,
            exp=expression,
            order=order,
            attempt_id=attempt_id,
            bname=self.broker_name or None,
        )
        answer = await self._call(request, _held(timeout, hold), also=_POPPED)
        return PopResult.from_command(answer, broker_name=self.broker_name or self.address)

    async def ack_message(
        self,
        consumer_group: str,
        topic: str,
        receipt: PopReceipt | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """A popped message is done. Doing it twice is fine.

        Args:
            consumer_group: the group that popped it.
            topic: the topic that was popped, also for a message that came out of the retry topic.
            receipt: the receipt of the message, or its text.
            timeout: seconds for this call.

        Raises:
            NotFoundError: the queue has no such offset.
        """
        receipt = _receipt(receipt)
        request = Requests.create_ack_message_request(
            consumer_group,
            receipt.real_topic(topic, consumer_group),
            receipt.queue_id,
            receipt.encode(),
            _offset(receipt),
            bname=self.broker_name or None,
        )
        await self._call(request, timeout)

    async def batch_ack_message(
        self,
        consumer_group: str,
        topic: str,
        receipts: Iterable[PopReceipt | str],
        *,
        timeout: float | None = None,
    ) -> None:
        """Many popped messages are done, in one request."""
        ordered = sorted(map(_receipt, receipts), key=lambda receipt: (_pop_of(receipt), _offset(receipt)))
        acks: list[BatchAck] = []
        for _, same in groupby(ordered, key=_pop_of):
            members = list(same)
            first = members[0]
            acks.append(
                BatchAck(
                    consumer_group=consumer_group,
                    topic=topic,
                    retry=first.retry,
                    start_offset=first.ck_queue_offset,
                    queue_id=first.queue_id,
                    revive_queue_id=first.revive_queue_id,
                    pop_time=first.pop_time,
                    invisible_time=first.invisible_time,
                    bits=encode_bits(_offset(member) - first.ck_queue_offset for member in members),
                )
            )
        if acks:
            body = BatchAckMessageRequestBody(ordered[0].broker_name, acks)
            await self._call(Requests.create_batch_ack_message_request(body), timeout)

    async def change_invisible_time(
        self,
        consumer_group: str,
        topic: str,
        receipt: PopReceipt | str,
        invisible_time: float,
        *,
        timeout: float | None = None,
    ) -> PopReceipt:
        """Let a popped message come again ``invisible_time`` seconds from now.

        Returns:
            The new receipt of the message; the old one is void.
        """
        receipt = _receipt(receipt)
        request = Requests.create_change_invisible_time_request(
            consumer_group,
            receipt.real_topic(topic, consumer_group),
            receipt.queue_id,
            receipt.encode(),
            _offset(receipt),
            invisible_time=round(invisible_time * 1000),
            bname=self.broker_name or None,
        )
        answer = await self._call(request, timeout)
        header = ChangeInvisibleTimeResponseHeader.from_ext_fields(answer.ext_fields)
        return receipt.replace(
            ck_queue_offset=_offset(receipt),
            pop_time=header.pop_time,
            invisible_time=header.invisible_time,
            revive_queue_id=header.revive_qid,
        )

    async def peek_message(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        max_msg_nums: int = 32,
        *,
        timeout: float | None = None,
    ) -> MessageResults:
        """The messages that a pop would give, without taking them."""
        request = Requests.create_peek_message_request(
            consumer_group, topic, queue_id, max_msg_nums, bname=self.broker_name or None
        )
        answer = await self._call(request, timeout, also=_POPPED)
        return MessageResults.decode(answer.body, broker_name=self.broker_name)

    async def has_message(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int = -1,
        *,
        hold: float = 0.0,
        order: bool = False,
        timeout: float | None = None,
    ) -> bool:
        """Whether there is something to pop; the broker may wait ``hold`` seconds for it."""
        request = Requests.create_notification_request(
            consumer_group,
            topic,
            queue_id,
            poll_time=round(hold * 1000),
            order=order,
            bname=self.broker_name or None,
        )
        answer = await self._call(request, _held(timeout, hold))
        return NotificationResponseHeader.from_ext_fields(answer.ext_fields).has_msg

    async def get_polling_num(
        self, consumer_group: str, topic: str, queue_id: int, *, timeout: float | None = None
    ) -> int:
        """How many pops wait on a queue."""
        request = Requests.create_polling_info_request(consumer_group, topic, queue_id)
        answer = await self._call(request, timeout)
        return PollingInfoResponseHeader.from_ext_fields(answer.ext_fields).polling_num

    async def query_assignment(
        self,
        consumer_group: str,
        topic: str,
        client_id: str,
        *,
        strategy_name: str = "AVG",
        message_model: str = "CLUSTERING",
        timeout: float | None = None,
    ) -> list[MessageQueueAssignment]:
        """The queues that the broker gives to a member of a group, each with its mode, PULL or POP."""
        body = QueryAssignmentRequestBody(topic, consumer_group, client_id, strategy_name, message_model)
        request = Requests.create_query_assignment_request(body)
        return (await self._read(request, timeout, QueryAssignmentResponseBody)).message_queue_assignments

    async def set_message_request_mode(
        self,
        consumer_group: str,
        topic: str,
        mode: str,
        *,
        pop_share_queue_num: int = 0,
        timeout: float | None = None,
    ) -> None:
        """Let a group PULL or POP a topic."""
        body = SetMessageRequestModeRequestBody(topic, consumer_group, mode, pop_share_queue_num)
        await self._call(Requests.create_set_message_request_mode_request(body), timeout)

    async def get_all_message_request_mode(self, *, timeout: float | None = None) -> MessageRequestModes:
        """Which groups were set to pop or pull."""
        request = Requests.create_get_all_message_request_mode_request()
        return await self._read(request, timeout, MessageRequestModes)


def _held(timeout: float | None, hold: float) -> float | None:
    return hold + HELD_ANSWER_S if timeout is None and hold > 0 else timeout


def _receipt(given: PopReceipt | str) -> PopReceipt:
    return PopReceipt.decode(given) if isinstance(given, str) else given


def _offset(receipt: PopReceipt) -> int:
    offset = receipt.msg_queue_offset
    return receipt.ck_queue_offset if offset is None else offset


def _pop_of(receipt: PopReceipt) -> tuple[str, int, int, int, int, int]:
    return (
        receipt.retry,
        receipt.queue_id,
        receipt.revive_queue_id,
        receipt.ck_queue_offset,
        receipt.pop_time,
        receipt.invisible_time,
    )
