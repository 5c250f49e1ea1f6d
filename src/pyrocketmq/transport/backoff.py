"""When a server may be tried again: full jitter between growing bounds, without I/O and without sleeping."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]

# Not the generator of the program, whose order it would disturb; and different after a fork.
_RANDOM = random.SystemRandom()


class Backoff:
    """The waits between attempts to reach one address.

    After failure n the next attempt is due after a random part of ``minimum * 2**n``, but never sooner than
    ``minimum`` and never later than ``maximum``: full jitter, so that many clients do not come in step.

    Args:
        minimum: seconds of the shortest wait.
        maximum: seconds of the longest wait.
        wanted_maximum: seconds of the longest wait when somebody asks for the connection.
        clock: seconds that never go back.
        random_part: gives a number from 0 to 1.
    """

    def __init__(
        self,
        minimum: float = 0.05,
        maximum: float = 30.0,
        *,
        wanted_maximum: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        random_part: Callable[[], float] = _RANDOM.random,
    ) -> None:
        if not 0 < minimum <= maximum <= 3600:
            raise ConfigurationError(
                f"the waits are {minimum:g} s to {maximum:g} s, they must be > 0, in order, at most 3600",
                field="minimum",
                advice="leave them at 0.05 and 30",
            )
        self.minimum = minimum
        self.maximum = maximum
        self.wanted_maximum = wanted_maximum
        self.failures = 0
        self._clock = clock
        self._random = random_part
        self._due = 0.0
        self._failed_at = 0.0

    def failed(self) -> float:
        """Note a failed attempt, or a connection that was lost; returns the seconds until the next."""
        self.failures += 1
        # Beyond 2**60 nothing changes, and a float must not overflow after weeks of failures.
        bound = min(self.maximum, self.minimum * 2.0 ** min(self.failures, 60))
        wait = self.minimum + (bound - self.minimum) * self._random()
        self._failed_at = self._clock()
        self._due = self._failed_at + wait
        return wait

    def succeeded(self) -> None:
        """Note a connection that was made: the next failure starts from the shortest wait again."""
        self.failures = 0
        self._due = 0.0

    def retry_now(self) -> None:
        """Let the next attempt be made now, since the server was reached by somebody else."""
        self._due = self._clock()

    @property
    def seconds_left(self) -> float:
        """Seconds until the next attempt is due; 0 when it may be made now."""
        return max(0.0, self._due - self._clock()) if self.failures else 0.0

    @property
    def seconds_left_when_wanted(self) -> float:
        """The same for a call that waits for the connection: after a long outage it need not wait as long."""
        return min(self.seconds_left, max(0.0, self._failed_at + self.wanted_maximum - self._clock()))
