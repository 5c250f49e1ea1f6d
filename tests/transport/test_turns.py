"""Turns at connecting: one at a time, failures shared, sleepers woken, repeats bounded."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pyrocketmq.errors import ConnectionError, TlsError  # noqa: A004
from pyrocketmq.transport.turns import Turns
from tests.transport.peers import until


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Attempts:
    """Attempts that end when the test says so."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.running: list[asyncio.Future[None]] = []
        self.most = 0

    async def make(self, address: str = "a", *, again: bool = False) -> None:
        async with self.turns.turn(address, again=again):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.running.append(future)
            self.most = max(self.most, len(self.running))
            try:
                await future
            finally:
                self.running.remove(future)


async def test_attempts_at_one_address_come_one_after_the_other() -> None:
    turns = Turns()
    attempts = Attempts(turns)
    tasks = [asyncio.create_task(attempts.make()) for _ in range(10)]
    for _ in tasks:
        await until(lambda: attempts.running)
        attempts.running[0].set_result(None)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert (1, 0) == (attempts.most, len(turns))


async def test_attempts_at_different_addresses_do_not_wait_for_each_other() -> None:
    attempts = Attempts(Turns())
    tasks = [asyncio.create_task(attempts.make(address)) for address in "abc"]
    await until(lambda: len(attempts.running) == 3)
    for future in attempts.running:
        future.set_result(None)
    await asyncio.gather(*tasks)


async def test_those_who_wait_share_the_failure_of_the_one_in_front() -> None:
    turns = Turns()
    attempts = Attempts(turns)
    tasks = [asyncio.create_task(attempts.make()) for _ in range(5)]
    await until(lambda: attempts.running)
    attempts.running[0].set_exception(ConnectionError("refused", address="a:1"))

    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert 5 == len({id(result) for result in results})
    for result in results:
        assert isinstance(result, ConnectionError)
        assert ("refused", "a:1") == (result.what, result.address)
    assert 0 == len(turns)


async def test_a_failed_handshake_is_nobody_elses() -> None:
    attempts = Attempts(Turns())
    tasks = [asyncio.create_task(attempts.make()) for _ in range(2)]
    await until(lambda: attempts.running)
    attempts.running[0].set_exception(TlsError("not trusted"))
    await until(lambda: tasks[0].done() and attempts.running)
    attempts.running[0].set_result(None)

    await tasks[1]
    assert isinstance(tasks[0].exception(), TlsError)


@pytest.mark.parametrize("late", [False, True], ids=["before its turn", "as its turn comes"])
async def test_a_cancelled_one_passes_its_turn_on(late: bool) -> None:
    turns = Turns()
    attempts = Attempts(turns)
    tasks = [asyncio.create_task(attempts.make()) for _ in range(3)]
    await until(lambda: attempts.running)
    if not late:
        tasks[1].cancel()
    attempts.running[0].set_result(None)
    if late:
        await tasks[0]
        tasks[1].cancel()
    await until(lambda: tasks[1].done() and attempts.running)
    attempts.running[0].set_result(None)
    await tasks[2]

    assert tasks[1].cancelled()
    assert 0 == len(turns)


async def test_repeats_are_at_most_200_in_a_second() -> None:
    clock = Clock()
    turns = Turns(clock=clock)
    pauses = []
    for _ in range(300):
        pause = await turns._enter("a", again=True)
        turns._leave("a", None, reached=False)
        pauses.append(pause)

    assert sum(pause < 1 for pause in pauses) <= 200
    assert pauses[:9] == [0.0] * 9
    assert pauses == sorted(pauses)


async def test_first_attempts_are_not_delayed() -> None:
    turns = Turns(clock=Clock())
    assert {0.0} == {await turns._enter(number, again=False) for number in range(1000)}


async def test_sleepers_are_woken_by_one_who_reached_the_address() -> None:
    clock = Clock()
    turns = Turns(clock=clock)

    async def reach() -> None:
        async with turns.turn("a"):
            pass

    sleepers = [asyncio.create_task(turns.pause("a", 30)) for _ in range(3)]
    other = asyncio.create_task(turns.pause("b", 30))
    await asyncio.sleep(0)
    await reach()
    assert [True] * 3 == await asyncio.gather(*sleepers)
    assert not other.done()

    # A server that takes everybody and drops them again does not wake the others each time.
    again = asyncio.create_task(turns.pause("a", 30))
    await asyncio.sleep(0)
    await reach()
    await asyncio.sleep(0)
    assert not again.done()
    clock.seconds += 5
    await reach()
    assert await again

    other.cancel()
    await asyncio.wait([other])
    assert 0 == len(turns)


async def test_a_pause_that_nobody_ends_takes_its_time() -> None:
    assert not await Turns().pause("a", 0.001)
    assert not await Turns().pause("a", 0)


async def test_turns_go_from_thread_to_thread() -> None:
    turns = Turns()
    inside: list[int] = []
    most: list[int] = []

    async def try_often(number: int) -> None:
        for _ in range(50):
            async with turns.turn("a"):
                inside.append(number)
                most.append(len(inside))
                await asyncio.sleep(0)
                inside.remove(number)

    threads = [threading.Thread(target=lambda n=n: asyncio.run(try_often(n))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.get_running_loop().run_in_executor(None, thread.join, 30)

    assert ({1}, 200, 0) == (set(most), len(most), len(turns))


async def test_a_turn_is_not_given_to_a_closed_loop() -> None:
    turns = Turns()
    loop = asyncio.new_event_loop()
    async with turns.turn("a"):
        waiting = loop.create_task(turns._enter("a", again=False))
        await asyncio.get_running_loop().run_in_executor(None, loop.run_until_complete, asyncio.sleep(0))
        waiting.cancel()
        loop.close()
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]

    async with asyncio.timeout(10), turns.turn("a"):
        pass
