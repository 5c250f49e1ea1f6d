"""The binary header, byte by byte."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import decode_frame, encode_frame
from pyrocketmq.errors import DeserializationError, SerializationError


def entry(key: bytes, value: bytes) -> bytes:
    return struct.pack(">h", len(key)) + key + struct.pack(">i", len(value)) + value


def header(
    *,
    code: int = 1,
    language: int = 0,
    version: int = 0,
    opaque: int = 5,
    flag: int = 1,
    remark: bytes = b"",
    ext: bytes = b"",
    remark_length: int | None = None,
    ext_length: int | None = None,
) -> bytes:
    return (
        struct.pack(">hBhii", code, language, version, opaque, flag)
        + struct.pack(">i", len(remark) if remark_length is None else remark_length)
        + remark
        + struct.pack(">i", len(ext) if ext_length is None else ext_length)
        + ext
    )


def framed(raw: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">ii", 4 + len(raw) + len(body), 1 << 24 | len(raw)) + raw + body


def test_every_field_has_its_place() -> None:
    command = RemotingCommand(310, 9, 317, -2, 3, "re\u00e9", {"topic": "T", "i": "\u4e3b"}, b"body")
    expected = header(
        code=310,
        language=9,
        version=317,
        opaque=-2,
        flag=3,
        remark="re\u00e9".encode(),
        ext=entry(b"topic", b"T") + entry(b"i", "\u4e3b".encode()),
    )

    assert framed(expected, b"body") == encode_frame(command, "binary")
    assert command == decode_frame(framed(expected, b"body"))


def test_the_least_header_has_21_bytes() -> None:
    frame = encode_frame(RemotingCommand(0, 0, 0, 0), "binary")

    assert struct.pack(">ii", 25, 1 << 24 | 21) + bytes(21) == frame
    assert RemotingCommand(0, 0, 0, 0) == decode_frame(frame)


def test_none_and_empty_text_are_nothing_on_the_wire() -> None:
    values: dict[str, Any] = {"dropped": None, "empty": "", "": "v"}
    command = decode_frame(encode_frame(RemotingCommand(1, remark="", ext_fields=values), "binary"))

    assert command.remark is None
    assert {"empty": None, None: "v"} == command.ext_fields

    assert decode_frame(encode_frame(RemotingCommand(1, ext_fields={}), "binary")).ext_fields is None


def test_an_unknown_language_is_written_as_java_and_read_as_none() -> None:
    assert 0 == decode_frame(encode_frame(RemotingCommand(1, None), "binary")).language
    assert decode_frame(framed(header(language=14))).language is None
    assert decode_frame(framed(header(language=255))).language is None


@pytest.mark.parametrize("field", ["code", "version"])
def test_numbers_of_16_bits_are_kept_and_longer_ones_refused(field: str) -> None:
    for value in (32767, -32768):
        numbers: dict[str, Any] = {"code": 1, field: value}
        assert value == getattr(decode_frame(encode_frame(RemotingCommand(**numbers), "binary")), field)
    for value in (32768, -32769, 200050):
        numbers = {"code": 1, field: value}
        with pytest.raises(SerializationError, match=f"{field} is {value}") as caught:
            encode_frame(RemotingCommand(**numbers), "binary")
        assert field == caught.value.field
        assert "JSON" in str(caught.value.advice)


def test_a_key_may_have_32767_bytes() -> None:
    command = RemotingCommand(1, ext_fields={"k" * 32767: "v"})
    assert command == decode_frame(encode_frame(command, "binary"))

    with pytest.raises(SerializationError, match="a key of ext_fields has 32,768 bytes"):
        encode_frame(RemotingCommand(1, ext_fields={"\u00e9" * 16384: "v"}), "binary")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 127, 128, 255, 256, 5000])
def test_values_of_all_sizes_survive(size: int) -> None:
    command = RemotingCommand(1, ext_fields={"k": "v" * size + "x", "\u00e9": "\u4e3b" * size + "x"})

    assert command == decode_frame(encode_frame(command, "binary"))


def test_the_last_of_repeated_keys_counts() -> None:
    assert {"k": "2"} == decode_frame(framed(header(ext=entry(b"k", b"1") + entry(b"k", b"2")))).ext_fields


@pytest.mark.parametrize("length", [0, -1, -(2**31)])
def test_a_length_of_ext_fields_below_one_means_none(length: int) -> None:
    assert decode_frame(framed(header(ext_length=length))).ext_fields is None


def test_bytes_behind_the_last_ext_field_do_not_move_the_body() -> None:
    command = decode_frame(framed(header(ext=entry(b"k", b"v")) + b"\0\0\0", b"body"))

    assert ({"k": "v"}, b"body") == (command.ext_fields, command.body)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the header has 0 bytes, 21 are the least"),
        (header()[:20], "the header has 20 bytes"),
        (header(remark_length=-1), "byte 17: the remark: -1 bytes claimed"),
        (header(remark_length=1), "byte 17: the remark: 1 bytes claimed, 0 are left"),
        (header(remark_length=2**31 - 1), "the remark: 2,147,483,647 bytes claimed"),
        (header(remark=b"\xff"), "byte 17: remark is not UTF-8"),
        (header(ext_length=1), "byte 21: the ext fields: 1 bytes claimed, 0 are left"),
        (header(ext_length=2**31 - 1), "the ext fields: 2,147,483,647 bytes claimed"),
        (header(ext=b"\0"), "the length of the key of an ext field: 2 bytes claimed, 1 are left"),
        (header(ext=b"\xff\xffabc"), "byte 23: the key of an ext field: -1 bytes claimed"),
        (header(ext=b"\0\x05abc"), "the key of an ext field: 5 bytes claimed, 3 are left"),
        (header(ext=b"\0\1k\0\0"), "the length of the value of an ext field: 4 bytes claimed, 2 are left"),
        (header(ext=b"\0\1k\xff\xff\xff\xff"), "the value of an ext field: -1 bytes claimed"),
        (header(ext=b"\0\1k\x7f\xff\xff\xff"), "the value of an ext field: 2,147,483,647 bytes claimed"),
        (header(ext=entry(b"k", b"v")[:-1]), "the value of an ext field: 1 bytes claimed, 0 are left"),
        (header(ext=entry(b"k", b"v"), ext_length=3), "the length of the value of an ext field"),
        (header(ext=entry(b"k", b"\xc3")), "byte 28: ext_fields is not UTF-8"),
        (header(ext=entry(b"\xed\xa0\x80", b"v")), "ext_fields is not UTF-8"),
    ],
)
def test_lengths_that_cannot_be_true_are_refused_with_their_place(raw: bytes, message: str) -> None:
    with pytest.raises(DeserializationError, match=message):
        decode_frame(framed(raw, b"body"))
