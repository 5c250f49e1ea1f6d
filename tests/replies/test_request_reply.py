"""Requests that wait for their replies: each gets its own, or says in time that there is none."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.errors import ConfigurationError, ReplyTimeoutError, SendError
from pyrocketmq.model import Message
from pyrocketmq.producer import AsyncProducer, Producer
from pyrocketmq.producer.request_reply import read_reply
from pyrocketmq.testing import LocalRocketMQ
from tests.conformance.test_replies import reply
from tests.transport.peers import until

from .responder import responding


def shout(message: MessageExt) -> bytes:
    return message.body.upper()


async def test_a_request_gets_the_reply_of_a_consumer(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with (
        responding(rocketmq.broker_addrs[0], topic, shout) as responder,
        AsyncProducer("asking", rocketmq.addr) as producer,
    ):
        answer = await producer.request(Message(topic, b"hello", keys="k"), 30.0)

        assert answer.body == b"HELLO"
        assert producer.stats()["replies"] == 1
    (asked,) = responder.asked
    assert asked.get_property("REPLY_TO_CLIENT") is not None
    assert asked.get_property("TTL") == "30000"
    assert answer.get_property("CORRELATION_ID") == asked.get_property("CORRELATION_ID")
    assert responder.refused == []


async def test_many_requests_at_once_get_their_own_replies(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with (
        responding(rocketmq.broker_addrs[0], topic, shout),
        AsyncProducer("asking", rocketmq.addr) as producer,
    ):
        bodies = [f"number {number}".encode() for number in range(200)]
        answers = await asyncio.gather(*(producer.request(Message(topic, body), 30.0) for body in bodies))

    assert [answer.body for answer in answers] == [body.upper() for body in bodies]


async def test_a_compressed_reply_is_unpacked(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with (
        responding(rocketmq.broker_addrs[0], topic, lambda _: b"x" * 10_000) as responder,
        AsyncProducer("asking", rocketmq.addr) as producer,
    ):
        responder.compressed = True
        answer = await producer.request(Message(topic, b"hello"), 30.0)

    assert answer.body == b"x" * 10_000
    assert len(answer.raw_body) < 1000


async def test_a_request_without_a_reply_says_so_in_time(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("asking", rocketmq.addr) as producer:
        with pytest.raises(ReplyTimeoutError, match="no reply to request") as caught:
            await producer.request(Message(topic, b"hello"), 0.5)

    assert isinstance(caught.value, TimeoutError)
    assert caught.value.maybe_sent
    assert [message.body for message in rocketmq.messages(topic)] == [b"hello"]


async def test_a_late_reply_is_taken_and_counted(rocketmq: LocalRocketMQ, topic: str) -> None:
    go_on = asyncio.Event()

    async with (
        responding(rocketmq.broker_addrs[0], topic, shout) as responder,
        AsyncProducer("asking", rocketmq.addr) as producer,
    ):
        answer_now = responder.reply_to

        async def answer_late(message: MessageExt) -> None:
            await go_on.wait()
            await answer_now(message)

        responder.reply_to = answer_late  # type: ignore[method-assign]
        with pytest.raises(ReplyTimeoutError):
            await producer.request(Message(topic, b"hello"), 0.5)
        go_on.set()
        await until(lambda: producer.stats()["late_replies"] == 1)
        await asyncio.sleep(0.01)

        assert responder.refused == []  # or consumers would take the request once more
        go_on.set()
        assert (await producer.request(Message(topic, b"again"), 30.0)).body == b"AGAIN"


async def test_a_request_that_cannot_be_sent_says_why(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("asking", rocketmq.addr) as producer:
        rocketmq.fail("send", code="SYSTEM_BUSY")
        with pytest.raises(SendError, match="SYSTEM_BUSY"):
            await producer.request(Message(topic, b"hello"), 0.3)


async def test_requests_go_on_after_a_lost_connection(rocketmq: LocalRocketMQ, topic: str) -> None:
    address = rocketmq.broker_addrs[0]
    async with AsyncProducer("asking", rocketmq.addr) as producer:
        async with responding(address, topic, shout):
            assert (await producer.request(Message(topic, b"one"), 30.0)).body == b"ONE"
        rocketmq.disconnect()
        async with responding(address, topic, shout) as responder:
            assert (await producer.request(Message(topic, b"two"), 30.0)).body == b"TWO"

    assert [message.body for message in responder.asked] == [b"one", b"two"]


@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_a_time_that_is_none_is_refused(rocketmq: LocalRocketMQ, topic: str, timeout: float) -> None:
    async with AsyncProducer("asking", rocketmq.addr) as producer:
        with pytest.raises(ConfigurationError, match="it must be > 0"):
            await producer.request(Message(topic, b"hello"), timeout)
    assert rocketmq.messages(topic) == []


async def test_threads_ask_in_the_same_way(rocketmq: LocalRocketMQ, topic: str) -> None:
    answers: dict[int, bytes] = {}

    def ask(number: int) -> None:
        answers[number] = producer.request(Message(topic, f"n{number}"), 30.0).body

    async with responding(rocketmq.broker_addrs[0], topic, shout):
        with Producer("asking", rocketmq.addr) as producer:
            threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.to_thread(thread.join)

    assert answers == {number: f"N{number}".encode() for number in range(4)}


@pytest.mark.parametrize(
    ("host", "address"), [("10.0.0.1:1234", ("10.0.0.1", 1234)), ("/10.0.0.1:1234", ("10.0.0.1", 1234))]
)
def test_the_host_of_a_replier_is_read_as_brokers_write_it(host: str, address: tuple[str, int]) -> None:
    command = reply("client")
    fields = dict(command.ext_fields or {})
    pushed = {
        "producerGroup": "repliers",
        "topic": "T_REPLY_TOPIC",
        "defaultTopic": "TBW102",
        "defaultTopicQueueNums": "4",
        "queueId": "0",
        "sysFlag": "0",
        "bornTimestamp": "1",
        "flag": "0",
        "properties": fields["i"],
        "bornHost": host,
        "storeHost": "unknown",
        "storeTimestamp": "2",
    }
    command.ext_fields = pushed

    read = read_reply(command, "broker-a")

    assert read.born_host == address
    assert read.get_property("CORRELATION_ID") == "17"
    assert (read.body, read.broker_name) == (b"answer", "broker-a")
