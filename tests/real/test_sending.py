"""Sends that a real broker must take, and what it answers."""

from __future__ import annotations

import os

import pytest

from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.compression import CompressionKind, compress, compression_flag
from pyrocketmq.model import (
    Message,
    MessageSysFlag,
    RemotingCommand,
    SendStatus,
    encode_batch,
    generate_opaque,
)
from pyrocketmq.model import RemotingRequestFactory as Requests

from .conftest import Cluster
from .polling import read_queue
from .wire import Codec, Wire

HARD_TEXTS = {
    "plain": "value",
    "quotes": "\"'\\/",
    "controls": "\x00\x03\x1f\x7f\n\r\t",
    "wide": "\u00e9\u4e3b\U0001f600\u2028",
    "\u540d": "a name that is no ASCII",
}


def test_answers_come_in_the_codec_that_the_version_uses(
    cluster: Cluster, broker: Wire, codec: Codec
) -> None:
    answer = broker.ask(Requests.create_get_broker_runtime_info_request())

    assert answer.codec == ("json" if cluster.is_5 else codec)


def test_a_sent_message_is_stored_as_it_was(cluster: Cluster, broker: Wire, topic: str) -> None:
    message = Message(topic, "h\u00e9llo", "new", ["order-1", "order-2"], flag=-7, properties=HARD_TEXTS)

    result = broker.send(message, 2)

    assert result.ok
    assert result.status is SendStatus.SEND_OK
    assert (result.queue_id, result.queue_offset) == (2, 0)
    # The client's own id comes back as the transaction's; 4.9 sends none.
    assert result.transaction_id == (message.unique_id if cluster.is_5 else result.msg_id)
    (read,) = read_queue(broker, topic, 2, 1)
    assert read.body == "h\u00e9llo".encode()
    assert (read.topic, read.tags, read.keys, read.flag) == (topic, "new", "order-1 order-2", -7)
    assert HARD_TEXTS.items() <= read.properties.items()
    assert read.unique_id == message.unique_id
    assert read.offset_msg_id == result.offset_msg_id
    assert read.store_host == (cluster.broker.split(":")[0], int(cluster.broker.split(":")[1]))
    assert read.born_host[0] == "127.0.0.1"
    assert 0 < read.born_timestamp <= read.store_timestamp + 1000
    assert (read.queue_id, read.queue_offset, read.reconsume_times) == (2, 0, 0)
    assert read.check_crc()


def test_a_message_is_found_by_its_offset_id(broker: Wire, topic: str) -> None:
    result = broker.send(Message(topic, "find me"))
    assert result.offset_msg_id is not None
    place = decode_offset_message_id(result.offset_msg_id)

    answer = broker.call(Requests.create_view_message_request(place.offset, topic=topic))

    (read,) = decode_messages_strict(answer.body or b"")
    assert read.body == b"find me"
    assert read.commit_log_offset == place.offset
    assert read.store_host == (place.ip, place.port)


def test_a_batch_is_stored_message_by_message(broker: Wire, topic: str) -> None:
    messages = [
        Message(topic, f"body {number}", "odd" if number % 2 else None, f"key-{number}")
        for number in range(10)
    ]

    result = broker.send(messages, 1)

    read = read_queue(broker, topic, 1, 10)
    assert result.ok
    assert result.queue_offset == 0
    assert [item.body for item in read] == [message.body for message in messages]
    assert [item.unique_id for item in read] == [message.unique_id for message in messages]
    assert [item.keys for item in read] == [message.keys for message in messages]
    assert [item.queue_offset for item in read] == list(range(10))
    assert (result.offset_msg_id or "").split(",") == [item.offset_msg_id for item in read]


def test_a_batch_made_beforehand_is_stored_too(broker: Wire, topic: str) -> None:
    batch = encode_batch(Message(topic, "a"), Message(topic, "b", properties=HARD_TEXTS))

    assert broker.send(batch).ok

    read = read_queue(broker, topic, 0, 2)
    assert [item.body for item in read] == [b"a", b"b"]
    assert HARD_TEXTS.items() <= read[1].properties.items()


@pytest.mark.parametrize("version", [1, 2])
def test_requests_of_the_factory_are_taken_like_frames_of_the_encoder(
    broker: Wire, topic: str, version: int
) -> None:
    if version == 1:
        command = Requests.create_send_message_request("real-producers", topic, b"general", 3, keys="k")
    else:
        command = Requests.create_send_message_v2_request("real-producers", topic, b"general", 3, keys="k")

    answer = broker.ask(command)

    assert decode_send_answer(answer.raw).ok
    (read,) = read_queue(broker, topic, 3, 1)
    assert (read.body, read.keys) == (b"general", "k")


@pytest.mark.parametrize("kind", ["zlib", "lz4", "zstd"])
def test_a_compressed_body_comes_back_plain(broker: Wire, topic: str, kind: CompressionKind) -> None:
    plain = b"compress me " * 1000

    broker.send(Message(topic, plain), sys_flag=compression_flag(kind), body=compress(plain, kind))

    (read,) = read_queue(broker, topic, 0, 1)
    assert read.body == plain
    assert read.raw_sys_flag == compression_flag(kind)
    assert len(read.raw_body) < len(plain) // 10
    assert read.sys_flag & 1 == 0
    assert read.check_crc()


def test_a_one_way_send_is_stored_and_not_answered(broker: Wire, topic: str) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("real-producers", codec=broker.codec)
    encoder.put(buffer, Message(topic, "one way"), 0, generate_opaque(), oneway=True)
    broker.write(buffer.take())

    (read,) = read_queue(broker, topic, 0, 1)
    assert read.body == b"one way"
    assert broker.pushed == []


def test_a_burst_of_sends_in_one_write_is_answered_one_by_one(broker: Wire, topic: str) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("real-producers", codec=broker.codec)
    messages = {generate_opaque(): Message(topic, f"burst {number}") for number in range(200)}
    for opaque, message in messages.items():
        encoder.put(buffer, message, opaque % 4, opaque)
    broker.write(buffer.take())

    answers = broker.read(200)

    assert answers.keys() == messages.keys()
    for opaque, answer in answers.items():
        result = decode_send_answer(answer.raw)
        assert result.ok
        assert (result.opaque, result.queue_id) == (opaque, opaque % 4)


def test_bodies_of_every_byte_and_of_the_largest_size_come_back(broker: Wire, topic: str) -> None:
    largest = os.urandom(4 * 1024 * 1024)
    for body in (bytes(range(256)), largest):
        assert broker.send(Message(topic, body)).ok

    # A pull answer ends before the message that would make it too large.
    assert read_queue(broker, topic, 0, 1)[0].body == bytes(range(256))
    assert read_queue(broker, topic, 0, 1, begin=1)[0].body == largest


def test_a_body_over_the_limit_is_refused_with_a_code(broker: Wire, topic: str) -> None:
    command = Requests.create_send_message_v2_request("real-producers", topic, bytes(4 * 1024 * 1024 + 1), 0)

    answer = broker.ask(command)

    result = decode_send_answer(answer.raw)
    assert (result.code, result.status, result.ok) == (13, None, False)
    assert result.remark == answer.command.remark


def test_a_queue_that_is_not_there_is_refused(broker: Wire, topic: str) -> None:
    result = broker.send(Message(topic, "where to?"), 99)

    assert not result.ok
    assert result.code != 0
    assert result.remark


def test_a_delayed_message_arrives_later_with_its_own_topic_and_queue(broker: Wire, topic: str) -> None:
    message = Message(topic, "later", properties={"DELAY": "1"})
    assert broker.send(message, 3).ok

    (read,) = read_queue(broker, topic, 3, 1)

    assert (read.topic, read.queue_id, read.body) == (topic, 3, b"later")
    assert read.unique_id == message.unique_id


def test_a_half_message_appears_once_it_is_committed(broker: Wire, topic: str) -> None:
    message = Message(topic, "half", properties={"TRAN_MSG": "true", "PGROUP": "real-producers"})
    half = broker.send(message, 1, sys_flag=MessageSysFlag.TRANSACTION_PREPARED)
    assert half.ok
    assert half.offset_msg_id is not None
    nothing = broker.ask(Requests.create_pull_message_request("readers", topic, 1, 0, 32)).command
    assert nothing.code == 19

    commit: RemotingCommand = Requests.create_end_transaction_request(
        "real-producers",
        half.queue_offset,
        decode_offset_message_id(half.offset_msg_id).offset,
        MessageSysFlag.TRANSACTION_COMMIT,
        msg_id=half.msg_id or "",
        transaction_id=half.transaction_id or "",
    )
    broker.call(commit)

    (read,) = read_queue(broker, topic, 1, 1)
    assert (read.body, read.unique_id) == (b"half", message.unique_id)
    assert read.prepared_transaction_offset > 0
