import asyncio
from collections.abc import Callable
from typing import Self

from typing_extensions import disjoint_base

from pyrocketmq._native.channel import SendOwner
from pyrocketmq._native.message import Message
from pyrocketmq.errors import RocketMQError

__all__: list[str] = []

@disjoint_base
class InLine(SendOwner):
    """A send that may have to wait; what it is decides what it does then."""

    @property
    def message(self) -> Message: ...
    @property
    def timeout(self) -> float:
        """Seconds for all of it; 0 for those of the table."""
    @property
    def begun(self) -> float:
        """When it began, on the monotonic clock."""
    @property
    def warming(self) -> float:
        """Seconds that it waited for the first queues of its topic."""

@disjoint_base
class Room:
    """Who may be under way, and who waits, in the order of arrival."""

    max_in_flight: int
    max_in_flight_bytes: int
    refuse: Callable[[float, int], RocketMQError]

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def in_flight_bytes(self) -> int: ...
    @property
    def waiting(self) -> int:
        """How many sends wait."""
    def take(self, size: int) -> bool:
        """Count a send that goes the general way, if there is room and nobody waits; ``give`` ends that."""
    def take_back(self, size: int) -> None:
        """Count a send once more that goes on in another way; it need not wait for room."""
    def take_later(self, future: asyncio.Future[None], size: int) -> None:
        """Have a future resolved when there is room, which it has taken then."""
    def give(self, size: int) -> None:
        """End what ``take`` or ``take_later`` began."""
    def end_waiting(self, error: RocketMQError) -> None:
        """End the sends that wait."""
    def sweep(self) -> None:
        """End the sends that have waited too long for room."""
