"""One server with two brokers for each module of tests; every async test runs on asyncio and on uvloop."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]

_numbers = count()


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRocketMQ]:
    """A name server and two brokers."""
    with LocalRocketMQ(ServerConfig(brokers=2)) as rocketmq:
        yield rocketmq


@pytest.fixture
def rocketmq(server: LocalRocketMQ) -> Iterator[LocalRocketMQ]:
    """The same, without the faults that a test has made."""
    yield server
    server.faults.clear()


@pytest.fixture
def topic(rocketmq: LocalRocketMQ) -> str:
    """A topic of its own for each test, with two queues on each broker."""
    name = f"shop-{next(_numbers)}"
    rocketmq.create_topic(name, queues=2)
    return name
