"""send_batch: one topic, split by size, a result for each message, and an error that says which failed."""

from __future__ import annotations

import asyncio
import gc
import pickle
from collections import defaultdict
from typing import Any

import pytest

from pyrocketmq import Message, Producer
from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.parcel import Parcel
from pyrocketmq.errors import (
    BatchSendError,
    ClientClosedError,
    InvalidMessageError,
    MessageTooLargeError,
    RocketMQError,
    SendTimeoutError,
)
from pyrocketmq.model import MessageQueue
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ


def producer(rocketmq: LocalRocketMQ, **settings: Any) -> AsyncProducer:
    # Time enough on a busy machine: a try that ends too early would store its messages twice.
    patient: dict[str, Any] = {"send_timeout": 20.0} | settings
    return AsyncProducer("orders", rocketmq.addr, **patient)


def several(topic: str, count: int, size: int = 10) -> list[Message]:
    return [Message(topic, b"%d" % at + b"x" * size) for at in range(count)]


@pytest.mark.parametrize("connected", [True, False])
async def test_every_message_is_stored_and_has_its_own_result(
    rocketmq: LocalRocketMQ, topic: str, connected: bool
) -> None:
    batch = several(topic, 100)
    async with producer(rocketmq) as sender:
        if connected:
            await sender.send_batch(Message(topic, b"before"))
            await sender.send_batch(Message(topic, b"before"))
        results = await sender.send_batch(batch)

    stored = {message.get_property("UNIQ_KEY"): message for message in rocketmq.messages(topic)}
    assert 100 == len(results)
    for message, result in zip(batch, results, strict=True):
        found = stored[message.unique_id]
        assert message.body == found.body
        assert (True, message.unique_id, found.queue_id, found.queue_offset, found.offset_msg_id) == (
            result.ok,
            result.msg_id,
            result.queue_id,
            result.queue_offset,
            result.offset_msg_id,
        )
        assert found.broker_name == result.message_queue.broker_name  # type: ignore[attr-defined]
    assert 1 == len({(result.message_queue, result.queue_id) for result in results})


async def test_messages_may_be_given_one_by_one_or_in_an_iterable(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq) as sender:
        assert 2 == len(await sender.send_batch(*several(topic, 2)))
        assert 3 == len(await sender.send_batch(iter(several(topic, 3))))
        assert 1 == len(await sender.send_batch(Message(topic, b"x")))
        results = await sender.send_batch(tuple(several(topic, 5)))

    assert [result.msg_id for result in results[1:3]] == [results[1].msg_id, results[-3].msg_id]
    with pytest.raises(IndexError):
        results[5]


async def test_a_batch_that_is_too_large_goes_in_several_requests(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    batch = several(topic, 120, 100_000)
    async with producer(rocketmq) as sender:
        results: Any = await sender.send_batch(batch)

    assert [message.unique_id for message in batch] == [result.msg_id for result in results]
    assert results.requests >= 3
    assert results.ok
    assert 120 == len({message.body for message in rocketmq.messages(topic)})


@pytest.mark.parametrize("over", [-1, 0, 1])
async def test_a_batch_at_the_limit_of_brokers_is_stored(
    rocketmq: LocalRocketMQ, topic: str, over: int
) -> None:
    # Two messages that fill 4 MiB with what a broker adds to them, and one byte less or more.
    added = 2 * (22 + 42 + 91 + 24 + 127 + 130 - 22)
    size = (4 * 1024 * 1024 - added) // 2
    batch = [Message(topic, b"a" * size), Message(topic, b"b" * (size + over))]
    async with producer(rocketmq) as sender:
        results: Any = await sender.send_batch(batch)

    assert (2 if over > 0 else 1) == results.requests
    assert 2 == len(rocketmq.messages(topic))


async def test_one_message_of_the_size_limit_is_stored(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, compress="none") as sender:
        [small, large] = await sender.send_batch(Message(topic, b"x"), Message(topic, b"y" * 4 * 1024 * 1024))
        with pytest.raises(MessageTooLargeError):
            await sender.send_batch(Message(topic, b"y" * (4 * 1024 * 1024 + 1)))

    assert (True, True) == (small.ok, large.ok)
    assert {1, 4 * 1024 * 1024} == {len(message.body) for message in rocketmq.messages(topic)}


async def test_what_cannot_be_a_batch_is_refused_and_nothing_is_sent(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    delayed = Message(topic, b"x")
    delayed.delay_level = 3
    async with producer(rocketmq) as sender:
        for wrong in (
            [],
            [Message(topic, b"x"), Message("other", b"x")],
            [Message(topic, b"x"), delayed],
            [Message(topic, b"x"), b"bytes"],
            [Message(topic, b"x"), Message(topic, b"")],
        ):
            with pytest.raises(InvalidMessageError):
                await sender.send_batch(wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidMessageError, match="one iterable"):
            await sender.send_batch(7)  # type: ignore[arg-type]
        with pytest.raises(InvalidMessageError):
            await sender.send_batch()

    assert not rocketmq.messages(topic)


async def test_messages_of_one_key_go_to_its_queue_in_order(rocketmq: LocalRocketMQ, topic: str) -> None:
    batch = several(topic, 200, 60_000)
    for at, message in enumerate(batch):
        message.sharding_key = f"order-{at % 7}"
    async with producer(rocketmq) as sender:
        alone = Message(topic, b"alone")
        alone.sharding_key = "order-3"
        first = await sender.send(alone)
        results = await sender.send_batch(batch)

    in_queue: defaultdict[str | None, list[int]] = defaultdict(list)
    for one in sorted(rocketmq.messages(topic), key=lambda stored: stored.queue_offset):
        if one.body != b"alone":
            in_queue[one.sharding_key].append(int(one.body.rstrip(b"x")))
    assert {f"order-{key}": list(range(key, 200, 7)) for key in range(7)} == in_queue
    assert [message.unique_id for message in batch] == [result.msg_id for result in results]
    assert first.message_queue == results[3].message_queue


async def test_a_batch_goes_to_the_queue_that_was_given(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        queue = (await sender.queues(topic))[-1]
        results = await sender.send_batch(several(topic, 20), queue=queue)

    assert {queue} == {result.message_queue for result in results}
    assert {(queue.broker_name, queue.queue_id)} == {
        (message.broker_name, message.queue_id) for message in rocketmq.messages(topic)
    }


@pytest.mark.parametrize("code", ["SYSTEM_BUSY", "SERVICE_NOT_AVAILABLE"])
async def test_a_refusal_is_followed_by_another_broker(
    rocketmq: LocalRocketMQ, topic: str, code: str
) -> None:
    async with producer(rocketmq) as sender:
        for _ in range(4):
            await sender.send_batch(several(topic, 2))
        rocketmq.fail("send", code=code, times=1, topic=topic)
        results = await sender.send_batch(several(topic, 30))

    assert {2} == {result.attempts for result in results}
    assert 38 == len(rocketmq.messages(topic))


async def test_batches_that_are_over_are_let_go_at_once(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send_batch(several(topic, 2))
        await sender.send_batch(several(topic, 2))
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                assert (await sender.send_batch(several(topic, 10)))[9].ok
            left = sum(isinstance(each, Parcel) for each in gc.get_objects())
        finally:
            gc.enable()

    assert left <= 1


async def test_a_batch_of_which_a_part_fails_says_which(rocketmq: LocalRocketMQ, topic: str) -> None:
    batch = several(topic, 120, 100_000)
    async with producer(rocketmq, send_timeout=1.0, retries=0) as sender:
        for _ in range(4):
            await sender.send_batch(several(topic, 1))
        rocketmq.fail("send", code="SYSTEM_ERROR", times=1, topic=topic)
        with pytest.raises(BatchSendError, match="of 120 messages were not sent") as caught:
            await sender.send_batch(batch)

    error = caught.value
    assert 120 == len(error.results)
    stored = {message.body for message in rocketmq.messages(topic)}
    for at, (message, result) in enumerate(zip(batch, error.results, strict=True)):
        assert (message.body in stored) == isinstance(result, SendResult)
        assert (at in error.errors) == isinstance(result, RocketMQError)
    assert 0 < len(error.errors) < 120
    assert pickle.loads(pickle.dumps(error)).what == error.what


async def test_a_batch_ends_within_its_time(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send_batch(several(topic, 2))
        rocketmq.fail("send", code="SYSTEM_BUSY", topic=topic)
        with pytest.raises(BatchSendError) as caught:
            await sender.send_batch(several(topic, 3), timeout=0.3)

    assert {SendTimeoutError} == {type(one) for one in caught.value.results}
    assert caught.value.retryable


async def test_many_batches_at_a_time_arrive_once_each(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:

        async def work(number: int) -> int:
            batch = [Message(topic, b"%d-%d" % (number, at)) for at in range(100)]
            return len(await sender.send_batch(batch))

        assert [100] * 50 == await asyncio.gather(*(work(number) for number in range(50)))

    stored = [message.body for message in rocketmq.messages(topic)]
    assert {b"%d-%d" % (number, at) for number in range(50) for at in range(100)} == set(stored)
    assert 5000 == len(stored)


@pytest.mark.parametrize("direct_lane", [True, False])
def test_threads_send_batches_as_well(rocketmq: LocalRocketMQ, topic: str, direct_lane: bool) -> None:
    with Producer("orders", rocketmq.addr, direct_lane=direct_lane) as sender:
        results = sender.send_batch(several(topic, 10))
        assert 10 == len({result.msg_id for result in results})
        [one] = sender.send_batch(Message(topic, b"x"))
        assert one.ok
        results = sender.send_batch(iter(several(topic, 20)))
        stored = {message.get_property("UNIQ_KEY"): message for message in rocketmq.messages(topic)}
        for result in results:
            assert (True, 1) == (result.ok, result.attempts)
            message = stored[result.msg_id]
            assert result.message_queue == MessageQueue(topic, message.broker_name, message.queue_id)
            assert result.queue_offset == message.queue_offset
        counted = sender.stats()
    with pytest.raises(ClientClosedError):
        sender.send_batch(several(topic, 2))
    assert 31 == len(rocketmq.messages(topic)) == counted["sent"]
    assert 3 == counted["batches"]


def test_plain_batches_of_a_thread_use_its_own_connection(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr) as sender:
        sender.send(topic, b"first")
        before = written_by_engine(sender)
        for _ in range(4):
            sender.send_batch(several(topic, 5))
        assert before == written_by_engine(sender)
        sender.send_batch(several(topic, 5), queue=MessageQueue(topic, "broker-a", 0))
        assert written_by_engine(sender) > before


def written_by_engine(sender: Producer) -> int:
    """Batches on the connections that all threads share."""
    links = [link.ready() for link in sender._object._core.brokers.links()]
    return sum(connection.stats().bytes_out for connection in links if connection is not None)


@pytest.mark.parametrize("direct_lane", [True, False])
@pytest.mark.parametrize("fault", ["send:error=SYSTEM_BUSY:times=1", "send:drop:times=1"])
def test_a_batch_of_a_thread_that_one_broker_fails_is_sent_to_the_other(
    rocketmq: LocalRocketMQ, topic: str, fault: str, direct_lane: bool
) -> None:
    with Producer("orders", rocketmq.addr, send_timeout=1.5, direct_lane=direct_lane) as sender:
        sender.send_batch(several(topic, 2))
        rocketmq.faults.add(fault)
        results = sender.send_batch(several(topic, 10))
        assert {2} == {result.attempts for result in results}
        assert 10 == len({result.msg_id for result in results if result.ok})
        assert 12 == sender.stats()["sent"]


@pytest.mark.parametrize("direct_lane", [True, False])
def test_a_batch_of_a_thread_ends_within_its_time(
    rocketmq: LocalRocketMQ, topic: str, direct_lane: bool
) -> None:
    with Producer("orders", rocketmq.addr, direct_lane=direct_lane) as sender:
        sender.send_batch(several(topic, 2))
        rocketmq.fail("send", code="SYSTEM_BUSY", topic=topic)
        with pytest.raises(BatchSendError) as caught:
            sender.send_batch(several(topic, 3), timeout=0.3)

    assert {SendTimeoutError} == {type(one) for one in caught.value.results}


def test_batches_of_threads_refuse_what_no_batch_holds(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr, max_message_bytes=1000) as sender:
        sender.send_batch(several(topic, 2))
        with pytest.raises(MessageTooLargeError):
            sender.send_batch(several(topic, 2, 1001))
        with pytest.raises(InvalidMessageError):
            sender.send_batch(Message(topic, b"x"), Message("other", b"x"))
        assert sender.send_batch(several(topic, 2))[1].ok  # the lane is as good as before
    assert 4 == len(rocketmq.messages(topic))
