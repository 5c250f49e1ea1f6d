"""What transactions are spoken of with: states, listeners, results, and helpers that make them.

Nothing here sends: the producers are in ``transaction_producer``, the checks of brokers in ``check_backs``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.answer import SendResult, SendStatus
from pyrocketmq._native.message import Message
from pyrocketmq.model.flags import MessageSysFlag

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.model.message_queue import MessageQueue

    Check = Callable[[MessageExt], "LocalTransactionState | Awaitable[LocalTransactionState]"]

__all__ = [
    "TRANSACTION_ID",
    "Commit",
    "HalfPlace",
    "LocalTransactionState",
    "Rollback",
    "SendStatus",
    "SimpleTransactionListener",
    "TransactionListener",
    "TransactionMetadata",
    "TransactionSendResult",
    "Unknown",
    "create_simple_transaction_listener",
    "create_transaction_message",
    "create_transaction_send_result",
    "transaction_id_of",
]

TRANSACTION_ID: Final = "TRANSACTION_ID"
"""The property with a transaction id that the program chose; brokers overwrite ``__transactionId__``."""


class LocalTransactionState(StrEnum):
    """What became of the local part of a transaction."""

    COMMIT_MESSAGE = "COMMIT_MESSAGE"
    """It is done: consumers get the message."""
    ROLLBACK_MESSAGE = "ROLLBACK_MESSAGE"
    """It is not done and never will be: the message is dropped."""
    UNKNOW = "UNKNOW"
    """Not known now: the broker asks again later. The name is that of the other clients."""
    UNKNOWN = "UNKNOW"

    @property
    def wire_code(self) -> int:
        """The number in the request that ends a transaction; 0 leaves it open."""
        return _WIRE_CODES[self]


_WIRE_CODES: Final = {
    LocalTransactionState.COMMIT_MESSAGE: MessageSysFlag.TRANSACTION_COMMIT.value,
    LocalTransactionState.ROLLBACK_MESSAGE: MessageSysFlag.TRANSACTION_ROLLBACK.value,
    LocalTransactionState.UNKNOW: 0,
}

Commit: Final = LocalTransactionState.COMMIT_MESSAGE
Rollback: Final = LocalTransactionState.ROLLBACK_MESSAGE
Unknown: Final = LocalTransactionState.UNKNOW


class TransactionListener(ABC):
    """The local part of transactions, and the answer to a broker that asks about one.

    Both methods may be plain or ``async def``, for the blocking and the asynchronous producer. A plain
    ``check_local_transaction`` runs in a thread of its own; one that is asynchronous, on the event loop of
    the producer. What raises or returns anything but a state counts as UNKNOW.
    """

    @abstractmethod
    def execute_local_transaction(
        self, message: Message, transaction_id: str, arg: object = None
    ) -> LocalTransactionState | Awaitable[LocalTransactionState]:
        """Do the local part, now that the half message is stored, and say what became of it.

        Args:
            message: the half message.
            transaction_id: its transaction.
            arg: what the call of the send was given.
        """

    @abstractmethod
    def check_local_transaction(
        self, message: MessageExt, transaction_id: str
    ) -> LocalTransactionState | Awaitable[LocalTransactionState]:
        """Say what became of a transaction, perhaps of another process or long ago.

        Args:
            message: the half message, as the broker has stored it.
            transaction_id: its transaction.
        """


class SimpleTransactionListener(TransactionListener):
    """Commits everything, or rolls everything back; for tests and first steps.

    Args:
        commit: True commits.
    """

    def __init__(self, commit: bool = True) -> None:
        self.state = Commit if commit else Rollback

    def execute_local_transaction(
        self,
        message: Message,  # noqa: ARG002 - all messages are alike
        transaction_id: str,  # noqa: ARG002
        arg: object = None,  # noqa: ARG002
    ) -> LocalTransactionState:
        """The state, at once."""
        return self.state

    def check_local_transaction(
        self,
        message: MessageExt,  # noqa: ARG002
        transaction_id: str,  # noqa: ARG002
    ) -> LocalTransactionState:
        """The state, at once."""
        return self.state


class TransactionSendResult(SendResult):
    """What became of a message that was sent in a transaction."""

    local_state: LocalTransactionState
    """What became of the local part."""
    confirmed: bool
    """Whether the broker has confirmed the commit or rollback. Where it has not, it asks later, and the check
    decides."""
    local_error: Exception | None
    """What the listener raised; the state is UNKNOW then."""

    def __init__(  # noqa: PLR0917 - the order of create_transaction_send_result
        self,
        status: SendStatus | int = SendStatus.SEND_OK,
        msg_id: str | None = None,
        message_queue: object = None,
        queue_offset: int = -1,
        transaction_id: str | None = None,
        local_state: LocalTransactionState = LocalTransactionState.UNKNOW,
        *,
        offset_msg_id: str | None = None,
        region_id: str | None = None,
        queue_id: int | None = None,
        attempts: int = 1,
        confirmed: bool = False,
        local_error: Exception | None = None,
    ) -> None:
        super().__init__(
            status,
            msg_id,
            message_queue,
            queue_offset,
            transaction_id,
            offset_msg_id=offset_msg_id,
            region_id=region_id,
            queue_id=queue_id,
            attempts=attempts,
        )
        self.local_state = local_state
        self.confirmed = confirmed
        self.local_error = local_error

    @classmethod
    def of(cls, result: SendResult, transaction_id: str) -> TransactionSendResult:
        """The result of a stored half message, whose local part is still to be done."""
        status = result.status
        return cls(
            SendStatus.SEND_OK if status is None else status,
            result.msg_id,
            result.message_queue,
            result.queue_offset,
            transaction_id,
            offset_msg_id=result.offset_msg_id,
            region_id=result.region_id,
            queue_id=result.queue_id,
            attempts=result.attempts,
        )

    @property
    def is_commit(self) -> bool:
        """True when the local part is done."""
        return self.local_state is Commit

    @property
    def is_rollback(self) -> bool:
        """True when the local part is not done and never will be."""
        return self.local_state is Rollback

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, local_state={self.local_state.name}, confirmed={self.confirmed})"


@dataclass(slots=True)
class HalfPlace:
    """Where a broker keeps the newest copy of a half message; each of its checks makes another copy."""

    table_offset: int
    """In the queue of half messages."""
    log_offset: int
    """In its log."""


@dataclass(slots=True)
class TransactionMetadata:
    """A transaction that a producer has begun, or decided not long ago."""

    transaction_id: str
    """Its id: the one the program chose, or the unique id of the message."""
    unique_id: str
    """The unique id of the half message, by which brokers ask."""
    topic: str
    """The topic of the message."""
    broker_name: str
    """The broker that has it."""
    place: HalfPlace
    """Where it keeps the half message."""
    begun: float
    """When it began, in seconds on the clock of the producer."""
    timeout: float | None = None
    """Seconds after which a check asks the program although the local part goes on; None: never."""
    state: LocalTransactionState | None = None
    """What was decided; None while the local part goes on."""
    confirmed: bool = False
    """Whether the broker has confirmed what was decided."""
    checks: int = 0
    """How often brokers have asked about it."""

    def is_under_way(self, now: float) -> bool:
        """True while the local part goes on and is within its time."""
        return self.state is None and (self.timeout is None or now - self.begun < self.timeout)


def create_transaction_send_result(  # noqa: PLR0917 - the documented signature
    status: SendStatus | int,
    msg_id: str | None,
    message_queue: MessageQueue | None,
    queue_offset: int,
    transaction_id: str | None,
    local_state: LocalTransactionState,
) -> TransactionSendResult:
    """A result with these values, for tests of programs."""
    return TransactionSendResult(status, msg_id, message_queue, queue_offset, transaction_id, local_state)


def create_simple_transaction_listener(commit: bool = True) -> SimpleTransactionListener:
    """A listener that commits everything, or rolls everything back."""
    return SimpleTransactionListener(commit)


def create_transaction_message(
    topic: str,
    body: bytes | bytearray | memoryview | str,
    transaction_id: str,
    tags: str | None = None,
    keys: str | Iterable[str] | None = None,
    *,
    properties: Mapping[str, str] | None = None,
) -> Message:
    """A message whose transaction has an id of the program's choice.

    Args:
        topic: its topic.
        body: its content; str is encoded as UTF-8.
        transaction_id: what listeners and results get as the id; it travels in a property.
        tags: one tag.
        keys: index keys.
        properties: further properties.
    """
    message = Message(topic, body, tags, keys, properties=properties)
    message.set_property(TRANSACTION_ID, transaction_id)
    return message


def transaction_id_of(message: Message | MessageExt) -> str:
    """The id of a message's transaction: the one the program chose, or the unique id of the message."""
    return message.get_property(TRANSACTION_ID) or message.unique_id or ""
