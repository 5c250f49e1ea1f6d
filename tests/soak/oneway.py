"""One-way sends as quick as they go to a real broker, and how many of them it has stored.

    python -m tests.soak.oneway [--version 5.5.0] [--count 200000] [--busy 4]

By an event loop and by four threads: to brokers that have just started, to warm ones, and to ones that many
busy processes take the processor from (``--busy 0`` leaves these out). Then with a window of 1, where each is
answered, and with none, as other clients send. On warm brokers, and with a window of 1, none may be missing.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from pyrocketmq import Producer
from pyrocketmq.broker import BrokerClient
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.transport.utils import parse_address
from tests.promises.cluster import QUEUES, RealCluster, real_cluster

BODY = b"x" * 100
THREADS = 4
SETTLED_S = 3.0
BUSY = """
import os, time
os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
end, parent = time.monotonic() + 60, os.getppid()
while time.monotonic() < end and os.getppid() == parent:
    pass
"""


async def stored(cluster: RealCluster, topic: str) -> int:
    """How many messages the brokers have of a topic, when that does not change any more."""
    before, same_since = -1, time.monotonic()
    while True:
        count = 0
        for address in cluster.brokers.values():
            async with BrokerClient(*parse_address(address)) as broker:
                for queue_id in range(QUEUES):
                    count += await broker.get_max_offset(topic, queue_id, timeout=30.0)
        if count != before:
            before, same_since = count, time.monotonic()
        elif time.monotonic() - same_since > SETTLED_S:
            return count
        await asyncio.sleep(0.2)


async def from_a_loop(address: str, topic: str, count: int, window: int) -> float:
    """Seconds for all sends, on one event loop."""
    async with AsyncProducer("oneway", address, oneway_window=window, send_timeout=30.0) as producer:
        begun = time.monotonic()
        for _ in range(count):
            await producer.send_oneway(topic, BODY)
        return time.monotonic() - begun


def from_threads(address: str, topic: str, count: int, window: int) -> float:
    """The same, from some threads."""
    with Producer("oneway", address, oneway_window=window, send_timeout=30.0) as producer:

        def send() -> None:
            for _ in range(count // THREADS):
                producer.send_oneway(topic, BODY)

        threads = [threading.Thread(target=send) for _ in range(THREADS)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - begun


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Processes that do nothing but take the processor, with no priority, for a minute at most."""
    made = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in made:
            process.kill()
            process.wait(10)


class Rounds:
    """Makes the rounds on one pair of brokers and remembers what they were."""

    def __init__(self, cluster: RealCluster, count: int) -> None:
        self.cluster = cluster
        self.count = count
        self.said: list[str] = []
        self.lost = 0

    def one(self, what: str, topic: str, *, window: int, threads: bool = False) -> int:
        """How many messages were lost."""
        count = self.count if window != 1 else self.count // 10
        if threads:
            seconds = from_threads(self.cluster.address, topic, count, window)
        else:
            seconds = uvloop.run(from_a_loop(self.cluster.address, topic, count, window))
        lost = count - uvloop.run(stored(self.cluster, topic))
        face = "threads" if threads else "loop"
        self.said.append(f"{what}, {face}: {count / seconds / 1000:.0f} k/s, {lost:,} of {count:,} lost")
        print(self.said[-1], flush=True)
        return lost


def main() -> int:
    parser = argparse.ArgumentParser(description="count what a real broker stores of one-way sends")
    parser.add_argument("--version", default="5.5.0")
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--window", type=int, default=1024)
    parser.add_argument("--busy", type=int, default=4, help="processes that starve the broker")
    arguments = parser.parse_args()
    count, window = arguments.count // (10 * THREADS) * 10 * THREADS, arguments.window
    lost = 0
    topics = ("cold", "warm", "warm-threads", "starved", "starved-threads", "starved-each", "each", "flood")
    with (
        tempfile.TemporaryDirectory() as folder,
        real_cluster(arguments.version, Path(folder) / "mq", *topics) as cluster,
    ):
        rounds = Rounds(cluster, count)
        rounds.one("just started", "cold", window=window)
        lost += rounds.one("warm", "warm", window=window)
        lost += rounds.one("warm", "warm-threads", window=window, threads=True)
        if arguments.busy:
            with busy_processes(arguments.busy):
                rounds.one("starved", "starved", window=window)
                rounds.one("starved", "starved-threads", window=window, threads=True)
                lost += rounds.one("starved, window of 1", "starved-each", window=1)
        lost += rounds.one("window of 1", "each", window=1)
        rounds.one("no window", "flood", window=0)
    print(f"RocketMQ {arguments.version}; " + "; ".join(rounds.said))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
