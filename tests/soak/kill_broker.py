"""Kills an embedded broker under load, at random moments, and asks the next one what is left.

    python -m tests.soak.kill_broker [--count 200] [--fsync interval] [--seed 0] [--seconds 1.0]

The broker runs in a process of its own and keeps its data in a folder. A client sends single messages and
batches to several queues and writes down what was acknowledged. After kill -9 a new broker on the same folder
has to have every acknowledged message at its offset, and each queue in the order in which it was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq.errors import RocketMQError
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.server.store import FsyncPolicy, StoreOptions
from tests.server.client import Client, Pulled, pull_header, send_header

TOPIC = "soak"
QUEUES = 4
WINDOW = 64
BATCH = 5
SEGMENT_BYTES = 1 << 20
ROOT = Path(__file__).parents[2]


@dataclass
class Account:
    """What was sent and what was acknowledged, over the lives of all brokers on one folder."""

    sent: int = 0
    acknowledged: dict[tuple[int, int], bytes] = field(default_factory=dict[tuple[int, int], bytes])

    def next_body(self) -> bytes:
        """A body that tells when it was sent."""
        self.sent += 1
        return b"%d." % self.sent * (1 + self.sent * 7919 % 23)


def number_of(body: bytes) -> int:
    """When a body was sent."""
    return int(body.partition(b".")[0])


# ---- the broker ----


async def serve(folder: Path, fsync: str) -> None:
    """The child: serves until it is killed."""
    options = StoreOptions(segment_bytes=SEGMENT_BYTES, fsync=cast("FsyncPolicy", fsync), fsync_interval=0.05)
    begin = time.perf_counter()
    async with EmbeddedServer(ServerConfig(data=folder, store=options)) as server:
        print(server.brokers[0].address, time.perf_counter() - begin, flush=True)
        await asyncio.Event().wait()


@dataclass
class Running:
    """A broker that can be killed."""

    process: subprocess.Popen[str]
    address: str
    start_seconds: float


@contextmanager
def broker_on(folder: Path, fsync: str) -> Iterator[Running]:
    """Start a broker; it is killed at the end if it was not before."""
    command = [sys.executable, "-m", "tests.soak.kill_broker", "--child", str(folder), "--fsync", fsync]
    environment: dict[str, Any] = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            address, seconds = process.stdout.readline().split()
            yield Running(process, address, float(seconds))
        finally:
            process.kill()


# ---- the client ----


@asynccontextmanager
async def client_of(running: Running) -> AsyncIterator[Client]:
    client = Client(running.address)
    async with client:
        yield client


async def load(client: Client, account: Account, rng: random.Random) -> None:
    """Send until the broker is gone."""

    async def one(queue_id: int) -> None:
        bodies = [account.next_body() for _ in range(BATCH if rng.random() < 0.2 else 1)]
        if len(bodies) == 1:
            asked = client.begin(310, send_header(TOPIC, queue_id), bodies[0])
        else:
            body = encode_batch_records([(0, "", body) for body in bodies])
            asked = client.begin(320, send_header(TOPIC, queue_id, batch=True), body)
        answer = await asked
        if answer.code == 0:
            offset = int((answer.ext_fields or {})["queueOffset"])
            for index, body in enumerate(bodies):
                account.acknowledged[queue_id, offset + index] = body

    with contextlib.suppress(RocketMQError):
        while True:
            async with asyncio.TaskGroup() as group:
                for _ in range(WINDOW):
                    group.create_task(one(rng.randrange(QUEUES)))


async def check(client: Client, account: Account) -> int:
    """How many messages are there; all that were acknowledged have to be, and each queue in order."""
    total = 0
    for queue_id in range(QUEUES):
        offset = newest = 0
        found: dict[int, bytes] = {}
        while True:
            answer = Pulled(await client.begin(11, pull_header(TOPIC, queue_id, offset)))
            if not answer.messages:
                break
            for message in answer.messages:
                assert message.queue_offset == offset, f"queue {queue_id}: offset {offset} is missing"
                assert number_of(message.body) > newest, f"queue {queue_id}: offset {offset} is out of order"
                newest = number_of(message.body)
                found[offset] = message.body
                offset += 1
        for (queue, at), body in account.acknowledged.items():
            assert queue != queue_id or found.get(at) == body, (
                f"queue {queue_id}: offset {at} was acknowledged and is lost"
            )
        total += offset
    return total


async def kill_once(
    folder: Path, fsync: str, account: Account, rng: random.Random, most_seconds: float
) -> float:
    """Load a broker, kill it, and look at what the next one has; how long that one took to start."""
    with broker_on(folder, fsync) as running:
        async with client_of(running) as client:
            loading = asyncio.ensure_future(load(client, account, rng))
            await asyncio.sleep(0.05 + rng.random() * most_seconds)
            running.process.kill()
            with contextlib.suppress(ExceptionGroup):
                await asyncio.wait_for(loading, 30)
    with broker_on(folder, fsync) as running:
        async with client_of(running) as client:
            assert await check(client, account) >= len(account.acknowledged)
        return running.start_seconds


def main() -> int:
    parser = argparse.ArgumentParser(description="kill an embedded broker under load, again and again")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--fsync", default="interval", choices=["never", "interval", "always"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1.0, help="longest life of a broker under load")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        asyncio.run(serve(arguments.child, arguments.fsync))
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        accounts: dict[int, Account] = {}
        for turn in range(1, arguments.count + 1):
            # Some go on in the folder that the last one left.
            path = Path(folder) / str(turn // 8)
            account = accounts.setdefault(turn // 8, Account())
            started = asyncio.run(kill_once(path, arguments.fsync, account, rng, arguments.seconds))
            print(
                f"{turn:4}: {account.sent:9,} sent, {len(account.acknowledged):9,} acknowledged and there, "
                f"restarted in {started * 1000:.0f} ms",
                flush=True,
            )
    print(f"{arguments.count} kills, fsync {arguments.fsync}: nothing acknowledged is lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
