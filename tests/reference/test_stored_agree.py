"""Stored messages: native and reference read, open, write and refuse alike, attribute by attribute."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import stored as native
from tests.properties import FEWER_EXAMPLES

from .agreement import Refusal, outcome
from .codec import stored as reference
from .codec.hashes import body_crc
from .strategies import INT64, damaged, stored_messages

whole_records = stored_messages().map(reference.encode_message)
streams = st.lists(whole_records, min_size=1, max_size=3).map(b"".join)
SAME_NAMES = (
    "store_size", "body_crc", "queue_id", "flag", "queue_offset", "commit_log_offset", "sys_flag", "topic",
    "born_timestamp", "born_host", "store_timestamp", "store_host", "reconsume_times", "stored_body",
    "prepared_transaction_offset", "raw_sys_flag", "offset_msg_id", "msg_id", "properties",
)  # fmt: skip
deltas = st.integers(0, 100) | INT64


def host(found: tuple[str, int]) -> reference.Host:
    ip, port = found
    return reference.Host(socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip), port)


def all_of_native(message: native.MessageExt) -> dict[str, Any]:
    return {
        "store_size": message.store_size,
        "body_crc": message.body_crc,
        "queue_id": message.queue_id,
        "flag": message.flag,
        "queue_offset": message.queue_offset,
        "commit_log_offset": message.commit_log_offset,
        "sys_flag": message.sys_flag,
        "raw_sys_flag": message.raw_sys_flag,
        "born_timestamp": message.born_timestamp,
        "born_host": host(message.born_host),
        "store_timestamp": message.store_timestamp,
        "store_host": host(message.store_host),
        "reconsume_times": message.reconsume_times,
        "prepared_transaction_offset": message.prepared_transaction_offset,
        "stored_body": message.raw_body,
        "body": outcome(lambda: message.body),
        "topic": message.topic,
        "offset_msg_id": message.offset_msg_id,
        "msg_id": message.msg_id,
        "one_property": {name: message.get_property(name) for name in ("UNIQ_KEY", "TAGS", "KEYS")},
        "properties": dict(message.properties),
    }


def all_of_reference(message: reference.StoredMessage) -> dict[str, Any]:
    found = {name: getattr(message, name) for name in SAME_NAMES}
    found["body"] = outcome(lambda: message.body)
    found["one_property"] = {name: message.properties.get(name) for name in ("UNIQ_KEY", "TAGS", "KEYS")}
    return found


def assert_same(expected: list[reference.StoredMessage], found: list[native.MessageExt]) -> None:
    assert [all_of_reference(message) for message in expected] == [
        all_of_native(message) for message in found
    ]


@FEWER_EXAMPLES
@given(streams)
def test_records_are_read_alike(data: bytes) -> None:
    assert_same(reference.decode_messages(data), native.decode_messages(data, expand=False))


@FEWER_EXAMPLES
@given(damaged(streams))
def test_damaged_records_are_read_alike_up_to_the_damage(data: bytes) -> None:
    assert_same(reference.decode_messages(data), native.decode_messages(data, expand=False))


@given(damaged(streams) | streams, deltas)
def test_inner_batches_are_opened_alike(data: bytes, delta: int) -> None:
    expected = reference.decode_and_expand(data, delta)
    assert_same(expected, native.decode_messages(memoryview(bytearray(data)), offset_delta=delta))


@given(damaged(streams) | streams | st.binary(max_size=100))
def test_the_strict_reader_refuses_alike(data: bytes) -> None:
    expected = outcome(lambda: reference.decode_all(data))
    found = outcome(lambda: native.decode_messages_strict(data, expand=False))
    if isinstance(expected, Refusal) or isinstance(found, Refusal):
        assert expected == found
    else:
        assert_same(expected, found)


@given(stored_messages())
def test_records_are_written_alike(message: reference.StoredMessage) -> None:
    message = replace(message, raw_sys_flag=message.raw_sys_flag, body_crc=body_crc(message.stored_body))
    found = outcome(
        lambda: native.encode_message(
            message.raw_topic,
            message.stored_body,
            properties=message.raw_properties,
            flag=message.flag,
            queue_id=message.queue_id,
            queue_offset=message.queue_offset,
            commit_log_offset=message.commit_log_offset,
            sys_flag=message.raw_sys_flag,
            born_timestamp=message.born_timestamp,
            born_host=(message.born_host.address, message.born_host.port),
            store_timestamp=message.store_timestamp,
            store_host=(message.store_host.address, message.store_host.port),
            reconsume_times=message.reconsume_times,
            prepared_transaction_offset=message.prepared_transaction_offset,
        )
    )
    assert reference.encode_message(message) == found


@given(whole_records)
def test_the_crc_check_agrees(data: bytes) -> None:
    expected = reference.decode_messages(data)[0]
    message = native.decode_messages(data, expand=False)[0]
    assert message.check_crc() == (body_crc(expected.stored_body) == expected.body_crc & 0x7FFFFFFF)


@given(streams)
def test_a_message_alone_is_the_message_in_its_answer(data: bytes) -> None:
    for message in native.decode_messages(data):
        alone = message.detach()
        assert message == alone
        assert all_of_native(message) == all_of_native(alone)
