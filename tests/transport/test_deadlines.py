"""Deadlines on a clock that the test moves, cancelled requests, numbers at rest, late answers."""

from __future__ import annotations

import asyncio
import random

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import RpcTimeoutError
from tests.transport.peers import Peer, answer_frame, connect, shut, start_server, until


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def move(self, connection: Connection, seconds: float) -> None:
        """Let time pass, and let the connection notice."""
        self.seconds += seconds
        connection.check_deadlines()


def states(futures: list[asyncio.Future[RemotingCommand]]) -> int:
    return sum(future.done() for future in futures)


@pytest.mark.parametrize("timeout", [0.001, 0.5, 3.0, 40.95, 41.0, 100.0, 3000.0])
async def test_a_wait_ends_after_its_time_and_within_20_ms(peer: Peer, timeout: float) -> None:
    clock = Clock()
    connection = await peer.connect(clock=clock)
    future = connection.request(RemotingCommand(1), timeout)

    clock.move(connection, timeout - 0.0005)
    assert not future.done()
    clock.move(connection, 0.021)
    with pytest.raises(RpcTimeoutError, match=r"no answer from 127\.0\.0\.1") as caught:
        await future
    assert (caught.value.maybe_sent, caught.value.retryable) == (True, True)
    assert isinstance(caught.value, TimeoutError)
    await shut(connection)


async def test_each_of_a_hundred_thousand_requests_ends_in_its_own_tick(peer: Peer) -> None:
    clock = Clock()
    connection = await peer.connect(clock=clock, write_buffer_bytes=1 << 30)
    rng = random.Random(4)
    connection.pause_writing()  # the peer plays no part in this
    waits: dict[int, list[asyncio.Future[RemotingCommand]]] = {}
    for _ in range(100_000):
        tenths = rng.randrange(1, 100)
        waits.setdefault(tenths, []).append(connection.request(RemotingCommand(1), tenths / 10))
    assert 100_000 == connection.stats().in_flight

    for tenths in range(1, 100):
        clock.move(connection, 0.05)
        assert 0 == states(waits[tenths])
        clock.move(connection, 0.05)
        clock.move(connection, 0.021)
        clock.seconds -= 0.021
        assert len(waits[tenths]) == states(waits[tenths])

    assert (0, 100_000) == (connection.in_flight, connection.stats().timeouts)
    connection.abort()
    await connection.wait_closed()


async def test_deadlines_far_apart_are_found_after_long_silence(peer: Peer) -> None:
    clock = Clock()
    connection = await peer.connect(clock=clock)
    clock.seconds += 86_400
    short, long = connection.request(RemotingCommand(1), 1), connection.request(RemotingCommand(1), 5000)
    clock.move(connection, 1.05)
    assert (True, False) == (short.done(), long.done())
    clock.move(connection, 4999.0)
    assert long.done()
    await asyncio.gather(short, long, return_exceptions=True)
    await shut(connection)


async def test_the_timer_ends_requests_without_further_traffic(peer: Peer) -> None:
    connection = await peer.connect()
    slow, quick = connection.request(RemotingCommand(1), 30), connection.request(RemotingCommand(1), 0.02)

    with pytest.raises(RpcTimeoutError):
        await quick
    assert not slow.done()
    await shut(connection)


async def test_a_late_answer_is_dropped_and_counted(peer: Peer) -> None:
    clock = Clock()
    connection = await peer.connect(clock=clock)
    future = connection.request(RemotingCommand(1, opaque=77), 1)
    [late] = await peer.read()
    clock.move(connection, 1.1)
    again = RemotingCommand(2, opaque=77)
    second = connection.request(again, 1)
    assert 77 != again.opaque
    await peer.write(answer_frame(late, b"old"))
    await until(lambda: connection.stats().late_answers)

    assert isinstance(future.exception(), RpcTimeoutError)
    assert not second.done()
    await shut(connection)


async def test_a_number_may_be_used_again_after_its_rest(peer: Peer) -> None:
    clock = Clock()
    connection = await peer.connect(clock=clock, rest_seconds=10.0)
    connection.request(RemotingCommand(1, opaque=77), 1)
    clock.move(connection, 1.1)
    assert 1 == connection.stats().resting
    clock.move(connection, 10.1)

    assert 0 == connection.stats().resting
    again = RemotingCommand(2, opaque=77)
    connection.request(again, 1)
    assert 77 == again.opaque
    await shut(connection)


async def test_a_cancelled_request_frees_its_slot_and_its_number_rests(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.request(RemotingCommand(1, opaque=7), 30)
    future.cancel()

    assert 0 == connection.in_flight
    assert 1 == connection.stats().resting
    [seen] = await peer.read()
    await peer.write(answer_frame(seen))
    await until(lambda: connection.stats().late_answers)
    assert 0 == connection.stats().resting
    await shut(connection)


async def test_cancelled_requests_do_not_pile_up(peer: Peer) -> None:
    connection = await peer.connect(write_buffer_bytes=1 << 30)
    for _ in range(20_000):
        connection.request(RemotingCommand(1), 3000).cancel()

    assert connection.stats().in_flight <= 2048
    connection.abort()
    await connection.wait_closed()


async def test_random_cancels_and_late_answers_never_mix_up_two_calls() -> None:
    """Numbers wrap on the way, answers come late, in any order, some after the caller gave up."""
    rng = random.Random(11)
    waiting: list[tuple[Connection, RemotingCommand]] = []

    def handler(connection: Connection, command: RemotingCommand) -> None:
        waiting.append((connection, RemotingCommand(0, opaque=command.opaque, body=command.body)))
        if len(waiting) > 200:
            rng.shuffle(waiting)
            for asked, answer in waiting[50:]:
                asked.reply(answer)
            del waiting[50:]

    done = cancelled = timed_out = 0

    async def caller(connection: Connection, number: int, calls: int) -> None:
        nonlocal done, cancelled, timed_out
        for call in range(calls):
            body = b"%d-%d" % (number, call)
            future = connection.request(RemotingCommand(1, body=body), rng.choice([0.01, 0.05, 10]))
            if rng.random() < 0.1:
                asyncio.get_running_loop().call_later(rng.random() / 100, future.cancel)
            try:
                answer = await future
            except asyncio.CancelledError:
                cancelled += 1
            except RpcTimeoutError:
                timed_out += 1
            else:
                assert body == answer.body
                done += 1

    async with start_server(handler) as (port, taken):
        connection = await connect(port, first_opaque=2**31 - 100, rest_seconds=0.05)
        callers = [asyncio.create_task(caller(connection, number, 40)) for number in range(500)]
        while not all(task.done() for task in callers):
            # What the server still holds comes when nothing else does.
            await asyncio.sleep(0.02)
            for asked, answer in waiting:
                asked.reply(answer)
            waiting.clear()
        await asyncio.gather(*callers)

        assert 20_000 == done + cancelled + timed_out
        assert done > 10_000
        assert cancelled > 100
        assert 20_000 <= taken[0].stats().requests_in
        assert 0 == connection.in_flight
        await shut(connection)
