"""Closing at any moment of coming back leaves nothing that goes on trying."""

from __future__ import annotations

import asyncio
import contextlib

from pyrocketmq.errors import ConnectionError  # noqa: A004
from pyrocketmq.transport import AsyncTcpTransport, Backoff, TransportConfig
from tests.transport.peers import start_peer


async def test_an_attempt_that_fails_while_it_is_closed_starts_no_other() -> None:
    async with start_peer() as peer:
        port = peer.port
    for turns in range(24):
        config = TransportConfig("127.0.0.1", port, reconnect_min=0.0001, reconnect_max=0.0002)
        transport = AsyncTcpTransport(config, reconnect=True, backoff=Backoff(0.0001, 0.0002))
        with contextlib.suppress(ConnectionError):
            await transport.connect()
        for _ in range(turns):
            await asyncio.sleep(0)
        await transport.close()
        left = {task.get_name() for task in asyncio.all_tasks() if "connect" in task.get_name()}
        assert set() == left, f"after {turns} turns"
