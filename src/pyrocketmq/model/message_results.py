"""What sends and pulls give back: SendMessageResult, PullMessageResult, MessageResults."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.stored import MessageExt, decode_messages
from pyrocketmq.errors import DeserializationError
from pyrocketmq.model._declared import Declared, wire
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.headers import PullMessageResponseHeader

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand

__all__ = ["MessageResults", "PullMessageResult", "PullStatus", "SendMessageResult", "SendResult"]

SendMessageResult = SendResult

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Bound on a body once it is unpacked, where the caller gives none."""


class MessageResults(list[MessageExt]):
    """The messages of one answer, in its order.

    They share the bytes of the answer and are decoded when asked for, so a long list is cheap to make.
    """

    __slots__ = ()

    @classmethod
    def decode(
        cls,
        data: bytes | bytearray | memoryview | None,
        *,
        broker_name: str = "",
        offset_delta: int = 0,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> Self:
        """Read the body of an answer; no body is no messages.

        Args:
            data: the body.
            broker_name: the broker that was asked; records do not hold it.
            offset_delta: what the answer says must be added to queue offsets (static topics).
            max_body_bytes: bound on each body once it is unpacked.
        """
        if data is None:
            return cls()
        return cls(
            decode_messages(
                data, broker_name=broker_name, offset_delta=offset_delta, max_body_bytes=max_body_bytes
            )
        )

    @property
    def first_offset(self) -> int | None:
        """The lowest queue offset; None when there are no messages."""
        return min([message.queue_offset for message in self], default=None)

    @property
    def last_offset(self) -> int | None:
        """The highest queue offset; None when there are no messages."""
        return max([message.queue_offset for message in self], default=None)

    @property
    def body_bytes(self) -> int:
        """Bytes of all bodies as they were stored, which is what flow control counts."""
        return sum([message.body_size for message in self])

    def __repr__(self) -> str:
        if not self:
            return "MessageResults([])"
        return f"MessageResults({len(self)} messages, offsets {self.first_offset} to {self.last_offset})"


class PullStatus(StrEnum):
    """What a pull found."""

    FOUND = "FOUND"
    NO_NEW_MSG = "NO_NEW_MSG"
    NO_MATCHED_MSG = "NO_MATCHED_MSG"
    OFFSET_ILLEGAL = "OFFSET_ILLEGAL"


_STATUS_OF_CODE: Final[dict[int, PullStatus]] = {
    ResponseCode.SUCCESS: PullStatus.FOUND,
    ResponseCode.PULL_NOT_FOUND: PullStatus.NO_NEW_MSG,
    ResponseCode.PULL_RETRY_IMMEDIATELY: PullStatus.NO_MATCHED_MSG,
    ResponseCode.PULL_OFFSET_MOVED: PullStatus.OFFSET_ILLEGAL,
}


class PullMessageResult(Declared):
    """The answer to a pull. Whatever the status, go on at ``next_begin_offset`` and nowhere else.

    Args:
        status: what was found.
        next_begin_offset: where the next pull must start; with NO_MATCHED_MSG it skips filtered messages.
        min_offset: the oldest message of the queue.
        max_offset: one after its newest.
        suggest_which_broker_id: the member of the broker set to ask next; 0 is the master.
        messages: the messages.
    """

    status: PullStatus
    next_begin_offset: int
    min_offset: int
    max_offset: int
    suggest_which_broker_id: int = 0
    messages: MessageResults = wire(default_factory=MessageResults)

    @classmethod
    def from_command(
        cls, command: RemotingCommand, *, broker_name: str = "", max_body_bytes: int = MAX_BODY_BYTES
    ) -> Self:
        """Read an answer with code 0, 19, 20 or 21.

        Raises:
            DeserializationError: the code says that the pull failed, or an offset is missing.
        """
        status = _STATUS_OF_CODE.get(command.code)
        if status is None:
            raise DeserializationError(
                f"an answer with code {command.code} is no pull result: {(command.remark or '')[:200]!r}",
                field="code",
                advice="Treat it as a refusal: only 0, 19, 20 and 21 carry offsets.",
            )
        header = PullMessageResponseHeader.from_ext_fields(command.ext_fields)
        messages = MessageResults()
        if status is PullStatus.FOUND:
            messages = MessageResults.decode(
                command.body,
                broker_name=broker_name,
                offset_delta=header.offset_delta or 0,
                max_body_bytes=max_body_bytes,
            )
        return cls(
            status,
            header.next_begin_offset,
            header.min_offset,
            header.max_offset,
            header.suggest_which_broker_id,
            messages,
        )
