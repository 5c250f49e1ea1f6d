"""The first sends of a topic: many at once share one look for its route and one connection to its brokers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyrocketmq.errors import ClientClosedError, RocketMQError, RouteNotFoundError
from pyrocketmq.producer import AsyncProducer, Producer
from pyrocketmq.testing import LocalRocketMQ


def producer(rocketmq: LocalRocketMQ, **settings: Any) -> AsyncProducer:
    return AsyncProducer("orders", rocketmq.addr, **settings)


async def test_sends_of_a_new_producer_all_take_the_quick_way(rocketmq: LocalRocketMQ, topic: str) -> None:
    sender = producer(rocketmq, max_in_flight=100)
    taken_over = 0
    take_over = sender._sends.table.take_over

    def count(*args: Any) -> None:
        nonlocal taken_over
        taken_over += 1
        take_over(*args)

    sender._sends.table.take_over = count
    sends = [sender.send(topic, b"%d" % n) for n in range(500)]
    results = await asyncio.gather(*sends)

    assert all(result.ok and result.attempts == 1 for result in results)
    assert 0 == taken_over
    assert 2 == len({result.message_queue.broker_name for result in results})  # type: ignore[attr-defined]
    await sender.shutdown()
    assert 500 == len({message.body for message in rocketmq.messages(topic)})


async def test_each_first_send_of_a_topic_that_does_not_exist_is_told_so(rocketmq: LocalRocketMQ) -> None:
    rocketmq.fail("route", code="TOPIC_NOT_EXIST")
    async with producer(rocketmq) as sender:
        sends = (sender.send("unknown-shop", b"x") for _ in range(20))
        errors = await asyncio.gather(*sends, return_exceptions=True)

        assert {RouteNotFoundError} == {type(error) for error in errors}
        assert 20 == len({id(error) for error in errors})
        assert (0, 0) == (sender._sends.table.waiting, sender._sends.table.in_flight)


async def test_a_first_send_with_less_time_than_the_others_ends_in_its_own_time(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, send_timeout=4.0) as sender:
        with rocketmq.faults.add("route:delay=700ms"):
            patient = asyncio.create_task(sender.send(topic, b"patient"))
            await asyncio.sleep(0)
            with pytest.raises(RocketMQError):
                await sender.send(topic, b"hasty", timeout=0.1)
            assert not patient.done()
            assert (await patient).ok


async def test_a_cancelled_first_send_is_not_sent(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        with rocketmq.faults.add("route:delay=100ms"):
            cancelled = asyncio.create_task(sender.send(topic, b"cancelled"))
            other = asyncio.create_task(sender.send(topic, b"other"))
            await asyncio.sleep(0.02)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert (await other).ok
    assert [b"other"] == [message.body for message in rocketmq.messages(topic)]


async def test_first_sends_that_wait_are_ended_by_a_shutdown(rocketmq: LocalRocketMQ, topic: str) -> None:
    sender = producer(rocketmq)
    await sender.start()
    with rocketmq.faults.add("route:drop"):
        sends = [asyncio.create_task(sender.send(topic, b"x")) for _ in range(10)]
        await asyncio.sleep(0.02)
        assert 10 == sender._sends.table.waiting
        await sender.shutdown(0.3)
        errors = await asyncio.gather(*sends, return_exceptions=True)
    assert {ClientClosedError} == {type(error) for error in errors}


async def test_first_sends_of_threads_share_one_look_as_well(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr) as sender:
        results = await asyncio.gather(
            *(asyncio.to_thread(sender.send, topic, b"%d" % number) for number in range(20))
        )
    assert all(result.ok for result in results)
    assert 20 == len({message.body for message in rocketmq.messages(topic)})
