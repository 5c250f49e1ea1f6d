"""Whole frames: the words in front, the body behind, and what is refused."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import decode_frame, encode_frame, frame_info
from pyrocketmq.errors import ConfigurationError, DeserializationError, SerializationError

COMMAND = RemotingCommand(310, 3, 513, 7, 0, None, {"topic": "T"}, b"the body")


@pytest.mark.parametrize(("codec", "mark"), [("json", 0), ("binary", 1)])
def test_the_words_in_front_tell_both_lengths_and_the_codec(codec: Any, mark: int) -> None:
    frame = encode_frame(COMMAND, codec)
    length, word = struct.unpack(">iI", frame[:8])

    assert len(frame) == 4 + length
    assert mark == word >> 24
    assert b"the body" == frame[8 + (word & 0xFFFFFF) :]
    assert (len(frame), word & 0xFFFFFF) == frame_info(frame)


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("body", [None, b""])
def test_an_absent_and_an_empty_body_are_the_same_on_the_wire(codec: Any, body: bytes | None) -> None:
    assert decode_frame(encode_frame(RemotingCommand(1, body=body), codec)).body is None


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_long_headers_and_bodies_survive(codec: Any) -> None:
    command = RemotingCommand(
        1, remark="r" * 5000, ext_fields={"k": "\u4e3b" * 100_000}, body=bytes(3_000_000)
    )

    assert command == decode_frame(encode_frame(command, codec))


def test_a_header_over_24_bits_is_refused() -> None:
    limit = 0xFFFFFF
    fits = RemotingCommand(1, 0, 0, 0, remark="r" * (limit - 21))
    assert limit == frame_info(encode_frame(fits, "binary"))[1]

    with pytest.raises(SerializationError, match="the header has 16,777,216 bytes") as caught:
        encode_frame(RemotingCommand(1, 0, 0, 0, remark="r" * (limit - 20)), "binary")
    assert "header" == caught.value.field


def test_an_unknown_codec_is_refused() -> None:
    codec: Any = "xml"
    with pytest.raises(ConfigurationError, match="codec is 'xml', known are 'json' and 'binary'"):
        encode_frame(COMMAND, codec)


def test_only_commands_are_encoded() -> None:
    nothing: Any = None
    with pytest.raises(TypeError):
        encode_frame(nothing)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_decoded(kind: Any) -> None:
    frame = kind(encode_frame(COMMAND))

    assert COMMAND == decode_frame(frame)
    assert frame_info(frame)[0] == len(frame)


def test_a_decoded_command_does_not_need_the_bytes_any_more() -> None:
    for codec in ("json", "binary"):
        received = bytearray(encode_frame(COMMAND, codec))
        command = decode_frame(received)
        received[:] = bytes(len(received))
        assert COMMAND == command


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes are no frame"),
        (encode_frame(COMMAND)[:7], "7 bytes are no frame"),
        (encode_frame(COMMAND)[:-1], "after its length word"),
        (encode_frame(COMMAND) + b"x", "after its length word"),
        (struct.pack(">ii", -1, 0), "the frame claims -1 bytes after its length word, 4 are there"),
        (struct.pack(">ii", 4, 1), "a frame of 8 bytes claims a header of 1, 0 are left for it"),
        (struct.pack(">iI", 4, 0xFFFFFF), "a header of 16,777,215"),
        (struct.pack(">iI", 4, 0x02000000), "the codec byte of the frame is 2"),
        (struct.pack(">iI", 4, 0xFF000000), "the codec byte of the frame is 255"),
        (struct.pack(">iI", 4, 0), "JSON header of 0 bytes"),
        (struct.pack(">iI", 4, 0x01000000), "the header has 0 bytes"),
    ],
)
def test_what_is_not_exactly_one_frame_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DeserializationError, match=message):
        decode_frame(data)


def test_frame_info_needs_the_first_eight_bytes_only() -> None:
    frame = encode_frame(COMMAND)

    assert frame_info(frame[:8]) == frame_info(frame)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1234567", "7 bytes do not show the lengths"),
        (struct.pack(">ii", 3, 0), "the frame claims 3 bytes"),
        (struct.pack(">ii", -5, 0), "the frame claims -5 bytes"),
        (struct.pack(">ii", 10, 7), "a header of 7, 6 are left for it"),
    ],
)
def test_frame_info_refuses_lengths_that_cannot_be_true(data: bytes, message: str) -> None:
    with pytest.raises(DeserializationError, match=message):
        frame_info(data)
