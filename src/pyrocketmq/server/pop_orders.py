"""Ordered popping: a queue gives nothing more to a group before what it gave is acknowledged or due again.

Must not know how messages are read or answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq.server.pop_flights import Place

__all__ = ["Order", "Orders"]


@dataclass(slots=True)
class Order:
    """What a group was given last from one queue."""

    pop_ms: int
    attempt_id: str | None
    due_ms: dict[int, int]
    """When each message that is not acknowledged is due again, in the order of the queue."""
    offsets: tuple[int, ...]
    counts: dict[int, int] = field(default_factory=dict[int, int])
    """How often messages were given before, for those that were."""

    def blocks(self, now_ms: int, attempt_id: str | None) -> bool:
        """Whether the queue has to wait; not for the same attempt of a client, which asks again."""
        if attempt_id is not None and attempt_id == self.attempt_id:
            return False
        return any(due > now_ms for due in self.due_ms.values())

    @property
    def next_offset(self) -> int:
        """Where the group goes on."""
        return next(iter(self.due_ms), self.offsets[-1] + 1)


class Orders:
    """The ordered queues of all groups."""

    def __init__(self) -> None:
        self._orders: dict[Place, Order] = {}

    def get(self, place: Place) -> Order | None:
        """What a group was given last from a queue."""
        return self._orders.get(place)

    def is_blocked(self, place: Place, now_ms: int, attempt_id: str | None) -> bool:
        """Whether a queue has to wait."""
        order = self._orders.get(place)
        return order is not None and order.blocks(now_ms, attempt_id)

    def give(
        self, place: Place, offsets: Sequence[int], pop_ms: int, invisible_ms: int, attempt_id: str | None
    ) -> Order:
        """Write down what a group is given."""
        former = self._orders.get(place)
        counts: dict[int, int] = {}
        if former is not None:
            again = 0 if attempt_id is not None and attempt_id == former.attempt_id else 1
            counts = {
                offset: former.counts.get(offset, 0) + again for offset in offsets if offset in former.due_ms
            }
        due = dict.fromkeys(offsets, pop_ms + invisible_ms)
        order = self._orders[place] = Order(pop_ms, attempt_id, due, tuple(offsets), counts)
        return order

    def acknowledge(self, place: Place, offset: int, pop_ms: int) -> Order | None:
        """Take a message as done; what is left, or None if this is not from the last pop."""
        order = self._orders.get(place)
        if order is None or order.pop_ms != pop_ms or offset not in order.due_ms:
            return None
        del order.due_ms[offset]
        return order

    def postpone(self, place: Place, offset: int, pop_ms: int, due_ms: int) -> bool:
        """Change when a message is due again; False if it is not from the last pop."""
        order = self._orders.get(place)
        if order is None or order.pop_ms != pop_ms or offset not in order.due_ms:
            return False
        order.due_ms[offset] = due_ms
        return True

    def forget(self, topic: str) -> None:
        """Drop everything about a topic."""
        for place in [place for place in self._orders if place.topic == topic]:
            del self._orders[place]

    def forget_place(self, place: Place) -> None:
        """Drop everything about a queue of a group."""
        self._orders.pop(place, None)
