"""Message ids: offset ids both ways, unique ids over threads, forks, busy milliseconds and months."""

from __future__ import annotations

import datetime as dt
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.ids import (
    OffsetMessageId,
    UniqueIds,
    decode_offset_message_id,
    encode_offset_message_id,
    next_unique_id,
    parse_unique_id,
)
from pyrocketmq.errors import ConfigurationError, DeserializationError

LOOPBACK_ID = "7F00000100002A9F0000000000000000"


def local_ms(*parts: int) -> int:
    local = dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  # months turn by local time
    return int(local.timestamp() * 1000)


def test_offset_id_of_an_ipv4_broker_has_32_digits() -> None:
    assert LOOPBACK_ID == encode_offset_message_id("127.0.0.1", 10911, 0)
    assert OffsetMessageId("127.0.0.1", 10911, 0) == decode_offset_message_id(LOOPBACK_ID)


def test_offset_id_of_an_ipv6_broker_has_56_digits() -> None:
    text = "20010DB80000000000000000000000010000DED77FFFFFFFFFFFFFFF"
    assert text == encode_offset_message_id("2001:db8::1", 57047, 2**63 - 1)
    assert OffsetMessageId("2001:db8::1", 57047, 2**63 - 1) == decode_offset_message_id(text)


@given(
    st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16),
    st.integers(0, 65535),
    st.integers(-(2**63), 2**63 - 1),
)
def test_offset_id_gives_back_what_went_in(address: bytes, port: int, offset: int) -> None:
    text = encode_offset_message_id(address, port, offset)
    parts = decode_offset_message_id(text)
    assert (port, offset) == (parts.port, parts.offset)
    assert text == encode_offset_message_id(parts.ip, port, offset)
    assert parts == decode_offset_message_id(text.lower())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 characters"),
        (LOOPBACK_ID[:-1], "has 31 characters"),
        (LOOPBACK_ID + "00", "has 34 characters"),
        (LOOPBACK_ID[:-1] + "g", "no hex digits"),
        (LOOPBACK_ID[:-1] + "\xb5", "no hex digits"),
        (LOOPBACK_ID[:-1] + "\u0661", "no hex digits"),
    ],
)
def test_text_that_is_no_message_id_is_refused(text: str, reason: str) -> None:
    for decode in (decode_offset_message_id, parse_unique_id):
        with pytest.raises(DeserializationError, match=reason) as caught:
            decode(text)
        assert "msg_id" == caught.value.field


@pytest.mark.parametrize(
    ("address", "port", "offset", "field"),
    [
        ("localhost", 1, 0, "address"),
        ("1.2.3", 1, 0, "address"),
        ("a\0b", 1, 0, "address"),
        (b"12345", 1, 0, "address"),
        ("1.2.3.4", -1, 0, "port"),
        ("1.2.3.4", 65536, 0, "port"),
        ("1.2.3.4", 1, 2**63, "offset"),
    ],
)
def test_impossible_part_of_an_offset_id_is_named(
    address: str | bytes, port: int, offset: int, field: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encode_offset_message_id(address, port, offset)
    assert field == caught.value.field


def test_unique_id_is_made_of_process_and_time() -> None:
    before = dt.datetime.now()  # noqa: DTZ005  # months turn by local time
    parts = parse_unique_id(next_unique_id())
    month = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert os.getpid() & 0xFFFF == parts.pid
    # Other tests may have borrowed milliseconds, and the coarse clock may be one tick behind.
    assert -20 < parts.millis_since_month_start - (before - month).total_seconds() * 1000 < 5000


def test_unique_id_starts_with_the_given_address() -> None:
    assert "10.1.2.3" == parse_unique_id(UniqueIds(b"\x0a\x01\x02\x03").next()).ip
    with pytest.raises(ConfigurationError, match="ip has 3 bytes"):
        UniqueIds(b"abc")


def test_go_and_ipv6_unique_ids_are_read() -> None:
    parts = parse_unique_id("0A0000070001000000005b9aca000001")
    assert ("10.0.0.7", 1, 0, 0x5B9ACA00, 1) == tuple(parts)
    long = parse_unique_id("3FAE4BF2611351D14859B4B9D0B195F711702213ACCA3183F143B76E")
    assert (4464, 571714762, 830730563, 46958) == tuple(long)[1:]


def test_more_ids_than_the_counter_holds_borrow_from_the_next_millisecond() -> None:
    ids = UniqueIds()
    now = local_ms(2026, 3, 5, 12)
    made = [ids.next_at(now) for _ in range(65536 + 10)]
    assert len(made) == len(set(made))
    first, last = parse_unique_id(made[0]), parse_unique_id(made[-1])
    assert 0 == first.counter
    assert first.millis_since_month_start + 1 == last.millis_since_month_start
    # The clock then reaches the borrowed millisecond without giving an id twice.
    assert {ids.next_at(now + 1) for _ in range(100)}.isdisjoint(made)


def test_clock_that_goes_back_does_not_repeat_ids() -> None:
    ids = UniqueIds()
    now = local_ms(2026, 3, 5)
    steps = (0, 1, 5, -40, 3, -(86400 * 1000 * 20), 5, 6)
    assert len(steps) == len({ids.next_at(now + step) for step in steps})


def test_new_month_starts_at_zero_with_another_random_number() -> None:
    ids = UniqueIds()
    midnight = local_ms(2027, 1, 1)
    last = parse_unique_id(ids.next_at(midnight - 1))
    first = parse_unique_id(ids.next_at(midnight))
    assert 31 * 86400 * 1000 - 1 == last.millis_since_month_start
    assert 0 == first.millis_since_month_start
    assert last.loader_hash != first.loader_hash


def test_two_sources_do_not_give_the_same_ids() -> None:
    one, two = UniqueIds(b"\x01\x02\x03\x04"), UniqueIds(b"\x01\x02\x03\x04")
    now = local_ms(2026, 3, 5)
    assert {one.next_at(now) for _ in range(100)}.isdisjoint(two.next_at(now) for _ in range(100))


def test_unique_ids_of_eight_threads_differ() -> None:
    made: list[list[str]] = [[] for _ in range(8)]

    def make(into: list[str]) -> None:
        into.extend(next_unique_id() for _ in range(5000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 8 * 5000 == len({one for into in made for one in into})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_makes_other_ids_at_once() -> None:
    next_unique_id()
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(into, "".join(next_unique_id() for _ in range(100)).encode())
        os._exit(0)
    os.close(into)
    mine = [next_unique_id() for _ in range(100)]
    with os.fdopen(out) as reader:
        text = reader.read()
    os.waitpid(pid, 0)
    theirs = [text[at : at + 32] for at in range(0, len(text), 32)]
    assert 100 == len(set(theirs))
    assert pid & 0xFFFF == parse_unique_id(theirs[0]).pid
    assert parse_unique_id(mine[0]).loader_hash != parse_unique_id(theirs[0]).loader_hash
