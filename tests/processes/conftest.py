"""Programs in processes of their own, and the broker that they send to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import pyrocketmq
from pyrocketmq.testing import LocalRocketMQ

ROOT = Path(__file__).parents[2]
LIMIT_S = 60


@contextmanager
def started(
    *command: object, interpreter: bool = True, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A program, killed with all of its children when it does not end by itself."""
    places = [str(Path(pyrocketmq.__file__).parents[1]), str(ROOT)]
    # From 3.12 on a warning says that fork and threads do not go together; here it is the point.
    first = [sys.executable, "-W", "ignore:This process:DeprecationWarning"] if interpreter else []
    process = subprocess.Popen(
        [*first, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), **(environment or {})},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def rocketmq() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ() as server:
        yield server


def bodies(rocketmq: LocalRocketMQ, topic: str) -> Counter[str]:
    """How often each body is in a topic."""
    return Counter(message.body.decode() for message in rocketmq.messages(topic))
