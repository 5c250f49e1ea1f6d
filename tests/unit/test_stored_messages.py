"""Stored messages: lazy reading, records that are no records, inner batches, and the writer."""

from __future__ import annotations

import copy
import pickle
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq._native.stored import MessageExt, decode_messages, decode_messages_strict, encode_message
from pyrocketmq.compression import compress, compression_flag
from pyrocketmq.errors import (
    ConfigurationError,
    DecompressionError,
    DeserializationError,
    InvalidMessageError,
    MessageTooLargeError,
)
from tests.memory import kept_by
from tests.properties import FEWER_EXAMPLES

if TYPE_CHECKING:
    from pyrocketmq.compression import CompressionKind

INNER_BATCH = 0xC0

# Written by Java 5.5.0.
JAVA_RECORD = bytes.fromhex(
    "00000099daa320a753680b890000000300000000000000000000018800000000f51691b0000000000000019000d40c9a86bed4340000"
    "71ec0000019000d40cbb4e28972d000093950000000000000000000000000000001ea94be241f6c0079964a2b31f2ad9abc012813e89"
    "b6ca6d7895ba53dd237a0b546f7069632d6a574271450015544147530154616742024b455953016b31206b3202"
)

FIELDS: dict[str, Any] = {
    "topic": "orders",
    "body": b"hello",
    "properties": {"TAGS": "new", "KEYS": "k1 k2", "UNIQ_KEY": "7F00000100014E4D00003DDE00000002"},
    "flag": -7,
    "queue_id": 3,
    "queue_offset": 1 << 40,
    "commit_log_offset": (1 << 62) + 1,
    "sys_flag": 0x8,
    "born_timestamp": 1718000815258,
    "born_host": ("10.0.0.1", 29164),
    "store_timestamp": 1718000815291,
    "store_host": ("10.0.0.2", 10911),
    "reconsume_times": 2,
    "prepared_transaction_offset": 987654312,
}


def record(**changes: Any) -> bytes:
    fields = {**FIELDS, **changes}
    return encode_message(fields.pop("topic"), fields.pop("body"), **fields)


def one(**changes: Any) -> MessageExt:
    (message,) = decode_messages_strict(record(**changes), expand=False)
    return message


def test_record_of_java_is_read() -> None:
    (message,) = decode_messages(JAVA_RECORD, broker_name="b-1")
    assert ("Topic-jWBqE", "b-1", 3, 392) == (
        message.topic,
        message.broker_name,
        message.queue_id,
        message.queue_offset,
    )
    assert ("134.190.212.52", 29164) == message.born_host
    assert ("78.40.151.45", 37781) == message.store_host
    assert {"TAGS": "TagB", "KEYS": "k1 k2"} == dict(message.properties)
    assert "4E28972D0000939500000000F51691B0" == message.msg_id == message.offset_msg_id
    assert message.unique_id is None
    assert 30 == len(message.body) == message.body_size
    assert 153 == message.store_size
    assert message.check_crc()
    assert JAVA_RECORD == message.raw_record


def test_record_of_java_is_written_byte_for_byte() -> None:
    (message,) = decode_messages(JAVA_RECORD)
    written = encode_message(
        message.topic,
        message.body,
        properties=message.properties,
        queue_id=message.queue_id,
        queue_offset=message.queue_offset,
        commit_log_offset=message.commit_log_offset,
        born_timestamp=message.born_timestamp,
        born_host=message.born_host,
        store_timestamp=message.store_timestamp,
        store_host=message.store_host,
    )
    assert written == JAVA_RECORD


def test_every_field_comes_back() -> None:
    message = one()
    for name, value in FIELDS.items():
        assert value == getattr(message, name), name
    assert zlib.crc32(b"hello") & 0x7FFFFFFF == message.body_crc
    assert FIELDS["properties"]["UNIQ_KEY"] == message.msg_id == message.unique_id == message.transaction_id
    assert ("new", "k1 k2") == (message.tags, message.keys)
    assert "0A00000200002A9F4000000000000001" == message.offset_msg_id


@FEWER_EXAMPLES
@given(
    topic=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x01\x02"), min_size=1, max_size=200
    ),
    body=st.binary(max_size=300),
    properties=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x01\x02"), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x01\x02"), min_size=1),
        max_size=6,
    ),
    hosts=st.tuples(*[st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)] * 2),
    offset=st.integers(-(2**63), 2**63 - 1),
)
def test_any_message_survives_the_round_trip(
    topic: str, body: bytes, properties: dict[str, str], hosts: tuple[bytes, bytes], offset: int
) -> None:
    fields: dict[str, Any] = {"properties": properties, "commit_log_offset": offset, "queue_offset": offset}
    data = encode_message(topic, body, born_host=(hosts[0], 1), store_host=(hosts[1], 65535), **fields)
    (message,) = decode_messages_strict(data)
    assert (topic, body, properties) == (message.topic, message.body, dict(message.properties))
    assert (offset, offset) == (message.queue_offset, message.commit_log_offset)
    assert (16 * (len(hosts[0]) > 4), 32 * (len(hosts[1]) > 4)) == (
        message.sys_flag & 16,
        message.sys_flag & 32,
    )
    assert all(value == one_of(data).get_property(name) for name, value in properties.items())
    assert data == message.raw_record


def one_of(data: bytes) -> MessageExt:
    return decode_messages(data)[0]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_are_copied_once(kind: type) -> None:
    data = bytearray(record() + record(queue_id=4))
    messages = decode_messages(kind(data))
    data[:] = bytes(len(data))
    assert [3, 4] == [message.queue_id for message in messages]
    assert b"hello" == messages[1].body


def test_buffers_of_wider_items_and_odd_strides_are_read_as_bytes() -> None:
    data = record()
    spread = bytearray(2 * len(data))
    spread[::2] = data
    assert decode_messages(memoryview(spread)[::2])[0] == one()


def test_nothing_but_bytes_is_refused_as_an_answer() -> None:
    with pytest.raises(TypeError):
        decode_messages("text")  # type: ignore[arg-type]


def test_long_topics_are_v2_records() -> None:
    assert "daa320a7" == record(topic="t" * 127)[4:8].hex()
    data = record(topic="t" * 128)
    assert "daa320ab" == data[4:8].hex()
    assert "t" * 128 == one_of(data).topic


def test_v1_record_may_have_a_topic_of_255_bytes() -> None:
    data = bytearray(record(topic="t" * 128, body=b"", properties=None))
    at = 88  # the topic length, two bytes in V2
    short = data[:at] + data[at + 1 :]
    short[0:8] = struct.pack(">iI", len(short), 0xDAA320A7)
    assert "t" * 128 == one_of(bytes(short)).topic


def test_empty_body_and_no_properties_are_empty_not_missing() -> None:
    message = one(body=b"", properties=None)
    assert b"" == message.body == message.raw_body
    assert {} == dict(message.properties)
    assert message.tags is None
    assert message.check_crc()


@pytest.mark.parametrize("kind", ["zlib", "lz4", "zstd"])
def test_body_is_unpacked_when_asked_for(kind: CompressionKind) -> None:
    plain = b"again and again " * 100
    packed = compress(plain, kind)
    message = one(body=packed, sys_flag=compression_flag(kind))
    assert packed == message.raw_body
    assert plain == message.body
    assert message.body is message.body
    assert packed == message.raw_body
    assert len(packed) == message.body_size
    assert compression_flag(kind) == message.raw_sys_flag
    assert compression_flag(kind) & ~1 == message.sys_flag
    assert message.check_crc()


def test_old_clients_leave_the_type_bits_clear_for_zlib() -> None:
    assert b"x" * 50 == one(body=zlib.compress(b"x" * 50), sys_flag=0x1).body


def test_body_over_the_bound_is_refused_at_access_only() -> None:
    data = record(body=compress(b"x" * 1001, "zlib"), sys_flag=0x301)
    (message,) = decode_messages(data, max_body_bytes=1000)
    assert "orders" == message.topic
    for _ in range(2):
        with pytest.raises(DecompressionError, match="1,000 bytes"):
            _ = message.body
    assert 1001 == len(zlib.decompress(message.raw_body))


@pytest.mark.parametrize("sys_flag", [0x1, 0x101, 0x201, 0x301, 0x401, 0x701])
def test_damaged_body_is_refused_and_stays_readable_raw(sys_flag: int) -> None:
    message = one(body=b"no compressed data", sys_flag=sys_flag)
    with pytest.raises(DecompressionError):
        _ = message.body
    assert b"no compressed data" == message.raw_body


def test_crc_notices_a_changed_body() -> None:
    data = bytearray(record())
    data[data.index(b"hello")] ^= 1
    assert not one_of(bytes(data)).check_crc()


def test_walk_ends_before_a_record_that_cannot_be_read() -> None:
    good = record() + record(queue_id=4)
    for tail in (
        b"\0",
        bytes(10),
        bytes(200),
        record()[:-1],
        b"\xff" * 100,
        record().replace(b"\xda\xa3", b"\xcb\xd4"),
    ):
        assert [3, 4] == [message.queue_id for message in decode_messages(good + tail)]
        with pytest.raises(
            DeserializationError, match=f"no stored message at byte {len(good)}, {len(tail)} bytes"
        ):
            decode_messages_strict(good + tail)


def test_record_cut_anywhere_is_refused() -> None:
    data = record(born_host=("::1", 1), store_host=("::2", 2))
    for size in range(1, len(data)):
        assert [] == decode_messages(data[:size])


@pytest.mark.parametrize(
    ("at", "value", "field"),
    [
        (0, struct.pack(">i", -1), "size"),
        (0, struct.pack(">i", 90), "size"),
        (0, struct.pack(">i", 2**31 - 1), "size"),
        (4, b"\xcb\xd4\x31\x94", "magic"),
        (36, struct.pack(">i", 0x30), "body"),
        (84, struct.pack(">i", -1), "body"),
        (84, struct.pack(">i", 2**31 - 1), "body"),
        (93, b"\xff", "topic"),
        (100, b"\xff\xff", "properties"),
        (100, b"\x7f\xff", "properties"),
    ],
)
def test_lying_length_is_refused_by_name(at: int, value: bytes, field: str) -> None:
    data = bytearray(record())
    data[at : at + len(value)] = value
    assert [] == decode_messages(bytes(data))
    with pytest.raises(DeserializationError) as caught:
        decode_messages_strict(bytes(data))
    assert field == caught.value.field


def test_hosts_that_do_not_fit_the_record_are_refused() -> None:
    data = bytearray(record(topic=b"", body=b"", properties=None))
    data[36:40] = struct.pack(">i", 0x30)
    with pytest.raises(DeserializationError) as caught:
        decode_messages_strict(bytes(data))
    assert "hosts" == caught.value.field


def test_bytes_between_the_parts_and_the_end_of_a_record_are_passed_over() -> None:
    data = bytearray(record()) + b"more"
    data[0:4] = struct.pack(">i", len(data))
    messages = decode_messages_strict(bytes(data) + record(queue_id=4))
    assert [3, 4] == [message.queue_id for message in messages]
    assert bytes(data) == messages[0].raw_record
    assert messages[0] == messages[0].detach()


def test_offset_delta_is_added_to_queue_offsets() -> None:
    (message,) = decode_messages(record(queue_offset=5), offset_delta=1000)
    assert 1005 == message.queue_offset
    assert 1005 == message.detach().queue_offset
    assert 1005 == pickle.loads(pickle.dumps(message)).queue_offset


def test_later_value_of_a_property_wins() -> None:
    data = record(properties="TAGS\x01a\x02x\x01\x02TAGS\x01b\x02\x01y\x02z")
    assert "b" == one_of(data).tags
    assert {"TAGS": "b"} == dict(one_of(data).properties)


def test_broken_utf8_reads_as_replacement_characters() -> None:
    message = one(topic=b"a\xff", properties=b"k\xff\x01v\xff\x02")
    assert "a\ufffd" == message.topic
    assert {"k\ufffd": "v\ufffd"} == dict(message.properties)


def test_get_property_has_a_default_and_takes_any_name() -> None:
    message = one()
    for _ in range(2):
        assert "new" == message.get_property("TAGS")
        assert message.get_property("tags") is None
        assert "d" == message.get_property("", "d")
        assert "d" == message.get_property("TAGS\x01new\x02", "d")
        assert "d" == message.get_property("\ud800", "d")
        assert 3 == len(message.properties)


def test_properties_cannot_be_changed() -> None:
    message = one()
    with pytest.raises(TypeError):
        message.properties["TAGS"] = "other"  # type: ignore[index]
    with pytest.raises(AttributeError):
        message.tags = "other"  # type: ignore[misc]


def test_retried_message_shows_the_topic_it_was_sent_to() -> None:
    retried = one(topic="%RETRY%group", properties={"RETRY_TOPIC": "orders"})
    assert ("%RETRY%group", "orders") == (retried.topic, retried.real_topic)
    assert "%RETRY%group" == one(topic="%RETRY%group").real_topic
    assert "orders" == one(properties={"RETRY_TOPIC": "other"}).real_topic


def test_named_properties_are_read() -> None:
    message = one(properties={"DELAY": "3", "__SHARDINGKEY": "java", "__transactionId__": "tx"})
    assert (3, "java", "tx") == (message.delay_level, message.sharding_key, message.transaction_id)
    message = one(properties={"DELAY": "no number", "__SHARDINGKEY": "java", "SHARDING_KEY": "go"})
    assert (0, "go", None) == (message.delay_level, message.sharding_key, message.transaction_id)


def test_topics_names_and_hosts_of_an_answer_are_shared() -> None:
    first, second = decode_messages(record() + record(queue_id=4))
    assert first.topic is second.topic
    assert first.store_host is second.store_host
    assert next(iter(first.properties)) is next(iter(second.properties))


def test_detached_message_does_not_hold_the_answer() -> None:
    data = record(body=b"x" * 10_000) + record()
    before = sys.getrefcount(data)
    kept = decode_messages(data)[1].detach()
    assert before == sys.getrefcount(data)
    assert b"hello" == kept.body
    held = decode_messages(data)[1]
    assert before + 1 == sys.getrefcount(data)
    assert held == kept


def test_messages_are_values() -> None:
    (message,) = decode_messages(record(), broker_name="b")
    again = pickle.loads(pickle.dumps(message))
    assert again == message == copy.copy(message) == copy.deepcopy(message)
    assert hash(again) == hash(message)
    assert repr(again) == repr(message)
    assert message != decode_messages(record())[0]
    assert message != decode_messages(record(flag=1), broker_name="b")[0]
    assert message != decode_messages(record(), broker_name="b", offset_delta=1)[0]
    assert message != "message"


def test_repr_shows_no_body() -> None:
    (message,) = decode_messages(record(), broker_name="b-1")
    assert repr(message) == (
        "MessageExt(topic='orders', broker_name='b-1', queue_id=3, queue_offset=1099511627776, "
        "msg_id='7F00000100014E4D00003DDE00000002', tags='new', keys='k1 k2', body=<5 bytes>)"
    )


def test_messages_cannot_be_made_by_hand_and_an_empty_shell_is_harmless() -> None:
    with pytest.raises(TypeError, match="decode_messages"):
        MessageExt()
    shell = MessageExt.__new__(MessageExt)  # type: ignore[call-overload]
    for name in dir(MessageExt):
        if not name.startswith("_"):
            value = getattr(shell, name)
            if callable(value) and name != "get_property":
                value()
    assert shell == pickle.loads(pickle.dumps(shell)) == shell.detach()
    assert 0 == shell.born_host[1] == shell.store_size


# ---- inner batches ----


def inner_batch(**changes: Any) -> bytes:
    entries = [(n, f"TAGS\x01t{n}\x02", b"body %d" % n) for n in range(3)]
    fields: dict[str, Any] = {"body": encode_batch_records(entries), "sys_flag": INNER_BATCH | 0x8, **changes}
    return record(**fields)


def test_inner_batch_is_replaced_by_its_messages() -> None:
    data = record() + inner_batch(queue_offset=10) + record(queue_id=9)
    messages = decode_messages(data, offset_delta=100, broker_name="b")
    assert 5 == len(messages)
    assert [110, 111, 112] == [message.queue_offset for message in messages[1:4]]
    for rank, message in enumerate(messages[1:4]):
        assert (b"body %d" % rank, f"t{rank}", rank) == (message.body, message.tags, message.flag)
        assert ("orders", 3, "b") == (message.topic, message.queue_id, message.broker_name)
        assert FIELDS["commit_log_offset"] == message.commit_log_offset
        assert FIELDS["store_host"] == message.store_host
        assert 0 == message.body_crc
        assert message.check_crc()
        assert not message.is_inner_batch
        assert [message] == message.expand()


def test_messages_of_an_inner_batch_are_values_too() -> None:
    for message in decode_messages(inner_batch(store_host=("::7", 1)), offset_delta=7, broker_name="b"):
        again = pickle.loads(pickle.dumps(message))
        assert message == again == message.detach()
        assert again.store_size == len(again.raw_record) == message.store_size
        assert (message.body, message.tags, message.flag) == (again.body, again.tags, again.flag)
        assert (message.store_host, message.queue_offset) == (again.store_host, again.queue_offset)
        assert not again.is_inner_batch


def test_inner_batch_can_be_kept_whole_and_expanded_later() -> None:
    (whole,) = decode_messages(inner_batch(), expand=False)
    assert whole.is_inner_batch
    assert whole.check_crc()
    assert decode_messages(inner_batch()) == whole.expand()


@pytest.mark.parametrize("sys_flag", [0x40, 0x80])
def test_one_of_the_two_bits_is_no_inner_batch(sys_flag: int) -> None:
    (message,) = decode_messages(inner_batch(sys_flag=sys_flag))
    assert not message.is_inner_batch


def test_compressed_inner_batch_is_unpacked_first() -> None:
    packed = compress(one_of(inner_batch(sys_flag=0)).body, "lz4")
    messages = decode_messages(inner_batch(body=packed, sys_flag=INNER_BATCH | 0x101))
    assert [b"body 0", b"body 1", b"body 2"] == [message.body for message in messages]
    assert [INNER_BATCH | 0x100] * 3 == [message.raw_sys_flag for message in messages]


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-1],
        lambda body: body + b"\0",
        lambda body: struct.pack(">i", 21) + body[4:],
        lambda body: struct.pack(">i", -1) + body[4:],
        lambda body: body[:16] + struct.pack(">i", -1) + body[20:],
        lambda body: body[:16] + struct.pack(">i", 7) + body[20:],
    ],
)
def test_inner_batch_that_cannot_be_opened_stays_one_message(damage: Any) -> None:
    body = damage(one_of(inner_batch(sys_flag=0)).body)
    (message,) = decode_messages(inner_batch(body=body))
    assert message.is_inner_batch
    assert body == message.body
    with pytest.raises(DeserializationError, match="inner batch of 7F00"):
        message.expand()


def test_inner_batch_over_the_bound_stays_one_message() -> None:
    packed = compress(b"\0" * 100_000, "zlib")
    (message,) = decode_messages(inner_batch(body=packed, sys_flag=INNER_BATCH | 0x301), max_body_bytes=1000)
    assert message.is_inner_batch
    with pytest.raises(DecompressionError):
        message.expand()


# ---- the writer ----


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"topic": ""}, InvalidMessageError, "topic"),
        ({"topic": 7}, InvalidMessageError, "topic"),
        ({"topic": b"t" * 32768}, MessageTooLargeError, "topic"),
        ({"body": 7}, InvalidMessageError, "body"),
        ({"body": "\ud800"}, InvalidMessageError, "body"),
        ({"properties": {"a": ""}}, InvalidMessageError, "property 'a'"),
        ({"properties": {"a": "b\x02"}}, InvalidMessageError, "property 'a'"),
        ({"properties": "\ud800"}, InvalidMessageError, "properties"),
        ({"properties": b"x" * 32768}, MessageTooLargeError, "properties"),
        ({"queue_id": 2**31}, InvalidMessageError, "queue_id"),
        ({"queue_offset": 2**63}, InvalidMessageError, "queue_offset"),
        ({"flag": "1"}, InvalidMessageError, "flag"),
        ({"body_crc": -(2**31) - 1}, InvalidMessageError, "body_crc"),
        ({"born_host": "10.0.0.1:1"}, InvalidMessageError, "born_host"),
        ({"born_host": ("broker", 1)}, ConfigurationError, "born_host"),
        ({"store_host": ("10.0.0.1", 2**31)}, InvalidMessageError, "store_host"),
    ],
)
def test_part_that_does_not_fit_its_field_is_named(changes: dict[str, Any], error: type, field: str) -> None:
    with pytest.raises(error) as caught:
        record(**changes)
    assert field == getattr(caught.value, "field", None)
    assert getattr(caught.value, "advice", None)


def test_body_may_be_text_and_properties_text_or_pairs() -> None:
    assert "h\u00e9".encode() == one(body="h\u00e9").body
    for properties in ({"a": "b"}, [("a", "b")], "a\x01b\x02", b"a\x01b\x02"):
        assert {"a": "b"} == dict(one(properties=properties).properties)


def test_given_crc_is_written() -> None:
    assert -5 == one(body_crc=-5).body_crc


def test_memory_is_level_after_a_thousand_answers() -> None:
    data = (
        record(body=compress(b"x" * 500, "zlib"), sys_flag=0x301)
        + inner_batch()
        + record(born_host=("::1", 1))
    )

    def consume() -> None:
        for message in decode_messages(data):
            _ = (message.body, message.properties, message.msg_id, message.born_host, message.topic)
            message.detach()
        with pytest.raises(DeserializationError):
            decode_messages_strict(data + b"\0")

    consume()
    references = sys.getrefcount(data)

    def consume_often() -> None:
        for _ in range(1000):
            consume()

    assert kept_by(consume_often) < 20_000
    assert references == sys.getrefcount(data)
