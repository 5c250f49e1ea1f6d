"""What a client shows of itself."""

from __future__ import annotations

from typing import Any

from pyrocketmq.client.core import ClientCore
from pyrocketmq.model import Message
from pyrocketmq.testing import LocalRocketMQ
from tests.core.making import send
from tests.transport.peers import until


async def test_a_snapshot_names_the_client_and_shows_its_parts(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    core.register_producer_group("shown")
    await send(core, Message("shop", b"hello"))
    name = rocketmq.messages("shop", 1)[0].broker_name
    await until(lambda: core.heartbeats.sent > 0)

    shown: dict[str, Any] = core.stats.snapshot()

    assert shown["client_id"] == core.client_id
    assert shown["routes"]["topics"] == 1
    assert shown["heartbeats"]["sent"] > 0
    assert shown["brokers"][name]["connected"] == 1
    assert shown["brokers"][name]["frames_out"] > 0


async def test_a_broker_without_a_connection_is_shown_as_such(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    await send(core, Message("shop", b"hello"))
    link = core.brokers.links()[0]

    await link.remote.close()

    shown: dict[str, Any] = core.stats.snapshot()
    assert shown["brokers"][link.name] == {"connected": 0}
