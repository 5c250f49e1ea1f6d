"""Sending, and what decides about a message afterwards: send-back, transactions, recall.

One call is one try on this broker; retries and other brokers are the business of the layers above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.answer import SendResult, decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.command import next_opaque
from pyrocketmq._native.frame import decode_frame, encode_frame
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.broker.answers import broker_error
from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.headers.sending import (
    RecallMessageResponseHeader,
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from pyrocketmq.model.message_queue import MessageQueue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.message import Message

__all__ = ["INNER_PRODUCER_GROUP", "SendingCalls"]

INNER_PRODUCER_GROUP: Final = "CLIENT_INNER_PRODUCER"
"""The group of messages that no producer of the user sends; every RocketMQ client uses this name."""

ANY_QUEUE: Final = -1


class SendingCalls(BrokerCalls):
    """Sends of messages and what is told about them later."""

    async def send_message(
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
        request = self._send_request(message, queue_id, producer_group, sys_flag)
        return await self._send(request, message.topic, message.unique_id, timeout)

    async def send_message_long(
        self,
        message: Message,
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        sys_flag: int = 0,
        timeout: float | None = None,
    ) -> SendResult:
        """As ``send_message``, with the header of long names that the Go client uses (SEND_MESSAGE)."""
        letters = self._send_request(message, queue_id, producer_group, sys_flag)
        request = _with_long_names(letters, RequestCode.SEND_MESSAGE, self.broker_name or None)
        return await self._send(request, message.topic, message.unique_id, timeout)

    async def send_batch(
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
        batch = list(messages)
        buffer = WriteBuffer()
        SendEncoder(producer_group, self.broker_name).put_batch(buffer, batch, queue_id, next_opaque())
        request = decode_frame(buffer.take())
        ids = ",".join([message.unique_id or "" for message in batch])
        return await self._send(request, batch[0].topic, ids, timeout)

    async def send_oneway(
        self,
        message: Message,
        queue_id: int = ANY_QUEUE,
        *,
        producer_group: str = INNER_PRODUCER_GROUP,
        sys_flag: int = 0,
    ) -> None:
        """Send one message without an answer: whether it was stored is not known."""
        request = self._send_request(message, queue_id, producer_group, sys_flag)
        await self._remote.invoke_oneway(request)

    async def send_reply(
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
        request = self._send_request(message, queue_id, producer_group, sys_flag)
        request.code = RequestCode.SEND_REPLY_MESSAGE_V2
        return await self._send(request, message.topic, message.unique_id, timeout)

    async def send_message_back(
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
        request = Requests.create_consumer_send_msg_back_request(
            consumer_group,
            offset,
            delay_level,
            origin_msg_id=origin_msg_id,
            origin_topic=origin_topic,
            max_reconsume_times=max_reconsume_times,
            bname=self.broker_name or None,
        )
        await self._call(request, timeout)

    async def end_transaction(
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
        request = Requests.create_end_transaction_request(
            producer_group,
            tran_state_table_offset,
            commit_log_offset,
            commit_or_rollback,
            msg_id,
            transaction_id,
            from_transaction_check=from_transaction_check,
            topic=topic,
            remark=remark,
            bname=self.broker_name or None,
        )
        if commit_or_rollback:
            await self._call(request, timeout)
        else:
            await self._remote.invoke_oneway(request)

    async def recall_message(
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
        request = Requests.create_recall_message_request(topic, recall_handle, producer_group)
        answer = await self._call(request, timeout)
        return RecallMessageResponseHeader.from_ext_fields(answer.ext_fields).msg_id

    async def resume_check_half_message(
        self, msg_id: str, *, topic: str | None = None, timeout: float | None = None
    ) -> None:
        """Let the broker ask about a half message again that it has given up; ``msg_id`` is its offset id."""
        await self._call(Requests.create_resume_check_half_message_request(msg_id, topic=topic), timeout)

    # ---- one send ----

    def _send_request(
        self, message: Message, queue_id: int, producer_group: str, sys_flag: int
    ) -> RemotingCommand:
        # The native encoder has all checks of a message; the command is what hooks and signing work on.
        buffer = WriteBuffer()
        encoder = SendEncoder(producer_group, self.broker_name)
        encoder.put(buffer, message, queue_id, next_opaque(), sys_flag=sys_flag)
        return decode_frame(buffer.take())

    async def _send(
        self, request: RemotingCommand, topic: str, unique_id: str | None, timeout: float | None
    ) -> SendResult:
        answer = await self._remote.invoke(request, timeout)
        result = decode_send_answer(encode_frame(answer))
        if result.status is None:
            raise broker_error(request, answer, self.address)
        if unique_id:
            result.msg_id = unique_id
        result.message_queue = MessageQueue(topic, self.broker_name, result.queue_id)
        return result


def _with_long_names(request: RemotingCommand, code: RequestCode, bname: str | None) -> RemotingCommand:
    letters = SendMessageRequestHeaderV2.from_ext_fields(request.ext_fields)
    header = SendMessageRequestHeader(
        producer_group=letters.producer_group,
        topic=letters.topic,
        default_topic=letters.default_topic,
        default_topic_queue_nums=letters.default_topic_queue_nums,
        queue_id=letters.queue_id,
        sys_flag=letters.sys_flag,
        born_timestamp=letters.born_timestamp,
        flag=letters.flag,
        properties=letters.properties,
        reconsume_times=letters.reconsume_times,
        unit_mode=letters.unit_mode,
        batch=letters.batch,
        max_reconsume_times=letters.max_reconsume_times,
        bname=bname,
    )
    request.code = code
    request.ext_fields = header.to_ext_fields()
    return request
