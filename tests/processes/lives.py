"""Begins and ends producers again and again, in each of the ways there are, and counts what is left."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pyrocketmq import Producer, TransactionProducer, Unknown
from pyrocketmq.aio import Producer as AsyncProducer
from tests.faults.levels import Level

TOPIC: Final = "lives"
Life = Callable[[str], Awaitable[None]]


async def asynchronous(address: str) -> None:
    async with AsyncProducer("lives", address) as producer:
        await producer.send(TOPIC, b"x")
        await producer.submit(TOPIC, b"x")


async def started_again(address: str) -> None:
    producer = AsyncProducer("lives", address)
    for _ in range(2):
        await producer.start()
        await producer.send(TOPIC, b"x")
        await producer.shutdown()


async def dropped(address: str) -> None:
    """Nobody ends it; what it was given arrives all the same."""
    producer = AsyncProducer("lives", address)
    await producer.send(TOPIC, b"x")
    await producer.submit(TOPIC, b"x")


def _blocking(address: str) -> None:
    with Producer("lives", address) as producer:
        producer.send(TOPIC, b"x")
        producer.submit(TOPIC, b"x")


def _blocking_and_dropped(address: str) -> None:
    producer = Producer("lives", address)
    producer.send(TOPIC, b"x")
    producer.submit(TOPIC, b"x")


def _transactional(address: str) -> None:
    with TransactionProducer("lives", address, check=lambda _: Unknown) as producer:
        producer.send(TOPIC, b"x")
        producer.send(TOPIC, b"x")


async def _in_a_thread(life: Callable[[str], None], address: str) -> None:
    with ThreadPoolExecutor(1) as thread:
        await asyncio.get_running_loop().run_in_executor(thread, life, address)


async def blocking(address: str) -> None:
    await _in_a_thread(_blocking, address)


async def blocking_and_dropped(address: str) -> None:
    await _in_a_thread(_blocking_and_dropped, address)


async def transactional(address: str) -> None:
    await _in_a_thread(_transactional, address)


LIVES: Final[tuple[Life, ...]] = (
    asynchronous,
    started_again,
    dropped,
    blocking,
    blocking_and_dropped,
    transactional,
)
MESSAGES: Final = 2
"""What each life stores."""


async def levels(
    life: Life, address: str, count: int, warm_up: int = 20, rest: float = 0.0
) -> tuple[Level, Level]:
    """What there is after the first lives, and after ``count`` more, each after ``rest`` seconds."""
    warnings.simplefilter("ignore", ResourceWarning)
    before = await _live(life, address, warm_up, None, rest)
    return before, await _live(life, address, count, before, rest)


async def _live(life: Life, address: str, times: int, before: Level | None, rest: float) -> Level:
    for number in range(times):
        await life(address)
        if number % 10 == 9:
            gc.collect()  # as it comes by itself in a program that does more than this one
            await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(rest)
    end = time.monotonic() + (1.0 if before is None else 10.0)
    while True:  # what was dropped ends in the background
        await asyncio.sleep(0.1)
        level = Level.now()
        if time.monotonic() > end or (before is not None and level[:4] == before[:4]):
            return level
