"""Stored messages: the body of a pull answer, decoded when asked for or at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

from pyrocketmq._native import stored as native

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm
from .samples import BORN_MS, TOPIC, properties_of, unique_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_benchmark.fixture import BenchmarkFixture

    from .arms import Arm

COUNT = 32
Stored = TypeVar("Stored")


def record(number: int, body_bytes: int) -> bytes:
    """A message with three properties, its id, and what a 5.5.0 broker adds."""
    body = bytes([65 + number % 26]) * body_bytes
    properties = properties_of(number) | {
        "UNIQ_KEY": unique_id(number),
        "MSG_REGION": "DefaultRegion",
        "TRACE_ON": "true",
        "CLUSTER": "DefaultCluster",
    }
    text = baseline.encode_properties(properties).encode()
    topic = TOPIC.encode()
    size = baseline.RECORD_SIZE + len(body) + 1 + len(topic) + 2 + len(text)
    head = baseline.pack_record(
        size,
        0xDAA320A7 - (1 << 32),
        crc32(body) & 0x7FFFFFFF,
        3,
        0,
        4_711_000 + number,
        987_654_321 + number * 400,
        0,
        BORN_MS + number,
        0x0A010203,
        45_678,
        BORN_MS + number + 2,
        0x0A010204,
        10_911,
        0,
        0,
        len(body),
    )
    return b"".join((head, body, bytes([len(topic)]), topic, len(text).to_bytes(2, "big"), text))


def facts(message: native.MessageExt | baseline.PlainStored) -> tuple[object, ...]:
    """All that a message says."""
    return (
        message.store_size,
        message.body_crc,
        message.queue_id,
        message.flag,
        message.queue_offset,
        message.commit_log_offset,
        message.sys_flag,
        message.born_timestamp,
        message.born_host,
        message.store_timestamp,
        message.store_host,
        message.reconsume_times,
        message.prepared_transaction_offset,
        message.body,
        message.topic,
        message.properties,
        message.msg_id,
    )


def decoded_parts(message: native.MessageExt) -> tuple[object, ...]:
    """All that has to be decoded; the rest are numbers, which stand in the message ready to be read."""
    return (
        message.topic,
        message.body,
        message.properties,
        message.msg_id,
        message.born_host,
        message.store_host,
    )


def read_each(
    decode: Callable[[bytes], Iterable[Stored]], read: Callable[[Stored], object], data: bytes
) -> None:
    """Decode an answer and read each of its messages."""
    for message in decode(data):
        read(message)


def body_and_keys(message: native.MessageExt) -> tuple[bytes, str | None]:
    """What most listeners look at."""
    return message.body, message.keys


def body_and_keys_plain(message: baseline.PlainStored) -> tuple[bytes, str]:
    """The same of the baseline."""
    return message.body, message.properties["KEYS"]


def rows_of(body_bytes: int, lazy_bound: float | None = None, full_bound: float | None = None) -> list[Row]:
    """One answer, decoded lazily, fully, and as far as most listeners look."""
    data = b"".join(record(number, body_bytes) for number in range(COUNT))
    decode, decode_plain = native.decode_messages, baseline.decode_stored

    def check() -> None:
        ours = [facts(message) for message in decode(data)]
        assert len(ours) == COUNT
        assert ours == [facts(message) for message in decode_plain(data)]

    def row(what: str, ours: Arm, plain: Arm, bound: float | None = None) -> Row:
        return Row(
            name=f"{COUNT} stored messages, {body_bytes:,} B: {what}",
            module="stored",
            ours=ours,
            baseline=plain,
            operations=COUNT,
            check=check,
            bound=bound,
        )

    all_plain = partial(decode_plain, data)
    return [
        row("decode lazily", partial(decode, data), all_plain, lazy_bound),
        row("decode fully", partial(read_each, decode, decoded_parts, data), all_plain, full_bound),
        row(
            "decode, read all 17 fields",
            partial(read_each, decode, facts, data),
            partial(read_each, decode_plain, facts, data),
        ),
        row(
            "decode, read body and keys",
            partial(read_each, decode, body_and_keys, data),
            partial(read_each, decode_plain, body_and_keys_plain, data),
        ),
    ]


ROWS = [*rows_of(100, lazy_bound=25, full_bound=4), *rows_of(1024)]


@each_arm(ROWS)
def test_stored_messages(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
