"""Decides whether and when something is tried again. No I/O, no clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flaxfile.errors import ConflictError, ConnectError, FlaxError, IntegrityError, LimitError, StalledError

if TYPE_CHECKING:
    import random

__all__ = ["RetryPlan"]

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
FRESH_TRIES: Final = 2
"""How often a transfer begins anew because its source changed, or because what arrived was not what was
sent.
"""


class RetryPlan:
    """The tries of one call.

    Args:
        retries: reconnects in a row without any progress.
        idle_timeout: seconds without any progress.
        now: the time of the beginning.
        pick: gives a number between two, for the jitter.
    """

    def __init__(
        self, retries: int, idle_timeout: float, now: float, pick: random.Random | None = None
    ) -> None:
        self._retries = retries
        self._idle_timeout = idle_timeout
        self._moved_at = now
        self._tries = 0
        self._fresh = 0
        self._pick = pick
        self.was_connected = False

    def moved(self, now: float) -> None:
        """There was progress: the counts begin again."""
        self._moved_at = now
        self._tries = 0

    def left(self, now: float) -> float:
        """Seconds that may still pass without progress."""
        return self._idle_timeout - (now - self._moved_at)

    def pause_after(self, error: FlaxError, now: float) -> float:
        """Seconds to wait before the next try; raises ``error``, or what it amounts to, when there is
        none.
        """
        if isinstance(error, (IntegrityError, ConflictError)) and error.retryable:
            # Sent anew from the start, so this is no question of time.
            self._fresh += 1
            if self._fresh > FRESH_TRIES:
                raise error
            return 0.0
        lost = isinstance(error, (ConnectError, StalledError)) and self.was_connected
        if not (lost or (error.retryable and not isinstance(error, ConnectError))) or not error.retryable:
            raise error
        self._tries += 1
        left = self.left(now)
        if self._tries > self._retries or left <= 0:
            if isinstance(error, LimitError):
                raise error
            raise StalledError(
                f"no progress for {now - self._moved_at:.0f} s, {self._tries - 1} more tries: {error}",
                hint="what has arrived is kept: the same command goes on from there",
            ) from error
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._tries - 1)) * self._jitter()
        if error.retry_after is not None:
            pause = max(pause, error.retry_after)
        return float(min(pause, left))

    def _jitter(self) -> float:
        if self._pick is None:
            import random  # noqa: PLC0415 - most clients never wait

            self._pick = random.Random()  # noqa: S311 - spreads clients in time, keeps no secret
        return self._pick.uniform(0.5, 1.0)
