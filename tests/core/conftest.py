"""Every async test runs on asyncio and on uvloop, and leaves no task, connection or logged error behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from pyrocketmq.client.core import ClientCore
from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from tests.core.making import config_of
from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRocketMQ]:
    """Two brokers."""
    with LocalRocketMQ(ServerConfig(brokers=2)) as rocketmq:
        yield rocketmq


@pytest.fixture
def rocketmq(server: LocalRocketMQ) -> Iterator[LocalRocketMQ]:
    """The same two brokers, without the faults and topics of the tests before."""
    yield server
    server.faults.clear()
    for topic in server.topics():
        server.delete_topic(topic)


@pytest_asyncio.fixture
async def core(rocketmq: LocalRocketMQ) -> AsyncIterator[ClientCore]:
    """A client that runs."""
    async with ClientCore(config_of(rocketmq)) as made:
        yield made
