"""Programs that the tests start, and what every test has to leave as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pyrocketmq.remote.engine import engine

Started = subprocess.Popen[str]
RunProgram = Callable[..., list[str]]


@contextmanager
def started(source: str, *arguments: object) -> Iterator[Started]:
    """A program in a process of its own, killed when it does not end by itself."""
    # From 3.12 on a warning says that fork and threads do not go together; here it is the point.
    warnings = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    command = [sys.executable, *warnings, "-c", textwrap.dedent(source), *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            # With its children, which hold the other ends of the pipes.
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def run_program() -> RunProgram:
    """Run a program to its end; gives the lines that it printed, and fails when it failed."""

    def run(source: str, *arguments: object) -> list[str]:
        with started(source, *arguments) as process:
            out, err = process.communicate(timeout=30)
        assert (0, "") == (process.returncode, err)
        return out.splitlines()

    return run


@pytest.fixture(autouse=True)
def nothing_in_progress() -> Iterator[None]:
    """No call and no task is left on the engine, which goes on for the next test."""
    yield
    assert 0 == engine().stats().in_progress
    left: list[str] = []
    for _ in range(100):
        # A call is answered before its task has quite ended.
        left = engine().run(names_of_tasks)
        if not left:
            break
    assert [] == left


def names_of_tasks() -> list[str]:
    """What runs on the event loop that this is called on."""
    return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
