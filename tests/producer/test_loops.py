"""Producers and event loops: other loops, other threads, loops that end, and sends without an answer."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from pyrocketmq._native.message import Message
from pyrocketmq.aio import Producer
from pyrocketmq.errors import BackPressureError, ClientClosedError, LoopClosedError, RocketMQError
from pyrocketmq.testing import LocalRocketMQ

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_producer_is_made_without_a_loop_and_lives_on_one_after_the_other(
    rocketmq: LocalRocketMQ, topic: str, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    producer = Producer("orders", rocketmq.addr)

    async def send() -> None:
        assert (await producer.send(topic, b"x")).ok
        assert (await producer.send(topic, b"y")).ok
        await producer.shutdown()
        await producer.start()

    for _ in range(3):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(send())
    assert 6 == len(rocketmq.messages(topic))


def test_a_loop_that_ends_ends_the_sends_on_it(rocketmq: LocalRocketMQ, topic: str) -> None:
    rocketmq.faults.add("send:delay=5s:skip=1")
    loop = uvloop.new_event_loop()
    producer = Producer("orders", rocketmq.addr)
    sends: list[asyncio.Task[Any]] = []

    async def begin() -> None:
        await producer.send(topic, b"first")
        sends.extend(loop.create_task(producer.send(topic, b"x")) for _ in range(50))
        await asyncio.sleep(0.01)

    loop.run_until_complete(begin())
    loop.close()

    assert all(isinstance(send.exception(), LoopClosedError) for send in sends)


async def test_a_producer_is_refused_to_another_loop(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with Producer("orders", rocketmq.addr) as producer:
        await producer.send(topic, b"x")
        errors: list[BaseException] = []

        def other() -> None:
            try:
                asyncio.run(producer.send(topic, b"from another thread"))
            except RocketMQError as error:
                errors.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        await asyncio.to_thread(thread.join, 10)
        assert [ClientClosedError] == [type(error) for error in errors]
        assert (await producer.send(topic, b"y")).ok


async def test_nothing_is_left_behind_by_sends_that_end_in_every_way(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with Producer("orders", rocketmq.addr, send_timeout=0.5) as producer:
        sends = producer._sends

        async def round_of_sends() -> None:
            tasks = [asyncio.create_task(producer.send(topic, b"%d" % n)) for n in range(60)]
            await asyncio.sleep(0)
            for task in tasks[::7]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        rocketmq.faults.seed(3)
        rocketmq.faults.add("send:error=SYSTEM_BUSY:p=0.1")
        await round_of_sends()
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(10):
            await round_of_sends()
        gc.collect()

        assert len(gc.get_objects()) - before < 200
        assert (0, 0, 0) == (sends.table.in_flight, sends.table.in_flight_bytes, sends.table.waiting)
        assert 0 == len(sends.lines)
        assert all(link.in_flight == 0 for link in sends.targets._links.values())


@pytest.mark.parametrize("end", ["time-out", "sweep", "loss"])
async def test_cancelled_sends_that_are_never_answered_give_their_room_back(
    rocketmq: LocalRocketMQ, topic: str, end: str
) -> None:
    count = 2000 if end == "sweep" else 50
    async with Producer("orders", rocketmq.addr, send_timeout=0.6 if end == "time-out" else 5.0) as producer:
        table = producer._sends.table
        await producer.send(topic, b"first")
        with rocketmq.faults.add("send:drop"):
            tasks = [asyncio.create_task(producer.send(topic, b"x")) for _ in range(count)]
            await asyncio.sleep(0.01)
            assert count == table.in_flight
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if end == "loss":
            rocketmq.disconnect()
        if end == "sweep":  # looked for when a connection has twice as many waiting as the last time
            await asyncio.gather(*(producer.send(topic, b"y") for _ in range(1100)))
            assert table.in_flight < 1000
            return
        async with asyncio.timeout(5):
            while table.in_flight:  # noqa: ASYNC110 - a count in C has no event
                await asyncio.sleep(0.01)
        assert 0 == table.in_flight_bytes


async def test_ever_new_topics_do_not_pile_up(
    rocketmq: LocalRocketMQ, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrocketmq.client.targets._MOST_TOPICS", 8)
    async with Producer("orders", rocketmq.addr) as producer:
        names = [f"{topic}-{number}" for number in range(20)]
        for name in names:
            assert (await producer.send(name, b"x")).ok
            assert (await producer.send(topic, b"x")).ok
        kept = [name for name in names if producer._sends.table.get(name) is not None]

    assert len(kept) <= 8
    assert 20 == len(rocketmq.messages(topic))


# ---- sends without an answer ----


@pytest.mark.parametrize("window", [0, 1, 2, 64])
async def test_oneway_sends_all_arrive(rocketmq: LocalRocketMQ, topic: str, window: int) -> None:
    async with Producer("orders", rocketmq.addr, oneway_window=window) as producer:
        for number in range(300):
            await producer.send_oneway(topic, b"%d" % number)
        await producer.send_oneway(Message(topic, b"key", properties={"SHARDING_KEY": "k"}))
        stored = await asyncio.to_thread(rocketmq.messages, topic, 301)

    assert {b"%d" % number for number in range(300)} | {b"key"} == {message.body for message in stored}
    assert 301 == len(stored)


async def test_oneway_sends_wait_for_a_broker_that_does_not_keep_up(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with Producer("orders", rocketmq.addr, oneway_window=4, send_timeout=0.3) as producer:
        await producer.send(topic, b"first")
        rocketmq.faults.add("send:drop")

        async def send() -> None:
            for _ in range(20):
                await producer.send_oneway(topic, b"x")

        with pytest.raises(BackPressureError, match="oneway_window is 4"):
            await send()


async def test_a_marked_oneway_send_that_is_refused_is_sent_again(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with Producer("orders", rocketmq.addr, oneway_window=1) as producer:
        await producer.send(topic, b"first")
        rocketmq.fail("send", code="SYSTEM_BUSY", times=3)
        for number in range(20):
            await producer.send_oneway(topic, b"%d" % number)
        bodies = {message.body for message in await asyncio.to_thread(rocketmq.messages, topic, 21)}

    assert {b"%d" % number for number in range(20)} <= bodies


async def test_a_oneway_send_can_be_a_task_and_large(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with Producer("orders", rocketmq.addr) as producer:
        await producer.send(topic, b"first")
        async with asyncio.TaskGroup() as group:
            group.create_task(producer.send_oneway(topic, b"0" * 100_000))
            group.create_task(producer.send_oneway(topic, os.urandom(300)))
        stored = await asyncio.to_thread(rocketmq.messages, topic, 3)
        assert b"0" * 100_000 in {message.body for message in stored}


# ---- room ----


async def test_sends_without_room_wait_in_line_and_keep_their_turn(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    ended: list[int] = []

    async with Producer("orders", rocketmq.addr, max_in_flight=1) as producer:
        await producer.send(topic, b"first")

        async def send(number: int) -> None:
            await producer.send(topic, b"%d" % number)
            ended.append(number)

        await asyncio.gather(*(send(number) for number in range(40)))
        assert list(range(40)) == ended
        assert 0 == producer._sends.table.waiting


async def test_what_waits_for_room_is_cancelled_sent_or_refused_in_its_time(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with Producer("orders", rocketmq.addr, max_in_flight_bytes=1024) as producer:
        await producer.send(topic, b"first")
        with rocketmq.faults.add("send:delay=900ms"):
            held = asyncio.create_task(producer.send(topic, b"0" * 2000))
            await asyncio.sleep(0)
            cancelled = asyncio.create_task(producer.send(topic, b"cancelled"))
            late = asyncio.create_task(producer.send(topic, b"late", timeout=0.5))
            patient = asyncio.create_task(producer.send(topic, b"patient"))
            await asyncio.sleep(0.01)
            assert 3 == producer._sends.table.waiting
            cancelled.cancel()
            with pytest.raises(BackPressureError, match="2,000 bytes"):
                await late
            assert (await held).ok
        assert (await patient).ok
        assert cancelled.cancelled()
    assert {b"first", b"0" * 2000, b"patient"} == {message.body for message in rocketmq.messages(topic)}
