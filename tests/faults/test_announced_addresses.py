"""Brokers that announce an address which only others reach: NAT and containers."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.message import Message
from pyrocketmq.broker import BrokerClient
from pyrocketmq.errors import BrokerUnreachableError
from pyrocketmq.nameserver import NameServerClient
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.transport import TransportConfig
from pyrocketmq.transport.utils import parse_address
from tests.transport.test_tcp import unused_port

ANNOUNCED = "10.255.255.1"


async def announced_broker(server: EmbeddedServer) -> tuple[str, str]:
    """Name and address of the broker, as its name server tells them."""
    host, port = parse_address(server.addr)
    async with NameServerClient("127.0.0.1" if host == ANNOUNCED else host, port) as client:
        cluster = await client.get_broker_cluster_info()
    ((name, data),) = cluster.broker_addr_table.items()
    return name, data.broker_addrs[0]


async def test_with_an_address_map_a_broker_behind_nat_can_be_used() -> None:
    async with EmbeddedServer(ServerConfig(advertised_host=ANNOUNCED)) as server:
        name, announced = await announced_broker(server)
        host, port = parse_address(announced)
        config = TransportConfig(address_map={announced: f"127.0.0.1:{port}"})
        async with BrokerClient(host, port, broker_name=name, transport_config=config) as client:
            result = await client.send_message(Message("Nat", b"through"), 0)
            pulled = await client.pull_message("readers", "Nat", 0, result.queue_offset)

    assert ANNOUNCED == host
    assert [b"through"] == [message.body for message in pulled.messages]


async def test_with_a_function_as_address_map_too() -> None:
    async with EmbeddedServer(ServerConfig(advertised_host=ANNOUNCED)) as server:
        _, announced = await announced_broker(server)
        config = TransportConfig(address_map=lambda address: address.replace(ANNOUNCED, "127.0.0.1"))
        async with BrokerClient(*parse_address(announced), transport_config=config) as client:
            assert (await client.send_message(Message("Nat", b"x"), 0)).ok


async def test_without_one_the_error_has_the_announced_address_and_the_map_to_set() -> None:
    async with EmbeddedServer(ServerConfig(advertised_host=ANNOUNCED)) as server:
        name, announced = await announced_broker(server)
        host, port = parse_address(announced)
        config = TransportConfig(connect_timeout=0.1)
        client = BrokerClient(host, port, broker_name=name, transport_config=config)
        calls = [client.send_message(Message("Nat", b"x"), 0) for _ in range(20)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        await client.close()

    for error in errors:
        assert isinstance(error, BrokerUnreachableError), error
        assert f"{name} is registered as {announced}" in str(error)
        assert f'address_map={{"{announced}": "localhost:{port}"}}' in str(error)
        assert not error.maybe_sent
    # All of them together made no more attempts than one of them.
    assert client._remote.transport.backoff.failures <= 3


@pytest.mark.parametrize("name", ["", "broker-x"])
async def test_only_a_broker_with_a_name_is_called_registered(name: str) -> None:
    client = BrokerClient("127.0.0.1", unused_port(), broker_name=name)

    with pytest.raises(ConnectionError) as caught:
        await client.connect()
    await client.close()

    assert isinstance(caught.value, BrokerUnreachableError) is bool(name)
