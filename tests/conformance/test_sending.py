"""Sends that a broker must take, what it answers, and what it stores."""

from __future__ import annotations

import os

import pytest

from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.compression import CompressionKind, compress, compression_flag
from pyrocketmq.model import Message, RequestCode, SendStatus, encode_batch, generate_opaque
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Codec, Server, Wire

from .conftest import Differs
from .reading import fields, read_queue

pytestmark = pytest.mark.parametrize("codec", ["json", "binary"])

HARD_TEXTS = {
    "plain": "value",
    "quotes": "\"'\\/",
    "controls": "\x00\x03\x1f\x7f\n\r\t",
    "wide": "\u00e9\u4e3b\U0001f600\u2028",
    "\u540d": "a name that is no ASCII",
}


def test_answers_come_in_the_codec_of_the_server(broker: Wire, codec: Codec, differs: Differs) -> None:
    answer = broker.ask(Requests.create_get_broker_config_request())

    assert answer.codec == (codec if differs("answers-in-the-codec-of-the-request") else "json")


def test_a_sent_message_is_stored_as_it_was(
    server: Server, broker: Wire, topic: str, differs: Differs
) -> None:
    message = Message(topic, "h\u00e9llo", "new", ["order-1", "order-2"], flag=-7, properties=HARD_TEXTS)

    result = broker.send(message, 2)

    assert result.ok
    assert result.status is SendStatus.SEND_OK
    assert (result.queue_id, result.queue_offset) == (2, 0)
    assert result.transaction_id == (
        result.msg_id if differs("no-transaction-id-of-sends") else message.unique_id
    )
    (read,) = read_queue(server, broker, topic, 2, 1)
    host, _, port = server.broker.rpartition(":")
    assert read.body == "h\u00e9llo".encode()
    assert (read.topic, read.tags, read.keys, read.flag) == (topic, "new", "order-1 order-2", -7)
    assert HARD_TEXTS.items() <= read.properties.items()
    assert read.unique_id == message.unique_id
    assert read.offset_msg_id == result.offset_msg_id
    assert read.store_host == (host, int(port))
    assert "{}:{}".format(*read.born_host) == broker.address
    assert 0 <= server.now_ms() - read.store_timestamp < 60_000
    assert (read.queue_id, read.queue_offset, read.reconsume_times) == (2, 0, 0)
    assert read.check_crc()


def test_the_broker_adds_properties(server: Server, broker: Wire, topic: str, differs: Differs) -> None:
    command = Requests.create_send_message_v2_request(
        "producers", topic, b"x", 1, properties={"mine": "yes", "UNIQ_KEY": "0" * 32}
    )

    answer = broker.call(command)

    (read,) = read_queue(server, broker, topic, 1, 1)
    added = {"CLUSTER": "DefaultCluster"}
    if not differs("adds-only-the-cluster"):
        added |= {"MSG_REGION": "DefaultRegion", "TRACE_ON": "true"}
    assert read.properties == {"mine": "yes", "UNIQ_KEY": "0" * 32, **added}
    assert fields(answer)["MSG_REGION"] == "DefaultRegion"
    assert fields(answer)["TRACE_ON"] == "true"


def test_a_message_without_an_id_gets_one(server: Server, broker: Wire, topic: str, differs: Differs) -> None:
    answer = broker.call(Requests.create_send_message_v2_request("producers", topic, b"x", 1))

    (read,) = read_queue(server, broker, topic, 1, 1)
    if differs("gives-no-unique-id"):
        assert (read.unique_id, fields(answer).get("transactionId")) == (None, None)
    else:
        assert read.unique_id
        assert fields(answer)["transactionId"] == read.unique_id


@pytest.mark.parametrize("wait", ["true", "false"])
def test_the_wait_of_a_sender_is_stored(
    server: Server, broker: Wire, topic: str, wait: str, differs: Differs
) -> None:
    command = Requests.create_send_message_v2_request("producers", topic, b"x", properties={"WAIT": wait})
    broker.call(command)

    (read,) = read_queue(server, broker, topic, 0, 1)

    assert read.get_property("WAIT") == (None if differs("does-not-store-wait") else wait)


def test_the_born_time_is_the_one_of_the_sender(server: Server, broker: Wire, topic: str) -> None:
    command = Requests.create_send_message_request(
        "producers", topic, b"x", born_timestamp=1_234_567_890_123, reconsume_times=2
    )
    broker.call(command)

    (read,) = read_queue(server, broker, topic, 0, 1)

    assert read.born_timestamp == 1_234_567_890_123
    assert read.reconsume_times == 2


def test_a_message_is_found_by_its_offset_id(broker: Wire, topic: str) -> None:
    result = broker.send(Message(topic, "find me"))
    assert result.offset_msg_id is not None
    place = decode_offset_message_id(result.offset_msg_id)

    answer = broker.call(Requests.create_view_message_request(place.offset, topic=topic))

    (read,) = decode_messages_strict(answer.body or b"")
    assert read.body == b"find me"
    assert read.commit_log_offset == place.offset
    assert read.store_host == (place.ip, place.port)


def test_a_batch_is_stored_message_by_message(server: Server, broker: Wire, topic: str) -> None:
    messages = [
        Message(topic, f"body {number}", "odd" if number % 2 else None, f"key-{number}")
        for number in range(10)
    ]

    result = broker.send(messages, 1)

    read = read_queue(server, broker, topic, 1, 10)
    assert result.ok
    assert result.queue_offset == 0
    assert [item.body for item in read] == [message.body for message in messages]
    assert [item.unique_id for item in read] == [message.unique_id for message in messages]
    assert [item.keys for item in read] == [message.keys for message in messages]
    assert [item.queue_offset for item in read] == list(range(10))
    assert (result.offset_msg_id or "").split(",") == [item.offset_msg_id for item in read]


def test_a_batch_made_beforehand_is_stored_too(server: Server, broker: Wire, topic: str) -> None:
    batch = encode_batch(Message(topic, "a"), Message(topic, "b", properties=HARD_TEXTS))

    assert broker.send(batch).ok

    read = read_queue(server, broker, topic, 0, 2)
    assert [item.body for item in read] == [b"a", b"b"]
    assert HARD_TEXTS.items() <= read[1].properties.items()


def test_the_batch_bit_makes_a_batch_of_a_single_send(server: Server, broker: Wire, topic: str) -> None:
    body = encode_batch(Message(topic, "a"), Message(topic, "b")).body
    command = Requests.create_send_message_v2_request("producers", topic, body, 2, batch=True)

    answer = broker.call(command)

    assert len(fields(answer)["msgId"].split(",")) == 2
    assert [item.body for item in read_queue(server, broker, topic, 2, 2)] == [b"a", b"b"]


def test_a_batch_behind_other_messages_gets_the_next_offsets(
    server: Server, broker: Wire, topic: str
) -> None:
    broker.send(Message(topic, "before"))

    result = broker.send([Message(topic, "a"), Message(topic, "b")])
    after = broker.send(Message(topic, "after"))

    assert (result.queue_offset, after.queue_offset) == (1, 3)
    read = read_queue(server, broker, topic, 0, 4)
    assert [item.body for item in read] == [b"before", b"a", b"b", b"after"]


@pytest.mark.parametrize("version", [1, 2])
def test_requests_of_the_factory_are_taken_like_frames_of_the_encoder(
    server: Server, broker: Wire, topic: str, version: int
) -> None:
    if version == 1:
        command = Requests.create_send_message_request("producers", topic, b"general", 3, keys="k")
    else:
        command = Requests.create_send_message_v2_request("producers", topic, b"general", 3, keys="k")

    answer = broker.ask(command)

    assert decode_send_answer(answer.raw).ok
    (read,) = read_queue(server, broker, topic, 3, 1)
    assert (read.body, read.keys) == (b"general", "k")


@pytest.mark.parametrize("kind", ["zlib", "lz4", "zstd"])
def test_a_compressed_body_is_stored_as_it_came(
    server: Server, broker: Wire, topic: str, kind: CompressionKind
) -> None:
    plain = b"compress me " * 1000

    broker.send(Message(topic, plain), sys_flag=compression_flag(kind), body=compress(plain, kind))

    (read,) = read_queue(server, broker, topic, 0, 1)
    assert read.body == plain
    assert read.raw_sys_flag == compression_flag(kind)
    assert len(read.raw_body) < len(plain) // 10
    assert read.sys_flag & 1 == 0
    assert read.check_crc()


def test_a_one_way_send_is_stored_and_not_answered(server: Server, broker: Wire, topic: str) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("producers", codec=broker.codec)
    opaque = generate_opaque()
    encoder.put(buffer, Message(topic, "one way"), 0, opaque, oneway=True)
    broker.write(buffer.take())

    (read,) = read_queue(server, broker, topic, 0, 1)
    assert read.body == b"one way"
    assert broker.arrived(opaque) is None
    assert broker.pushed == []


def test_a_one_way_send_that_fails_is_not_answered_either(broker: Wire) -> None:
    refused = Requests.create_send_message_v2_request("producers", "no blanks allowed", b"x")
    broker.tell(refused)

    broker.call(Requests.create_get_broker_config_request())

    assert broker.arrived(refused.opaque) is None


def test_a_send_with_the_bit_of_an_answer_is_not_stored(server: Server, broker: Wire, topic: str) -> None:
    command = Requests.create_send_message_v2_request("producers", topic, b"lost")
    command.flag = 1
    broker.hold(command)

    broker.send(Message(topic, "kept"))

    assert [item.body for item in read_queue(server, broker, topic, 0, 1)] == [b"kept"]


def test_a_burst_of_sends_in_one_write_is_answered_one_by_one(broker: Wire, topic: str) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("producers", codec=broker.codec)
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


def test_sends_of_one_connection_are_stored_in_their_order(server: Server, broker: Wire, topic: str) -> None:
    for number in range(30):
        assert broker.send(Message(topic, f"{number}")).queue_offset == number

    read = read_queue(server, broker, topic, 0, 30)

    assert [item.body for item in read] == [f"{number}".encode() for number in range(30)]
    places = [item.commit_log_offset for item in read]
    assert places == sorted(set(places))


def test_bodies_of_every_byte_and_of_the_largest_size_come_back(
    server: Server, broker: Wire, topic: str
) -> None:
    largest = os.urandom(4 * 1024 * 1024)
    for body in (bytes(range(256)), largest):
        assert broker.send(Message(topic, body)).ok

    # A pull answer ends before the message that would make it too large.
    assert read_queue(server, broker, topic, 0, 1)[0].body == bytes(range(256))
    assert read_queue(server, broker, topic, 0, 1, begin=1)[0].body == largest


def test_a_negative_queue_lets_the_broker_choose(broker: Wire, topic: str) -> None:
    chosen = {broker.send(Message(topic, "anywhere"), -1).queue_id for _ in range(60)}

    assert chosen == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "code", [RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2, RequestCode.SEND_BATCH_MESSAGE]
)
def test_unknown_fields_of_a_send_are_left_alone(broker: Wire, topic: str, code: int) -> None:
    body = encode_batch(Message(topic, "a")).body
    commands = {
        RequestCode.SEND_MESSAGE: Requests.create_send_message_request("producers", topic, b"a"),
        RequestCode.SEND_MESSAGE_V2: Requests.create_send_message_v2_request("producers", topic, b"a"),
        RequestCode.SEND_BATCH_MESSAGE: Requests.create_send_batch_message_request("producers", topic, body),
    }
    command = commands[RequestCode(code)]
    command.ext_fields = fields(command) | {"somethingNew": "1", "zz": "", "A": "B"}

    assert fields(broker.call(command))["queueOffset"] == "0"
