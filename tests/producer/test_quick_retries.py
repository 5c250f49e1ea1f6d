"""Plain sends whose first try fails go on at another broker, without a task of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyrocketmq.errors import RpcTimeoutError, SendTimeoutError
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ


async def ready(rocketmq: LocalRocketMQ, topic: str, **settings: Any) -> AsyncProducer:
    sender = AsyncProducer("orders", rocketmq.addr, **settings)
    await asyncio.gather(*(sender.send(topic, b"before") for _ in range(8)))
    return sender


def refuse(*args: Any) -> Any:
    raise AssertionError(f"took the general way: {args}")


async def test_many_sends_without_an_answer_go_on_at_the_other_broker(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with await ready(rocketmq, topic, send_timeout=3.0, retries=5) as sender:
        table = sender._sends.table
        table.general = table.take_over = refuse
        rocketmq.faults.add("send:drop:times=30")
        results = await asyncio.gather(*(sender.send(topic, b"%d" % n) for n in range(100)))

        assert all(result.ok for result in results)
        assert 30 <= sum(result.attempts - 1 for result in results)
        assert sum(result.attempts - 1 for result in results) == sender.stats()["retries"]
        assert (0, 0, 0) == (table.in_flight, table.in_flight_bytes, table.waiting)
        assert 108 == sender.stats()["sent"]
    assert 100 == len({message.body for message in rocketmq.messages(topic)} - {b"before"})


async def test_an_error_after_quick_retries_lists_every_try(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with await ready(rocketmq, topic, send_timeout=0.9) as sender:
        rocketmq.faults.add("send:drop")
        with pytest.raises(SendTimeoutError) as caught:
            await sender.send(topic, b"x")
        assert 0 == sender._sends.table.in_flight

    error = caught.value
    assert [RpcTimeoutError] * 3 == [type(one.error) for one in error.tries]
    assert error.tries[0].broker == error.tries[2].broker != error.tries[1].broker
    assert (True, 3) == (error.maybe_sent, error.attempts)
    assert all(one.seconds >= 0.2 for one in error.tries)


async def test_a_retry_that_finds_no_room_says_that_the_message_may_have_been_stored(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with await ready(rocketmq, topic, send_timeout=0.9) as sender:
        links = sender._sends.targets._links
        links["broker-b"].max_in_flight = 0
        rocketmq.faults.add("send:drop")
        with pytest.raises(SendTimeoutError) as caught:
            await sender.send(topic, b"x")

        error = caught.value
        assert (["broker-a"], True) == ([one.broker for one in error.tries], error.maybe_sent)
        assert (0, 0) == (sender._sends.table.in_flight, sender._sends.table.waiting)


async def test_a_retry_that_waits_for_room_goes_first_when_there_is_some(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with await ready(rocketmq, topic, send_timeout=4.0, retries=9) as sender:
        link = sender._sends.targets._links["broker-b"]
        link.max_in_flight = 0
        rocketmq.faults.add("send:drop:times=1")
        task = asyncio.create_task(sender.send(topic, b"x"))
        async with asyncio.timeout(5):
            while not sender._sends.table.waiting:  # noqa: ASYNC110 - until its first try is given up
                await asyncio.sleep(0.01)
        link.max_in_flight = 1
        result = await asyncio.wait_for(task, 3)

    assert ("broker-b", 2) == (result.message_queue.broker_name, result.attempts)  # type: ignore[attr-defined]


async def test_retries_that_wait_for_room_end_in_their_own_time_whoever_is_in_front(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with await ready(rocketmq, topic, send_timeout=1.2, retries=1) as sender:
        sender._sends.targets._links["broker-b"].max_in_flight = 0
        rocketmq.faults.add("send:drop")
        first = asyncio.create_task(sender.send(topic, b"first"))
        await asyncio.sleep(0.4)
        second = asyncio.create_task(sender.send(topic, b"second"))
        with pytest.raises(SendTimeoutError):
            await first
        assert not second.done()
        with pytest.raises(SendTimeoutError):
            await second
