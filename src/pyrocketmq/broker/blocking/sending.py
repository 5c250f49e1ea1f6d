# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncSendingCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.sending import ANY_QUEUE, INNER_PRODUCER_GROUP, SendingCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message

__all__ = ["SyncSendingCalls"]


class SyncSendingCalls(SyncBrokerCalls):
    """The blocking twin of SendingCalls, for any number of threads."""

    def send_message(
        self,
        message: Message,
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        sys_flag: int = 0,
        timeout: float | None = None,
    ) -> SendResult:
        """Send one message, or a batch made by ``encode_batch``, with the header of one-letter names.

        A result other than SEND_OK means that the message is stored, and that a flush or a copy could not be
        confirmed in time.

        Args:
            message: it gets its unique id here, if it has none.
            queue_id: number of the queue; negative lets the broker pick one.
            producer_group: group of the sender.
            sys_flag: see ``MessageSysFlag``; the body must already be what the flag says.
            timeout: seconds for this call.

        Raises:
            BrokerError: the broker did not store it.
        """
        return self._call(
            SendingCalls.send_message,
            message,
            queue_id,
            producer_group=producer_group,
            sys_flag=sys_flag,
            timeout=timeout,
        )

    def send_message_long(
        self,
        message: Message,
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        sys_flag: int = 0,
        timeout: float | None = None,
    ) -> SendResult:
        """As ``send_message``, with the header of long names that the Go client uses (SEND_MESSAGE)."""
        return self._call(
            SendingCalls.send_message_long,
            message,
            queue_id,
            producer_group=producer_group,
            sys_flag=sys_flag,
            timeout=timeout,
        )

    def send_batch(
        self,
        messages: Iterable[Message],
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        timeout: float | None = None,
    ) -> SendResult:
        """Send messages of one topic in one request; the result's ``msg_id`` has all ids, comma between them.

        Raises:
            InvalidMessageError: no messages, mixed topics, or one that cannot be in a batch.
            MessageTooLargeError: a message, or all together, are over 4 MiB.
            BrokerError: the broker did not store them.
        """
        return self._call(
            SendingCalls.send_batch, messages, queue_id, producer_group=producer_group, timeout=timeout
        )

    def send_oneway(
        self,
        message: Message,
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        sys_flag: int = 0,
    ) -> None:
        """Send one message without an answer: whether it was stored is not known."""
        self._call(
            SendingCalls.send_oneway, message, queue_id, producer_group=producer_group, sys_flag=sys_flag
        )

    def send_reply(
        self,
        message: Message,
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        sys_flag: int = 0,
        timeout: float | None = None,
    ) -> SendResult:
        """Send the reply to a request message, on the broker that the request came from.

        The message goes to the reply topic of the cluster and has the properties CORRELATION_ID,
        REPLY_TO_CLIENT and TTL of the request, and MSG_TYPE ``reply``.

        Raises:
            ClientOfflineError: the requester is not connected to this broker.
            BrokerError: it did not take the reply in time, or the broker did not.
        """
        return self._call(
            SendingCalls.send_reply,
            message,
            queue_id,
            producer_group=producer_group,
            sys_flag=sys_flag,
            timeout=timeout,
        )

    def send_message_back(
        self,
        consumer_group: str,
        offset: int,
        delay_level: int = 0,
        *,
        origin_msg_id: str | None = None,
        origin_topic: str | None = None,
        max_reconsume_times: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Give a message back, to be delivered to the group again later.

        Args:
            consumer_group: the group.
            offset: the message's commit-log offset on this broker.
            delay_level: 0 lets the broker choose, -1 puts it into the dead letters now.
            origin_msg_id: id of the message's first copy.
            origin_topic: topic of the message.
            max_reconsume_times: tries before the dead letters; None: as the group is set.
            timeout: seconds for this call.
        """
        self._call(
            SendingCalls.send_message_back,
            consumer_group,
            offset,
            delay_level,
            origin_msg_id=origin_msg_id,
            origin_topic=origin_topic,
            max_reconsume_times=max_reconsume_times,
            timeout=timeout,
        )

    def end_transaction(
        self,
        producer_group: str,
        tran_state_table_offset: int,
        commit_log_offset: int,
        commit_or_rollback: int,
        *,
        msg_id: str,
        transaction_id: str = "",
        from_transaction_check: bool = False,
        topic: str | None = None,
        remark: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Commit (8) or roll back (12) a half message and wait until the broker has done it.

        0 leaves the state open; brokers never answer that, so it is sent without waiting.

        Args:
            producer_group: the group that sent the half message.
            tran_state_table_offset: ``queue_offset`` of the send's result, or the number of the check.
            commit_log_offset: the offset in the ``offset_msg_id`` of the result, or that of the check.
            commit_or_rollback: 8, 12 or 0.
            msg_id: the message's unique id, which brokers require.
            transaction_id: of the result, or of the check.
            from_transaction_check: True when this answers a check of the broker.
            topic: the topic of the message.
            remark: why, for the broker's log.
            timeout: seconds for this call.
        """
        self._call(
            SendingCalls.end_transaction,
            producer_group,
            tran_state_table_offset,
            commit_log_offset,
            commit_or_rollback,
            msg_id=msg_id,
            transaction_id=transaction_id,
            from_transaction_check=from_transaction_check,
            topic=topic,
            remark=remark,
            timeout=timeout,
        )

    def recall_message(
        self,
        topic: str,
        recall_handle: str,
        producer_group: str = INNER_PRODUCER_GROUP,
        *,
        timeout: float | None = None,
    ) -> str:
        """Take a timer message back (5.3 and later); gives its message id.

        Raises:
            InvalidRequestError: the handle is not one of this broker, or recalling is turned off.
            UnsupportedRequestError: the broker is too old.
        """
        return self._call(SendingCalls.recall_message, topic, recall_handle, producer_group, timeout=timeout)

    def resume_check_half_message(
        self, msg_id: str, *, topic: str | None = None, timeout: float | None = None
    ) -> None:
        """Let the broker ask about a half message again that it has given up; ``msg_id`` is its offset id."""
        self._call(SendingCalls.resume_check_half_message, msg_id, topic=topic, timeout=timeout)
