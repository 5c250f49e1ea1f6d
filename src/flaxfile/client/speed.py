"""What is known of how quick a link is, which decides whether a delta pays. No I/O."""

from __future__ import annotations

from typing import Final

from flaxfile.adaptive import FAR

__all__ = ["FAST", "LinkSpeed"]

FAST: Final = 500e6
"""Bytes a second from which on it is quicker to send a file than to read it on both sides and compare."""
TELLING: Final = 4 << 20
"""Bytes of a transfer that says something about a link."""


class LinkSpeed:
    """The best rate that a client has seen."""

    def __init__(self) -> None:
        self._best = 0.0
        self._trying = False

    def note(self, wire_bytes: int, seconds: float) -> None:
        """A transfer is over."""
        if wire_bytes >= TELLING and seconds > 0:
            self._best = max(self._best, wire_bytes / seconds)

    def delta_pays(self, round_trip: float) -> bool:
        """Whether to look for what is the same before the next transfer.

        A far link is taken for a slow one until it has shown another rate; on a near one the first file is
        moved whole, which tells.
        """
        if self._best == 0.0 and round_trip < FAR and not self._trying:
            self._trying = True
            return False
        return self._best < FAST
