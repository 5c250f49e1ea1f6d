"""Namespaces of 4.x: plain sends take the quick way, and everything is as on the general way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pyrocketmq import Message, Producer
from pyrocketmq.errors import RocketMQError, SendTimeoutError
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ

CHANGING = re.compile(rb'"opaque":-?\d+|"g":"\d+"')


def refuse(*args: Any) -> Any:
    raise AssertionError(f"took the general way: {args}")


@pytest.fixture(scope="module")
def single() -> Iterator[LocalRocketMQ]:
    """A server with one broker."""
    with LocalRocketMQ(ServerConfig()) as rocketmq:
        yield rocketmq


@asynccontextmanager
async def recorded(address: str) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """An address that leads to a server, and what went there of send frames, but for numbers and times."""
    host, _, port = address.rpartition(":")
    frames: list[bytes] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection(host, int(port))

        async def answers() -> None:
            while data := await up.read(65536):
                writer.write(data)

        task = asyncio.create_task(answers())
        try:
            while True:
                size = await reader.readexactly(4)
                frame = size + await reader.readexactly(int.from_bytes(size, "big"))
                if frame[8:].startswith(b'{"code":310,'):
                    frames.append(CHANGING.sub(b"", frame[8:]))
                down.write(frame)
        except asyncio.IncompleteReadError:
            pass
        finally:
            task.cancel()
            down.close()
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", frames
    finally:
        server.close()


async def test_every_plain_send_of_a_namespace_takes_the_quick_way(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    rocketmq.create_topic(f"ns%{topic}", queues=2)
    message = Message(topic, b"a")
    async with AsyncProducer("orders", rocketmq.addr, namespace="ns") as sender:
        table = sender._sends.table
        table.general = table.general_oneway = table.take_over = refuse
        one = await sender.send(message)
        await sender.send_oneway(topic, b"b")
        [two] = await sender.send_batch(Message(topic, b"c"))
        sender._batch_sends.send = refuse  # type: ignore[union-attr, method-assign]
        [three] = await sender.send_batch(Message(topic, b"d"))
        await sender.submit(topic, b"e")
        await sender.flush()

    queues: list[Any] = [result.message_queue for result in (one, two, three)]
    assert [topic] * 4 == [message.topic, *(queue.topic for queue in queues)]
    stored = {each.body: each for each in await asyncio.to_thread(rocketmq.messages, f"ns%{topic}", 5)}
    assert {b"a", b"b", b"c", b"d", b"e"} == stored.keys()
    assert one.msg_id == message.unique_id == stored[b"a"].unique_id
    assert (queues[0].broker_name, queues[0].queue_id) == (stored[b"a"].broker_name, stored[b"a"].queue_id)
    assert [] == rocketmq.messages(topic)


@pytest.mark.parametrize("direct_lane", [True, False])
def test_sends_of_threads_take_the_quick_way_too(
    rocketmq: LocalRocketMQ, topic: str, direct_lane: bool
) -> None:
    rocketmq.create_topic(f"ns%{topic}", queues=2)
    with Producer("orders", rocketmq.addr, namespace="ns", direct_lane=direct_lane) as sender:
        sender.send(topic, b"a")
        sends = sender._sends
        sends.table.general = sends.table.general_oneway = sends.table.take_over = refuse
        result = sender.send(Message(topic, b"b"))
        [batched] = sender.send_batch(Message(topic, b"c"))
        sender.send_oneway(topic, b"d")
        stored = rocketmq.messages(f"ns%{topic}", 4)

    queues: list[Any] = [result.message_queue, batched.message_queue]
    assert [topic] * 2 == [queue.topic for queue in queues]
    assert {b"a", b"b", b"c", b"d"} == {each.body for each in stored}


async def test_both_ways_write_the_same_bytes(single: LocalRocketMQ) -> None:
    single.create_topic("ns%bytes", queues=1)
    [address] = single.broker_addrs
    async with recorded(address) as (place, frames):
        sender = AsyncProducer("orders", single.addr, namespace="ns", address_map={address: place})
        async with sender:
            rich = Message("bytes", b"x", "t", "k", properties={"a": "\u00e9"})
            for message in (rich, Message("bytes", b"y")):
                for is_plain in (True, False):
                    sender._sends.table.is_plain = is_plain
                    assert (await sender.send(message)).ok
                    await sender.send_oneway(message)
            await asyncio.to_thread(single.messages, "ns%bytes", 8)

    assert 8 == len(frames)
    assert all(b'"b":"ns%bytes"' in frame for frame in frames)
    assert frames[0:2] + frames[4:6] == frames[2:4] + frames[6:8]


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("ns%inside", "ns%inside"),
        ("%RETRY%group", "%RETRY%ns%group"),
        ("BenchmarkTest", "BenchmarkTest"),
        ("other%topic", "ns%other%topic"),
    ],
)
async def test_names_go_over_the_wire_as_the_rules_say(
    rocketmq: LocalRocketMQ, written: str, wire: str
) -> None:
    rocketmq.create_topic(wire, queues=1)
    before = len(rocketmq.messages(wire))
    async with AsyncProducer("orders", rocketmq.addr, namespace="ns") as sender:
        await sender.send(written, b"x")
        sender._sends.table.general = refuse
        quick: Any = (await sender.send(written, b"y")).message_queue
        sender._sends.table.is_plain = False
        sender._sends.table.general = sender._sends._send_message
        general: Any = (await sender.send(written, b"z")).message_queue

    assert 3 == len(rocketmq.messages(wire)) - before
    assert general.topic == quick.topic


async def test_topics_in_turn_keep_their_names(rocketmq: LocalRocketMQ, topic: str) -> None:
    topics = [f"{topic}-{number}" for number in range(3)]
    for each in topics:
        rocketmq.create_topic(f"ns%{each}", queues=1)
    async with AsyncProducer("orders", rocketmq.addr, namespace="ns") as sender:
        results = await asyncio.gather(*(sender.send(topics[number % 3], b"x") for number in range(30)))

    shown: list[Any] = [result.message_queue for result in results]
    assert topics * 10 == [queue.topic for queue in shown]
    assert [10, 10, 10] == [len(rocketmq.messages(f"ns%{each}")) for each in topics]


@pytest.mark.parametrize("fault", ["send:drop:times=1", "send:error=SYSTEM_BUSY:times=1"])
async def test_a_send_that_fails_once_is_stored_by_its_next_try(
    rocketmq: LocalRocketMQ, topic: str, fault: str
) -> None:
    rocketmq.create_topic(f"ns%{topic}", queues=2)
    async with AsyncProducer("orders", rocketmq.addr, namespace="ns", send_timeout=1.2) as sender:
        await asyncio.gather(*(sender.send(topic, b"before") for _ in range(8)))
        rocketmq.faults.add(fault)
        message = Message(topic, b"x")
        result = await sender.send(message)

    queue: Any = result.message_queue
    assert (True, 2, topic, topic) == (result.ok, result.attempts, queue.topic, message.topic)
    assert message.unique_id == result.msg_id


async def test_errors_say_the_same_on_both_ways(rocketmq: LocalRocketMQ, topic: str) -> None:
    rocketmq.create_topic(f"ns%{topic}", queues=2)
    found: list[Any] = []
    async with AsyncProducer("orders", rocketmq.addr, namespace="ns", send_timeout=0.6) as sender:
        await asyncio.gather(*(sender.send(topic, b"before") for _ in range(8)))
        for is_plain in (True, False):
            sender._sends.table.is_plain = is_plain
            rocketmq.faults.add("send:drop")
            with pytest.raises(SendTimeoutError) as late:
                await sender.send(topic, b"x")
            rocketmq.faults.clear()
            rocketmq.fail("send", code="MESSAGE_ILLEGAL")
            with pytest.raises(RocketMQError) as refused:
                await sender.send(topic, b"x")
            rocketmq.faults.clear()
            errors: list[Any] = [late.value, refused.value]
            found.append([(type(error), error.topic, error.maybe_sent, error.advice) for error in errors])

    assert found[0] == found[1]
