"""Servers and clients on free ports of loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from flaxfile.client.async_client import AsyncClient
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
