from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any, Self, final, overload

from typing_extensions import disjoint_base

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.handover import Ticket
from pyrocketmq._native.message import Message
from pyrocketmq._native.table import SendLink, SendTable, SendTarget

__all__ = ["HandedOneways", "OnewayMark", "Sender", "check_timeout", "message_of", "put_oneway_send"]

@final
class OnewayMark:
    """A one-way send that is answered after all, which tells that those before it have arrived."""

    @property
    def target(self) -> SendTarget: ...
    @property
    def message(self) -> Message: ...
    @property
    def link(self) -> SendLink:
        """The broker that it went to."""
    def done(self) -> bool:
        """True when nobody waits any more."""
    def dropped(self) -> None:
        """Nobody waits any more, and no answer will be looked at."""
    def confirm(self) -> None:
        """Those up to this one are done with; who waits may go on."""

@final
class HandedOneways:
    """One-way sends of other threads than that of the loop, which is told once of a burst of them.

    Args:
        table: where they go.
        tell: ``tell(function)`` has the loop call a function with a ticket soon.
        general: ``general(message)`` begins, on the loop, a send that cannot be written at once.
    """

    def __new__(
        cls,
        table: SendTable,
        *,
        tell: Callable[[Callable[[Ticket], None]], None],
        general: Callable[[Message], object],
    ) -> Self: ...
    def put(self, message: Message) -> bool:
        """Take a message as it is now; False when it has to wait or go another way."""
    def take(self, ticket: Ticket) -> None:
        """Write what was handed over; on the loop."""

@disjoint_base
class Sender:
    """What producers derive from: sends without a coroutine, where nothing is out of the ordinary."""

    def __init__(self, table: SendTable) -> None: ...
    def send_for(
        self, ticket: Ticket, message: Message, timeout: float | None
    ) -> Coroutine[Any, Any, SendResult] | None:
        """Begin a plain send for a thread that waits; gives what is to be awaited, if anything."""
    @overload
    def send(
        self,
        message: Message,
        body: None = None,
        *,
        timeout: float | None = None,
        queue: Any = None,
        selector: Any = None,
        sharding_key: str | None = None,
        ordered: bool | None = None,
        delay_level: int | None = None,
        delay: float | None = None,
        delay_ms: int | None = None,
        deliver_at: datetime | int | None = None,
    ) -> Coroutine[Any, Any, SendResult]: ...
    @overload
    def send(
        self,
        message: str,
        body: bytes | bytearray | memoryview | str,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        timeout: float | None = None,
        queue: Any = None,
        selector: Any = None,
        sharding_key: str | None = None,
        ordered: bool | None = None,
        delay_level: int | None = None,
        delay: float | None = None,
        delay_ms: int | None = None,
        deliver_at: datetime | int | None = None,
    ) -> Coroutine[Any, Any, SendResult]:
        """Send a message, given as such or by topic and body, and wait for what became of it.

        A result whose ``ok`` is false means that the message is stored, and that a flush or a copy could
        not be confirmed in time.

        Args:
            message: the message, or the topic it goes to.
            body: the content, when the first argument is a topic.
            tags: one tag that consumers can filter by.
            keys: index keys.
            properties: further properties.
            timeout: seconds for all of it, retries included; ``send_timeout`` by default.
            queue: the queue to send to; retries stay on it.
            selector: who picks the queue; retries stay on it.
            sharding_key: messages with the same key keep their order, on one queue.
            ordered: keep the order of the messages of one queue: only one is under way at a time.
            delay_level: deliver later, by one of the levels 1 to 18.
            delay: deliver so many seconds later.
            delay_ms: deliver so many milliseconds later.
            deliver_at: deliver at this time: a datetime, or milliseconds since 1970.

        Raises:
            InvalidMessageError, MessageTooLargeError, ConfigurationError: nothing was sent.
            RouteNotFoundError: no name server knows the topic.
            SendError: all tries failed; SendTimeoutError when the time-out was over.
            BrokerError: the broker refused the message for good.
        """
    @overload
    def send_oneway(
        self,
        message: Message,
        body: None = None,
        *,
        queue: Any = None,
        selector: Any = None,
        sharding_key: str | None = None,
    ) -> Coroutine[Any, Any, None]: ...
    @overload
    def send_oneway(
        self,
        message: str,
        body: bytes | bytearray | memoryview | str,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        queue: Any = None,
        selector: Any = None,
        sharding_key: str | None = None,
    ) -> Coroutine[Any, Any, None]:
        """Send a message without an answer: whether it was stored is not known.

        It is written when this is called; awaiting it waits until the broker keeps up, see
        ``oneway_window``. Raises as ``send``, for what is known before sending.
        """

def put_oneway_send(
    table: SendTable, target: SendTarget, message: Message, sys_flag: int = 0, body: bytes | None = None
) -> None:
    """Write a one-way send to a queue whose connection is open, and mark it if one is due."""

def check_timeout(timeout: float) -> float:
    """The seconds that a caller gives a send, refused when no send can end in them.

    Raises:
        ConfigurationError: they are none, or more than a day.
    """

def message_of(message: object, body: object, tags: object, keys: object, properties: object) -> Message:
    """The message that the arguments of a send describe.

    Raises:
        InvalidMessageError: there is none, or more than one.
    """
