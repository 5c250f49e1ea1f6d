"""Keeps a rate: says how long to wait before the next message."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "rate"]

_PER: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_CATCH_UP: Final = 0.1


def rate(text: str) -> float:
    """Messages per second: ``1000``, ``1000/s``, ``5k/s``, ``60/m``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(k?)(?:/([smh]))?", text.strip().lower())
    if match is None:
        raise ValueError(text)
    value = float(match[1]) * (1000 if match[2] else 1) / _PER[match[3] or "s"]
    if not 0 < value <= 1e9:
        raise ValueError(text)
    return value


class Pace:
    """When each message is due. Time that was lost is made up for a moment's worth, not by a flood.

    Args:
        per_second: the rate.
        clock: for tests.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = 1.0 / per_second
        self._clock = clock
        self._due = clock()

    def wait_s(self) -> float:
        """Seconds until the next message is due, which counts as sent by this call."""
        now = self._clock()
        self._due = max(self._due, now - _CATCH_UP)
        wait = self._due - now
        self._due += self._step
        return max(wait, 0.0)
