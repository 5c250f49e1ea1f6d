"""Sends when brokers fail: another broker, until the deadline, and an error that says what happened."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from pyrocketmq._native.answer import SendStatus
from pyrocketmq._native.message import Message
from pyrocketmq.errors import (
    AclError,
    BackPressureError,
    InvalidRequestError,
    NoPermissionError,
    SendError,
    SendTimeoutError,
)
from pyrocketmq.model import MessageQueue
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ


def producer(rocketmq: LocalRocketMQ, **settings: Any) -> AsyncProducer:
    return AsyncProducer("orders", rocketmq.addr, **settings)


@pytest.mark.parametrize("code", ["SYSTEM_BUSY", "SYSTEM_ERROR", "SERVICE_NOT_AVAILABLE", "NO_PERMISSION"])
@pytest.mark.parametrize("quick", [True, False])
async def test_a_refusal_of_one_broker_is_followed_by_the_other_broker(
    rocketmq: LocalRocketMQ, topic: str, code: str, quick: bool
) -> None:
    async with producer(rocketmq) as sender:
        if quick:
            await sender.send(topic, b"before")
        rocketmq.fail("send", code=code, times=1, topic=topic)
        message = Message(topic, b"x", keys="order-1")
        result = await sender.send(message)

        assert (True, 2) == (result.ok, result.attempts)
        assert message.unique_id == result.msg_id
        assert 0 == sender._sends.table.in_flight


async def test_a_busy_broker_is_tried_until_it_has_time_again(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"before")
        fault = rocketmq.fail("send", code="SYSTEM_BUSY", remark="[TIMEOUT_CLEAN_QUEUE]broker busy")
        sends = [asyncio.create_task(sender.send(topic, b"%d" % n)) for n in range(100)]
        await asyncio.sleep(1.0)
        fault.remove()
        results = await asyncio.gather(*sends)

    assert all(result.ok for result in results)
    assert all(result.attempts > 2 for result in results)
    bodies = [message.body for message in rocketmq.messages(topic)]
    assert 101 == len(bodies) == len(set(bodies))


async def test_a_broker_that_stays_busy_ends_the_send_with_a_list_of_its_tries(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, send_timeout=0.5) as sender:
        await sender.send(topic, b"before")
        rocketmq.fail("send", code="SYSTEM_BUSY")
        with pytest.raises(SendTimeoutError) as caught:
            await sender.send(topic, b"x")

    error = caught.value
    assert {"broker-a", "broker-b"} == {one.broker for one in error.tries}
    assert "answered SYSTEM_BUSY" in str(error)
    assert (True, False) == (error.retryable, error.maybe_sent)
    assert 0.5 == error.timeout


async def test_a_broker_that_does_not_answer_is_left_for_another_in_good_time(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, send_timeout=1.5) as sender:
        await sender.send(topic, b"before")
        rocketmq.faults.add("send:drop:times=1")
        result = await sender.send(topic, b"x")

        assert (True, 2) == (result.ok, result.attempts)
        silent = {"broker-a", "broker-b"} - {result.message_queue.broker_name}  # type: ignore[attr-defined]
        assert silent == set(sender._core.faults.resting())
        used = {(await sender.send(topic, b"y")).message_queue.broker_name for _ in range(6)}  # type: ignore[attr-defined]
        assert silent.isdisjoint(used) or not sender._core.faults.resting()


async def test_a_send_that_nobody_answers_may_have_been_stored_and_says_under_which_id(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, send_timeout=0.7) as sender:
        await sender.send(topic, b"before")
        rocketmq.faults.add("send:drop:after")
        message = Message(topic, b"x", keys="order-1")
        with pytest.raises(SendTimeoutError) as caught:
            await sender.send(message)

    error = caught.value
    assert (True, True) == (error.maybe_sent, error.retryable)
    assert message.unique_id == error.msg_id
    assert f"msg_id {message.unique_id}; keys order-1" in str(error)
    stored = [one for one in rocketmq.messages(topic) if one.body == b"x"]
    assert {message.unique_id} == {one.get_property("UNIQ_KEY") for one in stored}
    assert error.parts.broker > 0.5


async def test_retries_can_be_turned_off(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, retries=0) as sender:
        await sender.send(topic, b"before")
        rocketmq.fail("send", code="SYSTEM_ERROR", times=1)
        with pytest.raises(SendError) as caught:
            await sender.send(topic, b"x")
        assert 1 == caught.value.attempts


async def test_what_no_broker_would_take_is_raised_at_once(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"before")
        for code, remark, kind in (
            ("MESSAGE_ILLEGAL", "the message is illegal", InvalidRequestError),
            ("NO_PERMISSION", "org.apache.rocketmq.acl.common.AclException: no right", AclError),
        ):
            fault = rocketmq.fail("send", code=code, remark=remark)
            with pytest.raises(kind):
                await sender.send(topic, b"x")
            assert 1 == fault.hits
            fault.remove()


async def test_a_right_that_no_broker_gives_is_raised_as_such(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"before")
        fault = rocketmq.fail("send", code="NO_PERMISSION", remark="the broker is read-only")
        with pytest.raises(NoPermissionError):
            await sender.send(topic, b"x")
        assert 2 == fault.hits


@pytest.mark.parametrize("code", ["FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"])
async def test_what_is_stored_and_not_confirmed_gives_a_result_that_is_not_ok(
    rocketmq: LocalRocketMQ, topic: str, code: str
) -> None:
    fields = {"msgId": "7F00000100002A9F0000000000000000", "queueId": "0", "queueOffset": "3"}
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"before")
        with rocketmq.answer("send", code, fields=fields):
            result = await sender.send(topic, b"x")
            assert (False, 3, 1) == (result.ok, result.queue_offset, result.attempts)
            assert SendStatus[code] is result.status
        assert 1 == sender._sends.table.not_confirmed
    async with producer(rocketmq, retry_not_ok=True) as sender:
        await sender.send(topic, b"before")
        with rocketmq.answer("send", code, fields=fields, times=1):
            again = await sender.send(topic, b"x")
        assert (True, 2) == (again.ok, again.attempts)
        with rocketmq.answer("send", code, fields=fields):
            never = await sender.send(topic, b"x")
        assert (False, 3) == (never.ok, never.attempts)


async def test_a_queue_of_ones_own_is_not_left_for_another(rocketmq: LocalRocketMQ, topic: str) -> None:
    queue = MessageQueue(topic, "broker-b", 1)
    async with producer(rocketmq) as sender:
        rocketmq.fail("send", code="SYSTEM_BUSY", times=2, topic=topic)
        result = await sender.send(topic, b"x", queue=queue)

    assert (queue, 3) == (result.message_queue, result.attempts)


async def test_ordered_sends_stay_in_order_over_failures(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, send_timeout=5.0) as sender:
        rocketmq.faults.seed(7)
        rocketmq.faults.add("send:error=SYSTEM_BUSY:p=0.2")
        await asyncio.gather(*(sender.send(topic, b"%d" % n, sharding_key="k") for n in range(60)))

    stored = sorted(rocketmq.messages(topic), key=lambda message: message.queue_offset)
    assert [b"%d" % n for n in range(60)] == [message.body for message in stored]


async def test_lost_connections_are_made_again_and_nothing_is_lost(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    acked: list[bytes] = []

    async def work(sender: AsyncProducer, first: int) -> None:
        for number in range(first, first + 50):
            assert (await sender.send(topic, b"%d" % number)).ok
            acked.append(b"%d" % number)

    async with producer(rocketmq) as sender:
        works = [asyncio.create_task(work(sender, at * 50)) for at in range(20)]
        for _ in range(5):
            await asyncio.sleep(0.01)
            rocketmq.disconnect()
        await asyncio.gather(*works)

    stored = [message.body for message in rocketmq.messages(topic)]
    assert {b"%d" % number for number in range(1000)} == set(acked) == set(stored)


async def test_a_send_without_room_waits_and_says_so_when_there_is_none(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, max_in_flight=4) as sender:
        await sender.send(topic, b"before")
        with rocketmq.faults.add("send:delay=100ms"):
            results = await asyncio.gather(*(sender.send(topic, b"x") for _ in range(12)))
            assert all(result.ok for result in results)
        with rocketmq.faults.add("send:delay=600ms"):
            held = [asyncio.create_task(sender.send(topic, b"x")) for _ in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(BackPressureError, match="4 sends"):
                await sender.send(topic, b"x", timeout=0.1)
            await asyncio.gather(*held)


async def test_a_broker_that_asks_to_connect_anew_is_followed(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"before")
        rocketmq.fail("send", code="GO_AWAY", times=3)
        results = await asyncio.gather(*(sender.send(topic, b"%d" % n) for n in range(50)))

    assert all(result.ok for result in results)
    assert 51 == len(rocketmq.messages(topic))


@pytest.mark.parametrize("fault", ["send:drop", "send:error=SYSTEM_BUSY"])
@pytest.mark.parametrize("ordered", [None, False], ids=["quick", "general"])
async def test_an_error_that_nobody_keeps_goes_without_the_collector(
    rocketmq: LocalRocketMQ, topic: str, fault: str, ordered: bool | None
) -> None:
    kept: list[weakref.ref[Exception]] = []

    async def fail(sender: AsyncProducer) -> None:
        try:
            await sender.send(topic, b"x", ordered=ordered, timeout=0.15)
        except SendError as error:
            kept.append(weakref.ref(error))
            kept.extend(weakref.ref(one.error) for one in error.tries)

    async with producer(rocketmq) as sender:
        await sender.send(topic, b"before")
        rocketmq.faults.add(fault)
        gc.disable()
        try:
            await asyncio.create_task(fail(sender))
            count = len(kept)
            await asyncio.create_task(fail(sender))  # what the loop held of the first it holds of this one
            assert count >= 2
            assert [None] * count == [one() for one in kept[:count]]
        finally:
            gc.enable()
