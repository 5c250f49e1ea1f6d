"""Whatever happens on the way, a call gets its own answer or an error."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import RocketMQError
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from pyrocketmq.transport import TransportConfig
from tests.faults.calls import run_calls
from tests.faults.proxy import start_proxy
from tests.transport.peers import answer_to, start_server, until


def echo(_: Connection, command: RemotingCommand) -> RemotingCommand:
    return answer_to(command, command.body)


async def test_random_cancels_and_reordered_answers_never_mix_up_two_calls() -> None:
    calls = await run_calls(4000)

    assert [] == calls.wrong
    assert 4000 == sum(calls.ends.values())
    assert all(calls.ends[end] > 50 for end in ("answered", "timed out", "cancelled")), calls.ends
    assert calls.late_answers > 50
    assert {2**31 - 1, -(2**31)} <= calls.opaques


@pytest.mark.parametrize(
    "chaos",
    [{"piece_bytes": 1}, {"piece_bytes": 7}, {"merge": 0.005}, {"delay": (0.0, 0.01)}],
    ids=["single bytes", "small pieces", "merged", "reordered"],
)
async def test_any_cut_of_the_stream_gives_every_call_its_own_answer(chaos: dict[str, Any]) -> None:
    rng = random.Random(5)
    async with start_server(echo) as (port, _), start_proxy(port) as proxy:
        for name, value in chaos.items():
            setattr(proxy, name, value)
        async with AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=30)) as remote:
            bodies = [rng.randbytes(rng.randrange(1, 300)) for _ in range(60)]
            answers = await asyncio.gather(*(remote.invoke(RemotingCommand(1, body=body)) for body in bodies))

    assert bodies == [answer.body for answer in answers]


async def test_a_large_answer_comes_through_in_small_pieces() -> None:
    body = random.Random(3).randbytes(300_000)
    async with start_server(echo) as (port, _), start_proxy(port) as proxy:
        proxy.piece_bytes = 1000
        async with AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=30)) as remote:
            assert body == (await remote.invoke(RemotingCommand(1, body=body))).body


async def test_lost_answers_end_their_own_calls_only() -> None:
    async with start_server(echo) as (port, _), start_proxy(port) as proxy:
        proxy.lose = 0.3
        async with AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=0.3)) as remote:
            results = await asyncio.gather(
                *(remote.invoke(RemotingCommand(1, body=b"%d" % number)) for number in range(200)),
                return_exceptions=True,
            )

    answered = [(n, one) for n, one in enumerate(results) if isinstance(one, RemotingCommand)]
    assert all(one.body == b"%d" % number for number, one in answered)
    assert 90 < len(answered) < 190
    assert all(isinstance(one, RemotingCommand | TimeoutError) for one in results)


async def test_damaged_answers_end_calls_in_time_and_the_next_ones_go_on() -> None:
    # Bodies are left as they are: only messages have a checksum, and this is about finding the right call.
    seen: set[str] = set()
    async with start_server(echo) as (port, _), start_proxy(port, seed=1) as proxy:
        config = TransportConfig("127.0.0.1", proxy.port, probe_timeout=0.05, reconnect_max=0.1)
        async with AsyncRemote(config, RemoteConfig(timeout=0.2, max_retries=5)) as remote:
            proxy.damage = 0.05

            async def call(number: int) -> None:
                body = b"body of %d" % number
                try:
                    answer = await remote.invoke(RemotingCommand(1, body=body))
                except RocketMQError as error:
                    seen.add(type(error).__name__)
                else:
                    seen.add("answered" if answer.body == body else f"{answer.body!r} for {number}")

            for start in range(0, 160, 20):
                async with asyncio.timeout(20):
                    await asyncio.gather(*(call(number) for number in range(start, start + 20)))
            proxy.damage = 0
            proxy.cut()
            await until(lambda: not remote.transport.is_connected)
            assert b"x" == (await remote.invoke(RemotingCommand(1, body=b"x"), 20)).body

    assert seen > {"answered"}
    lost = {"ConnectionClosedError", "ConnectTimeoutError"}
    assert seen <= {"answered", "RpcTimeoutError", "DeserializationError", *lost}
