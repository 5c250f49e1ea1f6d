"""How much may be under way: a window of requests for each broker.

It only counts. It knows neither brokers nor messages, and is used on one event loop.
"""

from __future__ import annotations

from typing import Final

__all__ = ["SendWindow"]

FIRST_LIMIT: Final = 4
QUICK_S: Final = 0.1
"""Answers that take no longer than this let a window grow."""
SLOW_S: Final = 0.3
"""Answers that take longer make it smaller: more under way would only wait longer, and at last time out."""


class SendWindow:
    """How many requests one broker may have at a time: halved when it is busy, grown while it is not.

    It grows with each quick success until the broker is busy or slow for the first time, then by one in each
    round. A round of busy or of slow answers counts once.

    Args:
        maximum: the limit never grows beyond this.
        first: the limit in the beginning.
    """

    __slots__ = (
        "_credit",
        "_shrunk_at",
        "_taken",
        "_warming",
        "busy_answers",
        "in_flight",
        "limit",
        "maximum",
    )

    def __init__(self, maximum: int = 256, first: int = FIRST_LIMIT) -> None:
        self.maximum = maximum
        self.limit = min(first, maximum)
        """How many there may be now."""
        self.in_flight = 0
        """How many there are."""
        self.busy_answers = 0
        """How often the broker has said that it is busy."""
        self._taken = 0
        self._shrunk_at = 0
        self._credit = 0
        self._warming = True

    def __repr__(self) -> str:
        return f"<SendWindow {self.in_flight} of {self.limit}, at most {self.maximum}>"

    @property
    def has_room(self) -> bool:
        """Whether another request may go."""
        return self.in_flight < self.limit

    def take(self) -> int:
        """A request goes; gives its number, for ``busy``."""
        self.in_flight += 1
        self._taken += 1
        return self._taken

    def succeeded(self, seconds: float = 0.0, number: int = 0) -> None:
        """A request was answered as it should be.

        Args:
            seconds: how long that took.
            number: what ``take`` gave for it; needed where the answer may be slow.
        """
        was_full = self.in_flight >= self.limit
        self.in_flight -= 1
        if seconds > SLOW_S:
            self._shrink(number, self.limit * 3 // 4)
        elif was_full and self.limit < self.maximum and seconds <= QUICK_S:
            self._credit += 1
            if self._warming or self._credit >= self.limit:
                self._credit = 0
                self.limit += 1

    def busy(self, number: int) -> None:
        """The broker has too much to do for a request, which goes on or is repeated."""
        self.busy_answers += 1
        self._shrink(number, self.limit // 2)

    def late(self, number: int) -> None:
        """No answer came in time to a request, which goes on or is repeated."""
        self._shrink(number, self.limit // 2)

    def busy_again(self) -> None:
        """A request that was repeated found the broker busy once more."""
        self.busy(self._taken)

    def ended(self) -> None:
        """A request is over, and says nothing about the broker's load."""
        self.in_flight -= 1

    def snapshot(self) -> dict[str, int]:
        """Its figures, for ``stats()``."""
        return {
            "limit": self.limit,
            "maximum": self.maximum,
            "in_flight": self.in_flight,
            "busy_answers": self.busy_answers,
        }

    def _shrink(self, number: int, limit: int) -> None:
        if number > self._shrunk_at:
            # Those that were under way by now tell of the same trouble.
            self._shrunk_at = self._taken
            self._warming = False
            self._credit = 0
            self.limit = max(1, limit)
