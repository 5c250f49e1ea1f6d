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
from typing import Protocol

from pyrocketmq.broker import SyncBrokerClient
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from tests.servers import Server, Wire

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


class Stage(Protocol):
    """The server that the producers use."""

    addr: str

    def create_topic(self, topic: str) -> None: ...

    def until_settled(self, topic: str, paid: set[str]) -> None:
        """Wait until every transaction has ended; ``paid`` are those of the database."""

    def bodies(self, topic: str) -> list[str]:
        """What consumers get."""


class EmbeddedStage:
    """A server in this process, which knows what is open."""

    def __init__(self, rocketmq: LocalRocketMQ) -> None:
        self._rocketmq = rocketmq
        self.addr = rocketmq.addr

    def create_topic(self, topic: str) -> None:
        self._rocketmq.create_topic(topic)

    def until_settled(self, topic: str, paid: set[str]) -> None:
        del topic, paid
        (broker,) = self._rocketmq.server.brokers
        end = time.monotonic() + PATIENCE_S
        while count := self._rocketmq._thread.call(lambda: broker.transactions.open_count):
            assert time.monotonic() < end, f"{count} transactions stay open"
            time.sleep(0.005)

    def bodies(self, topic: str) -> list[str]:
        return [message.body.decode() for message in self._rocketmq.messages(topic)]


class RealStage:
    """Apache RocketMQ: only the messages that appear tell that a transaction has ended."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.addr = server.name_server

    def create_topic(self, topic: str) -> None:
        with Wire(self._server.broker) as wire:
            wire.call(Requests.create_create_topic_request(topic, 1, 1))

    def until_settled(self, topic: str, paid: set[str]) -> None:
        end = time.monotonic() + PATIENCE_S
        while missing := paid - set(self.bodies(topic)):
            assert time.monotonic() < end, f"{missing} do not appear"
            time.sleep(0.02)

    def bodies(self, topic: str) -> list[str]:
        host, _, port = self._server.broker.rpartition(":")
        found: list[str] = []
        with SyncBrokerClient(host, int(port)) as client:
            while True:
                pulled = client.pull_message("readers", topic, 0, len(found), 32)
                if not pulled.messages:
                    return found
                found += [message.body.decode() for message in pulled.messages]


def kill_producers(folder: Path, kills: int, interval: float, seed: str) -> Outcome:
    """Kill so many producers of one group on the embedded server, and judge by the database.

    Args:
        folder: where the database goes.
        kills: how many.
        interval: seconds until the first check, and between two checks.
        seed: of what happens when.
    """
    config = ServerConfig(transaction_timeout=interval, transaction_check_interval=interval)
    with LocalRocketMQ(config) as rocketmq:
        return kill_producers_on(EmbeddedStage(rocketmq), folder, kills, seed)


def kill_producers_on(stage: Stage, folder: Path, kills: int, seed: str, rest: float = 0.0) -> Outcome:
    """The same on any server; it rests so many seconds before the last look."""
    rng = random.Random(seed)
    database = folder / "paid.db"
    with sqlite3.connect(database) as made:
        made.execute("CREATE TABLE paid (number TEXT PRIMARY KEY)")
    made.close()
    topic, group = f"topic-{uuid.uuid4().hex}", f"group-{uuid.uuid4().hex}"
    outcome = Outcome()
    stage.create_topic(topic)

    def start(number: int) -> ProducerProcess:
        return ProducerProcess(stage.addr, group, topic, str(database), f"{seed}-{number}")

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
            stage.until_settled(topic, paid_of(database))
            outcome.seconds.append(time.monotonic() - begun)
        time.sleep(rest)
    got, paid = stage.bodies(topic), paid_of(database)
    outcome.committed = len(paid)
    outcome.missing = paid - set(got)
    outcome.unwanted = set(got) - paid
    outcome.twice = len(got) - len(set(got))
    return outcome


def paid_of(database: Path) -> set[str]:
    """The local parts that were done."""
    with sqlite3.connect(database, timeout=30.0) as looked:
        paid = {number for (number,) in looked.execute("SELECT number FROM paid")}
    looked.close()
    return paid


@contextmanager
def running(process: ProducerProcess) -> Iterator[list[ProducerProcess]]:
    """The process of the moment, killed at the end."""
    current = [process]
    try:
        yield current
    finally:
        current[0].kill()
