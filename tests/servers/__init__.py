"""The servers that suites run on, and a small client that judges what they write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .embedded import embedded_server
from .real import LAUNCHER, RealServer, launch, real_server
from .server import Security, Server
from .wire import Answer, Codec, Wire

__all__ = [
    "KINDS",
    "LAUNCHER",
    "Answer",
    "Codec",
    "RealServer",
    "Security",
    "Server",
    "Wire",
    "chosen_servers",
    "launch",
    "real_server",
    "started",
]


KINDS = ("embedded", "5.5.0", "4.9.7")


def chosen_servers(config: pytest.Config) -> list[str]:
    """The values of ``--server``."""
    return list(dict.fromkeys(config.getoption("--server") or ["embedded"]))


@contextmanager
def started(kind: str, folder: Path, *, secured: bool = False, real_time: bool = False) -> Iterator[Server]:
    """A server of this kind, until the end of the block; in real time the clock of ours is not moved."""
    start = (
        embedded_server(folder, secured=secured, real_time=real_time)
        if kind == "embedded"
        else real_server(kind, folder, secured=secured)
    )
    with start as server:
        yield server
