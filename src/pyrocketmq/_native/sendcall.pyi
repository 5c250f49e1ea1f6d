import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Self, final

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.room import InLine
from pyrocketmq._native.table import SendLink, SendTarget
from pyrocketmq.errors import RocketMQError

__all__ = ["SendCall"]

@final
class SendCall(InLine, Coroutine[Any, Any, SendResult]):
    """A send that begins when it is awaited, or run as a task; it has all that a coroutine has."""

    @property
    def options(self) -> dict[str, Any] | None: ...
    @property
    def link(self) -> SendLink:
        """The broker that it went to."""
    @property
    def queue(self) -> Any:
        """The queue that it went to."""
    @property
    def written(self) -> float:
        """When it was written, on the monotonic clock; before that it waited."""
    @property
    def future(self) -> asyncio.Future[SendResult]:
        """What its caller awaits."""
    @property
    def past(self) -> tuple[tuple[SendTarget, float, float, RocketMQError], ...]:
        """The tries before the last: where each went, when it began and ended, and its error."""
    def dropped(self) -> None:
        """Nobody waits any more, and no answer will be looked at."""
    def __await__(self) -> Generator[Any, Any, SendResult]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any) -> Any:
        """As a coroutine's."""
    def throw(self, kind: Any, value: Any = None, trace: Any = None) -> Any:
        """As a coroutine's."""
    def close(self) -> None:
        """As a coroutine's: nothing is sent if it has not begun."""
