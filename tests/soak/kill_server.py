"""Kills a broker that has messages waiting, at random moments, and looks at what comes of them.

    python -m tests.soak.kill_server [--count 50] [--fsync interval] [--seed 0] [--seconds 2.0]

The child is a server and a client that sends: plain messages, delayed ones, timer messages, some of them
recalled, and transactions that end either way. What it is acknowledged it writes to a pipe, before kill -9.
In the end every message that was to come has come, and none that was taken back.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

from pyrocketmq._clock import MovableClock
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.server.store import FsyncPolicy, StoreOptions
from tests.server.client import Client, send_header

TOPIC = "soak"
SENDERS = 8
HALF = "TRAN_MSG\x01true\x02PGROUP\x01tg\x02"
PROPERTIES = {
    "plain": "",
    "delayed": "DELAY\x011\x02",
    "timed": "TIMER_DELAY_MS\x01700\x02",
    "recalled": "TIMER_DELAY_SEC\x0130\x02",
    "committed": HALF,
    "rolled-back": HALF,
}
COMES = ("plain", "delayed", "timed", "committed")
"""The kinds of messages that consumers are to see."""


def config_of(folder: Path, fsync: str) -> ServerConfig:
    """Small segments, so that they change often."""
    options = StoreOptions(segment_bytes=1 << 18, fsync=cast("FsyncPolicy", fsync), fsync_interval=0.01)
    return ServerConfig(data=folder, store=options)


async def send(client: Client, kind: str, body: bytes) -> None:
    """Send one message of a kind, and do what belongs to it; every step is acknowledged."""
    header = send_header(TOPIC, 0, PROPERTIES[kind], sys_flag=4 if PROPERTIES[kind] == HALF else 0)
    answer = await client.ask(310, header, body)
    assert answer.code == 0, answer.remark
    fields = answer.ext_fields or {}
    if kind == "recalled":
        recall = {"topic": TOPIC, "recallHandle": fields["recallHandle"]}
        answer = await client.ask(370, recall)
        assert answer.code == 0, answer.remark
    elif PROPERTIES[kind] == HALF:
        end = {
            "producerGroup": "tg",
            "tranStateTableOffset": fields["queueOffset"],
            "commitLogOffset": str(decode_offset_message_id(fields["msgId"]).offset),
            "commitOrRollback": "8" if kind == "committed" else "12",
            "msgId": "",
        }
        answer = await client.ask(37, end)
        assert answer.code == 0, answer.remark


async def fill(folder: Path, fsync: str, seed: int) -> None:
    """The child: until it is killed."""
    rng = random.Random(seed)
    async with (
        EmbeddedServer(config_of(folder, fsync)) as server,
        Client(server.brokers[0].address) as client,
    ):

        async def one(sender: int) -> None:
            for number in range(1 << 30):
                kind = rng.choice(list(PROPERTIES))
                body = f"{kind} {seed}-{sender}-{number}"
                await send(client, kind, body.encode())
                os.write(1, f"{body}\n".encode())

        await asyncio.gather(*[one(sender) for sender in range(SENDERS)])


def kill_once(folder: Path, fsync: str, rng: random.Random, most_seconds: float) -> list[str]:
    """Let a child run on the folder and kill it; what was acknowledged."""
    command = [sys.executable, "-m", "tests.soak.kill_server", "--child", str(folder), "--fsync", fsync]
    environment: dict[str, Any] = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [*command, "--seed", str(rng.randrange(1 << 30))],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parents[2],
    ) as child:
        if child.stdout is None:
            raise AssertionError("the child has no output")
        told = child.stdout.readline()  # it is filling by now
        time.sleep(rng.random() * most_seconds)
        child.kill()
        told += child.stdout.read()
    return [line.decode() for line in told.split(b"\n")[:-1]]


async def check(folder: Path, fsync: str, acknowledged: list[str]) -> int:
    """Let everything that waits come, and compare; how many messages are lost or come although taken back."""
    clock = MovableClock()
    async with (
        EmbeddedServer(config_of(folder, fsync), clock=clock) as server,
        Client(server.brokers[0].address) as client,
    ):
        await client.send("other")
        for _ in range(60):
            server.advance(1)
        seen: Counter[str] = Counter()
        offset = 0
        while (pulled := await client.pull(TOPIC, 0, offset)).code == 0:
            seen.update([body.decode() for body in pulled.bodies])
            offset = pulled.header.next_begin_offset
    lost = [body for body in acknowledged if body.startswith(COMES) and not seen[body]]
    back = [body for body in acknowledged if not body.startswith(COMES) and seen[body]]
    twice = Counter(body.split()[0] for body, count in seen.items() if count > 1)
    print(f"{len(acknowledged):,} acknowledged, {offset:,} came; more than once: {dict(twice) or 'none'}")
    for body in (lost + back)[:10]:
        print("wrong:", body)
    return len(lost) + len(back)


def main() -> int:
    parser = argparse.ArgumentParser(description="kill a broker that has messages waiting, again and again")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--fsync", default="interval", choices=["never", "interval", "always"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0, help="longest life of a child")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        asyncio.run(fill(arguments.child, arguments.fsync, arguments.seed))
    rng = random.Random(arguments.seed)
    acknowledged: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1, arguments.count + 1):
            acknowledged += kill_once(Path(folder), arguments.fsync, rng, arguments.seconds)
            print(f"{turn:4}: {len(acknowledged):9,} acknowledged so far", flush=True)
        wrong = asyncio.run(check(Path(folder), arguments.fsync, acknowledged))
    print(f"{arguments.count} kills, fsync {arguments.fsync}: {wrong} messages lost or not taken back")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
