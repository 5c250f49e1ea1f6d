"""Compression kinds, their flags, bounds on the unpacked size, and damaged input."""

from __future__ import annotations

import importlib
import os
import tracemalloc
import zlib
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrocketmq import compression
from pyrocketmq.compression import CompressionKind, compress, compression_flag, compression_kind, decompress
from pyrocketmq.errors import ConfigurationError, DecompressionError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: tuple[CompressionKind, ...] = get_args(CompressionKind)
TEXT = b"some text that repeats itself; " * 200

# What Java 5.5.0 writes for the 400 bytes "line 0 of text; line 1 of text; ..." and its like.
JAVA_ZSTD = bytes.fromhex(
    "28b52ffd0058340200f86c696e652030206f6620746578743b2031323334353637383931313131313112a8307aff0d10c3897a101ae1"
    "8dbbfeffbf01d1d198ca29a2ec8426899221b1563596180053010000"
)
JAVA_LZ4 = bytes.fromhex("04224d18607073010000804100000000")

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@settings(max_examples=30)
@given(data=st.binary(max_size=5000), repeat=st.integers(1, 40))
def test_unpacking_gives_back_what_was_packed(kind: CompressionKind, data: bytes, repeat: int) -> None:
    plain = data * repeat
    assert plain == decompress(compress(plain, kind), kind)
    assert plain == decompress(memoryview(compress(bytearray(plain), kind)), kind, max_bytes=len(plain))


def test_frames_of_java_are_read() -> None:
    assert b"A" == decompress(JAVA_LZ4, "lz4")
    plain = decompress(JAVA_ZSTD, "zstd")
    assert 2800 == len(plain)
    assert plain.startswith(b"line 0 of text; line 1 of text; ")


def test_frames_are_written_as_java_writes_them() -> None:
    packed = compress(TEXT, "lz4")
    # Version 1, independent blocks, no checksums, no content size.
    assert "04224d1860" == packed[:5].hex()
    assert "70" == compress(os.urandom(2 << 20), "lz4")[5:6].hex()  # blocks of up to 4 MiB
    assert zlib.compress(TEXT, 5) == compress(TEXT, "zlib")


@every_kind
def test_bound_is_exact(kind: CompressionKind) -> None:
    packed = compress(TEXT, kind)
    assert TEXT == decompress(packed, kind, max_bytes=len(TEXT))
    with pytest.raises(
        DecompressionError, match=f"{len(packed)} bytes unpacks to more than the limit of 6,199 bytes"
    ):
        decompress(packed, kind, max_bytes=len(TEXT) - 1)
    with pytest.raises(DecompressionError):
        decompress(packed, kind, max_bytes=0)


@every_kind
def test_bomb_is_refused_within_bounded_memory(kind: CompressionKind) -> None:
    bomb = compress(bytes(64 << 20), kind)
    tracemalloc.start()
    try:
        with pytest.raises(DecompressionError):
            decompress(bomb, kind, max_bytes=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_content_size_that_lies_is_refused_before_memory_is_taken() -> None:
    # A single-segment frame whose header claims 2 GiB.
    claim = (
        bytes.fromhex("28b52ffd")
        + bytes([0xA0])
        + (2 << 30).to_bytes(4, "little")
        + bytes.fromhex("0b000041")
    )
    with pytest.raises(DecompressionError):
        decompress(claim, "zstd", max_bytes=1 << 20)


@every_kind
def test_data_cut_short_anywhere_is_refused(kind: CompressionKind) -> None:
    packed = compress(TEXT, kind)
    for size in range(len(packed)):
        with pytest.raises(DecompressionError) as caught:
            decompress(packed[:size], kind)
        assert "body" == caught.value.field


@every_kind
@given(data=st.binary(max_size=200))
def test_random_bytes_are_unpacked_or_refused(kind: CompressionKind, data: bytes) -> None:
    for damaged in (data, compress(b"x" * 50, kind)[:12] + data):
        try:
            assert len(decompress(damaged, kind, max_bytes=1000)) <= 1000
        except DecompressionError:
            continue


@every_kind
def test_one_flipped_bit_never_escapes_as_a_foreign_error(kind: CompressionKind) -> None:
    packed = compress(TEXT, kind)
    for at in range(len(packed)):
        damaged = bytearray(packed)
        damaged[at] ^= 1 << (at % 8)
        try:
            decompress(damaged, kind, max_bytes=10_000)
        except DecompressionError:
            continue


def test_bytes_behind_a_zlib_stream_are_ignored() -> None:
    assert TEXT == decompress(compress(TEXT, "zlib") + b"more", "zlib")


@pytest.mark.parametrize("kind", ["lz4", "zstd"])
def test_frames_that_follow_each_other_are_joined(kind: CompressionKind) -> None:
    packed = compress(TEXT, kind)
    assert TEXT + TEXT == decompress(packed + packed, kind)
    skipped = bytes.fromhex("5a2a4d1803000000616263")
    assert TEXT + TEXT == decompress(packed + skipped + packed, kind)
    with pytest.raises(DecompressionError, match="more than the limit"):
        decompress(packed + packed, kind, max_bytes=2 * len(TEXT) - 1)


@pytest.mark.parametrize("kind", ["lz4", "zstd"])
@pytest.mark.parametrize("garbage", [b"x", b"garbage"])
def test_anything_else_behind_a_frame_is_refused(kind: CompressionKind, garbage: bytes) -> None:
    with pytest.raises(DecompressionError):
        decompress(compress(TEXT, kind) + garbage, kind)


@pytest.mark.parametrize(
    ("sys_flag", "kind"),
    [(0x1, "zlib"), (0x101, "lz4"), (0x201, "zstd"), (0x301, "zlib"), (0xF8 | 0x101, "lz4")],
)
def test_type_bits_name_the_kind(sys_flag: int, kind: CompressionKind) -> None:
    assert kind == compression_kind(sys_flag)


@pytest.mark.parametrize("number", [4, 5, 6, 7])
def test_unknown_type_bits_are_refused(number: int) -> None:
    with pytest.raises(DecompressionError, match=f"compression type {number} "):
        compression_kind(number << 8 | 1)


def test_flags_of_sending_are_those_of_java() -> None:
    assert [0x301, 0x101, 0x201] == [compression_flag(kind) for kind in KINDS]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ConfigurationError, match="kind 'gzip'"):
        compress(b"", "gzip")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="level is 10, zlib takes 0 to 9"):
        compress(b"", "zlib", 10)
    with pytest.raises(ConfigurationError, match="max_bytes is -1"):
        decompress(b"", "zlib", -1)


@pytest.mark.parametrize("kind", ["lz4", "zstd"])
def test_missing_package_names_the_extra(kind: CompressionKind, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = compress(TEXT, kind)

    def refuse(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    calls: list[Callable[[], bytes]] = [lambda: compress(TEXT, kind), lambda: decompress(packed, kind)]
    for call in calls:
        with pytest.raises(MissingExtraError) as caught:
            call()
        assert f"pip install 'pyrocketmq-turbo[{kind}]'" == caught.value.advice
    assert TEXT == decompress(compress(TEXT), "zlib")


def test_module_does_not_hide_the_compression_package_of_newer_pythons() -> None:
    assert "pyrocketmq.compression" == compression.__name__
