"""Calls with random cancels and time-outs around the moment of the answer, through a proxy that reorders."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import RpcTimeoutError
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from pyrocketmq.transport import Connection
from tests.faults.proxy import start_proxy
from tests.transport.peers import answer_to, start_server

FIRST_OPAQUE = 2**31 - 100
MOST_S = 0.02


@dataclass
class Calls:
    """How calls ended; ``wrong`` is what must not be."""

    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    late_answers: int = 0
    opaques: set[int] = field(default_factory=set)


def signed(number: int) -> int:
    """A number as it goes around in 32 bits."""
    return (number + 2**31) % 2**32 - 2**31


async def run_calls(count: int, *, concurrency: int = 200, seed: int = 0) -> Calls:
    """Make calls and look at every answer."""
    calls, rng = Calls(), random.Random(seed)

    def echo(_: Connection, command: RemotingCommand) -> RemotingCommand:
        calls.opaques.add(command.opaque)
        return answer_to(command, command.body)

    async def call(remote: AsyncRemote, number: int) -> None:
        body = b"%d:%s" % (number, rng.randbytes(rng.randrange(40)))
        request = RemotingCommand(31, opaque=signed(FIRST_OPAQUE + number), body=body)
        timeout = rng.choice((rng.uniform(0.002, MOST_S / 2), 30.0, 30.0))
        task = asyncio.create_task(remote.invoke(request, timeout))
        if rng.random() < 0.3:
            await asyncio.wait([task], timeout=rng.uniform(0, MOST_S))
            task.cancel()
        try:
            answer = await task
        except asyncio.CancelledError:
            calls.ends["cancelled"] += 1
        except RpcTimeoutError:
            calls.ends["timed out"] += 1
        else:
            calls.ends["answered"] += 1
            if answer.body != body:
                calls.wrong.append(f"call {number} got {answer.body!r}")

    async def work(remote: AsyncRemote, numbers: range) -> None:
        for number in numbers:
            await call(remote, number)

    async with start_server(echo) as (port, _), start_proxy(port, seed) as proxy:
        proxy.delay = (0.0, MOST_S)
        async with AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=30)) as remote:
            workers = [work(remote, range(start, count, concurrency)) for start in range(concurrency)]
            await asyncio.gather(*workers)
            await asyncio.sleep(2 * MOST_S)
            calls.late_answers = remote.transport.connection.stats().late_answers
    return calls
