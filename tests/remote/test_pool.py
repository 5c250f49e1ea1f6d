"""Pools share their connections."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import ConfigurationError, ConnectionClosedError
from pyrocketmq.remote import PRODUCTION_CONFIG, AsyncConnectionPool, RemoteConfig
from pyrocketmq.transport import TransportConfig
from tests.transport.peers import answer_to, start_server, until


async def slowly(command: RemotingCommand) -> RemotingCommand:
    await asyncio.sleep(0.02)
    return answer_to(command)


async def test_concurrent_users_share_connections() -> None:
    async with start_server(lambda _, command: slowly(command)) as (port, taken):
        pool = AsyncConnectionPool(TransportConfig("127.0.0.1", port), RemoteConfig(timeout=30), max_size=3)

        async def use() -> int:
            async with pool.get_connection() as remote:
                return (await remote.invoke(RemotingCommand(1))).code

        assert [0] * 200 == await asyncio.gather(*(use() for _ in range(200)))
        assert 1 == len(taken) == pool.size
        assert [0] * 1000 == await asyncio.gather(*(use() for _ in range(1000)))
        assert 3 == len(taken) == pool.size
        await pool.close()
        await until(lambda: not any(connection.is_open for connection in taken))


async def test_the_size_comes_from_the_settings_unless_it_is_given() -> None:
    assert "of 5 " in repr(AsyncConnectionPool("localhost:1"))
    assert "of 7 " in repr(AsyncConnectionPool("localhost:1", PRODUCTION_CONFIG.copy(pool_size=7)))
    assert "of 2 " in repr(
        AsyncConnectionPool("localhost:1", PRODUCTION_CONFIG.copy(pool_size=7), max_size=2)
    )
    with pytest.raises(ConfigurationError, match="max_size is 0"):
        AsyncConnectionPool("localhost:1", max_size=0)


async def test_a_closed_pool_ends_calls_and_refuses_new_users() -> None:
    def hold(_: Connection, command: RemotingCommand) -> None:
        held.append(command)

    held: list[RemotingCommand] = []
    async with start_server(hold) as (port, _), AsyncConnectionPool(f"127.0.0.1:{port}") as pool:

        async def use() -> RemotingCommand:
            async with pool.get_connection() as remote:
                return await remote.invoke(RemotingCommand(1))

        call = asyncio.create_task(use())
        await until(lambda: held)
        await pool.close()

        with pytest.raises(ConnectionClosedError, match="this side closed it"):
            await call
        with pytest.raises(ConnectionClosedError, match="the pool is closed"):
            await use()
