"""NAT and Docker: brokers announce an address that cannot be reached from here, a map gives one that can."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pyrocketmq._native.message import Message
from pyrocketmq.client.core import ClientCore
from pyrocketmq.errors import RocketMQError
from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from pyrocketmq.transport.states import TransportState
from tests.core.making import GROUP, config_of, send, soon

INNER = "10.255.255.1"


@pytest.fixture(scope="module")
def hidden() -> Iterator[LocalRocketMQ]:
    """A server that announces an address which nobody has."""
    with LocalRocketMQ(ServerConfig(advertised_host=INNER)) as rocketmq:
        rocketmq.create_topic("shop")
        yield rocketmq


def outer(address: str) -> str:
    return address.replace(INNER, "127.0.0.1")


async def test_with_the_map_everything_works(hidden: LocalRocketMQ) -> None:
    async with ClientCore(config_of(hidden, address_map=outer)) as core:
        core.register_producer_group(GROUP)
        await core.prepare(["shop"], soon())
        assert (await send(core, Message("shop", b"x"))).ok

        assert core.brokers.link("broker-a").address.startswith(INNER)


async def test_a_map_by_addresses_works_as_well(hidden: LocalRocketMQ) -> None:
    pairs = {address: outer(address) for address in (hidden.addr, *hidden.broker_addrs)}
    async with ClientCore(config_of(hidden, address_map=pairs)) as core:
        assert (await send(core, Message("shop", b"x"))).ok


async def test_without_the_map_the_error_names_the_address_and_the_map(hidden: LocalRocketMQ) -> None:
    config = config_of(hidden, connect_timeout=0.1).replace(namesrv_addr=outer(hidden.addr))
    async with ClientCore(config) as core:
        await core.routes.find("shop", soon())
        link = core.brokers.link("broker-a")
        with pytest.raises(RocketMQError) as raised:
            await link.connect()

    text = str(raised.value)
    assert link.address in text
    assert f'address_map={{"{link.address}": "localhost:' in text


async def test_the_announced_address_is_not_tried_for_each_call(hidden: LocalRocketMQ) -> None:
    config = config_of(hidden, connect_timeout=0.1).replace(namesrv_addr=outer(hidden.addr))
    attempts: list[TransportState] = []
    async with ClientCore(config) as core:
        await core.routes.find("shop", soon())
        link = core.brokers.link("broker-a")
        link.remote.transport.states.on_change(lambda _, after: attempts.append(after))
        ends = await asyncio.gather(*(link.connect() for _ in range(100)), return_exceptions=True)

        assert {True} == {isinstance(end, RocketMQError) for end in ends}
        assert not core.faults.is_available("broker-a")
    assert attempts.count(TransportState.CONNECTING) <= 2
