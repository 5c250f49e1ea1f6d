"""Callbacks at times of the server's clock, which tests may move."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from typing import TYPE_CHECKING, Final

from pyrocketmq._clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq._clock import Clock

__all__ = ["Timer", "Timers"]

logger = logging.getLogger(__name__)

_LONGEST_WAIT: Final = 10.0  # the wall clock may be set, so nobody sleeps for longer


class Timer:
    """One callback that is due at a time."""

    __slots__ = ("callback", "due_ms")

    def __init__(self, due_ms: int, callback: Callable[[], object]) -> None:
        self.due_ms = due_ms
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Do not call; once more does nothing."""
        self.callback = None


class Timers:
    """All timers of a server, behind one timer of the event loop.

    With a `ManualClock` nothing happens by itself: whoever moves the clock calls `run_due`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[int, int, Timer]] = []
        self._numbers = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._is_manual = isinstance(clock, ManualClock)
        self._closed = False

    def at(self, due_ms: int, callback: Callable[[], object]) -> Timer:
        """Call back when the clock shows this time; never at once, even if it has passed."""
        timer = Timer(due_ms, callback)
        heapq.heappush(self._heap, (due_ms, next(self._numbers), timer))
        if self._heap[0][2] is timer:
            self._arm()
        return timer

    def after(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back in this time."""
        return self.at(self.clock.now_ms() + round(seconds * 1000), callback)

    def every(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back again and again, until the result is called."""
        timer: Timer | None = None

        def run() -> None:
            nonlocal timer
            timer = self.after(seconds, run)
            callback()

        def stop() -> None:
            if timer is not None:
                timer.cancel()

        timer = self.after(seconds, run)
        return stop

    def next_due(self) -> int | None:
        """When the next timer is due, None if there is none."""
        while self._heap and self._heap[0][2].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> None:
        """Call what is due, in the order of the times."""
        now = self.clock.now_ms()
        while True:
            due = self.next_due()
            if due is None or due > now:
                break
            timer = heapq.heappop(self._heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                try:
                    callback()
                except Exception:
                    logger.exception("a timer of the server failed")
        self._arm()

    def close(self) -> None:
        """Forget all timers."""
        self._closed = True
        self._heap.clear()
        self._disarm()

    def _disarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if self._is_manual or self._closed:
            return
        self._disarm()
        due = self.next_due()
        if due is not None:
            wait = (due - self.clock.now_ms()) / 1000
            self._handle = self._loop.call_later(min(max(wait, 0.0), _LONGEST_WAIT), self.run_due)
