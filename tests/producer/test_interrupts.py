"""What a signal handler raises in the middle of a burst of sends leaves a client that can go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import Any, TypeVarTuple

import pytest

from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ
from tests.transport.peers import until

SENDERS = 20
CALLS = 60

Ts = TypeVarTuple("Ts")


class Interrupted(asyncio.SelectorEventLoop):
    """A loop of which one call, counted down to, raises what a handler of Ctrl-C raises.

    It does so where an interpreter looks for signals: in methods of the loop that are written in Python.
    """

    def __init__(self, *, before: bool) -> None:
        self.left = 0
        self.before = before
        super().__init__()

    def _count(self, *, before: bool) -> None:
        if before is self.before and self.left and self.is_running():
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    def get_debug(self) -> bool:
        self._count(before=self.before)
        return False

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._count(before=True)
        handle = super().call_soon(callback, *args, context=context)
        self._count(before=False)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        self._count(before=True)
        handle = super().call_later(delay, callback, *args, context=context)
        self._count(before=False)
        return handle


@pytest.fixture(params=["before", "after"])
def loop(request: pytest.FixtureRequest) -> Iterator[Interrupted]:
    loop = Interrupted(before=request.param == "before")
    yield loop
    loop.close()


async def keep_sending(producer: AsyncProducer, topic: str) -> None:
    while True:
        await producer.send(topic, b"tea")


def in_flight(producer: AsyncProducer) -> int:
    """How many sends are under way."""
    counts: Any = producer.stats()["sends"]
    return int(counts["in_flight"])


async def goes_on(producer: AsyncProducer, topic: str) -> None:
    """All that was under way has ended, and sends of every kind are answered."""
    async with asyncio.timeout(10):
        await until(lambda: in_flight(producer) == 0)
        results = await asyncio.gather(*(producer.send(topic, b"milk") for _ in range(SENDERS)))
        assert all(result.ok for result in results)
        await producer.submit(topic, b"sugar")
        await producer.flush()
        await until(lambda: in_flight(producer) == 0)


def test_sends_go_on_after_an_interrupt_at_any_call_of_the_loop(
    rocketmq: LocalRocketMQ, topic: str, loop: Interrupted
) -> None:
    # Few at a time, so that others wait in line for their room.
    producer = AsyncProducer("till", rocketmq.addr, max_in_flight=8)
    loop.run_until_complete(goes_on(producer, topic))  # connections are there
    for calls in range(1, CALLS):
        tasks = [loop.create_task(keep_sending(producer, topic)) for _ in range(SENDERS)]
        end = loop.call_later(10, loop.stop)
        loop.left = calls
        with pytest.raises(KeyboardInterrupt):
            loop.run_forever()
        end.cancel()
        for task in tasks:
            if task.done():
                assert isinstance(task.exception(), KeyboardInterrupt)
            task.cancel()
        loop.run_until_complete(goes_on(producer, topic))
    loop.run_until_complete(producer.shutdown())
