# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncPoppingCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.popping import PoppingCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.broker_data import MessageRequestModes
    from pyrocketmq.model.message_results import MessageResults
    from pyrocketmq.model.pop import PopReceipt
    from pyrocketmq.model.pop_results import PopResult
    from pyrocketmq.model.result_data import MessageQueueAssignment

__all__ = ["SyncPoppingCalls"]


class SyncPoppingCalls(SyncBrokerCalls):
    """The blocking twin of PoppingCalls, for any number of threads."""

    def pop_message(
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
        return self._call(
            PoppingCalls.pop_message,
            consumer_group,
            topic,
            queue_id,
            max_msg_nums,
            invisible_time=invisible_time,
            hold=hold,
            init_mode=init_mode,
            expression=expression,
            expression_type=expression_type,
            order=order,
            attempt_id=attempt_id,
            timeout=timeout,
        )

    def ack_message(
        self, consumer_group: str, topic: str, receipt: PopReceipt | str, *, timeout: float | None = None
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
        self._call(PoppingCalls.ack_message, consumer_group, topic, receipt, timeout=timeout)

    def batch_ack_message(
        self,
        consumer_group: str,
        topic: str,
        receipts: Iterable[PopReceipt | str],
        *,
        timeout: float | None = None,
    ) -> None:
        """Many popped messages are done, in one request."""
        self._call(PoppingCalls.batch_ack_message, consumer_group, topic, receipts, timeout=timeout)

    def change_invisible_time(
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
        return self._call(
            PoppingCalls.change_invisible_time,
            consumer_group,
            topic,
            receipt,
            invisible_time,
            timeout=timeout,
        )

    def peek_message(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        max_msg_nums: int = 32,
        *,
        timeout: float | None = None,
    ) -> MessageResults:
        """The messages that a pop would give, without taking them."""
        return self._call(
            PoppingCalls.peek_message, consumer_group, topic, queue_id, max_msg_nums, timeout=timeout
        )

    def has_message(
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
        return self._call(
            PoppingCalls.has_message, consumer_group, topic, queue_id, hold=hold, order=order, timeout=timeout
        )

    def get_polling_num(
        self, consumer_group: str, topic: str, queue_id: int, *, timeout: float | None = None
    ) -> int:
        """How many pops wait on a queue."""
        return self._call(PoppingCalls.get_polling_num, consumer_group, topic, queue_id, timeout=timeout)

    def query_assignment(
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
        return self._call(
            PoppingCalls.query_assignment,
            consumer_group,
            topic,
            client_id,
            strategy_name=strategy_name,
            message_model=message_model,
            timeout=timeout,
        )

    def set_message_request_mode(
        self,
        consumer_group: str,
        topic: str,
        mode: str,
        *,
        pop_share_queue_num: int = 0,
        timeout: float | None = None,
    ) -> None:
        """Let a group PULL or POP a topic."""
        self._call(
            PoppingCalls.set_message_request_mode,
            consumer_group,
            topic,
            mode,
            pop_share_queue_num=pop_share_queue_num,
            timeout=timeout,
        )

    def get_all_message_request_mode(self, *, timeout: float | None = None) -> MessageRequestModes:
        """Which groups were set to pop or pull."""
        return self._call(PoppingCalls.get_all_message_request_mode, timeout=timeout)
