"""Links to brokers: they outlive connections and addresses, and tell when a broker is lost or reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.client.brokers import FORGET_AFTER_S, BrokerLink, BrokerManager
from pyrocketmq.client.config import ClientConfig
from pyrocketmq.errors import BrokerUnreachableError, ConnectionClosedError
from pyrocketmq.model import RequestCode
from pyrocketmq.remote import Credentials
from pyrocketmq.remote.hooks import HeaderFields, RpcHook
from tests.clients.scripted import reply, scripted
from tests.core.making import route
from tests.transport.peers import until
from tests.transport.test_tcp import unused_port

VIEW = RequestCode.VIEW_MESSAGE_BY_ID


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def manager() -> AsyncIterator[BrokerManager]:
    made = BrokerManager(ClientConfig(), clock=Clock())
    yield made
    await made.close()


async def test_a_broker_has_one_link_whoever_asks(manager: BrokerManager) -> None:
    manager.take(route({"a": "127.0.0.1:1", "b": "127.0.0.1:2"}))
    link = manager.link("a")

    assert link is manager.link("a")
    assert link is not manager.link("b")
    assert "127.0.0.1:1" == link.address
    assert {link, manager.link("b")} == set(manager.links())


async def test_a_broker_that_no_route_has_named_has_no_link(manager: BrokerManager) -> None:
    with pytest.raises(ConnectionClosedError, match="ghost"):
        manager.link("ghost")


async def test_encoders_are_kept_by_group(manager: BrokerManager) -> None:
    manager.take(route({"a": "127.0.0.1:1"}))
    link = manager.link("a")

    assert link.encoder("makers") is link.encoder("makers")
    assert "a" == link.encoder("makers").broker_name
    for number in range(1000):
        link.encoder(f"group-{number}")
    assert len(link._encoders) <= 256


async def test_a_link_is_ready_once_it_is_connected(manager: BrokerManager) -> None:
    async with scripted() as server:
        manager.take(route({"a": server.address}))
        link = manager.link("a")
        assert link.ready() is None
        await link.connect()

        assert link.ready() is not None
        assert link.is_connected


class OwnFields(HeaderFields):
    """One that may do more than to add fields."""


@pytest.mark.parametrize(
    ("settings", "hooks", "is_plain"),
    [
        ({"credentials": Credentials("key", "secret")}, (), True),
        ({}, (HeaderFields({"ns": "north", "nsd": "true"}),), True),
        ({}, (RpcHook(),), False),
        ({}, (OwnFields({"ns": "north", "nsd": "true"}),), False),
    ],
)
async def test_requests_that_hooks_look_at_never_take_the_plain_way(
    settings: dict[str, Any], hooks: tuple[RpcHook, ...], is_plain: bool
) -> None:
    manager = BrokerManager(ClientConfig(**settings), hooks)
    async with scripted() as server:
        manager.take(route({"a": server.address}))
        link = manager.link("a")
        await link.connect()

        assert (is_plain, is_plain) == (link.is_plain, link.ready() is not None)
    await manager.close()


async def test_a_new_address_is_used_and_what_runs_on_the_old_one_ends_well(manager: BrokerManager) -> None:
    async with scripted() as old, scripted() as new:
        hold = asyncio.Event()

        async def later(opaque: int) -> RemotingCommand:
            await hold.wait()
            made = reply(body="old")
            made.opaque = opaque
            return made

        old.answer(VIEW, lambda request: later(request.opaque))
        new.answer(VIEW, reply(body="new"))
        manager.take(route({"a": old.address}))
        link = manager.link("a")
        running = asyncio.create_task(link.invoke(RemotingCommand(VIEW)))
        await until(lambda: old.requests)
        manager.take(route({"a": new.address}))
        assert link is manager.link("a")
        assert new.address == link.address
        assert b"new" == (await link.invoke(RemotingCommand(VIEW))).body
        hold.set()

        assert b"old" == (await running).body
        await until(lambda: not any(connection.is_open for connection in old.connections))


async def test_a_slave_alone_or_a_strange_address_changes_nothing(
    manager: BrokerManager, caplog: pytest.LogCaptureFixture
) -> None:
    manager.take(route({"a": "127.0.0.1:1"}))
    manager.take(route({"a": "nonsense"}))
    data = route({"a": ""})
    data.broker_datas[0].broker_addrs = {1: "127.0.0.1:2"}
    manager.take(data)

    assert "127.0.0.1:1" == manager.link("a").address
    assert 1 == len(caplog.records)


async def test_who_wants_to_know_is_told_of_reached_and_lost_brokers(manager: BrokerManager) -> None:
    told: list[tuple[str, BrokerLink]] = []
    manager.on_reached(lambda link: told.append(("reached", link)))
    manager.on_lost(lambda link: told.append(("lost", link)))
    async with scripted() as server:
        manager.take(route({"a": server.address}))
        link = manager.link("a")
        await link.connect()
        for connection in server.connections:
            connection.abort()
        await until(lambda: ("lost", link) in told)
        await until(lambda: 3 == len(told))

    assert ["reached", "lost", "reached"] == [what for what, _ in told][:3]


async def test_a_broker_that_cannot_be_reached_is_told_as_lost_with_both_addresses() -> None:
    here = f"127.0.0.1:{unused_port()}"
    manager = BrokerManager(ClientConfig(address_map={"10.255.255.1:10911": here}))
    lost: list[BrokerLink] = []
    manager.on_lost(lost.append)
    manager.take(route({"a": "10.255.255.1:10911"}))
    with pytest.raises(BrokerUnreachableError) as raised:
        await manager.link("a").connect()
    await manager.close()

    assert "10.255.255.1:10911" in str(raised.value)
    assert here in str(raised.value)
    assert [manager.link("a").name] == [link.name for link in lost]


async def test_a_callback_that_fails_stops_no_other(
    manager: BrokerManager, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[BrokerLink] = []

    def fail(_: BrokerLink) -> None:
        raise ValueError("mine")

    manager.on_reached(fail)
    manager.on_reached(told.append)
    async with scripted() as server:
        manager.take(route({"a": server.address}))
        await manager.link("a").connect()

    assert [manager.link("a")] == told
    assert "callback" in caplog.text


async def test_requests_of_any_broker_are_answered_also_after_it_has_moved(manager: BrokerManager) -> None:
    async with scripted() as first, scripted() as second:
        manager.take(route({"a": first.address}))
        await manager.link("a").connect()
        manager.on_request(
            39, lambda link, request: reply(body=b"%s asks %s" % (link.name.encode(), request.body))
        )
        for server in (first, second):
            manager.take(route({"a": server.address}))
            await manager.link("a").connect()
            await until(lambda server=server: any(one.is_open for one in server.connections))  # type: ignore[misc]
            connection = next(one for one in server.connections if one.is_open)
            answer = await connection.request(RemotingCommand(39, body=b"who?"), 10)

            assert b"a asks who?" == answer.body


async def test_brokers_that_no_route_names_are_forgotten_after_a_while() -> None:
    clock = Clock()
    manager = BrokerManager(ClientConfig(), clock=clock)
    async with scripted() as server:
        manager.take(route({"a": server.address, "b": server.address}))
        for name in ("a", "b"):
            await manager.link(name).connect()
        clock.now += FORGET_AFTER_S - 1
        manager.forget_others({"b"})
        assert 2 == len(manager.links())
        clock.now += 2
        manager.forget_others({"b"})

        assert ["b"] == [link.name for link in manager.links()]
        with pytest.raises(ConnectionClosedError):
            manager.link("a")
        await until(lambda: 1 == sum(connection.is_open for connection in server.connections))
    await manager.close()


async def test_go_away_opens_another_connection_while_answers_still_come(manager: BrokerManager) -> None:
    async with scripted() as server:
        server.answer(VIEW, reply(body="x"))
        manager.take(route({"a": server.address}))
        link = manager.link("a")
        await link.connect()
        first = link.ready()
        assert first is not None
        link.leave(first)
        assert link.ready() is None
        await link.invoke(RemotingCommand(VIEW))

        assert 2 == len(server.connections)
        assert link.ready() is not first
