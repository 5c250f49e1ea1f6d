"""A bound on how often the same fault is logged: one line per key and interval, the rest counted and told.

Knows a logger and a clock; what a key means is the caller's business, for example an address.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RepeatedFaults"]

DEFAULT_INTERVAL_S: Final = 10.0
DEFAULT_MAX_KEYS: Final = 1024

LONG_INTERVAL_S: Final = 120.0
"""To which the interval of faults that may go on for hours grows."""


@dataclass(slots=True)
class _Seen:
    logged_at: float
    interval: float
    withheld: int = 0


class RepeatedFaults:
    """Logs the first fault of a key at once and later ones at most once per interval. Safe across threads.

    A line that comes after withheld ones ends in `` (37 more like this in the last 12.0 s)``.

    Args:
        logger: where lines go.
        interval: seconds between two lines of one key.
        longest: seconds to which the interval of a key doubles while its fault goes on, so that a long outage
            does not fill the log; it does not by default.
        clock: seconds that only rise; tests give their own.
        max_keys: keys to remember; the one that has been quiet for longest is forgotten first.
    """

    def __init__(
        self,
        logger: logging.Logger,
        *,
        interval: float = DEFAULT_INTERVAL_S,
        longest: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_keys: int = DEFAULT_MAX_KEYS,
    ) -> None:
        if not interval > 0:
            raise ConfigurationError(
                f"interval is {interval!r} seconds, not above 0",
                field="interval",
                advice="the default is 10.0",
            )
        if max_keys < 1:
            raise ConfigurationError(
                f"max_keys is {max_keys!r}, not 1 or more", field="max_keys", advice="the default is 1024"
            )
        self._logger = logger
        self._interval = interval
        self._longest = interval if longest is None else max(interval, longest)
        self._clock = clock
        self._max_keys = max_keys
        self._seen: OrderedDict[object, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def log(self, key: object, level: int, message: str, *args: object) -> bool:
        """Log a fault, or count it when its key was logged within the interval; True if it was logged."""
        # The line must not be written under the lock: a handler may itself meet the fault.
        withheld = self._admit(key)
        if withheld is None:
            return False
        count, seconds = withheld
        if count:
            message, args = f"{message} (%d more like this in the last %.1f s)", (*args, count, seconds)
        self._logger.log(level, message, *args)
        return True

    def warning(self, key: object, message: str, *args: object) -> bool:
        """``log`` at level WARNING."""
        return self.log(key, logging.WARNING, message, *args)

    def error(self, key: object, message: str, *args: object) -> bool:
        """``log`` at level ERROR."""
        return self.log(key, logging.ERROR, message, *args)

    def over(self, key: object, message: str, *args: object) -> bool:
        """Log at level INFO that a fault has ended, with the count that was withheld; True if it was logged.

        A key that had no fault since it last ended is not logged, so callers may call this on every success.
        """
        with self._lock:
            seen = self._seen.pop(key, None)
        if seen is None:
            return False
        if seen.withheld:
            message, args = f"{message} (%d more faults were not logged)", (*args, seen.withheld)
        self._logger.info(message, *args)
        return True

    def eased(self, key: object) -> None:
        """Note that a fault has ended, without a line: when it comes again, its interval is the first one."""
        with self._lock:
            seen = self._seen.get(key)
            if seen is not None:
                seen.interval = self._interval

    def withheld(self, key: object) -> int:
        """How many faults of this key were counted since its last line."""
        with self._lock:
            seen = self._seen.get(key)
            return 0 if seen is None else seen.withheld

    def _admit(self, key: object) -> tuple[int, float] | None:
        """The count and the seconds since the last line of the key; None when there is to be no line."""
        now = self._clock()
        with self._lock:
            seen = self._seen.get(key)
            if seen is None:
                self._seen[key] = _Seen(now, self._interval)
                if len(self._seen) > self._max_keys:
                    self._seen.popitem(last=False)
                return 0, 0.0
            self._seen.move_to_end(key)
            since = now - seen.logged_at
            if since < seen.interval:
                seen.withheld += 1
                return None
            goes_on = seen.withheld and since < 2 * seen.interval
            seen.interval = min(seen.interval * 2, self._longest) if goes_on else self._interval
            count, seen.withheld, seen.logged_at = seen.withheld, 0, now
            return count, since
