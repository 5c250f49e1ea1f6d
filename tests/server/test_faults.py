"""Faults as a client of the server sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import ConnectionClosedError, RpcTimeoutError
from pyrocketmq.model import RemotingCommand
from pyrocketmq.server import EmbeddedServer
from pyrocketmq.server import faults as faults_module
from pyrocketmq.server.call import Call
from pyrocketmq.server.faults import Faults
from tests.server.client import Client, send_header
from tests.transport.peers import connect, shut, start_server

SEND = 310


class Echo:
    """A server that answers each request with its code as the remark, after what the faults say."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.carried_out: list[str] = []

    def __call__(self, connection: Connection, request: RemotingCommand) -> object:
        return self.faults.intercept(Call(connection, request), lambda call: self.answer(call.request))

    def answer(self, request: RemotingCommand) -> RemotingCommand:
        name = (request.ext_fields or {}).get("name", "")
        self.carried_out.append(name)
        return RemotingCommand(0, opaque=0, remark=name)


@asynccontextmanager
async def echo(faults: Faults) -> AsyncIterator[tuple[Echo, Connection]]:
    served = Echo(faults)
    async with start_server(served) as (port, _):
        connection = await connect(port)
        try:
            yield served, connection
        finally:
            await shut(connection)


def send(name: str = "") -> RemotingCommand:
    return RemotingCommand(SEND, ext_fields={"name": name})


async def test_a_failed_request_is_answered_with_the_code_and_not_carried_out() -> None:
    faults = Faults()
    faults.fail("SEND_MESSAGE", code="SYSTEM_BUSY", remark="[REJECTREQUEST]", times=2)
    async with echo(faults) as (served, connection):
        answers = [await connection.request(send("a"), 5) for _ in range(3)]

    assert [(2, "[REJECTREQUEST]"), (2, "[REJECTREQUEST]"), (0, "a")] == [
        (answer.code, answer.remark) for answer in answers
    ]
    assert ["a"] == served.carried_out


async def test_the_remark_of_a_fault_names_its_rule_unless_one_is_given() -> None:
    faults = Faults()
    faults.add("send:error=SYSTEM_BUSY")
    async with echo(faults) as (_, connection):
        answer = await connection.request(send(), 5)

    assert "[FAULT] send:error=SYSTEM_BUSY" == answer.remark


async def test_a_dropped_request_is_neither_answered_nor_carried_out() -> None:
    faults = Faults()
    faults.add("send:drop")
    async with echo(faults) as (served, connection):
        with pytest.raises(RpcTimeoutError):
            await connection.request(send(), 0.03)

    assert [] == served.carried_out


async def test_a_request_whose_answer_is_dropped_is_carried_out() -> None:
    faults = Faults()
    faults.add("send:drop:after")
    async with echo(faults) as (served, connection):
        with pytest.raises(RpcTimeoutError):
            await connection.request(send("a"), 0.03)

    assert ["a"] == served.carried_out


@pytest.mark.parametrize("after", [False, True])
async def test_a_fault_can_cost_the_connection(after: bool) -> None:
    faults = Faults()
    faults.add("send:close:after" if after else "send:close")
    async with echo(faults) as (served, connection):
        with pytest.raises(ConnectionClosedError):
            await connection.request(send("a"), 5)

    assert (["a"] if after else []) == served.carried_out


async def test_garbage_breaks_the_stream_of_frames() -> None:
    faults = Faults()
    faults.add("send:garbage")
    async with echo(faults) as (_, connection):
        with pytest.raises(ConnectionClosedError, match="broke the framing"):
            await connection.request(send(), 5)


@pytest.mark.parametrize("after", [False, True])
async def test_a_delay_lasts_until_the_timer_of_the_server_is_due(after: bool) -> None:
    timers: list[tuple[float, object]] = []
    due = asyncio.Event()

    def timer(delay: float, then: object) -> None:
        timers.append((delay, then))
        due.set()

    faults = Faults()
    faults.timer = timer
    faults.add("send:delay=20s" + (":after" if after else ""))
    async with echo(faults) as (served, connection):
        waiting = connection.request(send("a"), 5)
        await due.wait()
        other = await connection.request(RemotingCommand(11, ext_fields={"name": "b"}), 5)
        before = list(served.carried_out)
        ((delay, then),) = timers
        assert callable(then)
        then()
        answer = await waiting

    assert 20.0 == delay
    assert (["a", "b"] if after else ["b"]) == before
    assert ("b", "a") == (other.remark, answer.remark)


async def test_a_reordered_answer_comes_after_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults_module, "HELD_SECONDS", 60.0)
    faults = Faults()
    faults.add("send:reorder:times=1")
    async with echo(faults) as (served, connection):
        order: list[str] = []
        pending = [connection.request(send(name), 5) for name in "abc"]
        for name, future in zip("abc", pending, strict=True):
            future.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
        answers = await asyncio.gather(*pending)

    assert list("abc") == served.carried_out
    assert list("abc") == [answer.remark for answer in answers]
    assert list("bac") == order


async def test_an_answer_that_nobody_overtakes_is_not_lost() -> None:
    faults = Faults()
    faults.add("send:reorder=3")
    async with echo(faults) as (_, connection):
        answer = await connection.request(send("a"), 5)

    assert "a" == answer.remark


async def test_every_answer_of_a_reordering_connection_reaches_its_request() -> None:
    faults = Faults(seed=1)
    faults.add("send:reorder=2:p=0.5")
    async with echo(faults) as (_, connection):
        names = [str(number) for number in range(500)]
        answers = await asyncio.gather(*[connection.request(send(name), 5) for name in names])

    assert names == [answer.remark for answer in answers]
    assert faults.hits > 100


async def test_the_faults_of_a_server_hit_its_brokers_and_its_name_server(server: EmbeddedServer) -> None:
    async with Client(server.addr) as name_server, Client(server.brokers[0].address) as broker:
        server.faults.fail("SEND_MESSAGE", code="SYSTEM_BUSY", times=1, topic="orders")
        server.faults.fail("route", code="TOPIC_NOT_EXIST")
        answers = [await broker.ask(310, send_header(topic), b"x") for topic in ("other", "orders", "orders")]
        route = await name_server.ask(105, {"topic": "orders"})

    assert [0, 2, 0] == [answer.code for answer in answers]
    assert 17 == route.code
    assert [(1, 1), (1, 1)] == [(fault.seen, fault.hits) for fault in server.faults.rules]


async def test_a_delay_follows_the_clock_of_the_server(server: EmbeddedServer, client: Client) -> None:
    server.faults.add("send:delay=30s")
    waiting = client.begin(310, send_header("orders"), b"x")
    await client.ask(105, {"topic": "orders"})
    assert not waiting.done()
    server.advance(29.9)
    await client.ask(105, {"topic": "orders"})
    assert not waiting.done()
    server.advance(0.2)

    assert 0 == (await waiting).code
