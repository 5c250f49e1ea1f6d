"""Clients and routes for tests."""

from __future__ import annotations

from time import monotonic
from typing import Any

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.message import Message
from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.core import ClientCore
from pyrocketmq.model.route import BrokerData, QueueData, TopicRouteData
from pyrocketmq.testing import LocalRocketMQ

GROUP = "makers"


def config_of(rocketmq: LocalRocketMQ, **changes: Any) -> ClientConfig:
    """Settings of a client of these servers."""
    return ClientConfig(namesrv_addr=rocketmq.addr, **changes)


def soon(seconds: float = 10.0) -> float:
    """A deadline that only a test that fails reaches."""
    return monotonic() + seconds


async def send(core: ClientCore, message: Message) -> SendResult:
    """One send, without retries: route, queue, link, connection."""
    await core.routes.find(message.topic, soon())
    pair = core.mapping.select_queue(message.topic, message)
    assert pair is not None
    queue, _ = pair
    link = core.brokers.link(queue.broker_name)
    connection = link.ready()
    if connection is None:
        await link.connect()
        connection = link.ready()
    assert connection is not None
    return await connection.send_message(link.encoder(GROUP), message, queue.queue_id, 10.0)


def route(brokers: dict[str, str], queues: int = 1, perm: int = 6) -> TopicRouteData:
    """The answer of a name server: brokers by name with the addresses of their masters."""
    return TopicRouteData(
        [BrokerData("c", name, {0: address}) for name, address in brokers.items()],
        [QueueData(name, queues, queues, perm) for name in brokers],
    )
