"""The command line under test runs in this process; `run` gives what it printed and its exit code."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from pyrocketmq.cli.main import main

from .stage import Stage, open_stage


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON document of the output."""
        return json.loads(self.out)


Run = Callable[..., Ended]


class Terminal(io.StringIO):
    """Where people read."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in (
        "NAMESRV_ADDR",
        "PYROCKETMQ_ACCESS_KEY",
        "PYROCKETMQ_SECRET_KEY",
        "PYROCKETMQ_SECURITY_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)

    def run_command(*words: str) -> Ended:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run_command


@pytest.fixture
def stage() -> Iterator[Stage]:
    with open_stage() as opened:
        yield opened


@pytest.fixture
def dead_address() -> Iterator[str]:
    """An address that refuses connections, and that nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
