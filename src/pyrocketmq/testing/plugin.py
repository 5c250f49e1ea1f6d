"""The pytest plugin: fixtures with an embedded server. The one module of the package that knows pytest.

pytest finds it by its entry point; nothing has to be imported or registered.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from pyrocketmq._clock import MovableClock
from pyrocketmq.testing.local import LocalRocketMQ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyrocketmq._clock import Clock
    from pyrocketmq.server import ServerConfig
    from pyrocketmq.testing.local_faults import LocalFaults

__all__ = ["rocketmq", "rocketmq_clock", "rocketmq_config", "rocketmq_faults", "rocketmq_topic"]


@pytest.fixture
def rocketmq_config() -> ServerConfig | None:
    """The settings of the server; a test module or class may have a fixture of this name with others."""
    return None


@pytest.fixture
def rocketmq_clock() -> Clock:
    """The server's clock: the machine's, which ``rocketmq.advance`` moves forward.

    A fixture of this name that gives a ``ManualClock`` makes time stand still but for ``advance``.
    """
    return MovableClock()


@pytest.fixture
def rocketmq(rocketmq_config: ServerConfig | None, rocketmq_clock: Clock) -> Iterator[LocalRocketMQ]:
    """A name server and a broker in memory, new for each test; ``rocketmq.addr`` is where clients connect."""
    with LocalRocketMQ(rocketmq_config, clock=rocketmq_clock) as server:
        yield server


@pytest.fixture
def rocketmq_topic(rocketmq: LocalRocketMQ, request: pytest.FixtureRequest) -> str:
    """The name of a topic that exists, with 4 queues on each broker and no messages."""
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", request.node.name).strip("-")[:80]
    topic = f"{words}-{uuid.uuid4().hex[:8]}"
    rocketmq.create_topic(topic)
    return topic


@pytest.fixture
def rocketmq_faults(rocketmq: LocalRocketMQ) -> LocalFaults:
    """What goes wrong on purpose at the server of this test; see ``LocalFaults``."""
    return rocketmq.faults
