"""Producer: the same sends from threads, on lanes and through the engine."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyrocketmq import Message, Producer
from pyrocketmq.errors import ClientClosedError, ConfigurationError, MessageTooLargeError, SendTimeoutError
from pyrocketmq.model import MessageQueue
from pyrocketmq.producer import create_producer
from pyrocketmq.testing import LocalRocketMQ

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.parametrize("direct_lane", [True, False])
def test_a_message_arrives_and_the_result_says_where(
    rocketmq: LocalRocketMQ, topic: str, direct_lane: bool
) -> None:
    with Producer("orders", rocketmq.addr, direct_lane=direct_lane) as producer:
        first = producer.send(topic, b"first", tags="new", keys="order-1")
        result = producer.send(Message(topic, b"second"))

    messages = {message.body: message for message in rocketmq.messages(topic)}
    assert {b"first", b"second"} == messages.keys()
    assert (True, True, 1) == (first.ok, result.ok, result.attempts)
    stored = messages[b"second"]
    assert stored.get_property("UNIQ_KEY") == result.msg_id
    assert MessageQueue(topic, stored.broker_name, stored.queue_id) == result.message_queue


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 86_401])
def test_a_timeout_in_which_no_send_can_end_is_refused_before_anything_is_sent(
    rocketmq: LocalRocketMQ, topic: str, seconds: float
) -> None:
    with Producer("orders", rocketmq.addr) as producer:
        producer.send(topic, b"first")  # from now on there are queues to send to at once
        message = Message(topic, b"x")
        sends: list[Callable[[], object]] = [
            lambda: producer.send(message, timeout=seconds),
            lambda: producer.send(message, timeout=seconds, sharding_key="a"),
            lambda: producer.send_batch([message], timeout=seconds),
            lambda: producer.request(message, seconds),
        ]
        for send in sends:
            with pytest.raises(ConfigurationError, match=r"timeout is .* it must be > 0 and at most 86,400"):
                send()

    assert 1 == len(rocketmq.messages(topic))


def test_plain_sends_use_a_lane_of_their_thread(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr) as producer:
        for _ in range(10):
            producer.send(topic, b"x")
        lanes = [link.lanes for link in producer._object._core.brokers.links()]
        assert 2 == sum(len(lane) for lane in lanes)


@pytest.mark.parametrize("direct_lane", [True, False])
def test_many_threads_send_at_once_and_nothing_is_lost_or_doubled(
    rocketmq: LocalRocketMQ, topic: str, direct_lane: bool
) -> None:
    with Producer("orders", rocketmq.addr, direct_lane=direct_lane, max_lanes=4) as producer:
        results: list[str | None] = []

        def work(number: int) -> None:
            results.extend(producer.send(topic, b"%d-%d" % (number, at)).msg_id for at in range(25))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    stored = rocketmq.messages(topic)
    assert 400 == len(stored) == len(set(results))
    assert set(results) == {message.get_property("UNIQ_KEY") for message in stored}


def test_many_threads_share_a_connection_and_few_have_their_own(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr, direct_threads=2) as producer:
        together = threading.Barrier(8)

        def work() -> None:
            for _ in range(20):
                together.wait(30)
                assert producer.send(topic, b"x").ok

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        shared = [link.ready() for link in producer._object._core.brokers.links()]

    assert 160 == len(rocketmq.messages(topic))
    # Without the limit, none of these would go by the connections that all threads share.
    assert sum(connection.stats().frames_out for connection in shared if connection is not None) > 20


@pytest.mark.parametrize("direct_lane", [True, False])
def test_a_refusal_is_followed_by_the_other_broker(
    rocketmq: LocalRocketMQ, topic: str, direct_lane: bool
) -> None:
    with Producer("orders", rocketmq.addr, direct_lane=direct_lane) as producer:
        producer.send(topic, b"before")
        rocketmq.fail("send", code="SYSTEM_BUSY", times=1)
        result = producer.send(topic, b"x")

    assert (True, 2) == (result.ok, result.attempts)


@pytest.mark.parametrize("direct_lane", [True, False])
def test_a_broker_that_gives_no_answer_is_followed_by_another(
    rocketmq: LocalRocketMQ, topic: str, direct_lane: bool
) -> None:
    with Producer("orders", rocketmq.addr, send_timeout=0.9, direct_lane=direct_lane) as producer:
        producer.send(topic, b"before")
        rocketmq.faults.add("send:drop:times=1")
        assert 2 == producer.send(topic, b"x").attempts
        rocketmq.faults.add("send:drop")
        with pytest.raises(SendTimeoutError) as caught:
            producer.send(topic, b"x")
        assert caught.value.maybe_sent


def test_one_way_sends_of_a_thread_are_confirmed_now_and_then(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr, oneway_window=16) as producer:
        for number in range(200):
            producer.send_oneway(topic, b"%d" % number)
            if number == 100:
                rocketmq.disconnect()
        # What is not confirmed yet is in front of these.
        for queue in producer.queues(topic):
            producer.send(topic, b"last", queue=queue)

    stored = [message.body for message in rocketmq.messages(topic) if message.body != b"last"]
    lost = 200 - len(stored)
    assert len(stored) == len(set(stored))
    assert lost <= 2 * 16  # only what was on its way when the connections were cut


def arrived(rocketmq: LocalRocketMQ, topic: str, count: int) -> int:
    """One-way messages that are there at last; nothing tells when the server has read the last of them."""
    end = time.monotonic() + 10
    while True:
        found = sum(message.body == b"x" for message in rocketmq.messages(topic))
        if found >= count or time.monotonic() > end:
            return found
        time.sleep(0.01)


def test_with_a_window_of_one_each_one_way_send_is_stored_when_the_call_returns(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    with Producer("orders", rocketmq.addr, oneway_window=1) as producer:
        producer.send(topic, b"first")
        rocketmq.faults.add("send:delay=20ms")
        for number in range(1, 6):
            producer.send_oneway(topic, b"x")
            assert 1 + number == len(rocketmq.messages(topic))


def test_fewer_one_way_sends_go_ahead_to_a_broker_that_answers_late(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    with Producer("orders", rocketmq.addr) as producer:
        queue = producer.send(topic, b"first").message_queue
        assert queue is not None
        rocketmq.faults.add("send:delay=120ms")
        for _ in range(200):
            producer.send_oneway(topic, b"x")
        rocketmq.faults.clear()
        producer.send(topic, b"last")
        slow = [producer._sends.targets._link(name).oneway_limit for name in ("broker-a", "broker-b")]
        for _ in range(2000):
            producer.send_oneway(topic, b"x")
        quick = [producer._sends.targets._link(name).oneway_limit for name in ("broker-a", "broker-b")]

        # Before the end: the server forgets what it holds back for a connection that is gone.
        assert 2200 == arrived(rocketmq, topic, 2200)

    assert min(slow) < 64
    assert min(quick) > min(slow)


@pytest.mark.parametrize("window", [0, 3, 1024])
def test_one_way_sends_of_many_threads_arrive_once_each(
    rocketmq: LocalRocketMQ, topic: str, window: int
) -> None:
    with Producer("orders", rocketmq.addr, oneway_window=window) as producer:
        producer.send(topic, b"first")

        def work(number: int) -> None:
            for at in range(250):
                producer.send_oneway(topic, b"%d-%d" % (number, at))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert {b"first"} | {b"%d-%d" % (number, at) for number in range(8) for at in range(250)} == stored(
            rocketmq, topic, 2001
        )
        assert 2000 == producer.stats()["oneway"]


def stored(rocketmq: LocalRocketMQ, topic: str, count: int) -> set[bytes | None]:
    """The bodies of so many messages, once they are there; nothing tells when the last of them has come."""
    end = time.monotonic() + 10
    while len(found := rocketmq.messages(topic)) < count and time.monotonic() < end:
        time.sleep(0.01)
    assert count == len(found)
    return {message.body for message in found}


def test_a_one_way_message_is_sent_as_it_was_when_the_call_returned(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    message = Message(topic, b"x")
    with Producer("orders", rocketmq.addr) as producer:
        producer.send(topic, b"first")
        for number in range(50):
            message.body = b"%d" % number
            producer.send_oneway(message)
            message.body = b"changed"
    assert {b"first"} | {b"%d" % number for number in range(50)} == stored(rocketmq, topic, 51)


def test_a_one_way_send_whose_connection_is_lost_before_it_is_written_goes_by_another(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    with Producer("orders", rocketmq.addr) as producer:
        producer.send(topic, b"first")
        producer._engine.run(hand_over_and_disconnect, producer, Message(topic, b"second"))
        assert {b"first", b"second"} == stored(rocketmq, topic, 2)


def hand_over_and_disconnect(producer: Producer, message: Message) -> None:
    assert producer._oneways.put(message)
    for link in producer._object._core.brokers.links():
        connection = link.ready()
        if connection is not None:
            connection.close()


def test_a_one_way_send_from_a_thread_refuses_what_no_broker_takes(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    with Producer("orders", rocketmq.addr, max_message_bytes=1000) as producer:
        producer.send(topic, b"before")
        with pytest.raises(MessageTooLargeError):
            producer.send_oneway(topic, b"0" * 1001)
        producer.send_oneway(topic, b"after")


def test_lanes_that_the_server_has_closed_are_made_again(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("orders", rocketmq.addr) as producer:
        for number in range(20):
            assert producer.send(topic, b"%d" % number).ok
            if number % 5 == 0:
                rocketmq.disconnect()

    assert {b"%d" % number for number in range(20)} == {m.body for m in rocketmq.messages(topic)}


def test_options_go_through_the_engine_and_do_the_same(rocketmq: LocalRocketMQ, topic: str) -> None:
    queue = MessageQueue(topic, "broker-b", 0)
    with Producer("orders", rocketmq.addr, max_message_bytes=20_000) as producer:
        assert queue == producer.send(topic, b"x", queue=queue).message_queue
        keyed = [producer.send(topic, b"x", sharding_key="k").message_queue for _ in range(3)]
        assert 1 == len(set(map(str, keyed)))
        assert producer.send(topic, b"0" * 10_000).ok
        handle = producer.send(topic, b"x", delay=60).recall_handle
        assert handle
        assert producer.recall(topic, handle)
        assert 4 == len(producer.queues(topic))
        with pytest.raises(MessageTooLargeError):
            producer.send(topic, os.urandom(20_001))


def test_a_producer_starts_on_first_use_ends_twice_and_starts_again(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    producer = create_producer("orders", rocketmq.addr)
    assert producer.send(topic, b"1").ok
    producer.shutdown()
    producer.shutdown()
    assert not producer.is_running
    with pytest.raises(ClientClosedError):
        producer.send(topic, b"x")
    producer.start()
    assert producer.send(topic, b"2").ok
    producer.shutdown()
    assert 2 == len(rocketmq.messages(topic))


def run(program: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS / program), *args], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_told_to_end_shuts_its_producer_down(
    rocketmq: LocalRocketMQ, topic: str, sent: signal.Signals
) -> None:
    program = run("send_until_told.py", rocketmq.addr, topic)
    assert program.stdout is not None
    assert "sending\n" == program.stdout.readline()
    program.send_signal(sent)
    output, _ = program.communicate(timeout=15)

    acked = int(output.split()[-1])
    assert 0 == program.returncode
    assert acked <= len(rocketmq.messages(topic)) <= acked + 1


def test_a_forked_child_sends_on_connections_of_its_own(rocketmq: LocalRocketMQ, topic: str) -> None:
    program = run("send_in_child.py", rocketmq.addr, topic)
    output, _ = program.communicate(timeout=30)

    assert (0, "parent 200 child 200 refused\n") == (program.returncode, output)
    bodies = [message.body for message in rocketmq.messages(topic)]
    assert 400 == len(bodies) == len(set(bodies))


def test_a_program_that_forgets_to_shut_down_ends_all_the_same(rocketmq: LocalRocketMQ, topic: str) -> None:
    program = run("send_and_end.py", rocketmq.addr, topic)
    output, _ = program.communicate(timeout=15)

    assert (0, "10\n") == (program.returncode, output)
    assert 10 == len(rocketmq.messages(topic))
