"""Kills producers between half messages and their ends, and looks what becomes of the transactions."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ

ROOT = Path(__file__).parents[2]
AT_ONCE = 5
LONGEST_WAIT_S = 0.1
PATIENCE_S = 60.0


class ProducerProcess:
    """One ``producer_program``."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.producer_program", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def wait_for(self, line: str) -> None:
        """Read what it writes up to a line."""
        assert self._process.stdout is not None
        for found in self._process.stdout:
            if found.strip() == line:
                return
        raise AssertionError(f"the producer ended with {self._process.wait(10)} before it wrote {line!r}")

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


@dataclass
class Outcome:
    """What became of the transactions of killed producers."""

    kills: int = 0
    begun: int = 0
    committed: int = 0
    missing: set[str] = field(default_factory=set)
    """Committed in the database, and no consumer gets them."""
    unwanted: set[str] = field(default_factory=set)
    """Not in the database, and consumers get them."""
    twice: int = 0
    seconds: list[float] = field(default_factory=list)
    """From each restart until nothing was open any more."""

    def add(self, other: Outcome) -> None:
        self.kills += other.kills
        self.begun += other.begun
        self.committed += other.committed
        self.missing |= other.missing
        self.unwanted |= other.unwanted
        self.twice += other.twice
        self.seconds += other.seconds


def kill_producers(folder: Path, kills: int, interval: float, seed: str) -> Outcome:
    """Kill so many producers of one group, each restarted under it, and judge by the database.

    Args:
        folder: where the database goes.
        kills: how many.
        interval: seconds until the first check, and between two checks.
        seed: of what happens when.
    """
    rng = random.Random(seed)
    database = folder / "paid.db"
    with sqlite3.connect(database) as made:
        made.execute("CREATE TABLE paid (number TEXT PRIMARY KEY)")
    made.close()
    config = ServerConfig(transaction_timeout=interval, transaction_check_interval=interval)
    topic, group = f"topic-{uuid.uuid4().hex}", f"group-{uuid.uuid4().hex}"
    outcome = Outcome()
    with LocalRocketMQ(config) as rocketmq:
        rocketmq.create_topic(topic)

        def start(number: int) -> ProducerProcess:
            return ProducerProcess(rocketmq.addr, group, topic, str(database), f"{seed}-{number}")

        with running(start(0)) as process:
            process[0].wait_for("serving")
            for number in range(kills):
                first = outcome.begun
                process[0].tell(f"{first} {AT_ONCE}")
                process[0].wait_for(f"half {first + AT_ONCE - 1}")
                time.sleep(rng.random() * LONGEST_WAIT_S)
                process[0].kill()
                outcome.kills += 1
                outcome.begun += AT_ONCE
                process[0] = start(number + 1)
                process[0].wait_for("serving")
                begun = time.monotonic()
                until_none_is_open(rocketmq)
                outcome.seconds.append(time.monotonic() - begun)
        got = [message.body.decode() for message in rocketmq.messages(topic)]
    with sqlite3.connect(database) as looked:
        paid = {number for (number,) in looked.execute("SELECT number FROM paid")}
    looked.close()
    outcome.committed = len(paid)
    outcome.missing = paid - set(got)
    outcome.unwanted = set(got) - paid
    outcome.twice = len(got) - len(set(got))
    return outcome


@contextmanager
def running(process: ProducerProcess) -> Iterator[list[ProducerProcess]]:
    """The process of the moment, killed at the end."""
    current = [process]
    try:
        yield current
    finally:
        current[0].kill()


def until_none_is_open(rocketmq: LocalRocketMQ) -> None:
    (broker,) = rocketmq.server.brokers
    end = time.monotonic() + PATIENCE_S
    while count := rocketmq._thread.call(lambda: broker.transactions.open_count):
        assert time.monotonic() < end, f"{count} transactions stay open"
        time.sleep(0.005)
