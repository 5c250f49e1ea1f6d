"""RemotingCommandSerializer: whole frames both ways, and limits whose errors name the part at fault."""

from __future__ import annotations

import struct
from typing import Literal

import pytest

from pyrocketmq.errors import RemotingCommandError, SerializationError
from pyrocketmq.model.command import RemotingCommand
from pyrocketmq.model.serializer import MAX_FRAME_BYTES, MAX_HEADER_BYTES, RemotingCommandSerializer

CODECS: tuple[Literal["json", "binary"], ...] = ("json", "binary")


def command(**changes: object) -> RemotingCommand:
    made = RemotingCommand(310, opaque=7, ext_fields={"b": "t", "i": "KEYS\x01k\x02"}, body=b"body")
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("codec", CODECS)
def test_a_command_comes_back_from_its_frame(codec: Literal["json", "binary"]) -> None:
    frame = RemotingCommandSerializer.serialize(command(), codec)

    assert type(frame) is bytes
    assert frame[4] == CODECS.index(codec)
    assert RemotingCommandSerializer.deserialize(frame) == command()
    assert RemotingCommandSerializer.validate_frame(frame) is True


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_frames_are_read_from_any_kind_of_bytes(kind: type[bytes]) -> None:
    frame = kind(RemotingCommandSerializer.serialize(command()))

    assert RemotingCommandSerializer.deserialize(frame) == command()
    assert RemotingCommandSerializer.validate_frame(frame)


def test_frame_info_needs_eight_bytes_and_gives_both_lengths() -> None:
    frame = RemotingCommandSerializer.serialize(command())

    total, header = RemotingCommandSerializer.get_frame_info(frame[:8])

    assert total == len(frame)
    assert header == len(frame) - 8 - len(b"body")
    with pytest.raises(RemotingCommandError):
        RemotingCommandSerializer.get_frame_info(frame[:7])


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame[:0],
        lambda frame: frame[:3],
        lambda frame: frame[:-1],
        lambda frame: frame + b"\x00",
        lambda frame: frame[:4] + b"\x07" + frame[5:],
        lambda frame: frame[:5] + b"\xff\xff\xff" + frame[8:],
        lambda frame: frame[:8] + b"x" + frame[9:],
        lambda frame: struct.pack(">i", -1) + frame[4:],
    ],
)
def test_a_damaged_frame_never_passes_as_valid(damage: object) -> None:
    assert callable(damage)
    broken = damage(RemotingCommandSerializer.serialize(command()))

    with pytest.raises(RemotingCommandError):
        RemotingCommandSerializer.validate_frame(broken)
    with pytest.raises(RemotingCommandError):
        RemotingCommandSerializer.deserialize(broken)


def test_what_is_not_bytes_is_refused_by_kind() -> None:
    for read in (
        RemotingCommandSerializer.validate_frame,
        RemotingCommandSerializer.deserialize,
        RemotingCommandSerializer.get_frame_info,
    ):
        with pytest.raises(RemotingCommandError, match="got str"):
            read("frame")  # type: ignore[arg-type]


def test_the_header_limit_holds_to_the_byte() -> None:
    plain = len(RemotingCommandSerializer.serialize(command(body=None))) - 8
    room = MAX_HEADER_BYTES - plain

    full = RemotingCommandSerializer.serialize(
        command(ext_fields={"b": "t" + "x" * room, "i": "KEYS\x01k\x02"})
    )
    assert RemotingCommandSerializer.get_frame_info(full)[1] == MAX_HEADER_BYTES
    with pytest.raises(SerializationError, match="the header has 65,537 bytes, the limit is 65,536"):
        RemotingCommandSerializer.serialize(
            command(ext_fields={"b": "t" + "x" * (room + 1), "i": "KEYS\x01k\x02"})
        )


def test_properties_that_only_escaping_makes_too_long_are_sent_to_the_binary_codec() -> None:
    too_long = command(ext_fields={"b": "t", "i": "a\x01b\x02" * 10_000})

    with pytest.raises(SerializationError) as caught:
        RemotingCommandSerializer.serialize(too_long)

    text = str(caught.value)
    assert "properties (ext field i) alone has 40,000, 140,000 escaped" in text
    assert 'header_codec="binary"' in text
    assert caught.value.field == "i"
    assert RemotingCommandSerializer.serialize(too_long, "binary")


@pytest.mark.parametrize("codec", CODECS)
def test_a_header_that_no_codec_can_hold_is_not_sent_to_the_binary_one(
    codec: Literal["json", "binary"],
) -> None:
    with pytest.raises(SerializationError) as caught:
        RemotingCommandSerializer.serialize(command(remark="r" * 70_000), codec)

    assert "remark alone has 70,000" in str(caught.value)
    assert "header_codec" not in str(caught.value)
    assert "Shorten it" in str(caught.value)


def test_the_frame_limit_holds_to_the_byte() -> None:
    overhead = len(RemotingCommandSerializer.serialize(command(body=None)))
    body = bytes(MAX_FRAME_BYTES - overhead)

    frame = RemotingCommandSerializer.serialize(command(body=body))
    assert len(frame) == MAX_FRAME_BYTES
    assert RemotingCommandSerializer.validate_frame(frame)
    with pytest.raises(SerializationError, match="the frame has 33,554,433 bytes, the limit is 33,554,432"):
        RemotingCommandSerializer.serialize(command(body=body + b"x"))
    with pytest.raises(RemotingCommandError, match="33,554,433"):
        RemotingCommandSerializer.deserialize(frame + b"x")


def test_a_large_header_is_read_although_it_would_not_be_sent() -> None:
    """The header limit is our own, for sending; servers may send more."""
    text = b'{"code":0,"flag":1,"opaque":1,"remark":"' + b"r" * 70_000 + b'"}'
    frame = struct.pack(">ii", 4 + len(text), len(text)) + text

    assert len(RemotingCommandSerializer.deserialize(frame).remark or "") == 70_000
