"""Memory and reference counts are level after many rounds of every native module, errors included."""

from __future__ import annotations

import copy
import gc
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from pyrocketmq._native import batch, properties, queuehash
from pyrocketmq._native.answer import SendResult, decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import FrameReader, decode_frame, encode_frame, frame_info
from pyrocketmq._native.ids import (
    UniqueIds,
    decode_offset_message_id,
    encode_offset_message_id,
    next_unique_id,
    parse_unique_id,
)
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq._native.stored import MessageExt, decode_messages, decode_messages_strict, encode_message
from pyrocketmq.errors import RocketMQError
from tests.memory import kept_by

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 200
# One object lost a round would be 6,400 bytes; caches of fixed size may still fill up.
SPARE_BYTES = 4_000

TOPIC = "leaks"
BODY = b"0123456789" * 30
NAMES = {"a": "1", "b\u00e9": "\u4e3b\u9898", "quote": '"\\\n'}
FIELDS = {"msgId": "7F00000100002A9F0000000000001000", "queueId": "3", "queueOffset": "1", "x": "\u00e9"}
COMMAND = RemotingCommand(10, 3, 513, 7, 1, "r\u00e9mark", FIELDS, BODY)
JSON_FRAME = encode_frame(COMMAND, "json")
BINARY_FRAME = encode_frame(COMMAND, "binary")
BATCH_BODY = batch.encode_batch_records([(1, "a\x01b\x02", b"one"), (2, "", b"two")])
RECORD = encode_message(TOPIC, zlib.compress(BODY), properties=NAMES, sys_flag=0x301)
BATCH_RECORD = encode_message(TOPIC, BATCH_BODY, sys_flag=0xC0, born_host=("::1", 1))


def rebuilt(thing: Message | RemotingCommand | MessageExt) -> object:
    """What pickle would make of it, without the names that the interpreter keeps for each load."""
    reduced: Any = thing.__reduce__()
    make, arguments = reduced[:2]
    return make(*arguments)


def make_messages() -> object:
    message = Message(TOPIC, bytearray(BODY), tags="t", keys=["k1", "k2"], flag=3, properties=NAMES)
    message.set_property("a", None)
    message.delay_level = 3
    return (
        copy.copy(message),
        repr(message),
        message.properties,
        rebuilt(message) == message,
    )


def refuse_messages() -> None:
    Message(TOPIC, b"x", properties={"cut": "a\x02"})


def write_properties() -> object:
    text = properties.encode_properties(NAMES)
    return properties.join_properties(NAMES), properties.decode_properties(text)


def refuse_properties() -> None:
    properties.encode_properties({"good": "1", "lone": "\ud800"})


def write_batches() -> object:
    messages = [Message(TOPIC, BODY, properties=NAMES) for _ in range(3)]
    return (
        batch.decode_batch_body(batch.encode_batch_body(messages)),
        batch.encode_batch_bodies([BODY, bytearray(BODY)]),
        batch.decode_batch_body(memoryview(BATCH_BODY)),
    )


def refuse_batches() -> None:
    batch.encode_batch_body([Message(TOPIC, BODY), Message("other", BODY)])


def refuse_batch_bodies() -> None:
    batch.decode_batch_body(BATCH_BODY[:-1])


def write_sends() -> object:
    encoder = SendEncoder("group", "broker", "json")
    buffer = WriteBuffer()
    message = Message(TOPIC, BODY, properties=NAMES)
    encoder.put(buffer, message, 1, 2, born_ms=3)
    encoder.put_batch(buffer, [message, Message(TOPIC, BODY)], 1, 2)
    with memoryview(buffer) as view:
        size = len(view)
    return size, buffer.take(), message.unique_id


def refuse_sends() -> None:
    buffer = WriteBuffer(1024)
    SendEncoder("group", codec="binary", max_message_bytes=10).put(buffer, Message(TOPIC, BODY), 1, 2)


def write_frames() -> object:
    command = RemotingCommand(1, 3, 513, None, 0, "remark", dict(FIELDS), "body")
    twin = copy.copy(command)
    same = rebuilt(command) == twin
    return encode_frame(command), encode_frame(twin, "binary"), repr(command), same


def read_frames() -> object:
    found = [decode_frame(JSON_FRAME), decode_frame(bytearray(BINARY_FRAME))]
    return [command.ext_fields for command in found], frame_info(JSON_FRAME)


def refuse_json_frames() -> None:
    decode_frame(JSON_FRAME.replace(b'"code":10', b'"code":1x'))


def refuse_binary_frames() -> None:
    decode_frame(BINARY_FRAME.replace(b"queueId", b"queue\xff\xff"))


def refuse_to_write_frames() -> None:
    encode_frame(RemotingCommand(1, ext_fields={"a": "1", "b": "\udc00"}))


def read_streams() -> object:
    reader = FrameReader()
    reader.feed(JSON_FRAME + BINARY_FRAME[:50])
    first = reader.next_frame()
    reader.feed(BINARY_FRAME[50:] + JSON_FRAME[:9])
    return first, reader.read_all(), list(reader), reader.buffered


def refuse_streams() -> None:
    reader = FrameReader()
    reader.feed(b"\xff" * 100)
    reader.read_all()


def read_answers() -> object:
    result = decode_send_answer(BINARY_FRAME)
    result.msg_id = "mine"
    fast = decode_send_answer(
        encode_frame(RemotingCommand(0, 0, 513, 1, 1, None, {"msgId": "A", "queueId": "1"}))
    )
    made = SendResult(msg_id="a", queue_offset=3, transaction_id="t")
    return repr(result), result.transaction_id, repr(fast), fast.region_id, fast.remark, made == fast


def refuse_answers() -> None:
    decode_send_answer(encode_frame(RemotingCommand(0, 0, 513, 1, 1, None, {"queueId": "none"})))


def read_records() -> object:
    found = decode_messages(RECORD + BATCH_RECORD + b"rest", broker_name="b", offset_delta=5)
    return [
        (
            message.body, message.raw_body, message.topic, message.properties, message.msg_id,
            message.offset_msg_id, message.born_host, message.store_host, message.tags, repr(message),
            message.detach() == message, message.check_crc(), rebuilt(message) == message,
        )
        for message in found
    ]  # fmt: skip


def refuse_records() -> None:
    decode_messages_strict(RECORD + RECORD[:-1])


def refuse_packed_bodies() -> object:
    return decode_messages(RECORD, max_body_bytes=10)[0].body


def refuse_to_write_records() -> None:
    encode_message(TOPIC, BODY, properties=NAMES, born_host=("10.0.0.1", "port"))  # type: ignore[arg-type]


def make_ids() -> object:
    offset_id = encode_offset_message_id("10.0.0.1", 10911, 4096)
    unique = next_unique_id()
    return decode_offset_message_id(offset_id), parse_unique_id(unique), UniqueIds(b"\x0a\x00\x00\x01").next()


def refuse_ids() -> None:
    decode_offset_message_id("g" * 32)


def hash_keys() -> object:
    ring = queuehash.ConsistentHashRing(["a", "b"], 3)
    return (
        queuehash.java_hash("k\U0001f600"), queuehash.pick_queue_java("key", 8), queuehash.go_hash("key"),
        queuehash.pick_queue_go("key", 8), queuehash.xxh3("key"), queuehash.pick_queue_xxh3("key", 8),
        queuehash.tags_code("tag"), queuehash.body_crc(BODY), ring.node_for("key"),
    )  # fmt: skip


def refuse_keys() -> None:
    queuehash.go_hash("\ud800")


OPERATIONS: list[Callable[[], object]] = [
    make_messages, refuse_messages, write_properties, refuse_properties, write_batches, refuse_batches,
    refuse_batch_bodies, write_sends, refuse_sends, write_frames, read_frames, refuse_json_frames,
    refuse_binary_frames, refuse_to_write_frames, read_streams, refuse_streams, read_answers, refuse_answers,
    read_records, refuse_records, refuse_packed_bodies, refuse_to_write_records, make_ids, refuse_ids,
    hash_keys, refuse_keys,
]  # fmt: skip
SHARED = [
    TOPIC,
    BODY,
    NAMES,
    FIELDS,
    COMMAND,
    JSON_FRAME,
    BINARY_FRAME,
    BATCH_BODY,
    RECORD,
    BATCH_RECORD,
    True,
    3,
]

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)


def run(operation: Callable[[], object], rounds: int) -> None:
    refuses = operation.__name__.startswith("refuse")
    for _ in range(rounds):
        try:
            operation()
        except RocketMQError:
            assert refuses
        else:
            assert not refuses


@every_operation
def test_memory_is_level_after_many_rounds(operation: Callable[[], object]) -> None:
    grown = kept_by(lambda: run(operation, ROUNDS))
    assert grown < SPARE_BYTES, f"{grown:,} bytes after {ROUNDS:,} rounds"


@every_operation
def test_reference_counts_are_level_after_many_rounds(operation: Callable[[], object]) -> None:
    run(operation, 10)
    gc.collect()
    before = [sys.getrefcount(shared) for shared in SHARED]
    run(operation, ROUNDS)
    gc.collect()
    after = [sys.getrefcount(shared) for shared in SHARED]
    for shared, was, now in zip(SHARED, before, after, strict=True):
        assert abs(now - was) < 20, f"{type(shared).__name__}: {was:,} references became {now:,}"
