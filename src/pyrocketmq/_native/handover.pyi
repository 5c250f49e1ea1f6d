import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self, final

from pyrocketmq.errors import TransportStateError

__all__ = ["HandOver", "Ticket", "keep_forever"]

@final
class Ticket:
    """One call that a thread waits for; only a hand-over makes them."""

    def set_result(self, result: object) -> None:
        """End the call; for a function that was given this, on the thread of the loop."""
    def done(self) -> bool:
        """True when nobody waits any more."""
    def later(self) -> asyncio.Future[Any]:
        """A future that ends the call when it is done, and is cancelled with it."""

@final
class HandOver:
    """The queue between the threads that call and the loop that does what they want.

    A burst of calls wakes the loop once, and callers whose calls end in one turn of the loop are woken
    together.

    Args:
        loop: the event loop; its thread must be the one that calls ``attach``.
    """

    def __new__(cls, loop: asyncio.AbstractEventLoop) -> Self: ...
    @property
    def calls(self) -> int:
        """How many calls were handed over."""
    @property
    def wakes(self) -> int:
        """How many times the loop was woken for them."""
    @property
    def in_progress(self) -> int:
        """Calls that were taken from the queue and are not done."""
    def attach(self) -> None:
        """Say which thread runs the loop: the calling one."""
    def call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        timeout: float | None = None,
    ) -> Any:
        """Have the loop call a function and await what it returns; blocks until that is done.

        Raises:
            RpcTimeoutError: it was not done in time, and is cancelled.
            TransportStateError: called on the loop's thread, or the loop has ended.
        """
    def call_with_ticket(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """As ``call``, for a function that is given a ticket before its arguments.

        It returns None when it has taken the ticket, by which the call is ended then, and else what has to be
        awaited.
        """
    def submit(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        future: Future[Any],
    ) -> Future[Any]:
        """As ``call``, without waiting: the result goes into the future, which is returned."""
    def post(self, function: Callable[[Ticket], None]) -> None:
        """Have the loop call a function with a ticket, which it ends; nobody waits for that."""
    def refuse(self, error: TransportStateError) -> None:
        """Take no more calls; those that are there go on."""
    def close(self, error: TransportStateError) -> None:
        """Take no more calls, and end those that are not done; to be called by the loop's thread."""

def keep_forever(thing: object) -> None:
    """See to it that an object is never destroyed, not even when the interpreter ends."""
