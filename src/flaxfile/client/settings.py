"""What all transfers of a client have in common, and what each of them begins with. No I/O."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from flaxfile.adaptive import Plan, plan_transfer

if TYPE_CHECKING:
    from flaxfile.client.link import Link
    from flaxfile.model import HashKind

__all__ = ["BUFFERS_BEYOND", "Settings", "cores"]

BUFFERS_BEYOND: Final = 8 << 20
"""Bytes of buffers beyond the window: what libzmq has sent, but not yet given back."""


class Settings(NamedTuple):
    """What all transfers of a client have in common."""

    window: int
    connections: int | None
    cores: int
    hash_kind: HashKind

    def plan(self, size: int, link: Link) -> Plan:
        """What a transfer of this size begins with."""
        most = min(self.window, int(link.welcome.get("max_window", self.window)))
        return plan_transfer(
            size,
            round_trip=link.distance,
            encrypted=link.encrypted,
            cores=self.cores,
            window=most,
            connections=self.connections,
        )


def cores() -> int:
    """Processors that this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
