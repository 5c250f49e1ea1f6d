"""How many sockets, how large a chunk, how much on the way: from size, round trip, cores and encryption.

`calculate_adaptive_concurrency` has the numbers of FlaxFile 1's documentation, which are upper bounds here.
Pure functions and one small state machine; nothing is measured here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from flaxfile.protocol.messages import MAX_CHUNK, MAX_SOCKETS

__all__ = [
    "BEHIND_A_TUNNEL",
    "FAR",
    "Plan",
    "WindowControl",
    "calculate_adaptive_concurrency",
    "chunk_for",
    "distance",
    "plan_transfer",
]

KIB: Final = 1024
MIB: Final = 1024 * 1024
MB: Final = 1_000_000
FAR: Final = 0.001
"""Seconds of a round trip from which on a link is not local."""
BEHIND_A_TUNNEL: Final = 0.01
"""Seconds from which on what answers at a loopback address is elsewhere."""
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


def distance(host: str, round_trip: float) -> float:
    """The round trip to plan by: a busy machine answers itself late and is not far away for that."""
    here = host == "localhost" or host.startswith("127.") or host.strip("[]") == "::1"
    return 0.0 if here and round_trip < BEHIND_A_TUNNEL else round_trip


class Plan(NamedTuple):
    """What a transfer begins with."""

    sockets: int
    chunk: int
    window: int


def chunk_for(size: int, round_trip: float) -> int:
    """Bytes of a chunk of a file of ``size`` bytes."""
    if size < 8 * MIB:
        return 256 * KIB
    chunk = MAX_CHUNK if round_trip > VERY_FAR and size >= 1000 * MB else MIB
    while size // chunk > MANY_CHUNKS and chunk < MAX_CHUNK:
        chunk *= 2
    return chunk


def sockets_for(size: int, *, round_trip: float, encrypted: bool, cores: int) -> int:
    """How many connections move a file of ``size`` bytes."""
    if size < 8 * MIB:
        return 1
    far = round_trip >= FAR
    if size < 50 * MB:
        return min(2, cores) if encrypted and not far else 1
    if size < 1000 * MB:
        return 4 if far else min(4, cores) if encrypted else 1
    return 8 if far else min(8, cores) if encrypted else max(1, min(2, cores // 2))


def plan_transfer(
    size: int, *, round_trip: float, encrypted: bool, cores: int, window: int, connections: int | None = None
) -> Plan:
    """What a transfer of ``size`` bytes begins with, ``window`` being the most that may be on the way."""
    chunk = chunk_for(size, round_trip)
    while chunk > 64 * KIB and chunk * 2 > window:
        chunk //= 2
    sockets = connections or sockets_for(size, round_trip=round_trip, encrypted=encrypted, cores=cores)
    return Plan(min(sockets, MAX_SOCKETS), chunk, max(2 * chunk, min(START_WINDOW, window)))


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
