"""Many clients whose server goes away and comes back: how many attempts it sees, and when all are back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from tests.faults.proxy import ChaosProxy
from tests.transport.peers import answer_to, start_server


@dataclass
class Storm:
    """What the server saw, in seconds since it was back."""

    attempts: int
    most_in_a_second: int
    all_back_after: float


def most_in_a_second(moments: list[float]) -> int:
    """The most moments that lie within any one second."""
    first = most = 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, number - first + 1)
    return most


async def run_storm(clients: int, away: float, *, calling: bool = True, within: float = 60.0) -> Storm:
    """Let clients connect, take their server away for some seconds, and count until all are back.

    Args:
        clients: how many, all in this process.
        away: seconds without a server.
        calling: each client also wants to make a call all the time.
        within: seconds after which those that are not back are given up.
    """
    async with start_server(lambda _, command: answer_to(command)) as (port, _):
        proxy = ChaosProxy(port)
        await proxy.listen()
        remotes = [
            AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=3, max_retries=0))
            for _ in range(clients)
        ]
        callers: list[asyncio.Task[None]] = []
        try:
            for start in range(0, clients, 100):
                some = remotes[start : start + 100]
                await asyncio.gather(*(remote.invoke(RemotingCommand(1), 30) for remote in some))
            await proxy.refuse()
            proxy.cut()
            await _until(lambda: not any(remote.transport.is_connected for remote in remotes), within)
            if calling:
                callers = [asyncio.create_task(_keep_calling(remote)) for remote in remotes]
            await asyncio.sleep(away)
            proxy.accepted.clear()
            await proxy.listen()
            back = time.monotonic()
            await _until(lambda: all(remote.transport.is_connected for remote in remotes), within)
            took = time.monotonic() - back
        finally:
            for caller in callers:
                caller.cancel()
            if callers:
                await asyncio.wait(callers)
            await asyncio.gather(*(remote.close() for remote in remotes))
            await proxy.close()
        return Storm(len(proxy.accepted), most_in_a_second(proxy.accepted), took)


async def _keep_calling(remote: AsyncRemote) -> None:
    while True:
        with suppress(OSError):
            await remote.invoke(RemotingCommand(1))
        await asyncio.sleep(0.5)


async def _until(condition: Callable[[], object], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - many things are looked at
            await asyncio.sleep(0.01)
