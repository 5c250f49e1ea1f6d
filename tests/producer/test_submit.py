"""submit and flush: all arrives once, in order where promised; failures are told, memory is bounded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq import Message, Producer
from pyrocketmq._native.answer import SendResult
from pyrocketmq.client.hooks import SendContext, SendHook
from pyrocketmq.client.selectors import AsyncRandomSelector, QueueSelector
from pyrocketmq.errors import (
    BackPressureError,
    ClientClosedError,
    ConfigurationError,
    MessageTooLargeError,
    RocketMQError,
    RouteNotFoundError,
    RpcTimeoutError,
    TransportStateError,
    UndeliveredError,
)
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ

PROGRAMS = Path(__file__).parent / "programs"


def producer(rocketmq: LocalRocketMQ, **settings: Any) -> AsyncProducer:
    # Time enough on a busy machine: a try that ends too early would store its messages twice.
    patient: dict[str, Any] = {"send_timeout": 20.0} | settings
    return AsyncProducer("orders", rocketmq.addr, **patient)


class Heard:
    """A callback that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Message, SendResult | None, RocketMQError | None]] = []
        self.threads: set[str] = set()

    def __call__(self, message: Message, result: SendResult | None, error: RocketMQError | None) -> None:
        self.calls.append((message, result, error))
        self.threads.add(threading.current_thread().name)


async def test_everything_that_was_submitted_is_stored_once_after_a_flush(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, batch_count=100) as sender:
        for at in range(5000):
            await sender.submit(topic, b"%d" % at, tags="t")
        await sender.flush()

        stored = rocketmq.messages(topic)
        assert {b"%d" % at for at in range(5000)} == {message.body for message in stored}
        assert 5000 == len(stored) == len({message.get_property("UNIQ_KEY") for message in stored})
        assert {"t"} == {message.tags for message in stored}
        assert 4 == len({(message.broker_name, message.queue_id) for message in stored})
        figures: Any = sender.stats()
        assert (5000, 5000, 0) == (
            figures["delivered"],
            figures["submit"]["taken"],
            figures["submit"]["bytes"],
        )
        assert figures["batches"] >= 50


async def test_the_end_of_a_producer_delivers_what_was_submitted(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, linger=10.0) as sender:
        for at in range(100):
            await sender.submit(topic, b"%d" % at)

    assert 100 == len(rocketmq.messages(topic))


async def test_a_message_that_waits_alone_leaves_after_the_linger_time(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, linger=0.01) as sender:
        heard = Heard()
        await sender.submit(topic, b"x", on_delivery=heard)
        async with asyncio.timeout(5):
            while not heard.calls:  # noqa: ASYNC110 - nobody tells but the callback
                await asyncio.sleep(0.005)


async def test_each_callback_gets_the_result_of_its_message(rocketmq: LocalRocketMQ, topic: str) -> None:
    heard = Heard()
    async with producer(rocketmq, batch_count=50) as sender:
        several = [Message(topic, b"%d" % at) for at in range(500)]
        for message in several:
            await sender.submit(message, on_delivery=heard)
        await sender.flush()

    stored = {message.get_property("UNIQ_KEY"): message for message in rocketmq.messages(topic)}
    assert {id(message) for message in several} == {id(message) for message, _, _ in heard.calls}
    for message, result, error in heard.calls:
        assert error is None
        assert result is not None
        found = stored[message.unique_id]
        assert (True, message.unique_id, 1) == (result.ok, result.msg_id, result.attempts)
        assert (found.queue_id, found.queue_offset) == (result.queue_id, result.queue_offset)
        assert found.body == message.body
        assert found.offset_msg_id == result.offset_msg_id
        assert found.broker_name == result.message_queue.broker_name  # type: ignore[attr-defined]


async def test_messages_of_one_key_keep_their_order_while_brokers_fail(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    rocketmq.faults.fail("send", "SYSTEM_BUSY", probability=0.2)
    async with producer(rocketmq, batch_count=10, send_timeout=10.0) as sender:
        for at in range(600):
            message = Message(topic, b"%d" % at)
            message.sharding_key = f"order-{at % 5}"
            await sender.submit(message)
        await sender.flush()

    in_queue: defaultdict[str | None, list[int]] = defaultdict(list)
    for one in sorted(rocketmq.messages(topic), key=lambda stored: stored.queue_offset):
        in_queue[one.sharding_key].append(int(one.body))
    assert {f"order-{key}": list(range(key, 600, 5)) for key in range(5)} == in_queue


async def test_ordered_messages_without_a_key_keep_their_order_on_their_queue(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, batch_count=7) as sender:
        queue = (await sender.queues(topic))[0]
        for at in range(300):
            await sender.submit(topic, b"%d" % at, ordered=True, queue=queue)
        await sender.flush()

    stored = sorted(rocketmq.messages(topic), key=lambda message: message.queue_offset)
    assert list(range(300)) == [int(message.body) for message in stored]
    assert {(queue.broker_name, queue.queue_id)} == {(one.broker_name, one.queue_id) for one in stored}


async def test_messages_that_no_batch_may_hold_leave_alone(rocketmq: LocalRocketMQ, topic: str) -> None:
    heard = Heard()
    async with producer(rocketmq) as sender:
        delayed = Message(topic, b"delayed")
        delayed.delay_level = 1
        timed = Message(topic, b"timed", properties={"TIMER_DELAY_MS": "1000"})
        for message in (delayed, timed, Message(topic, b"plain")):
            await sender.submit(message, on_delivery=heard)
        await sender.flush()
        rocketmq.advance(3)

    assert {b"delayed", b"timed", b"plain"} == {one.body for one in rocketmq.messages(topic, at_least=3)}
    assert all(error is None for _, _, error in heard.calls)
    results = {message.body: result for message, result, _ in heard.calls}
    assert results[b"timed"] is not None
    assert results[b"timed"].recall_handle
    assert delayed.unique_id == results[b"delayed"].msg_id  # type: ignore[union-attr]


async def test_a_message_at_the_size_limit_is_delivered_and_one_over_it_refused(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with producer(rocketmq, compress="none") as sender:
        await sender.submit(topic, b"x" * 4 * 1024 * 1024)
        with pytest.raises(MessageTooLargeError):
            await sender.submit(topic, b"x" * (4 * 1024 * 1024 + 1))
        await sender.flush()

    assert [4 * 1024 * 1024] == [len(message.body) for message in rocketmq.messages(topic)]


# ---- failures ----


@pytest.mark.parametrize("code", ["SYSTEM_BUSY", "SERVICE_NOT_AVAILABLE", "SYSTEM_ERROR"])
async def test_refusals_of_a_broker_are_tried_again_and_nothing_is_lost(
    rocketmq: LocalRocketMQ, topic: str, code: str
) -> None:
    async with producer(rocketmq, batch_count=20) as sender:
        await sender.send_batch(Message(topic, b"before"))
        rocketmq.fail("send", code=code, times=3, topic=topic, remark="[TIMEOUT_CLEAN_QUEUE]broker busy")
        for at in range(400):
            await sender.submit(topic, b"%d" % at)
        await sender.flush()

    assert 401 == len({message.body for message in rocketmq.messages(topic)})


async def test_a_busy_broker_gets_fewer_batches_at_a_time(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, batch_count=2) as sender:
        queue = (await sender.queues(topic))[0]
        await sender.send(topic, b"before", queue=queue)
        rocketmq.fail("send", code="SYSTEM_BUSY", times=8, topic=topic)
        for at in range(200):
            await sender.submit(topic, b"%d" % at, queue=queue)
        await sender.flush()
        figures: Any = sender.stats()["submit"]
        window = figures["windows"][queue.broker_name]

    assert window["busy_answers"] >= 8
    assert 201 == len({message.body for message in rocketmq.messages(topic)})


async def test_lost_connections_lose_nothing(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, batch_count=10, send_timeout=5.0) as sender:
        for at in range(2000):
            await sender.submit(topic, b"%d" % at)
            if at % 500 == 250:
                rocketmq.disconnect()
        await sender.flush()

    assert {b"%d" % at for at in range(2000)} == {message.body for message in rocketmq.messages(topic)}


async def test_failures_are_told_to_the_callback_or_by_flush(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, send_timeout=0.4) as sender:
        await sender.send_batch(Message(topic, b"before"))
        rocketmq.fail("send", code="SYSTEM_BUSY", topic=topic)
        heard = Heard()
        await sender.submit(topic, b"heard", on_delivery=heard)
        for at in range(5):
            await sender.submit(Message(topic, b"%d" % at, keys=f"key-{at}"))
        with pytest.raises(UndeliveredError, match="5 submitted messages") as caught:
            await sender.flush()
        await sender.flush()  # said once

    error = caught.value
    assert [f"key-{at}" for at in range(5)] == [failure.message.keys for failure in error.failures]
    assert (5, True) == (error.count, error.retryable)
    assert isinstance(error.failures[0].error, RocketMQError)
    [(message, result, failure)] = heard.calls
    assert (b"heard", None) == (message.body, result)
    assert isinstance(failure, RocketMQError)


async def test_the_end_of_a_producer_says_what_was_not_delivered(rocketmq: LocalRocketMQ, topic: str) -> None:
    sender = producer(rocketmq, send_timeout=30.0)
    await sender.start()
    await sender.send_batch(Message(topic, b"before"))
    rocketmq.fail("send", code="SYSTEM_BUSY", topic=topic)
    heard = Heard()
    await sender.submit(topic, b"lost")
    await sender.submit(topic, b"heard", on_delivery=heard)
    delayed = Message(topic, b"delayed")
    delayed.delay_level = 1
    await sender.submit(delayed)
    with pytest.raises(UndeliveredError) as caught:
        await sender.shutdown(0.5)

    assert {b"lost", b"delayed"} == {failure.message.body for failure in caught.value.failures}
    assert 1 == len(heard.calls)
    with pytest.raises(ClientClosedError):
        await sender.submit(topic, b"late")


async def test_a_topic_without_a_route_fails_its_messages_only(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, create_topics=False, send_timeout=1.0) as sender:
        await sender.submit("no-such-topic", b"lost")
        keyed = Message("no-such-topic", b"lost too")
        keyed.sharding_key = "a"
        await sender.submit(keyed)
        await sender.submit(topic, b"fine")
        with pytest.raises(UndeliveredError) as caught:
            await sender.flush()

    assert {b"lost", b"lost too"} == {failure.message.body for failure in caught.value.failures}
    causes = [failure.error for failure in caught.value.failures]
    assert all(
        isinstance(error, RouteNotFoundError) or isinstance(error.__cause__, RouteNotFoundError)
        for error in causes
    )
    assert [b"fine"] == [message.body for message in rocketmq.messages(topic)]


async def test_topics_of_a_namespace_are_shown_as_the_program_wrote_them(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    heard = Heard()
    rocketmq.create_topic(f"unit%{topic}", queues=2)
    async with producer(rocketmq, namespace="unit", send_timeout=1.0) as sender:
        [result] = await sender.send_batch(Message(topic, b"a"))
        await sender.submit(topic, b"b", on_delivery=heard)
        queue = (await sender.queues(topic))[0]
        await sender.submit(topic, b"c", on_delivery=heard, queue=queue, ordered=True)
        await sender.flush()
        rocketmq.fail("send", code="SYSTEM_BUSY")
        await sender.submit(topic, b"lost")
        with pytest.raises(UndeliveredError) as caught:
            await sender.flush()

    queues: list[Any] = [result.message_queue, *(one.message_queue for _, one, _ in heard.calls if one)]
    assert [topic] * 3 == [one.topic for one in queues]
    assert topic == caught.value.failures[0].message.topic
    assert {b"a", b"b", b"c"} == {message.body for message in rocketmq.messages(f"unit%{topic}")}


async def test_a_callback_that_raises_is_counted_and_harms_nobody(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    def broken(_: Message, __: SendResult | None, ___: RocketMQError | None) -> None:
        raise ValueError("no")

    heard = Heard()
    async with producer(rocketmq) as sender:
        for _ in range(3):
            await sender.submit(topic, b"x", on_delivery=broken)
        await sender.submit(topic, b"x", on_delivery=heard)
        await sender.flush()
        assert 3 == sender.stats()["callback_failures"]

    assert 1 == len(heard.calls)


# ---- back-pressure ----


async def test_a_slow_broker_slows_the_program_down_and_bounds_its_memory(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    rocketmq.faults.add("send:delay=20ms")
    most = 0
    async with producer(rocketmq, buffer_messages=100, batch_count=10, send_timeout=20.0) as sender:
        for at in range(1000):
            await sender.submit(topic, b"%d" % at)
            figures: Any = sender._accumulator
            most = max(most, figures.held_messages)
        await sender.flush()

    assert most <= 101
    assert 1000 == len(rocketmq.messages(topic))


async def test_a_flush_says_when_it_takes_too_long(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq) as sender:
        await sender.send_batch(Message(topic, b"before"))
        fault = rocketmq.faults.add("send:delay=400ms")
        await sender.submit(topic, b"x")
        with pytest.raises(RpcTimeoutError, match="1 submitted messages"):
            await sender.flush(0.05)
        fault.remove()
        await sender.flush()

    assert 2 == len(rocketmq.messages(topic))


# ---- selectors, hooks ----


class LastQueue(QueueSelector):
    def select(self, topic: str, available_queues: Any, message: Message | None = None) -> Any:  # noqa: ARG002
        if message is not None and message.body == b"bad":
            raise ValueError("no")
        return available_queues[-1]


@pytest.mark.parametrize("selector", [LastQueue(), AsyncRandomSelector()])
async def test_selectors_are_asked_for_each_message(
    rocketmq: LocalRocketMQ, topic: str, selector: Any
) -> None:
    async with producer(rocketmq, selector=selector) as sender:
        for at in range(50):
            await sender.submit(topic, b"%d" % at)
        await sender.flush()

    stored = rocketmq.messages(topic)
    assert 50 == len({message.body for message in stored})
    if isinstance(selector, LastQueue):
        assert {("broker-b", 1)} == {(message.broker_name, message.queue_id) for message in stored}


async def test_a_selector_that_raises_fails_its_message(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with producer(rocketmq, selector=LastQueue()) as sender:
        await sender.submit(topic, b"bad")
        await sender.submit(topic, b"good")
        with pytest.raises(UndeliveredError) as caught:
            await sender.flush()

    assert isinstance(caught.value.failures[0].error, ConfigurationError)
    assert [b"good"] == [message.body for message in rocketmq.messages(topic)]


async def test_hooks_see_each_message_before_and_after(rocketmq: LocalRocketMQ, topic: str) -> None:
    class Marks(SendHook):
        def __init__(self) -> None:
            self.ended: list[tuple[bytes, bool]] = []

        def before_send(self, context: SendContext) -> None:
            context.message.set_property("marked", "yes")

        def after_send(self, context: SendContext) -> None:
            self.ended.append((context.message.body, context.error is None))

    marks = Marks()
    heard = Heard()
    async with producer(rocketmq) as sender:
        sender.add_hook(marks)
        await sender.submit(topic, b"a", on_delivery=heard)
        await sender.submit(topic, b"b")
        await sender.send_batch(Message(topic, b"c"), Message(topic, b"d"))
        await sender.flush()

    assert {"yes"} == {
        message.get_property("marked") for message in rocketmq.messages(topic) if message.body < b"d"
    }
    assert {(b"a", True), (b"b", True), (b"c", True)} == set(marks.ended)
    assert 1 == len(heard.calls)


# ---- threads ----


def test_many_threads_submit_and_everything_arrives_once(rocketmq: LocalRocketMQ, topic: str) -> None:
    heard = Heard()
    settings: Any = {"batch_bytes": 4096, "buffer_bytes": 64 * 1024, "send_timeout": 20.0}
    with Producer("orders", rocketmq.addr, **settings) as sender:

        def work(number: int) -> None:
            for at in range(400):
                sender.submit(topic, b"%d-%d" % (number, at), on_delivery=heard)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sender.flush()

        expected = {b"%d-%d" % (number, at) for number in range(16) for at in range(400)}
        stored = [message.body for message in rocketmq.messages(topic)]
        assert expected == set(stored)
        assert len(expected) == len(stored) == len(heard.calls)
        assert {"pyrocketmq-engine"} == heard.threads


def test_a_thread_waits_for_room_and_not_longer_than_it_says(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr, buffer_messages=5, send_timeout=20.0) as sender:
        sender.send(topic, b"before")
        fault = rocketmq.faults.add("send:delay=300ms")
        for _ in range(5):
            sender.submit(topic, b"x")
        with pytest.raises(BackPressureError, match="no room came within"):
            sender.submit(topic, b"refused", timeout=0.05)
        with pytest.raises(BackPressureError):
            sender.submit(topic, b"refused", block=False)
        sender.submit(topic, b"waited")
        fault.remove()
        sender.flush()

    assert b"refused" not in {message.body for message in rocketmq.messages(topic)}
    assert 7 == len(rocketmq.messages(topic))


def test_a_blocking_call_in_a_callback_is_refused_at_once(rocketmq: LocalRocketMQ, topic: str) -> None:
    caught: list[BaseException] = []
    with Producer("orders", rocketmq.addr) as sender:

        def calls_back(_: Message, __: SendResult | None, ___: RocketMQError | None) -> None:
            sender.submit(topic, b"more")  # which does not block
            for call in (
                sender.flush,
                lambda: sender.send(topic, b"x"),
                lambda: sender.send_batch([Message(topic, b"x")]),
            ):
                try:
                    call()
                except TransportStateError as error:
                    caught.append(error)

        sender.submit(topic, b"x", on_delivery=calls_back)
        sender.flush()

    assert 3 == len(caught)
    assert {b"x", b"more"} == {message.body for message in rocketmq.messages(topic)}


def test_a_producer_that_was_shut_down_can_be_started_again(rocketmq: LocalRocketMQ, topic: str) -> None:
    sender = Producer("orders", rocketmq.addr)
    for at in range(2):
        with sender:
            sender.submit(topic, b"%d" % at)
        with pytest.raises(ClientClosedError):
            sender.submit(topic, b"late")

    assert {b"0", b"1"} == {message.body for message in rocketmq.messages(topic)}


@pytest.mark.parametrize("how", ["plain", "forked"])
def test_a_program_that_ends_without_shutdown_delivers_what_it_submitted(
    rocketmq: LocalRocketMQ, topic: str, how: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "submit_and_leave.py"), rocketmq.addr, topic, how],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    expected = {b"%d" % at for at in range(1000)}
    if how == "forked":
        expected.add(b"child")
    bodies = [message.body for message in rocketmq.messages(topic)]
    assert expected == set(bodies)
    assert len(expected) == len(bodies)
    assert "" == done.stderr


def test_a_program_that_ends_says_how_much_it_could_not_deliver(rocketmq: LocalRocketMQ, topic: str) -> None:
    rocketmq.fail("send", code="SYSTEM_BUSY", topic=topic)
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "submit_and_leave.py"), rocketmq.addr, topic, "plain"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert (
        "1,000 messages that were submitted to the producer of group orders are not delivered" in done.stderr
    )
