"""RouteTable: asked for on first use, kept while name servers fail, asked for again for good reasons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.mapping import TopicBrokerMapping
from pyrocketmq.client.routes import RouteTable
from pyrocketmq.errors import (
    ClientClosedError,
    NameServerError,
    NoNameServerError,
    RouteNotFoundError,
)
from pyrocketmq.model import RemotingCommand, RequestCode, ResponseCode
from pyrocketmq.model.route import TopicRouteData
from pyrocketmq.nameserver import NameServers
from tests.clients.scripted import Scripted, reply, scripted
from tests.core.making import route, soon
from tests.transport.peers import until
from tests.transport.test_tcp import unused_port

# Waits of a second decide these; one loop is enough.
SLOW = pytest.mark.asyncio(loop_factories=["uvloop"])

ROUTE = RequestCode.GET_ROUTEINFO_BY_TOPIC


class Names:
    """A name server with routes by topic."""

    def __init__(self, server: Scripted) -> None:
        self.server = server
        self.routes: dict[str, TopicRouteData] = {}
        self.asked: list[str] = []
        self.code = 0
        self.gate: asyncio.Event | None = None
        server.answer(ROUTE, self.answer)

    def answer(self, request: RemotingCommand) -> RemotingCommand | Awaitable[RemotingCommand | None]:
        topic = (request.ext_fields or {})["topic"]
        self.asked.append(topic)
        if self.gate is not None:
            return self.answer_later(request, topic)
        return self.made(topic)

    async def answer_later(self, request: RemotingCommand, topic: str) -> RemotingCommand:
        assert self.gate is not None
        await self.gate.wait()
        made = self.made(topic)
        made.opaque = request.opaque
        return made

    def made(self, topic: str) -> RemotingCommand:
        if self.code:
            return reply(self.code, remark="no")
        found = self.routes.get(topic)
        if found is None:
            return reply(ResponseCode.TOPIC_NOT_EXIST, remark="no route")
        return reply(body=found.encode())


@asynccontextmanager
async def table_of(
    address: str, *, runs: bool = True, poll: float = 30.0, create: bool = True, timeout: float = 3.0
) -> AsyncIterator[RouteTable]:
    config = ClientConfig(route_poll_interval=poll, create_topics=create, request_timeout=timeout)
    async with NameServers(address, timeout=timeout) as servers:
        table = RouteTable(servers, TopicBrokerMapping(), config)
        task = asyncio.create_task(table.run()) if runs else None
        await asyncio.sleep(0)
        try:
            yield table
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
                await asyncio.sleep(0)  # for those that it has cancelled
                await asyncio.sleep(0)


def brokers(table: RouteTable, topic: str = "shop") -> tuple[str, ...]:
    found = table.cached(topic)
    return () if found is None else found.brokers


async def test_all_who_want_a_route_share_one_request() -> None:
    async with scripted() as server, table_of(server.address) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        found = await asyncio.gather(*(table.find("shop", soon()) for _ in range(50)))
        assert 1 == len({id(one) for one in found})
        assert found[0] is await table.find("shop", soon())

        assert ["shop"] == names.asked
        assert found[0] is table.cached("shop")


async def test_one_who_gives_up_does_not_disturb_the_others() -> None:
    async with scripted() as server, table_of(server.address) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        names.gate = asyncio.Event()
        first, second = (asyncio.create_task(table.find("shop", soon())) for _ in range(2))
        await until(lambda: names.asked)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        names.gate.set()

        assert ("a",) == (await second).brokers


async def test_a_deadline_ends_the_wait_with_the_cause() -> None:
    async with scripted() as server, table_of(server.address) as table:
        names = Names(server)
        names.gate = asyncio.Event()
        with pytest.raises(NoNameServerError, match="shop"):
            await table.find("shop", monotonic() + 0.05)
        names.gate.set()


@SLOW
async def test_a_name_server_that_comes_back_in_time_is_enough() -> None:
    port = unused_port()
    async with scripted() as server, table_of(f"127.0.0.1:{port};{server.address}") as table:
        names = Names(server)
        names.code = ResponseCode.SYSTEM_ERROR
        with pytest.raises(NameServerError):
            await table.find("shop", soon())
        names.code = 0
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        await until(lambda: monotonic() > table._unknown["shop"][0])

        assert ("a",) == (await table.find("shop", soon())).brokers


@SLOW
async def test_a_topic_without_route_is_not_asked_for_again_at_once() -> None:
    async with scripted() as server, table_of(server.address, create=False) as table:
        names = Names(server)
        for _ in range(100):
            with pytest.raises(RouteNotFoundError):
                await table.find("shop", soon())

        assert ["shop", "shop"] == names.asked


async def test_a_topic_that_appears_a_moment_later_is_found() -> None:
    async with scripted() as server, table_of(server.address, create=False) as table:
        names = Names(server)
        finding = asyncio.create_task(table.find("shop", soon()))
        await until(lambda: names.asked)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})

        assert ("a",) == (await finding).brokers


async def test_the_template_is_told_as_missing_too() -> None:
    async with scripted() as server, table_of(server.address) as table:
        names = Names(server)
        with pytest.raises(RouteNotFoundError, match="TBW102"):
            await table.find("shop", soon())

        assert {"shop", "TBW102"} == set(names.asked)


async def test_a_topic_that_may_not_be_written_says_so() -> None:
    async with scripted() as server, table_of(server.address) as table:
        Names(server).routes["shop"] = route({"a": "10.0.0.1:10911"}, perm=4)
        with pytest.raises(RouteNotFoundError, match="perm"):
            await table.find("shop", soon())


async def test_routes_are_polled() -> None:
    async with scripted() as server, table_of(server.address, poll=0.1) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        await table.find("shop", soon())
        names.routes["shop"] = route({"a": "10.0.0.1:10911", "b": "10.0.0.2:10911"})

        await until(lambda: brokers(table) == ("a", "b"))


@SLOW
async def test_worse_answers_and_silence_change_nothing() -> None:
    async with scripted() as server, table_of(server.address, poll=0.1) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        names.routes["TBW102"] = route({"x": "10.0.0.9:10911"})
        good = await table.find("shop", soon())

        for worse in (TopicRouteData(), route({"a": "10.0.0.1:10911"}, perm=4), None):
            if worse is None:
                del names.routes["shop"]
            else:
                names.routes["shop"] = worse
            asked = len(names.asked)
            table.refresh_soon()
            await until(lambda asked=asked: len(names.asked) >= asked + 2)  # type: ignore[misc]
            assert good is table.cached("shop")
        names.code = ResponseCode.SYSTEM_ERROR
        failed = table.failed
        table.refresh_soon()
        await until(lambda: table.failed > failed)

        assert good is table.cached("shop")


@SLOW
async def test_a_lost_broker_is_a_reason_to_ask_at_once_and_again() -> None:
    async with scripted() as server, table_of(server.address) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911", "b": "10.0.0.2:10911"})
        names.routes["bank"] = route({"a": "10.0.0.1:10911"})
        await table.find("shop", soon())
        await table.find("bank", soon())
        names.asked.clear()
        table.refresh_soon(broker="b")
        await until(lambda: len(names.asked) >= 2)  # the name server may learn of it a moment later
        assert {"shop"} == set(names.asked)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})

        await until(lambda: brokers(table) == ("a",))


async def test_many_reasons_at_once_are_one_request() -> None:
    async with scripted() as server, table_of(server.address) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        await table.find("shop", soon())
        names.asked.clear()
        names.gate = asyncio.Event()
        for _ in range(1000):
            table.refresh_soon("shop")
        await until(lambda: names.asked)
        for _ in range(1000):
            table.refresh_soon("shop")
        for _ in range(10):
            await asyncio.sleep(0.01)
        names.gate.set()

        assert 1 == len(names.asked)


async def test_when_name_servers_answer_again_all_routes_are_asked_for() -> None:
    async with scripted() as server, table_of(server.address, poll=0.1) as table:
        names = Names(server)
        topics = [f"topic-{number}" for number in range(5)]
        for topic in topics:
            names.routes[topic] = route({"a": "10.0.0.1:10911"})
            await table.find(topic, soon())
        names.code = ResponseCode.SYSTEM_ERROR
        await until(lambda: table.failed >= 10)
        names.code = 0
        for topic in topics:
            names.routes[topic] = route({"b": "10.0.0.2:10911"})

        await until(lambda: all(brokers(table, topic) == ("b",) for topic in topics))


async def test_listeners_get_each_good_answer() -> None:
    async with scripted() as server, table_of(server.address) as table:
        Names(server).routes["shop"] = route({"a": "10.0.0.1:10911"})
        seen: list[TopicRouteData] = []
        table.on_route(seen.append)
        await table.find("shop", soon())

        assert ["10.0.0.1:10911"] == [data.broker_datas[0].master_addr for data in seen]


async def test_a_listener_that_fails_does_not_end_the_refreshing(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted() as server, table_of(server.address, poll=0.1) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        await table.find("shop", soon())
        fails = True

        def listen(_: TopicRouteData) -> None:
            if fails:
                raise ValueError("mine")

        table.on_route(listen)
        await until(lambda: "mine" in caplog.text)
        fails = False
        names.routes["shop"] = route({"b": "10.0.0.2:10911"})

        await until(lambda: brokers(table) == ("b",))


async def test_those_who_wait_at_the_end_are_told() -> None:
    async with scripted() as server:
        async with table_of(server.address) as table:
            names = Names(server)
            names.gate = asyncio.Event()
            waiting = asyncio.create_task(table.find("shop", soon()))
            await until(lambda: names.asked)
        with pytest.raises(ClientClosedError):
            await waiting
        names.gate.set()


@SLOW
async def test_a_topic_that_nobody_uses_is_not_polled() -> None:
    async with scripted() as server, table_of(server.address, poll=0.1) as table:
        names = Names(server)
        names.routes["shop"] = route({"a": "10.0.0.1:10911"})
        names.routes["bank"] = route({"a": "10.0.0.1:10911"})
        for topic in ("shop", "bank"):
            await table.find(topic, soon())
        table.mapping.age()
        table.mapping.publish_route("bank")
        await asyncio.sleep(0.15)
        names.asked.clear()
        await until(lambda: len(names.asked) >= 3)

        assert {"bank"} == set(names.asked)
