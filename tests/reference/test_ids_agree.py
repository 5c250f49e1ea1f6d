"""Message ids: native and reference write, read and refuse alike; unique ids have the layout of Java."""

from __future__ import annotations

import socket
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import ids as native

from .agreement import outcome
from .codec import ids as reference
from .strategies import INT32, INT64, wild_text

addresses = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
hexadecimal = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32)
near_ids = (
    hexadecimal
    | st.text("0123456789abcdefABCDEF", min_size=56, max_size=56)
    | st.text("0123456789abcdefABCDEFgG \u0660\u00e9\U0001f600", min_size=31, max_size=33)
    | st.text("0123456789abcdefABCDEFgG \u0660\u00e9\U0001f600", min_size=55, max_size=57)
    | wild_text
)


def packed(ip: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)


@given(addresses, st.integers(-2, 65537) | INT32, INT64 | st.integers())
def test_offset_ids_are_written_alike_and_read_back(address: bytes, port: int, offset: int) -> None:
    parts = reference.OffsetId(address, port, offset)
    expected = outcome(lambda: reference.encode_broker_offset_id(parts))
    assert expected == outcome(lambda: native.encode_offset_message_id(address, port, offset))
    if isinstance(expected, str):
        ip, *numbers = native.decode_offset_message_id(expected)
        assert (address, port, offset) == (packed(ip), *numbers)
        assert expected == native.encode_offset_message_id(ip, port, offset)


@given(near_ids)
def test_reading_offset_ids_agrees(text: str) -> None:
    expected = outcome(lambda: reference.decode_offset_id(text))
    found = outcome(lambda: native.decode_offset_message_id(text))
    if isinstance(found, native.OffsetMessageId):
        assert expected == reference.OffsetId(packed(found.ip), found.port, found.offset)
    else:
        assert expected == found


@given(near_ids)
def test_reading_unique_ids_agrees(text: str) -> None:
    expected = outcome(lambda: reference.decode_unique_id(text))
    found = outcome(lambda: native.parse_unique_id(text))
    if isinstance(found, native.UniqueIdParts):
        assert expected == reference.UniqueId(packed(found.ip), *found[1:])
    else:
        assert expected == found


@given(
    st.binary(min_size=4, max_size=4),
    st.datetimes(datetime(2001, 1, 2), datetime(2037, 12, 30)),  # noqa: DTZ001 - the id holds local time
    st.integers(1, 5),
)
def test_unique_ids_carry_the_time_since_the_month_began(ip: bytes, now: datetime, count: int) -> None:
    now_ms = int(now.timestamp() * 1000)
    month_start = int(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    source = native.UniqueIds(ip)
    made = [reference.decode_unique_id(source.next_at(now_ms)) for _ in range(count)]
    assert [(ip, now_ms - month_start)] * count == [(parts.address, parts.millis) for parts in made]
    first = made[0].counter
    assert list(range(first, first + count)) == [parts.counter for parts in made]
    assert 1 == len({(parts.pid, parts.loader_hash) for parts in made})
