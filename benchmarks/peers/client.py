"""Sends with our producer what it is told on its standard input, and tells in JSON lines how long it took.

Every message is a new `Message` and gets its unique id from the producer. All goes through the public API, on
a loop or from a thread.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvloop

from pyrocketmq.model import Message
from pyrocketmq.producer import AsyncProducer, Producer

if TYPE_CHECKING:
    from pyrocketmq.model import SendResult

GROUP: Final = "bench-group"
TIMEOUT: Final = 60.0
SPIN: Final = 0.001
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """What a line of input asks for."""

    kind: str
    count: int
    topic: str
    body: bytes
    batch: int
    in_flight: int
    threads: int
    spin: bool

    @classmethod
    def from_line(cls, line: str) -> Task:
        """The task of a line."""
        kind, *words = line.split()
        found = dict(word.split("=", 1) for word in words)
        return cls(
            kind,
            int(found["count"]),
            found["topic"],
            b"x" * int(found["size"]),
            int(found["batch"]),
            int(found["inflight"]),
            int(found["threads"]),
            found["spin"] == "1",
        )

    def messages(self) -> list[Message]:
        """A new batch."""
        topic, body = self.topic, self.body
        return [Message(topic, body) for _ in range(self.batch)]


class Clock:
    """Wall and processor time of one run."""

    def __init__(self) -> None:
        self._cpu, self._begun = time.process_time(), time.perf_counter()

    def figures(self, count: int) -> dict[str, Any]:
        """What so many messages have taken."""
        seconds = time.perf_counter() - self._begun
        used = time.process_time() - self._cpu
        return {"count": count, "rate": count / seconds, "cpu_us": used / count * 1e6}


def latencies(times: list[float]) -> dict[str, float]:
    times.sort()
    return {"p50_us": times[len(times) // 2] * 1e6, "p99_us": times[len(times) * 99 // 100] * 1e6}


def status(name: str) -> float:
    """A size of this process in MiB, from the system."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.partition(f"{name}:")[2].split()[0]) / 1024


class Peak:
    """The most memory that is used while something runs, over what was before and what may be buffered."""

    def __init__(self, buffer_bytes: int) -> None:
        self._allowed = buffer_bytes / MIB
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        self._before = status("VmRSS")

    def figures(self) -> dict[str, float]:
        """In MiB: what came on top, what the buffer may have, and the difference."""
        used = status("VmHWM") - self._before
        return {"used_mb": used, "buffer_mb": self._allowed, "over_mb": used - self._allowed}


# ---- on a loop ----


async def awaited(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    """Awaited one after the other in each of many tasks."""
    left = task.count
    send, topic, body = producer.send, task.topic, task.body

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            assert (await send(Message(topic, body))).ok

    clock = Clock()
    async with asyncio.TaskGroup() as group:
        for _ in range(task.in_flight):
            group.create_task(work())
    return clock.figures(task.count)


async def submitted(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    submit, topic, body = producer.submit, task.topic, task.body
    clock = Clock()
    for _ in range(task.count):
        await submit(Message(topic, body))
    await producer.flush(TIMEOUT)
    return clock.figures(task.count)


class Told:
    """Counts what is told of each message."""

    def __init__(self) -> None:
        self.good = 0
        self.bad: list[object] = []

    def __call__(self, _: Message, result: SendResult | None, error: Exception | None) -> None:
        """Take note of one message."""
        if result is not None and result.ok:
            self.good += 1
        else:
            self.bad.append(error or result)

    def check(self, count: int) -> None:
        """Every message has been delivered."""
        assert self.good == count, f"{self.good} of {count} were delivered; {self.bad[:3]}"


async def submitted_told(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    submit, topic, body = producer.submit, task.topic, task.body
    told = Told()
    clock = Clock()
    for _ in range(task.count):
        await submit(Message(topic, body), on_delivery=told)
    await producer.flush(TIMEOUT)
    found = clock.figures(task.count)
    told.check(task.count)
    return found


async def memory(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    peak = Peak(producer.config.buffer_bytes)
    return await submitted(producer, task) | peak.figures()


async def batches(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    left = task.count // task.batch

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            assert (await producer.send_batch(task.messages()))[0].ok

    clock = Clock()
    async with asyncio.TaskGroup() as group:
        for _ in range(task.in_flight):
            group.create_task(work())
    return clock.figures(task.count)


async def one_way(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    """The last one is answered, so that the time ends when all have been taken."""
    send, topic, body = producer.send_oneway, task.topic, task.body
    clock = Clock()
    for _ in range(task.count - 1):
        await send(Message(topic, body))
    assert (await producer.send(Message(topic, body))).ok
    return clock.figures(task.count)


async def one_by_one(producer: AsyncProducer, task: Task) -> dict[str, Any]:
    send, topic, body, now = producer.send, task.topic, task.body, time.perf_counter
    times: list[float] = []
    clock = Clock()
    for _ in range(task.count):
        begun = now()
        result = await send(Message(topic, body))
        times.append(now() - begun)
        assert result.ok
    return clock.figures(task.count) | latencies(times)


ON_LOOP: Final = {
    "awaited": awaited,
    "submit": submitted,
    "submit-told": submitted_told,
    "memory": memory,
    "batch": batches,
    "oneway": one_way,
    "one": one_by_one,
}


async def serve_loop(address: str) -> None:
    producer = AsyncProducer(GROUP, address, send_timeout=TIMEOUT)
    async with producer:
        while line := await asyncio.to_thread(sys.stdin.readline):
            task = Task.from_line(line)
            answer(await ON_LOOP[task.kind](producer, task))


# ---- from a thread ----


def submitted_sync(producer: Producer, task: Task) -> dict[str, Any]:
    submit, topic, body = producer.submit, task.topic, task.body
    clock = Clock()
    for _ in range(task.count):
        submit(Message(topic, body))
    producer.flush(TIMEOUT)
    return clock.figures(task.count)


def submitted_told_sync(producer: Producer, task: Task) -> dict[str, Any]:
    submit, topic, body = producer.submit, task.topic, task.body
    told = Told()
    clock = Clock()
    for _ in range(task.count):
        submit(Message(topic, body), on_delivery=told)
    producer.flush(TIMEOUT)
    found = clock.figures(task.count)
    told.check(task.count)
    return found


def memory_sync(producer: Producer, task: Task) -> dict[str, Any]:
    peak = Peak(producer.config.buffer_bytes)
    return submitted_sync(producer, task) | peak.figures()


def batches_sync(producer: Producer, task: Task) -> dict[str, Any]:
    clock = Clock()
    for _ in range(task.count // task.batch):
        assert producer.send_batch(task.messages())[0].ok
    return clock.figures(task.count)


def one_way_sync(producer: Producer, task: Task) -> dict[str, Any]:
    send, topic, body = producer.send_oneway, task.topic, task.body
    clock = Clock()
    for _ in range(task.count - 1):
        send(Message(topic, body))
    assert producer.send(Message(topic, body)).ok
    return clock.figures(task.count)


def sync(producer: Producer, task: Task) -> dict[str, Any]:
    send, topic, body, now = producer.send, task.topic, task.body, time.perf_counter
    times: list[float] = []
    clock = Clock()
    for _ in range(task.count):
        begun = now()
        result = send(Message(topic, body))
        times.append(now() - begun)
        assert result.ok
    return clock.figures(task.count) | latencies(times)


def many_threads(producer: Producer, task: Task) -> dict[str, Any]:
    share, rest = divmod(task.count, task.threads)
    failed: list[BaseException] = []

    def work(count: int) -> None:
        send, topic, body = producer.send, task.topic, task.body
        try:
            for _ in range(count):
                assert send(Message(topic, body)).ok
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [
        threading.Thread(target=work, args=(share + (number < rest),)) for number in range(task.threads)
    ]
    clock = Clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = clock.figures(task.count)
    if failed:
        raise failed[0]
    return found


IN_THREAD: Final = {
    "submit": submitted_sync,
    "submit-told": submitted_told_sync,
    "memory": memory_sync,
    "batch": batches_sync,
    "oneway": one_way_sync,
    "sync": sync,
    "threads": many_threads,
}


def serve_thread(address: str) -> None:
    line = sys.stdin.readline()
    spin = SPIN if Task.from_line(line).spin else 0.0
    with Producer(GROUP, address, send_timeout=TIMEOUT, spin=spin) as producer:
        while line:
            task = Task.from_line(line)
            answer(IN_THREAD[task.kind](producer, task))
            line = sys.stdin.readline()


def answer(figures: dict[str, Any]) -> None:
    print(json.dumps(figures), flush=True)


def main() -> None:
    face, address = sys.argv[1:]
    gc.freeze()
    if face == "loop":
        uvloop.run(serve_loop(address))
    else:
        serve_thread(address)


if __name__ == "__main__":
    main()
