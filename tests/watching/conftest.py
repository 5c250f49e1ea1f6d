"""One embedded server for all tests; each has a topic of its own, on asyncio and on uvloop."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from pyrocketmq.testing import LocalRocketMQ
from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]


@pytest.fixture(scope="module")
def rocketmq() -> Iterator[LocalRocketMQ]:
    """A server."""
    with LocalRocketMQ() as server:
        yield server


@pytest.fixture
def topic(rocketmq: LocalRocketMQ) -> Iterator[str]:
    """A new topic with four queues."""
    name = f"topic-{uuid.uuid4().hex}"
    rocketmq.create_topic(name)
    yield name
    rocketmq.faults.clear()
