"""What a suite may know about the server that it runs on: addresses, and how time passes there."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from pyrocketmq.model import AclCredentials

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Security:
    """Who may do what on a server with access control, and whom its certificate is signed by."""

    ca_file: Path
    admin: AclCredentials
    app: AclCredentials
    """May publish and subscribe, and not administer."""


@dataclass(kw_only=True)
class Server(ABC):
    """A running name server and broker."""

    kind: str
    """``embedded``, or the release of a real one."""
    name_server: str
    broker: str
    broker_name: str
    cluster: str = "DefaultCluster"
    lock_seconds: float = 60.0
    """How long a lock on a queue lasts when nobody renews it."""
    check_seconds: float = 30.0
    """How often half messages are looked at."""
    check_max: int = 15
    """How often a producer is asked about a half message."""
    security: Security | None = field(default=None)

    @abstractmethod
    def passes(self, seconds: float) -> None:
        """Let time pass on the server, and have everything done that becomes due."""

    @abstractmethod
    def now_ms(self) -> int:
        """The server's clock, in ms since 1970."""

    @abstractmethod
    def pause(self, looks: int) -> None:
        """A short while, after so many looks at something that the server does in its own time."""

    def until(self, probe: Callable[[], T | None], what: str, within: float = 20.0) -> T:
        """The first result that is not None and not empty, within these seconds of the server's time."""
        real_end = time.monotonic() + within + 10.0
        end_ms = self.now_ms() + round(within * 1000)
        for looks in count():
            found = probe()
            if found:
                return found
            if self.now_ms() > end_ms or time.monotonic() > real_end:
                raise AssertionError(f"not within {within:.0f} s: {what}")
            self.pause(looks)
        raise AssertionError
