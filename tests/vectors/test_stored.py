"""Stored messages as brokers hand them out."""

from __future__ import annotations

import ipaddress
from typing import Any

from pyrocketmq._native.stored import MessageExt, decode_messages

from .loader import Case, cases


@cases("stored_message")
def test_stored_messages_are_read_as_java_does(case: Case) -> None:
    messages = decode_messages(bytes.fromhex(case["buffer_hex"]))
    ours = [as_vector(message, expected) for message, expected in zip(messages, case["decoded"], strict=True)]
    assert ours == [without_null(expected) for expected in case["decoded"]]


@cases("stored_message_498")
def test_4_9_leaves_the_bit_of_an_unpacked_body_set(case: Case) -> None:
    messages = decode_messages(bytes.fromhex(case["buffer_hex"]))
    for message, expected in zip(messages, case["decoded"], strict=True):
        assert {**as_vector(message, expected), "sysFlag": message.raw_sys_flag} == without_null(expected)
        assert message.sys_flag == expected["sysFlag"] & ~1


def without_null(expected: Case) -> Case:
    return {**expected, "body_hex": expected["body_hex"] or "", "properties": expected["properties"] or {}}


@cases("stored_message", "stored_message_498")
def test_a_message_that_is_taken_out_of_the_answer_stays_the_same(case: Case) -> None:
    buffer = bytes.fromhex(case["buffer_hex"])
    for message, expected in zip(decode_messages(memoryview(buffer)), case["decoded"], strict=True):
        alone = message.detach()
        assert as_vector(alone, expected) == as_vector(message, expected)
        assert alone.raw_record in buffer
        assert [alone] == decode_messages(alone.raw_record)


def as_vector(message: MessageExt, expected: Case) -> dict[str, Any]:
    """The members that the vector has, with our values."""
    ours: dict[str, Any] = {
        "topic": message.topic,
        "storeSize": message.store_size,
        "bodyCRC": message.body_crc,
        "queueId": message.queue_id,
        "flag": message.flag,
        "queueOffset": message.queue_offset,
        "commitLogOffset": message.commit_log_offset,
        "sysFlag": message.sys_flag,
        "bornTimestamp": message.born_timestamp,
        "bornHost": host(message.born_host),
        "storeTimestamp": message.store_timestamp,
        "storeHost": host(message.store_host),
        "reconsumeTimes": message.reconsume_times,
        "preparedTransactionOffset": message.prepared_transaction_offset,
        "body_hex": message.body.hex(),
        "properties": dict(message.properties),
        "msgId": message.msg_id,
        "offsetMsgId": message.offset_msg_id,
        "tags": message.tags,
        "keys": message.keys,
    }
    return {name: ours[name] for name in expected}


def host(address: tuple[str, int]) -> dict[str, Any]:
    return {"ip_hex": ipaddress.ip_address(address[0]).packed.hex(), "port": address[1]}
