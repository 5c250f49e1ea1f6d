"""Uses of the public API that a strict type checker must accept; nothing here is run by the tests."""

from __future__ import annotations

from typing import assert_type

from pyrocketmq import Commit, Producer, TransactionProducer, Unknown, aio
from pyrocketmq._native.batch import BatchRecord, decode_batch_body, encode_batch_body
from pyrocketmq._native.properties import decode_properties, encode_properties
from pyrocketmq.errors import RocketMQError
from pyrocketmq.model import Message, SendResult
from pyrocketmq.producer import create_async_producer


def any_buffer_is_a_body() -> list[Message]:
    return [
        Message("orders", b"bytes"),
        Message("orders", bytearray(b"bytearray")),
        Message("orders", memoryview(b"memoryview")),
        Message("orders", "text"),
        Message("orders", b"", "drinks", ["order-1", "customer-7"], properties={"region": "north"}),
    ]


def what_a_message_gives_back(message: Message) -> None:
    assert_type(message.body, bytes)
    assert_type(message.tags, str | None)
    assert_type(message.get_property("region"), str | None)
    assert_type(message.get_property("region", "nowhere"), str)


def batches_go_both_ways(messages: list[Message]) -> None:
    body = encode_batch_body(messages)
    assert_type(body, bytes)
    assert_type(decode_batch_body(body), list[BatchRecord])


def properties_go_both_ways() -> None:
    assert_type(encode_properties({"region": "north"}), str)
    assert_type(decode_properties("region\x01north\x02"), dict[str, str])


def one_except_clause_takes_every_error() -> None:
    try:
        Message("", b"")
    except RocketMQError as error:
        assert_type(error.retryable, bool)
        assert_type(error.field, str | None)


def messages_and_their_parts_are_sent_alike(producer: Producer) -> None:
    assert_type(producer.send("orders", "text", tags="drinks", keys=["order-1"]), SendResult)
    assert_type(producer.send(Message("orders", b"bytes"), timeout=1.5, sharding_key="till-1"), SendResult)
    producer.submit(
        "orders", b"bytes", on_delivery=lambda message, result, error: print(message.body, result, error)
    )
    producer.submit(Message("orders", b"bytes"), block=False)
    producer.send_batch([Message("orders", b"one"), Message("orders", b"two")])
    producer.send_batch(Message("orders", b"one"), Message("orders", b"two"))
    producer.flush()


async def both_colours_have_the_same_names() -> None:
    async with aio.Producer("group", "localhost:9876", linger=0.005) as producer:
        assert_type(await producer.send("orders", b"bytes"), SendResult)
        await producer.submit("orders", b"bytes")
        await producer.flush()
    assert_type(await create_async_producer("group", "localhost:9876"), aio.Producer)


def a_transaction_is_a_context() -> None:
    with (
        TransactionProducer("pay", check=lambda message: Commit if message.keys else Unknown) as producer,
        producer.transaction("pay", b"42", keys="42"),
    ):
        pass
