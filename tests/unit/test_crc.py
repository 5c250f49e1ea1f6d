"""The two checksums against known answers, zlib, and their own slow forms."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.crc import crc32, crc32_by_table, crc32c, crc32c_by_table

# The test vectors of RFC 3720, B.4.
KNOWN = [
    (b"", 0),
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
]


@pytest.mark.parametrize(("data", "value"), KNOWN)
def test_crc32c_gives_the_known_answers(data: bytes, value: int) -> None:
    assert crc32c(data) == crc32c_by_table(data) == value


@given(st.binary(max_size=700), st.integers(0, 2**32 - 1))
def test_fast_and_slow_forms_agree(data: bytes, value: int) -> None:
    assert crc32c(data, value) == crc32c_by_table(data, value)
    assert crc32(data, value) == crc32_by_table(data, value) == zlib.crc32(data, value)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_checksum_of_two_pieces_is_that_of_the_whole(data: bytes, cut: int) -> None:
    assert crc32c(data) == crc32c(data[cut:], crc32c(data[:cut]))
    assert crc32(data) == crc32(data[cut:], crc32(data[:cut]))


@pytest.mark.parametrize("start", range(1, 9))
def test_bytes_may_lie_at_any_address(start: int) -> None:
    block = memoryview(bytes(range(256)) * 2)[start : start + 400]
    assert crc32(block) == zlib.crc32(block)
    assert crc32c(block) == crc32c_by_table(block)
