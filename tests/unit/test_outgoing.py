"""The options of a send: what they make of a message, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from pyrocketmq._native.message import Message
from pyrocketmq.client.outgoing import MAX_DELAY_S, Outgoing, Packing, check_size, outgoing
from pyrocketmq.client.selectors import RandomSelector
from pyrocketmq.compression import CompressionKind, decompress
from pyrocketmq.errors import ConfigurationError, InvalidMessageError, MessageTooLargeError
from pyrocketmq.model.message_queue import MessageQueue


def test_a_plain_message_goes_as_it_is() -> None:
    message = Message("shop", b"x")
    out = outgoing(message, None)

    assert out.message is message
    assert not out.stays


def test_a_sharding_key_keeps_order_on_one_queue() -> None:
    message = Message("shop", b"x")
    message.sharding_key = "k"

    assert outgoing(message, None).ordered
    assert not outgoing(message, {"ordered": False}).ordered
    assert outgoing(Message("shop", b"x"), {"sharding_key": "k"}).message.sharding_key == "k"
    assert outgoing(Message("shop", b"x"), {"ordered": True}).stays


def test_options_leave_the_message_of_the_caller_as_it_was() -> None:
    message = Message("shop", b"x")
    out = outgoing(message, {"delay_level": 3})

    assert "3" == out.message.get_property("DELAY")
    assert message.get_property("DELAY") is None


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"delay_level": 1}, "DELAY", "1"),
        ({"delay_level": 18}, "DELAY", "18"),
        ({"delay": 0}, "TIMER_DELAY_MS", "0"),
        ({"delay": 1.5}, "TIMER_DELAY_MS", "1500"),
        ({"delay": MAX_DELAY_S}, "TIMER_DELAY_MS", str(MAX_DELAY_S * 1000)),
        ({"delay_ms": 20}, "TIMER_DELAY_MS", "20"),
        ({"deliver_at": 1_800_000_000_000}, "TIMER_DELIVER_MS", "1800000000000"),
        ({"deliver_at": datetime(2027, 1, 15, 8, tzinfo=UTC)}, "TIMER_DELIVER_MS", "1800000000000"),
    ],
)
def test_each_kind_of_delay_becomes_its_property(options: dict[str, Any], name: str, value: str) -> None:
    assert value == outgoing(Message("shop", b"x"), options).message.get_property(name)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"delay_level": 0}, "delay_level"),
        ({"delay_level": 19}, "delay_level"),
        ({"delay_level": True}, "delay_level"),
        ({"delay": -0.001}, "delay"),
        ({"delay": MAX_DELAY_S + 1}, "delay"),
        ({"delay": "5"}, "delay"),
        ({"delay_ms": -1}, "delay_ms"),
        ({"delay_ms": 1.5}, "delay_ms"),
        ({"deliver_at": datetime(2027, 1, 15, 8)}, "deliver_at"),  # noqa: DTZ001 - what is refused
        ({"deliver_at": -1}, "deliver_at"),
        ({"delay": 1, "delay_ms": 1}, "delay"),
        ({"queue": 3}, "queue"),
        ({"queue": MessageQueue("other", "broker-a", 0)}, "queue"),
        ({"queue": MessageQueue("shop", "broker-a", 0), "selector": RandomSelector()}, "selector"),
        ({"selector": 3}, "selector"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_by_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        outgoing(Message("shop", b"x"), options)
    assert field == caught.value.field


@pytest.mark.parametrize("size", [1, 9, 10])
def test_a_body_up_to_the_limit_may_go(size: int) -> None:
    check_size(Outgoing(Message("shop", b"x" * size)), 10)


def test_a_body_over_the_limit_is_refused_with_its_topic_and_keys() -> None:
    with pytest.raises(MessageTooLargeError, match=r'11 bytes.*10.*"shop", keys order-1'):
        check_size(Outgoing(Message("shop", b"x" * 11, keys="order-1")), 10)


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        check_size(Outgoing(Message("shop", b"")), 10)
    assert "body" == caught.value.field


def test_what_is_compressed_counts_with_its_size_on_the_wire() -> None:
    out = Outgoing(Message("shop", b"x" * 5000))
    Packing("zlib", 4096).pack(out)

    assert out.size < 100
    assert 0x301 == out.sys_flag
    assert b"x" * 5000 == decompress(out.body or b"", "zlib")
    check_size(out, 100)


@pytest.mark.parametrize(("size", "wanted"), [(4095, False), (4096, True), (4097, True)])
def test_bodies_from_the_threshold_on_are_compressed(size: int, wanted: bool) -> None:
    assert wanted == Packing("zlib", 4096).wants(Outgoing(Message("shop", b"x" * size)))
    assert not Packing(None, 4096).wants(Outgoing(Message("shop", b"x" * size)))


def test_a_body_that_does_not_get_smaller_goes_as_it_is() -> None:
    out = Outgoing(Message("shop", bytes(range(256))))
    Packing("zlib", 1).pack(out)

    assert out.body is None
    assert 0 == out.sys_flag


@dataclass(frozen=True, slots=True)
class Seen(Packing):
    """Notes the threads that compress."""

    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def pack(self, out: Outgoing) -> None:
        self.threads.append(threading.current_thread())
        super(Seen, self).pack(out)


@pytest.mark.parametrize("kind", get_args(CompressionKind))
async def test_a_large_body_is_compressed_on_another_thread_and_a_small_one_here(
    kind: CompressionKind,
) -> None:
    packing = Seen(kind, 4096)
    outs = [Outgoing(Message("shop", b"x" * size)) for size in (64 * 1024 - 1, 64 * 1024, 1_000_000)]
    for out in outs:
        await packing.pack_later(out)

    assert [True, False, False] == [one is threading.current_thread() for one in packing.threads]
    assert all(out.body is not None and out.message.body == decompress(out.body, kind) for out in outs)


async def test_a_level_that_takes_long_is_left_to_another_thread_with_any_body() -> None:
    packing = Seen("zstd", 4096, level=19)
    await packing.pack_later(Outgoing(Message("shop", b"x" * 4096)))

    assert threading.current_thread() not in packing.threads


async def test_bodies_are_compressed_on_fewer_threads_than_there_are_cores() -> None:
    packing = Seen("zlib", 4096)
    await asyncio.gather(*(packing.pack_later(Outgoing(Message("shop", b"x" * 200_000))) for _ in range(50)))

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert 50 == len(packing.threads)
    assert len(set(packing.threads)) <= max(1, cores - 1)
