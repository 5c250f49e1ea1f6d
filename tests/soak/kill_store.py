"""Kills a process that fills a store, at random moments, and looks at what is left.

    python -m tests.soak.kill_store [--count 200] [--fsync interval] [--seed 0] [--seconds 1.0]

The child appends messages to several queues, commits, and only then writes their number to a pipe: that is
its acknowledgement. After kill -9 every acknowledged message has to be there, in order, with its own body.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, cast

from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.server.store import FsyncPolicy, MessageStore, StoreOptions

QUEUES = 3
SEGMENT_BYTES = 1 << 16


def body_of(number: int) -> bytes:
    """A body of a length of its own."""
    return b"%d." % number * (1 + number * 7919 % 97)


def fill(folder: Path, fsync: str, seed: int) -> None:
    """The child: goes on from what is there, until it is killed."""
    rng = random.Random(seed)
    options = StoreOptions(segment_bytes=SEGMENT_BYTES, fsync=cast("FsyncPolicy", fsync), fsync_interval=0.01)
    store = MessageStore(folder, options)
    queues = [store.log.queue("soak", number) for number in range(QUEUES)]
    number = sum(queue.next_offset for queue in queues)
    done = threading.Event()
    while True:
        for _ in range(rng.randrange(1, 40)):
            store.append(queues[number % QUEUES], body_of(number))
            number += 1
        store.commit()
        store.when_durable(lambda _: done.set())
        done.wait()
        done.clear()
        os.write(1, b"%d\n" % number)


def check(folder: Path, fsync: str) -> int:
    """How many messages are there; they have to be the first ones, each in its place."""
    options = StoreOptions(segment_bytes=SEGMENT_BYTES, fsync=cast("FsyncPolicy", fsync))
    with MessageStore(folder, options) as store:
        for queue_id in range(QUEUES):
            queue = store.log.queue("soak", queue_id)
            offset = queue.min_offset
            if offset != 0:
                raise AssertionError(f"queue {queue_id} begins at {offset}")
            while offset < queue.max_offset:
                cut = store.log.cut(queue, offset, 1000, 1 << 20)
                for message in decode_messages_strict(cut.data):
                    if message.queue_offset != offset:
                        raise AssertionError(f"queue {queue_id}: offset {offset} is lost")
                    if message.body != body_of(offset * QUEUES + queue_id):
                        raise AssertionError(
                            f"queue {queue_id}: offset {offset} has the body of another message"
                        )
                    offset += 1
        counts = [store.log.queue("soak", queue_id).max_offset for queue_id in range(QUEUES)]
        total = sum(counts)
        if counts != [(total + QUEUES - 1 - n) // QUEUES for n in range(QUEUES)]:
            raise AssertionError(f"the queues have {counts} messages: some in the middle are missing")
        return total


def kill_once(folder: Path, fsync: str, rng: random.Random, most_seconds: float) -> tuple[int, int]:
    """Let a child fill the folder and kill it; (acknowledged, recovered) messages."""
    command = [sys.executable, "-m", "tests.soak.kill_store", "--child", str(folder), "--fsync", fsync]
    environment: dict[str, Any] = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*command, "--seed", str(rng.randrange(1 << 30))], stdout=subprocess.PIPE, env=environment, cwd=root
    ) as child:
        if child.stdout is None:
            raise AssertionError("the child has no output")
        told = child.stdout.readline()  # it is filling by now
        time.sleep(rng.random() * most_seconds)
        child.kill()
        told += child.stdout.read()
    acknowledged = max((int(line) for line in told.split(b"\n")[:-1]), default=0)
    recovered = check(folder, fsync)
    gc.collect()  # a log and its queues know each other, and each of its many small files is mapped
    return acknowledged, recovered


def main() -> int:
    parser = argparse.ArgumentParser(description="kill a process that fills a store, again and again")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--fsync", default="interval", choices=["never", "interval", "always"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1.0, help="longest life of a child")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        fill(arguments.child, arguments.fsync, arguments.seed)
    rng = random.Random(arguments.seed)
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1, arguments.count + 1):
            # Some go on in the folder that the last one left.
            path = Path(folder) / str(turn // 4)
            acknowledged, recovered = kill_once(path, arguments.fsync, rng, arguments.seconds)
            lost += max(0, acknowledged - recovered)
            print(f"{turn:4}: {acknowledged:9,} acknowledged, {recovered:9,} recovered", flush=True)
    print(f"{arguments.count} kills, fsync {arguments.fsync}: {lost} acknowledged messages lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
