"""The ways to send that a bench measures: each one sends for a time and counts what came of it."""

from __future__ import annotations

import asyncio
import threading
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.message import Message
from pyrocketmq.errors import RocketMQError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq.producer import AsyncProducer, Producer

__all__ = ["WAYS", "Load", "Outcome", "Way"]

TIMED: Final = 16
"""One send in so many is timed where many are under way: looking at the clock costs time too."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send."""

    topic: str
    size: int
    seconds: float
    tasks: int = 1024
    threads: int = 8
    batch: int = 100

    @property
    def body(self) -> bytes:
        """The body of every message; each message is a new one, with an id of its own."""
        return b"x" * self.size


@dataclass(slots=True)
class Outcome:
    """What came of a run so far; the threads and tasks of it add to it."""

    count: int = 0
    unanswered: int = 0
    """Messages of one-way sends, about which nobody knows."""
    failed: int = 0
    times_ns: array[int] = field(default_factory=lambda: array("q"))
    errors: Counter[str] = field(default_factory=Counter[str])

    def failure(self, error: RocketMQError, messages: int = 1) -> None:
        """Some were not sent."""
        self.failed += messages
        self.errors[f"{type(error).__name__} [{error.code}]"] += messages


async def awaited(producer: AsyncProducer, load: Load, outcome: Outcome) -> None:
    """Tasks that send one message after another and await each."""
    body, topic, end = load.body, load.topic, time.perf_counter() + load.seconds

    async def one() -> None:
        while time.perf_counter() < end:
            try:
                began = time.perf_counter_ns()
                await producer.send(Message(topic, body))
                outcome.times_ns.append(time.perf_counter_ns() - began)
                outcome.count += 1
                for _ in range(TIMED - 1):
                    await producer.send(Message(topic, body))
                    outcome.count += 1
            except RocketMQError as error:
                outcome.failure(error)

    await asyncio.gather(*(one() for _ in range(load.tasks)))


async def batched(producer: AsyncProducer, load: Load, outcome: Outcome) -> None:
    """Explicit batches, eight of them under way."""
    body, topic, end = load.body, load.topic, time.perf_counter() + load.seconds

    async def one() -> None:
        while time.perf_counter() < end:
            messages = [Message(topic, body) for _ in range(load.batch)]
            try:
                began = time.perf_counter_ns()
                await producer.send_batch(messages)
                outcome.times_ns.append(time.perf_counter_ns() - began)
                outcome.count += load.batch
            except RocketMQError as error:
                outcome.failure(error, load.batch)

    await asyncio.gather(*(one() for _ in range(8)))


async def oneway(producer: AsyncProducer, load: Load, outcome: Outcome) -> None:
    """Sends without an answer, one task."""
    body, topic, end = load.body, load.topic, time.perf_counter() + load.seconds
    while time.perf_counter() < end:
        try:
            for _ in range(TIMED):
                await producer.send_oneway(Message(topic, body))
                outcome.count += 1
                outcome.unanswered += 1
        except RocketMQError as error:
            outcome.failure(error)
        await asyncio.sleep(0)


def submitted(producer: Producer, load: Load, outcome: Outcome) -> None:
    """Accumulated sends of one thread, until the last of them is answered."""
    body, topic, end = load.body, load.topic, time.perf_counter() + load.seconds
    try:
        while time.perf_counter() < end:
            for _ in range(load.batch):
                producer.submit(Message(topic, body))
            outcome.count += load.batch
        producer.flush()
    except RocketMQError as error:
        outcome.failure(error)


def blocking(producer: Producer, load: Load, outcome: Outcome) -> None:
    """Threads that send one message after another."""
    lock = threading.Lock()

    def one() -> None:
        mine = Outcome()
        alone(producer, load, mine)
        with lock:
            outcome.count += mine.count
            outcome.failed += mine.failed
            outcome.errors += mine.errors
            outcome.times_ns.extend(mine.times_ns)

    threads = [threading.Thread(target=one, name=f"bench-{number}") for number in range(load.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def alone(producer: Producer, load: Load, outcome: Outcome) -> None:
    """One thread that sends one message after another, each of them timed."""
    body, topic, end = load.body, load.topic, time.perf_counter() + load.seconds
    while time.perf_counter() < end:
        try:
            began = time.perf_counter_ns()
            producer.send(Message(topic, body))
            outcome.times_ns.append(time.perf_counter_ns() - began)
            outcome.count += 1
        except RocketMQError as error:
            outcome.failure(error)


async def awaited_alone(producer: AsyncProducer, load: Load, outcome: Outcome) -> None:
    """One task that sends one message after another, each of them timed."""
    body, topic, end = load.body, load.topic, time.perf_counter() + load.seconds
    while time.perf_counter() < end:
        try:
            began = time.perf_counter_ns()
            await producer.send(Message(topic, body))
            outcome.times_ns.append(time.perf_counter_ns() - began)
            outcome.count += 1
        except RocketMQError as error:
            outcome.failure(error)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send: either on an event loop or on threads.

    Args:
        title: its name in results, with the settings of the load filled in.
        on_loop: what it does with an asynchronous producer.
        on_threads: what it does with a blocking one.
    """

    title: str
    on_loop: Callable[[AsyncProducer, Load, Outcome], Awaitable[None]] | None = None
    on_threads: Callable[[Producer, Load, Outcome], None] | None = None

    def named(self, load: Load) -> str:
        """The name of its row."""
        return self.title.format(tasks=load.tasks, threads=load.threads, batch=load.batch)


WAYS: Final = {
    "await": Way("awaited, {tasks:,} tasks", on_loop=awaited),
    "submit": Way("submit", on_threads=submitted),
    "batch": Way("batches of {batch:,}, 8 under way", on_loop=batched),
    "oneway": Way("one-way", on_loop=oneway),
    "threads": Way("send, {threads:,} threads", on_threads=blocking),
    "alone": Way("send, one after another", on_threads=alone),
    "await-alone": Way("awaited, one after another", on_loop=awaited_alone),
}
"""Every way by the name that options have for it."""
