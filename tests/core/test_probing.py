"""Probes: brokers that rest are asked, one that hangs holds up no other, and who answers rests no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pyrocketmq.client.brokers import BrokerLink, BrokerManager
from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.probing import Prober, probe
from pyrocketmq.errors import ConnectionClosedError, RpcTimeoutError
from pyrocketmq.model import RequestCode
from tests.clients.scripted import reply, scripted
from tests.core.making import route
from tests.transport.peers import until


class Resting:
    """What a fault table would know."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.reached: list[str] = []
        self.failed: list[str] = []

    def answered(self, name: str) -> None:
        self.reached.append(name)
        self.names.remove(name)


async def while_running(
    resting: Resting, ask: Callable[[BrokerLink], Awaitable[None]], condition: Callable[[], object]
) -> None:
    manager = BrokerManager(ClientConfig())
    manager.take(route({"a": "127.0.0.1:1", "b": "127.0.0.1:2"}))
    prober = Prober(
        lambda: list(resting.names),
        manager.link,
        resting.answered,
        resting.failed.append,
        ask=ask,
        waits=(0.001, 0.002),
    )
    task = asyncio.create_task(prober.run())
    await until(condition)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_broker_is_asked_until_it_answers_and_then_no_more() -> None:
    resting = Resting("a")
    asked: list[str] = []

    async def ask(link: BrokerLink) -> None:
        asked.append(link.name)
        if len(asked) < 3:
            raise RpcTimeoutError("no answer")

    await while_running(resting, ask, lambda: resting.reached)

    assert ["a", "a", "a"] == asked
    assert ["a", "a"] == resting.failed
    assert ["a"] == resting.reached


async def test_one_that_hangs_holds_up_no_other() -> None:
    resting = Resting("a", "b")

    async def ask(link: BrokerLink) -> None:
        if link.name == "a":
            await asyncio.sleep(60)

    await while_running(resting, ask, lambda: resting.reached)

    assert ["b"] == resting.reached


async def test_one_that_rests_no_longer_is_not_asked() -> None:
    resting = Resting("a", "b")
    asked: list[str] = []

    async def ask(link: BrokerLink) -> None:
        asked.append(link.name)
        raise ConnectionClosedError("refused")

    async def forget() -> None:
        await until(lambda: asked.count("a") >= 2)
        resting.names.remove("a")
        asked.clear()

    forgetting = asyncio.create_task(forget())
    await while_running(resting, ask, lambda: "a" not in resting.names and asked.count("b") >= 5)
    await forgetting

    assert asked.count("a") <= 1


async def test_a_sign_that_a_broker_is_back_has_it_asked_at_once() -> None:
    resting = Resting("a")
    asked: list[str] = []

    async def ask(link: BrokerLink) -> None:
        asked.append(link.name)
        if len(asked) == 1:
            raise ConnectionClosedError("refused")

    manager = BrokerManager(ClientConfig())
    manager.take(route({"a": "127.0.0.1:1"}))
    prober = Prober(
        lambda: list(resting.names),
        manager.link,
        resting.answered,
        resting.failed.append,
        ask=ask,
        waits=(3600.0, 3600.0),
    )
    prober.hurry("a")
    task = asyncio.create_task(prober.run())
    await until(lambda: resting.failed)
    prober.hurry("a")
    await until(lambda: resting.reached)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_probe_is_answered_by_any_server() -> None:
    async with scripted() as server:
        server.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, reply(17, remark="no route"))
        manager = BrokerManager(ClientConfig())
        manager.take(route({"a": server.address}))
        await probe(manager.link("a"))
        server.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, lambda _: None)
        with pytest.raises(RpcTimeoutError):
            await probe(manager.link("a"))
        await manager.close()
