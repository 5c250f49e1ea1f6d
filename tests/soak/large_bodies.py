"""Sends bodies at the limit of 4 MiB in every way, on both event loops, with each kind of compression: the
loop's own log of slow callbacks, at 20 ms, stays empty.

Callbacks that do nothing but wake somebody are counted apart: that they take long says that the processor was
taken by other programs, as it may have been with the others then. The processor time of the loop's thread in
one turn of the loop says what a turn takes without them.

python -m tests.soak.large_bodies [--sends 80] [--limit-ms 20] [--compress none zlib] [--loops uvloop]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from random import randbytes

import uvloop

from pyrocketmq import Message
from pyrocketmq.aio import Producer
from pyrocketmq.cli.benching.server import own_server

TOPIC = "large"
TASKS = 8
BODY_BYTES = 4 * 1024 * 1024 - 4096  # with room for what a broker stores besides
PART_BYTES = 100_000
IDLE = ("Pauses._watch", "_set_result_unless_cancelled")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class SlowCallbacks(logging.Handler):
    """Collects what the loop logs about callbacks that took too long."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[float, str]] = []
        self.idle = 0

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        took = re.search(r"took ([0-9.]+) seconds", text)
        if took is None:
            raise AssertionError(f"the loop has something else to say: {text}")
        if any(name in text for name in IDLE):
            self.idle += 1
        else:
            self.found.append((float(took.group(1)), text))


class Pauses:
    """Finds out how long a task that wakes up every millisecond had to wait at most.

    ``busy`` is the most processor time of its thread between two times, so of a turn of the loop.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.busy = 0.0

    @asynccontextmanager
    async def watched(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self._watch())
        yield
        task.cancel()
        await asyncio.wait([task])

    async def _watch(self) -> None:
        before, used_before = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now, used = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest, now - before - 0.001)
            self.busy = max(self.busy, used - used_before)
            before, used_before = now, used


async def send_all(producer: Producer, sends: int, bodies: list[bytes]) -> None:
    async def one(task: int) -> None:
        for number in range(sends // TASKS):
            await producer.send(TOPIC, bodies[(task + number) % 2])

    await asyncio.gather(*(one(task) for task in range(TASKS)))
    for number in range(sends // 2):
        await producer.submit(TOPIC, bodies[number % 2])
    await producer.flush(60.0)
    part = bodies[0][:PART_BYTES]
    for _ in range(sends // 4):
        await producer.send_batch([Message(TOPIC, part) for _ in range(BODY_BYTES // (PART_BYTES + 1000))])


async def run(address: str, compress: str, sends: int, limit: float) -> Pauses:
    # One gets smaller when it is compressed, one does not.
    text = b"".join(b"%d quick brown foxes; " % number for number in range(200_000))[:BODY_BYTES]
    bodies = [randbytes(BODY_BYTES), text]
    loop = asyncio.get_running_loop()
    async with Producer("large-bodies", address, compress=compress, send_timeout=60.0) as producer:
        await producer.send(TOPIC, b"the first one connects")
        loop.slow_callback_duration = limit
        loop.set_debug(True)
        pauses = Pauses()
        async with pauses.watched():
            await asyncio.sleep(0.01)
            pauses.longest = pauses.busy = 0.0
            await send_all(producer, sends, bodies)
        loop.set_debug(False)
    return pauses


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sends", type=int, default=80)
    parser.add_argument("--limit-ms", type=float, default=20.0)
    parser.add_argument("--compress", nargs="+", default=["none", "zlib", "lz4", "zstd"])
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=list(LOOPS))
    given = parser.parse_args()
    handler = SlowCallbacks()
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    logger.propagate = False
    longest = busy = 0.0
    rounds = 0
    with own_server("--topic", f"{TOPIC}:4", "--retention-bytes", "64m") as address:
        for name in given.loops:
            for compress in given.compress:
                before = len(handler.found)
                began = time.perf_counter()
                with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
                    pauses = runner.run(run(address, compress, given.sends, given.limit_ms / 1000))
                slow = handler.found[before:]
                longest, busy = max(longest, pauses.longest), max(busy, pauses.busy)
                rounds += 1
                print(
                    f"{name}, compress={compress}: {time.perf_counter() - began:.1f} s, longest turn"
                    f" {pauses.busy * 1000:.1f} ms of the processor, {pauses.longest * 1000:.1f} ms in all,"
                    f" {len(slow)} slow callbacks",
                    flush=True,
                )
                for seconds, text in slow:
                    print(f"  {seconds * 1000:.0f} ms: {text[:110]}")
    slowest = max((seconds for seconds, _ in handler.found), default=0.0)
    print(
        f"{rounds} rounds of {given.sends} awaited, {given.sends // 2} submitted and"
        f" {given.sends // 4} batches of 4 MiB: {len(handler.found)} callbacks over {given.limit_ms:g} ms,"
        f" slowest {slowest * 1000:.0f} ms, and {handler.idle} that do nothing; longest turn of a loop"
        f" {busy * 1000:.1f} ms of the processor, {longest * 1000:.1f} ms in all"
    )
    return 1 if handler.found and not handler.idle else 0


if __name__ == "__main__":
    sys.exit(main())
