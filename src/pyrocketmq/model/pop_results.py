"""What a pop gives: messages, each with the receipt that acknowledges it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from pyrocketmq.errors import DeserializationError
from pyrocketmq.model._declared import Declared, wire
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.headers.pop import PopMessageResponseHeader
from pyrocketmq.model.message_results import MAX_BODY_BYTES, MessageResults
from pyrocketmq.model.pop import (
    PopReceipt,
    parse_msg_offset_info,
    parse_order_count_info,
    parse_start_offset_info,
    retry_mark,
)

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.stored import MessageExt

__all__ = ["PopResult", "PopStatus", "PoppedMessage"]

POP_CK: Final = "POP_CK"


class PopStatus(StrEnum):
    """What a pop found."""

    FOUND = "FOUND"
    NO_NEW_MSG = "NO_NEW_MSG"
    POLLING_FULL = "POLLING_FULL"


_STATUS_OF_CODE: Final[dict[int, PopStatus]] = {
    ResponseCode.SUCCESS: PopStatus.FOUND,
    ResponseCode.PULL_NOT_FOUND: PopStatus.NO_NEW_MSG,
    ResponseCode.POLLING_TIMEOUT: PopStatus.NO_NEW_MSG,
    ResponseCode.POLLING_FULL: PopStatus.POLLING_FULL,
}


class PoppedMessage(NamedTuple):
    """A message and its receipt; ``attempts`` counts how often it was handed out before."""

    message: MessageExt
    receipt: PopReceipt
    attempts: int = 0


class PopResult(Declared):
    """The answer to a pop.

    Args:
        status: what was found.
        messages: the messages with their receipts.
        pop_time: when the broker handed them out, in ms.
        invisible_time: for how long nobody else gets them, in ms.
        rest_num: messages that are left.
    """

    status: PopStatus
    messages: list[PoppedMessage] = wire(default_factory=list[PoppedMessage])
    pop_time: int = 0
    invisible_time: int = 0
    rest_num: int = 0

    @classmethod
    def from_command(
        cls, command: RemotingCommand, *, broker_name: str, max_body_bytes: int = MAX_BODY_BYTES
    ) -> Self:
        """Read an answer with code 0, 19, 209 or 210.

        Args:
            command: the answer.
            broker_name: the broker that was asked; receipts hold it.
            max_body_bytes: bound on each body once it is unpacked.

        Raises:
            DeserializationError: the code is another one, or the info strings contradict the messages.
        """
        status = _STATUS_OF_CODE.get(command.code)
        if status is None:
            raise DeserializationError(
                f"an answer with code {command.code} is no pop result: {(command.remark or '')[:200]!r}",
                field="code",
                advice="Treat it as a refusal: only 0, 19, 209 and 210 are answers to a pop.",
            )
        if status is not PopStatus.FOUND:
            return cls(status)
        header = PopMessageResponseHeader.from_ext_fields(command.ext_fields)
        messages = MessageResults.decode(command.body, broker_name=broker_name, max_body_bytes=max_body_bytes)
        receipts = _Receipts(header, messages, broker_name)
        popped = [
            PoppedMessage(message, receipts.of(message), receipts.attempts_of(message))
            for message in messages
        ]
        return cls(status, popped, header.pop_time, header.invisible_time, header.rest_num)


class _Receipts:
    """Builds the receipts of one answer from its info strings (protocol notes, 03-messages 3.9)."""

    def __init__(self, header: PopMessageResponseHeader, messages: MessageResults, broker_name: str) -> None:
        self.header = header
        self.broker_name = broker_name
        self.starts = parse_start_offset_info(header.start_offset_info or "")
        self.offsets = parse_msg_offset_info(header.msg_offset_info or "")
        self.counts = parse_order_count_info(header.order_count_info or "")
        self.sorted: dict[str, list[int]] = {}
        for message in messages:
            self.sorted.setdefault(_queue_key(message), []).append(message.queue_offset)
        for known in self.sorted.values():
            known.sort()

    def of(self, message: MessageExt) -> PopReceipt:
        """The receipt of one message; a broker sets that of a retried one itself."""
        given = message.get_property(POP_CK)
        if given is not None:
            receipt = PopReceipt.decode(given)
            if receipt.msg_queue_offset is None:
                receipt = receipt.replace(msg_queue_offset=message.queue_offset)
            return receipt
        key = _queue_key(message)
        offset = message.queue_offset
        start = offset
        if self.starts:
            # The rank of a message in its queue is its place in the list of the answer.
            rank = self.sorted[key].index(offset)
            offsets = self.offsets.get(key, [])
            if key not in self.starts or rank >= len(offsets):
                raise DeserializationError(
                    f"the pop answer has a message of queue {key} at offset {offset}"
                    f" and no place for it in its info strings {self.header.msg_offset_info!r:.200}",
                    field="msgOffsetInfo",
                    likely="the broker is of a release that writes them in another way",
                )
            start, offset = self.starts[key], offsets[rank]
        return PopReceipt(
            start,
            self.header.pop_time,
            self.header.invisible_time,
            self.header.revive_qid,
            retry_mark(message.topic),
            self.broker_name,
            message.queue_id,
            offset,
        )

    def attempts_of(self, message: MessageExt) -> int:
        """How often it was handed out before: counted by the queue's table, or in the message itself."""
        mark = retry_mark(message.topic)
        by_offset = self.counts.get(f"{mark}@qo{message.queue_id}%{message.queue_offset}")
        count = self.counts.get(_queue_key(message)) if by_offset is None else by_offset
        return message.reconsume_times if count is None else count


def _queue_key(message: MessageExt) -> str:
    return f"{retry_mark(message.topic)}@{message.queue_id}"
