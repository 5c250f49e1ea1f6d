"""How many sockets, how large a chunk, how much on the way: from size, round trip, cores and encryption.

`calculate_adaptive_concurrency` has the numbers of FlaxFile 1's documentation, which are upper bounds here. Pure
functions and one small state machine; nothing is measured here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from flaxfile.protocol.messages import MAX_CHUNK, MAX_SOCKETS

__all__ = ["Plan", "WindowControl", "calculate_adaptive_concurrency", "plan_transfer"]

KIB: Final = 1024
MIB: Final = 1024 * 1024
MB: Final = 1_000_000
FAR: Final = 0.001
"""Seconds of a round trip from which on a link is not local."""
VERY_FAR: Final = 0.05
START_WINDOW: Final = 8 * MIB
MANY_CHUNKS: Final = 1 << 20
"""Chunks a transfer should have at most: each needs nine bytes of memory on both sides."""


def calculate_adaptive_concurrency(file_size: int, *, file_concurrency: bool = False) -> tuple[int, int]:
    """Sockets and window for a file, in chunks of 4 MiB; in a sync, files at a time and sockets a file."""
    if file_concurrency:
        for limit, numbers in ((MB, (256, 1)), (10 * MB, (64, 4)), (100 * MB, (32, 8))):
            if file_size < limit:
                return numbers
        return 16, 16
    for limit, numbers in ((50 * MB, (1, 16)), (200 * MB, (2, 8)), (1000 * MB, (4, 8))):
        if file_size < limit:
            return numbers
    return 8, 8


class Plan(NamedTuple):
    """What a transfer begins with."""

    sockets: int
    chunk: int
    window: int


def plan_transfer(
    size: int, *, round_trip: float, encrypted: bool, cores: int, window: int, connections: int | None = None
) -> Plan:
    """What a transfer of ``size`` bytes begins with, ``window`` being the most that may be on the way."""
    if size < 8 * MIB:
        sockets, chunk = 1, 256 * KIB
    elif size < 50 * MB:
        sockets, chunk = (min(2, cores) if encrypted and round_trip < FAR else 1), MIB
    elif size < 1000 * MB:
        sockets, chunk = (4 if round_trip >= FAR else min(4, cores) if encrypted else 1), MIB
    else:
        sockets = 8 if round_trip >= FAR else min(8, cores) if encrypted else max(1, min(2, cores // 2))
        chunk = MAX_CHUNK if round_trip > VERY_FAR else MIB
    while size // chunk > MANY_CHUNKS and chunk < MAX_CHUNK:
        chunk *= 2
    while chunk > 64 * KIB and chunk * 2 > window:
        chunk //= 2
    sockets = min(connections or sockets, MAX_SOCKETS)
    return Plan(sockets, chunk, max(2 * chunk, min(START_WINDOW, window)))


class WindowControl:
    """Finds how much may be on the way: more while that makes it faster, less when it only makes a queue.

    Args:
        start: bytes to begin with.
        least: never less than this.
        most: never more than this.
    """

    INTERVAL: Final = 0.25
    """Seconds between two looks."""

    def __init__(self, start: int, least: int, most: int) -> None:
        self.window = max(least, min(start, most))
        self._least = least
        self._most = max(least, most)
        self._best = 0.0
        self._seen: tuple[float, int] | None = None
        self._raised = False

    def look(self, now: float, done_bytes: int, round_trip: float, least_round_trip: float) -> int:
        """The window from now on."""
        if self._seen is None:
            self._seen = (now, done_bytes)
            return self.window
        since, before = self._seen
        if now - since < self.INTERVAL:
            return self.window
        rate = (done_bytes - before) / (now - since)
        self._seen = (now, done_bytes)
        if (
            least_round_trip > 0
            and round_trip > 2 * least_round_trip
            and round_trip > 2 * FAR
            and self._raised
        ):
            self.window = max(self._least, self.window * 2 // 3)
            self._raised = False
        elif rate > self._best * 1.05:
            self.window = min(self._most, self.window * 3 // 2)
            self._raised = True
        self._best = max(self._best * 0.98, rate)
        return self.window
