import asyncio
from collections.abc import Generator
from typing import Any, Self, final, overload

from typing_extensions import disjoint_base

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.channel import SendOwner
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import RocketMQError

__all__ = ["Parcel", "ParcelOwner", "check_message", "pack", "wait_for"]

@disjoint_base
class ParcelOwner:
    """Is told when a parcel has its outcome."""

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...

@final
class Parcel(SendOwner):
    """A batch of messages of one topic as one request, and what became of it.

    It is written to the connection as it lies, without being copied.
    """

    tried: Any
    """What its sender keeps about the last try."""
    sent: Any
    """What its sender keeps until the answer comes."""
    queue: Any
    """The queue it has to go to, None for any."""

    def __new__(cls, topic: str) -> Self: ...
    def __len__(self) -> int: ...
    def __await__(self) -> Generator[Any]:
        """Wait for the outcome of a try that was begun with a future."""
    @property
    def topic(self) -> str:
        """The topic as it goes over the wire."""
    @property
    def outcome(self) -> SendResult | RocketMQError | None:
        """The answer to its last try, whatever it says, or why there is none."""
    @property
    def body_bytes(self) -> int:
        """Size of the batch body."""
    @property
    def age_from(self) -> float:
        """When its first message was put in, in seconds of the clock that never goes back."""
    @property
    def is_stored(self) -> bool:
        """False when the broker has refused it or no answer came."""
    @property
    def is_confirmed(self) -> bool:
        """True when every copy of it was confirmed too."""
    def send(self, channel: Connection, encoder: SendEncoder, queue_id: int, timeout: float) -> bool:
        """Write it to a connection as one request. The answer, or an error, ends it.

        Returns:
            False when nothing was done, because it is one message too large for a batch, the bytes of an
            earlier try are still held, or the header needs more room than there is: it has to go another way.

        Raises:
            ConnectionClosedError: the connection is not open; nothing was sent.
            BackPressureError: its write buffer is full; nothing was sent.
        """
    def message(self) -> Message:
        """One message for the general way of sending: the only one there is, or one that is a batch.

        It is a copy.
        """
    def settle(self, outcome: SendResult | RocketMQError) -> None:
        """Say how it ended after all, when the general way has sent it."""
    def result(self, index: int) -> SendResult | RocketMQError | None:
        """What became of one message of a parcel made by ``pack``: its SendResult, or the error of all."""
    def unheard(self, most: int) -> list[Message]:
        """The first messages that have no callback, made again of what was written."""
    def let_go(self) -> None:
        """Forget the bytes of the messages, for results that somebody keeps."""

def check_message(message: Message, max_message_bytes: int) -> int:
    """What a message takes as a record of a batch; it gets its unique id, if it has none.

    Raises:
        InvalidMessageError: the body is empty.
        MessageTooLargeError: the body or the properties are over the limit.
    """

def wait_for(parcel: Parcel, future: asyncio.Future[None]) -> None:
    """Have a future of the event loop be done once a parcel without an owner has its outcome."""

@overload
def pack(messages: list[Message], topic: str, max_message_bytes: int) -> list[Parcel]: ...
@overload
def pack(
    messages: list[Message], topic: str, max_message_bytes: int, *, takes_keys: bool
) -> list[Parcel] | None:
    """Pack messages into as few parcels as hold them in their order. The list must stay as it is.

    Args:
        messages: of one topic; each gets its unique id, if it has none.
        topic: the topic as it goes over the wire.
        max_message_bytes: what a broker takes at most, for one body and for what it stores of one request.
        takes_keys: False gives None when a message has a sharding key.

    Raises:
        InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
        MessageTooLargeError: a message is over the limit.
    """
