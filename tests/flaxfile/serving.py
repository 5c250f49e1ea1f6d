"""Servers and clients on free ports of loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from flaxfile.client.async_client import AsyncClient
from flaxfile.result import TransferResult
from flaxfile.server.server import Server


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest_asyncio.fixture
async def server(store: Path) -> AsyncIterator[Server]:
    made = Server("127.0.0.1", 0, store)
    await made.start()
    yield made
    await made.stop(0)


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient("127.0.0.1", server.port, idle_timeout=10.0) as made:
        yield made


async def cancelled_half_way(
    begin: Callable[[Callable[[int, int], None]], Coroutine[Any, Any, TransferResult]],
) -> None:
    """Cancel a transfer when more than half has arrived; ``begin`` makes it and is given its progress."""
    far = asyncio.Event()

    def tell(done: int, total: int) -> None:
        if done > total // 2:
            far.set()

    task = asyncio.create_task(begin(tell))
    async with asyncio.timeout(30):
        await far.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
