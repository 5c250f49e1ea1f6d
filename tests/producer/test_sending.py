"""Awaited sends: what arrives, what the result says, and every way to say where a message goes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyrocketmq._native.answer import SendStatus
from pyrocketmq._native.message import Message
from pyrocketmq.client.selectors import AsyncRandomSelector, MessageHashSelector, QueueSelector
from pyrocketmq.errors import (
    ClientClosedError,
    ConfigurationError,
    InvalidMessageError,
    MessageTooLargeError,
    NoNameServerError,
    RouteNotFoundError,
)
from pyrocketmq.model import MessageQueue
from pyrocketmq.model.message_results import SendMessageResult
from pyrocketmq.model.route import BrokerData
from pyrocketmq.producer import AsyncProducer, ProducerConfig, create_async_producer
from pyrocketmq.testing import LocalRocketMQ

QueuePair = tuple[MessageQueue, BrokerData]


def producer(rocketmq: LocalRocketMQ, **settings: Any) -> AsyncProducer:
    return AsyncProducer("orders", rocketmq.addr, **settings)


async def test_a_message_arrives_as_it_was_sent_and_the_result_says_where(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq) as sender:
        result = await sender.send(Message(topic, b"hello", "new", "order-1", properties={"a": "b"}))

    [stored] = rocketmq.messages(topic)
    assert (b"hello", "new", "order-1", "b") == (
        stored.body,
        stored.tags,
        stored.keys,
        stored.get_property("a"),
    )
    assert isinstance(result, SendMessageResult)
    assert (True, SendStatus.SEND_OK, 1) == (result.ok, result.status, result.attempts)
    assert stored.get_property("UNIQ_KEY") == result.msg_id
    assert MessageQueue(topic, stored.broker_name, stored.queue_id) == result.message_queue
    assert (stored.queue_id, stored.queue_offset) == (result.queue_id, result.queue_offset)
    assert result.offset_msg_id
    assert "DefaultRegion" == result.region_id


async def test_a_topic_and_a_body_make_a_message(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, "hello", tags="new", keys=["a", "b"], properties={"c": "d"})

    [stored] = rocketmq.messages(topic)
    assert (b"hello", "new", "a b", "d") == (
        stored.body,
        stored.tags,
        stored.keys,
        stored.get_property("c"),
    )


async def test_many_at_once_arrive_once_each_on_all_queues_in_turn(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq) as sender:
        for queue in await sender.queues(topic):
            await sender.send(Message(topic, b"connected"), queue=queue)
        results = await asyncio.gather(*(sender.send(topic, b"%d" % n) for n in range(1000)))

    stored = [one for one in rocketmq.messages(topic, at_least=1004) if one.body != b"connected"]
    assert {b"%d" % n for n in range(1000)} == {message.body for message in stored}
    assert {result.msg_id for result in results} == {message.get_property("UNIQ_KEY") for message in stored}
    used = [(message.broker_name, message.queue_id) for message in stored]
    assert 4 == len(set(used))
    assert max(used.count(queue) for queue in set(used)) < 300


async def test_a_send_can_be_a_task_and_given_a_limit(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        task = asyncio.create_task(sender.send(topic, b"1"))
        async with asyncio.TaskGroup() as group:
            other = group.create_task(sender.send(topic, b"2"))
        third = await asyncio.wait_for(sender.send(topic, b"3"), 5)

        assert ((await task).ok, other.result().ok, third.ok) == (True, True, True)
        again = asyncio.create_task(sender.send(topic, b"4"))
        await asyncio.sleep(0)
        assert (await again).ok
    assert 4 == len(rocketmq.messages(topic))


async def test_a_cancelled_send_leaves_the_connection_in_order(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"first")
        with rocketmq.faults.add("send:delay=300ms:times=1"):
            task = asyncio.create_task(sender.send(topic, b"cancelled"))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        result = await sender.send(topic, b"after")

        assert result.ok
        async with asyncio.timeout(5):
            while sender._sends.table.in_flight:  # noqa: ASYNC110 - until the late answer is there
                await asyncio.sleep(0.01)


async def test_a_send_that_is_never_awaited_sends_nothing_and_says_so(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq) as sender:
        with pytest.warns(RuntimeWarning, match="never awaited"):
            sender.send(topic, b"x")  # type: ignore[unused-coroutine]
        call = sender.send(topic, b"x")
        assert (await call).ok
        with pytest.raises(RuntimeError, match="reuse"):
            await call
    assert 1 == len(rocketmq.messages(topic))


async def test_a_queue_of_ones_own(rocketmq: LocalRocketMQ, topic: str) -> None:
    queue = MessageQueue(topic, "broker-b", 1)
    async with producer(rocketmq) as sender:
        results = [await sender.send(topic, b"x", queue=queue) for _ in range(3)]

    assert [queue] * 3 == [result.message_queue for result in results]
    assert {("broker-b", 1)} == {(m.broker_name, m.queue_id) for m in rocketmq.messages(topic)}


class First(QueueSelector):
    """Always the first queue."""

    def select(
        self,
        topic: str,  # noqa: ARG002
        available_queues: Sequence[QueuePair],
        message: Message | None = None,  # noqa: ARG002
    ) -> QueuePair | None:
        return available_queues[0]


async def test_a_selector_of_ones_own_for_one_send_or_for_all(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, selector=First()) as sender:
        assert "broker-a" == (await sender.send(topic, b"x")).message_queue.broker_name  # type: ignore[attr-defined]
    async with producer(rocketmq) as sender:
        for _ in range(3):
            result = await sender.send(topic, b"x", selector=First())
            assert MessageQueue(topic, "broker-a", 0) == result.message_queue
        await sender.send(topic, b"x", selector=AsyncRandomSelector())
        with pytest.raises(ConfigurationError, match="gave 7"):
            await sender.send(topic, b"x", selector=_Wrong())


class _Wrong(QueueSelector):
    def select(self, *_: Any) -> Any:
        return 7


async def test_one_sharding_key_is_one_queue_and_keeps_its_order(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        sends = [
            sender.send(topic, b"%d" % number, sharding_key=f"key-{number % 5}") for number in range(200)
        ]
        results = await asyncio.gather(*sends)

    pairs = rocketmq.messages(topic)
    for key in range(5):
        mine = [m for m in pairs if m.get_property("SHARDING_KEY") == f"key-{key}"]
        assert 1 == len({(m.broker_name, m.queue_id) for m in mine})
        numbers = [int(m.body) for m in sorted(mine, key=lambda m: m.queue_offset)]
        assert numbers == sorted(numbers)
        assert 40 == len(numbers)
    assert all(result.ok for result in results)


async def test_the_queue_of_a_key_is_that_of_the_hash_selector(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, key_hash="java") as sender:
        queues = await sender.queues(topic)
        result = await sender.send(topic, b"x", sharding_key="order-7")
    message = Message(topic, b"x", properties={"SHARDING_KEY": "order-7"})
    pairs = [(queue, None) for queue in queues]

    assert MessageHashSelector("java").select(topic, pairs, message)[0] == result.message_queue  # type: ignore[arg-type,index]


async def test_ordered_sends_of_one_queue_are_never_under_way_together(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    queue = MessageQueue(topic, "broker-a", 0)
    async with producer(rocketmq) as sender:
        with rocketmq.faults.add("send:delay=1ms..20ms"):
            await asyncio.gather(
                *(sender.send(topic, b"%d" % n, queue=queue, ordered=True) for n in range(30))
            )

    bodies = [m.body for m in sorted(rocketmq.messages(topic), key=lambda m: m.queue_offset)]
    assert [b"%d" % n for n in range(30)] == bodies


async def test_delays_are_kept_until_their_time_and_can_be_recalled(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq) as sender:
        await sender.send(topic, b"level", delay_level=1)
        await sender.send(topic, b"seconds", delay=3)
        await sender.send(topic, b"ms", delay_ms=3000)
        now = datetime.fromtimestamp(rocketmq.now_ms() / 1000, UTC)
        await sender.send(topic, b"datetime", deliver_at=now + timedelta(seconds=3))
        recalled = await sender.send(topic, b"never", delay=3)
        assert recalled.recall_handle
        assert recalled.msg_id == await sender.recall(topic, recalled.recall_handle)
    assert [] == rocketmq.messages(topic)
    rocketmq.advance(5)
    bodies = {message.body for message in rocketmq.messages(topic, at_least=4)}

    assert {b"level", b"seconds", b"ms", b"datetime"} == bodies


async def test_a_namespace_is_part_of_the_topic_at_the_broker_only(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    rocketmq.create_topic(f"ns%{topic}", queues=2)
    async with producer(rocketmq, namespace="ns") as sender:
        message = Message(topic, b"x")
        queue = (await sender.queues(topic))[1]
        assert topic == queue.topic
        assert queue == (await sender.send(message, queue=queue)).message_queue
        result = await sender.send(message)
        assert topic == message.topic == result.message_queue.topic  # type: ignore[attr-defined]

    assert 2 == len(rocketmq.messages(f"ns%{topic}"))
    assert [] == rocketmq.messages(topic)


@pytest.mark.parametrize("settings", [{"header_codec": "binary"}, {"namespace_v2": "other"}])
async def test_other_forms_of_requests_store_the_same(
    rocketmq: LocalRocketMQ, topic: str, settings: dict[str, Any]
) -> None:
    async with producer(rocketmq, **settings) as sender:
        message = Message(topic, b"x", "tag", "key")
        result = await sender.send(message)
        assert (True, message.unique_id) == (result.ok, result.msg_id)
        assert (await sender.send(topic, b"y", sharding_key="k")).ok
        await sender.send_oneway(topic, b"z")
        stored = await asyncio.to_thread(rocketmq.messages, topic, 3)

    assert {b"x", b"y", b"z"} == {one.body for one in stored}


@pytest.mark.parametrize("kind", ["zlib", "lz4", "zstd"])
async def test_large_bodies_are_compressed_and_arrive_whole(
    rocketmq: LocalRocketMQ, topic: str, kind: str
) -> None:
    body = b"0123456789" * 50_000
    async with producer(rocketmq, compress=kind) as sender:
        result = await sender.send(topic, body)

    [stored] = rocketmq.messages(topic)
    assert result.ok
    assert body == stored.body
    assert len(stored.raw_body) < 20_000


async def test_nothing_is_compressed_when_that_is_turned_off(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, compress="none") as sender:
        await sender.send(topic, b"0" * 10_000)

    assert 10_000 == len(rocketmq.messages(topic)[0].raw_body)


async def test_what_is_refused_is_refused_before_anything_is_sent(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, max_message_bytes=1000, compress="none") as sender:
        await sender.send(topic, b"x" * 1000)
        with rocketmq.record() as recording:
            with pytest.raises(MessageTooLargeError, match="1,001 bytes"):
                await sender.send(topic, b"x" * 1001)
            with pytest.raises(InvalidMessageError):
                await sender.send(topic, b"")
            with pytest.raises(InvalidMessageError, match="no body"):
                sender.send(topic)  # type: ignore[call-overload]
            with pytest.raises(InvalidMessageError, match="beside"):
                sender.send(Message(topic, b"x"), b"y")  # type: ignore[call-overload]
            with pytest.raises(ConfigurationError) as caught:
                sender.send(topic, b"x", timeout=0)  # type: ignore[unused-coroutine]
            assert "timeout" == caught.value.field
            assert [] == [seen for seen in recording.requests if seen.code == 310]


async def test_a_topic_that_does_not_exist_is_made_by_a_send_or_named_in_the_error(
    rocketmq: LocalRocketMQ,
) -> None:
    async with producer(rocketmq) as sender:
        result = await sender.send("made-by-a-send", b"x")
        assert result.ok
    async with producer(rocketmq, create_topics=False) as sender:
        with pytest.raises(RouteNotFoundError, match="not-made"):
            await sender.send("not-made", b"x", timeout=1.0)


async def test_a_producer_starts_on_first_use_by_await_and_again(rocketmq: LocalRocketMQ, topic: str) -> None:
    sender = create_async_producer("orders", rocketmq.addr)
    assert not sender.is_running
    assert (await sender.send(topic, b"1")).ok
    assert sender.is_running
    await sender.shutdown()
    await sender.shutdown()
    with pytest.raises(ClientClosedError):
        await sender.send(topic, b"x")
    await sender.start()
    await sender.start()
    assert (await sender.send(topic, b"2")).ok
    await sender.shutdown()
    async with await create_async_producer("orders", rocketmq.addr) as other:
        assert (await other.send(topic, b"3")).ok
    assert 3 == len(rocketmq.messages(topic))


async def test_shutdown_waits_for_sends_that_are_under_way(rocketmq: LocalRocketMQ, topic: str) -> None:
    sender = producer(rocketmq)
    await sender.send(topic, b"first")
    with rocketmq.faults.add("send:delay=200ms"):
        sends = [asyncio.create_task(sender.send(topic, b"x")) for _ in range(20)]
        await asyncio.sleep(0.01)
        await sender.shutdown()

    assert all(result.ok for result in await asyncio.gather(*sends))
    assert 21 == len(rocketmq.messages(topic))


async def test_without_a_name_server_the_start_says_so() -> None:
    sender = AsyncProducer("orders", "127.0.0.1:1", request_timeout=0.5)
    with pytest.raises(NoNameServerError):
        await sender.start()
    await sender.shutdown()


def test_a_producer_needs_no_loop_to_be_made_and_a_group() -> None:
    AsyncProducer("orders", "127.0.0.1:9876")
    with pytest.raises(ConfigurationError) as caught:
        AsyncProducer(namesrv_addr="127.0.0.1:9876")
    assert "producer_group" == caught.value.field


@pytest.mark.parametrize("size", [0, 121])
def test_the_name_of_a_group_has_limits(size: int) -> None:
    ProducerConfig(producer_group="g" * 120)
    ProducerConfig(producer_group="g")
    with pytest.raises(ConfigurationError) as caught:
        ProducerConfig(producer_group="g" * size)
    assert "producer_group" == caught.value.field


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="send_time_out"):
        AsyncProducer("orders", send_time_out=3)


def test_settings_come_from_the_environment() -> None:
    config = ProducerConfig.from_env(
        environ={
            "PYROCKETMQ_PRODUCER_GROUP": "orders",
            "PYROCKETMQ_NAMESRV_ADDR": "10.0.0.1:9876",
            "PYROCKETMQ_SEND_TIMEOUT": "1.5",
            "PYROCKETMQ_RETRIES": "4",
            "PYROCKETMQ_COMPRESS": "zstd",
            "PYROCKETMQ_RETRY_NOT_OK": "yes",
        }
    )

    assert ("orders", "10.0.0.1:9876", 1.5, 4, "zstd", True) == (
        config.producer_group,
        config.namesrv_addr,
        config.send_timeout,
        config.retries,
        config.compress,
        config.retry_not_ok,
    )
