"""Batch bodies: what goes in, what comes back, and what can never be part of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pyrocketmq._native.batch import (
    MAX_BODY_BYTES,
    BatchRecord,
    decode_batch_body,
    encode_batch_bodies,
    encode_batch_body,
    encode_batch_records,
)
from pyrocketmq._native.message import Message
from pyrocketmq.errors import DeserializationError, InvalidMessageError, MessageTooLargeError


def test_every_message_comes_back_with_its_flag_properties_and_body() -> None:
    messages = [Message("shop", f"body {i}", "tag", f"key-{i}", flag=-i) for i in range(50)]

    assert decode_batch_body(encode_batch_body(messages)) == [
        BatchRecord(-i, {"KEYS": f"key-{i}", "TAGS": "tag"}, f"body {i}".encode()) for i in range(50)
    ]


def test_plain_bytes_make_the_same_batch_as_messages_without_properties() -> None:
    bodies: list[bytes | bytearray | memoryview] = [b"a", bytearray(b"bb"), memoryview(b"ccc")]

    assert encode_batch_bodies(bodies) == encode_batch_body([Message("shop", body) for body in bodies])


def test_a_record_is_22_bytes_and_its_parts() -> None:
    body = encode_batch_body([Message("shop", b"abc", properties={"k": "v"})])

    assert body.hex() == "0000001d" + "00000000" * 2 + "00000000" + "00000003616263" + "00046b017602"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "no messages"),
        ([Message("a", b"x"), Message("b", b"x")], r"messages\[1\] has topic 'b', the batch has 'a'"),
        ([Message("a", b"x"), Message("a", b"")], "body is empty"),
        ([Message("%RETRY%group", b"x")], "retry topic"),
        ([Message("a", b"x", properties={"DELAY": "3"})], r"messages\[0\] has a delay, timer or transaction"),
        ([Message("a", b"x", properties={"TIMER_DELAY_SEC": "3"})], "delay, timer or transaction"),
        ([Message("a", b"x", properties={"TIMER_DELAY_MS": "3"})], "delay, timer or transaction"),
        ([Message("a", b"x", properties={"TIMER_DELIVER_MS": "3"})], "delay, timer or transaction"),
        ([Message("a", b"x", properties={"TRAN_MSG": "true"})], "delay, timer or transaction"),
        ([b"x"], r"messages\[0\] must be a Message, not bytes"),
    ],
)
def test_what_cannot_be_in_a_batch_is_refused(messages: Any, words: str) -> None:
    with pytest.raises(InvalidMessageError, match=words) as caught:
        encode_batch_body(messages)
    assert caught.value.advice


def test_a_batch_is_no_part_of_a_batch() -> None:
    inner = Message("a", encode_batch_bodies([b"x"]))
    inner.batch = True
    with pytest.raises(InvalidMessageError, match="is itself a batch"):
        encode_batch_body([inner])


def test_a_message_may_join_again_once_its_delay_is_taken_off() -> None:
    message = Message("a", b"x", properties={"DELAY": "3", "TIMER_DELAY_MS": "5"})
    message.set_property("DELAY", None)
    with pytest.raises(InvalidMessageError):
        encode_batch_body([message])
    message.set_property("TIMER_DELAY_MS", None)

    assert len(decode_batch_body(encode_batch_body([message]))) == 1


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_one_body_may_have_4_mib(excess: int) -> None:
    body = bytes(MAX_BODY_BYTES + excess)
    ways: list[Callable[[], bytes]] = [
        lambda: encode_batch_body([Message("shop", body, keys="k1")]),
        lambda: encode_batch_bodies([body]),
    ]
    for encode in ways:
        if excess <= 0:
            assert len(encode()) > len(body)
        else:
            with pytest.raises(MessageTooLargeError, match=r"4,194,305 bytes is over .*4,194,304"):
                encode()


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_the_properties_of_one_message_have_a_limit(excess: int) -> None:
    message = Message("shop", b"x", properties={"k": "v" * (32637 + excess - 3)})
    if excess <= 0:
        assert decode_batch_body(encode_batch_body([message]))[0].properties == message.properties
    else:
        with pytest.raises(
            MessageTooLargeError, match=r'32,638 bytes are over the limit of 32,637. Topic "shop"'
        ):
            encode_batch_body([message])


def test_records_are_written_as_given() -> None:
    body = encode_batch_records([(7, "a\x01\x02", b""), (-1, b"", b"x")])

    assert decode_batch_body(body) == [BatchRecord(7, {}, b""), BatchRecord(-1, {}, b"x")]


def test_every_cut_of_a_batch_is_noticed() -> None:
    body = encode_batch_body([Message("shop", b"abc", "t"), Message("shop", b"def", "t")])
    whole = len(body) // 2
    for size in range(1, len(body)):
        if size == whole:
            continue
        with pytest.raises(DeserializationError, match=r"batch record at byte (0|\d\d)"):
            decode_batch_body(body[:size])


def test_a_total_size_that_contradicts_the_parts_is_refused() -> None:
    body = bytearray(encode_batch_body([Message("shop", b"abc")]))
    body[3] += 1
    with pytest.raises(DeserializationError, match="says 26 bytes, its parts have 25"):
        decode_batch_body(body)


@pytest.mark.parametrize("at", [16, 23])
def test_negative_lengths_are_refused(at: int) -> None:
    body = bytearray(encode_batch_body([Message("shop", b"abc")]))
    body[at] = 0xFF
    with pytest.raises(DeserializationError):
        decode_batch_body(body)


def test_an_empty_body_has_no_records() -> None:
    assert decode_batch_body(b"") == []
