"""Every test of the embedded server runs on asyncio and on uvloop, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyrocketmq._clock import ManualClock
from pyrocketmq.server import EmbeddedServer
from tests.server.client import Client
from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]


@pytest.fixture
def clock() -> ManualClock:
    """The clock of `server`."""
    return ManualClock()


@pytest_asyncio.fixture
async def server(clock: ManualClock) -> AsyncIterator[EmbeddedServer]:
    """A server with one broker, in memory, whose time stands still."""
    async with EmbeddedServer(clock=clock) as made:
        yield made


@pytest_asyncio.fixture
async def client(server: EmbeddedServer) -> AsyncIterator[Client]:
    """A client of the only broker of `server`."""
    async with Client(server.brokers[0].address) as made:
        yield made
