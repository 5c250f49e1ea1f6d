"""Opening and closing again and again, and counting what could be left behind."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.remote import AsyncConnectionPool, AsyncRemote, RemoteConfig, create_sync_remote
from pyrocketmq.transport.turns import TURNS
from tests.transport.peers import answer_to, start_server, until
from tests.transport.test_tcp import unused_port


@functools.cache
def closed_port() -> int:
    """Always the same: what is remembered of an address stays for a while."""
    return unused_port()


class Level(NamedTuple):
    """What there is of everything that could be left behind."""

    threads: int
    tasks: int
    descriptors: int
    addresses: int
    blocks: int

    @classmethod
    def now(cls) -> Level:
        gc.collect()
        return cls(
            threading.active_count(),
            len(asyncio.all_tasks()),
            len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")),  # noqa: PTH208
            len(TURNS),
            sys.getallocatedblocks(),
        )


async def one_remote(port: int) -> None:
    async with AsyncRemote(f"127.0.0.1:{port}") as remote:
        await remote.invoke(RemotingCommand(1), 30)


async def one_pool(port: int) -> None:
    async with AsyncConnectionPool(f"127.0.0.1:{port}") as pool, pool.get_connection() as remote:
        await remote.invoke(RemotingCommand(1), 30)


async def one_cancel(port: int) -> None:
    async with AsyncRemote(f"127.0.0.1:{port}") as remote:
        call = asyncio.create_task(remote.invoke(RemotingCommand(2)))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])


async def one_refusal(_: int) -> None:
    remote = AsyncRemote(f"127.0.0.1:{closed_port()}", RemoteConfig(max_retries=0))
    with pytest.raises(ConnectionError):
        await remote.invoke(RemotingCommand(1))
    await remote.close()


async def one_blocking_remote(port: int) -> None:
    def use() -> None:
        with create_sync_remote(f"127.0.0.1:{port}") as remote:
            remote.invoke(RemotingCommand(1), 30)

    await asyncio.get_running_loop().run_in_executor(None, use)


KINDS: tuple[Callable[[int], Awaitable[None]], ...] = (
    one_remote,
    one_pool,
    one_cancel,
    one_refusal,
    one_blocking_remote,
)


async def run_cycles(count: int, kinds: Sequence[Callable[[int], Awaitable[None]]]) -> tuple[Level, Level]:
    """What there was before and after so many times open and close, each of the kinds in turn."""
    async with start_server(lambda _, command: answer_to(command) if command.code == 1 else None) as (
        port,
        taken,
    ):

        async def run(times: int) -> Level:
            for number in range(times):
                await kinds[number % len(kinds)](port)
            await until(lambda: all(connection.transport is None for connection in taken))
            taken.clear()
            return Level.now()

        return await run(100), await run(count)
