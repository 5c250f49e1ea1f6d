"""Batches, sends with long names, and pulls on their native way: everything is as on the general way."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import decode_frame, encode_frame
from pyrocketmq.model.headers import Header, SendMessageRequestHeader
from pyrocketmq.model.message_ext import MessageExt, decode_messages_strict
from pyrocketmq.model.producer_consumer import SubscriptionData
from pyrocketmq.server import EmbeddedServer
from pyrocketmq.server.broker import Broker
from pyrocketmq.server.topics import TopicSettings
from tests.server.client import Client, pull_header, send_header
from tests.server.test_quick_sends import exchange

Codec = Literal["json", "binary"]

BATCH = encode_batch_records(
    [
        (7, f"UNIQ_KEY\x01{1:032X}\x02TAGS\x01a\x02", b"m0"),
        (0, "", b"m1"),
        (0, "KEYS\x01k", b"m2"),
    ]
)


@pytest.fixture
def broker(server: EmbeddedServer) -> Broker:
    """The only broker of `server`, with a topic T."""
    server.brokers[0].topics.put(TopicSettings("T", 4, 4))
    return server.brokers[0]


def frame(code: int, header: Header, body: bytes = b"", codec: Codec = "json", opaque: int = 7) -> bytes:
    """A request as one frame."""
    return encode_frame(
        RemotingCommand(code, 12, 513, opaque, 0, None, header.to_ext_fields(), body or None), codec
    )


async def general(broker: Broker, data: bytes) -> bytes:
    """The answer on the general way."""
    broker.general_only.add("test")
    try:
        return (await exchange(broker.address, data))[0]
    finally:
        broker.general_only.discard("test")


def messages_of(broker: Broker, queue_id: int) -> list[MessageExt]:
    """All messages of a queue of T."""
    queue = broker.store.log.find_queue("T", queue_id)
    assert queue is not None
    return decode_messages_strict(broker.store.log.cut(queue, 0).data)


def content(message: MessageExt) -> list[Any]:
    """What does not tell where a message lies."""
    return [message.body, dict(message.properties), message.flag, message.sys_flag, message.reconsume_times]


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("code", [310, 320])
@pytest.mark.parametrize("properties", ["", f"WAIT\x01true\x02UNIQ_KEY\x01{9:032X}\x02"])
async def test_batches_are_stored_and_answered_the_same(
    broker: Broker, codec: Codec, code: int, properties: str
) -> None:
    answers: list[dict[str, str | None]] = []
    for queue_id, ask in enumerate((exchange, general)):
        header = send_header("T", queue_id, properties, batch=True, reconsume_times=2)
        told = await ask(broker.address if ask is exchange else broker, frame(code, header, BATCH, codec))  # type: ignore[operator]
        answer = decode_frame(told if isinstance(told, bytes) else told[0])
        fields: dict[str, str | None] = dict(answer.ext_fields or {})
        stored = messages_of(broker, queue_id)
        assert ",".join([message.offset_msg_id for message in stored]) == fields.pop("msgId")
        assert str(queue_id) == fields.pop("queueId")
        answers.append(fields)
        assert (0, 7, 1) == (answer.code, answer.opaque, answer.flag)

    assert 1 == broker.quick.serving.batches
    assert answers[0] == answers[1]
    assert (f"{9:032X}" if properties else None) == answers[0].get("transactionId")
    assert [content(message) for message in messages_of(broker, 0)] == [
        content(message) for message in messages_of(broker, 1)
    ]


@pytest.mark.parametrize("body", [BATCH[:-3], b"no batch", b"", BATCH + b"\0"])
async def test_what_is_no_batch_is_refused_and_nothing_of_it_is_stored(broker: Broker, body: bytes) -> None:
    (answer,) = await exchange(broker.address, frame(320, send_header("T", batch=True), body))

    assert 1 == decode_frame(answer).code
    assert 0 == broker.quick.serving.batches
    assert broker.store.log.queue("T", 0).next_offset == 0


async def test_sends_with_long_names_go_the_native_way_too(broker: Broker) -> None:
    fields = send_header("T", 3, f"UNIQ_KEY\x01{5:032X}\x02")
    header = SendMessageRequestHeader(
        producer_group="pg", topic="T", default_topic="TBW102", default_topic_queue_nums=4, queue_id=3,
        sys_flag=1, born_timestamp=fields.born_timestamp, flag=2, properties=fields.properties, batch=False,
    )  # fmt: skip
    (answer,) = await exchange(broker.address, frame(10, header, b"go"))

    assert 1 == broker.quick.serving.sends
    assert f"{5:032X}" == (decode_frame(answer).ext_fields or {})["transactionId"]
    (message,) = messages_of(broker, 3)
    assert (b"go", 1, 2) == (message.raw_body, message.raw_sys_flag, message.flag)


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("code", [11, 361])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"offset": 2},
        {"max_msg_nums": 1},
        {"max_msg_nums": 0},
        {"max_msg_bytes": 150},
        {"subscription": "a || b"},
        {"subscription": "KEYS = 'k3'", "expression_type": "SQL92"},
        {"sys_flag": 5, "commit_offset": 1},
        {"sys_flag": 2, "sub_version": 5},
    ],
)
async def test_pulls_that_find_messages_are_answered_the_same_to_the_byte(
    broker: Broker, client: Client, codec: Codec, code: int, fields: dict[str, Any]
) -> None:
    kept: list[tuple[str, str, int, int]] = []
    broker.pulling.committed_offset = lambda *offset: kept.append(offset)
    broker.pulling.subscription_of = lambda _, topic: SubscriptionData.build(topic, "b", version=5)
    for number in range(5):
        tag = "ab"[number % 2]
        await client.send("T", b"m%d" % number, properties=f"TAGS\x01{tag}\x02KEYS\x01k{number}\x02")
    asked = frame(code, pull_header("T", **fields), codec=codec)

    (native,) = await exchange(broker.address, asked)

    assert 1 == broker.quick.serving.pulls
    assert native == await general(broker, asked)
    assert decode_frame(native).body
    assert ([("cg", "T", 0, 1)] * 2 if fields.get("sys_flag") == 5 else []) == kept


@pytest.mark.parametrize(
    "fields",
    [
        {"offset": 1},
        {"offset": 9},
        {"offset": -1},
        {"queue_id": 4},
        {"topic": "Nobody"},
        {"subscription": "z"},
        {"subscription": "||"},
        {"sys_flag": 0},
    ],
)
async def test_pulls_that_find_nothing_are_left_to_the_general_way(
    broker: Broker, client: Client, fields: dict[str, Any]
) -> None:
    await client.send("T")
    asked = frame(11, pull_header(**{"topic": "T", **fields}))

    answers = await exchange(broker.address, asked)

    assert 0 == broker.quick.serving.pulls
    assert 0 != decode_frame(answers[0]).code


async def test_nothing_goes_the_native_way_while_somebody_looks_at_all_requests(broker: Broker) -> None:
    seen: list[int] = []

    def look(call: Any, following: Any) -> Any:
        seen.append(call.code)
        return following(call)

    stop = broker.dispatcher.intercept(look)
    await exchange(broker.address, frame(310, send_header("T"), b"x"))
    stop()
    await exchange(broker.address, frame(310, send_header("T"), b"x"))

    assert [310] == seen
    assert 1 == broker.quick.serving.sends
