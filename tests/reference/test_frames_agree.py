"""Command frames: native and reference write, read and refuse alike, whole and cut from a stream."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import frame as native
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import ProtocolError, RocketMQError
from tests.properties import FEWER_EXAMPLES

from .agreement import Refusal, outcome
from .codec import frames as reference
from .codec.command import LANGUAGES, Command
from .codec.refusal import RefusedError
from .odd_json import odd_headers
from .strategies import INT16, INT32, bodies, commands, damaged, ext_fields, text, wild_text

if TYPE_CHECKING:
    from collections.abc import Callable

codecs = st.sampled_from(["json", "binary"])
wild_fields = st.dictionaries(st.none() | text | wild_text, st.none() | text | wild_text, max_size=4)
good_commands = commands(ext_fields, numbers=INT16)
any_commands = commands(wild_fields, texts=text | wild_text)
Codec = Literal["json", "binary"]


def native_command(command: Command) -> RemotingCommand:
    return RemotingCommand(*astuple(command))


def plain_command(found: RemotingCommand) -> Command:
    fields: Any = found.ext_fields  # received names and values may be None
    return Command(
        found.code, found.language, found.version, found.opaque, found.flag, found.remark, fields, found.body
    )


def decoded(decode: Callable[[bytes], Any], data: bytes) -> Command | Refusal:
    """The command without a number that the receiver had to invent."""
    found = outcome(lambda: decode(data))
    return plain_command(found) if isinstance(found, RemotingCommand) else found


def assert_read_alike(data: bytes, *, fields: bool = True) -> None:
    expected = outcome(lambda: reference.decode_frame(data))
    found = decoded(native.decode_frame, data)
    if isinstance(expected, Command) and isinstance(found, Command) and expected.opaque is None:
        found = replace(found, opaque=None)
    if not fields and isinstance(expected, Refusal) and isinstance(found, Refusal):
        # One pass meets the first fault, two passes may meet another one first.
        expected, found = expected._replace(field=None), found._replace(field=None)
    assert expected == found


@FEWER_EXAMPLES
@given(any_commands, codecs)
def test_frames_of_any_command_are_written_alike(command: Command, codec: Codec) -> None:
    expected = outcome(lambda: reference.encode_frame(command, codec))
    assert expected == outcome(lambda: native.encode_frame(native_command(command), codec))


@FEWER_EXAMPLES
@given(good_commands, codecs)
def test_what_is_written_is_read_back_by_both(command: Command, codec: Codec) -> None:
    frame = native.encode_frame(native_command(command), codec)
    assert_read_alike(frame)
    again = decoded(native.decode_frame, frame)
    assert isinstance(again, Command)
    assert (command.code, command.version, command.opaque) == (again.code, again.version, again.opaque)
    assert (command.body or None) == again.body
    assert native.frame_info(frame) == native.frame_info(frame[:8]) == (
        len(frame), len(frame) - 8 - len(command.body or b"")
    )  # fmt: skip


@given(st.integers(32760, 32770), st.sampled_from(["k", "\u00e9", "\u4e3b"]), codecs)
def test_the_key_limit_of_the_binary_header_counts_bytes(size: int, letter: str, codec: Codec) -> None:
    command = Command(1, 0, 1, 1, 0, None, {letter * (size // len(letter.encode())): "v"}, None)
    expected = outcome(lambda: reference.encode_frame(command, codec))
    assert expected == outcome(lambda: native.encode_frame(native_command(command), codec))


@FEWER_EXAMPLES
@given(st.integers(2**24 - 40, 2**24 + 5))
def test_the_header_limit_is_what_its_length_can_say(size: int) -> None:
    command = Command(1, 0, 1, 1, 0, "r" * size, None, None)
    expected = outcome(lambda: reference.encode_frame(command, "binary"))
    assert expected == outcome(lambda: native.encode_frame(native_command(command), "binary"))


@FEWER_EXAMPLES
@given(odd_headers(), bodies)
def test_odd_json_headers_are_read_alike(header: str, body: bytes) -> None:
    raw = header.encode("utf-8")
    assert_read_alike(
        (4 + len(raw) + len(body)).to_bytes(4, "big") + len(raw).to_bytes(4, "big") + raw + body, fields=False
    )


@FEWER_EXAMPLES
@given(good_commands.flatmap(lambda command: codecs.map(lambda codec: (command, codec))), st.data())
def test_damaged_headers_are_read_alike(drawn: tuple[Command, Codec], data: st.DataObject) -> None:
    """The damage is inside the header and the lengths are made true again, so that it gets that far."""
    frame = reference.encode_frame(*drawn)
    size = int.from_bytes(frame[5:8], "big")
    header = data.draw(damaged(st.just(frame[8 : 8 + size])))
    rest = frame[4:5] + len(header).to_bytes(3, "big") + header + frame[8 + size :]
    assert_read_alike(len(rest).to_bytes(4, "big") + rest, fields=drawn[1] == "binary")


whole_frames = st.builds(reference.encode_frame, good_commands, codecs)


@FEWER_EXAMPLES
@given(damaged(whole_frames) | st.binary(max_size=40))
def test_damaged_frames_are_read_alike(data: bytes) -> None:
    assert_read_alike(data, fields=data[4:5] != b"\x00")


@given(st.lists(damaged(whole_frames) | whole_frames, max_size=5).map(b"".join), st.data())
def test_a_stream_gives_the_same_frames_however_it_is_split(stream: bytes, data: st.DataObject) -> None:
    expected: list[Any] = []
    for piece in reference.cut_stream(stream):
        if isinstance(piece, RefusedError):
            expected.append("protocol")
        else:
            found = decoded(native.decode_frame, piece)
            expected.append(found if isinstance(found, Command) else found.kind)
    splits = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader = native.FrameReader()
    found_all: list[Any] = []
    for start, end in zip([0, *splits], [*splits, len(stream)], strict=True):
        if "protocol" in found_all:
            break
        reader.feed(stream[start:end])
        found_all += drained(reader)
    assert [without_opaque(item) for item in expected] == [without_opaque(item) for item in found_all]


def drained(reader: native.FrameReader) -> list[Command | str]:
    found: list[Command | str] = []
    while True:
        try:
            command = reader.next_frame()
        except ProtocolError:
            return [*found, "protocol"]
        except RocketMQError:
            found.append("deserialization")
            continue
        if command is None:
            return found
        found.append(plain_command(command))


def without_opaque(item: Command | str) -> Command | str:
    """A header without a number gets another one each time it is read."""
    return replace(item, opaque=None) if isinstance(item, Command) else item


@given(st.lists(whole_frames, min_size=1, max_size=4), st.integers(4, 200))
def test_the_frame_limit_of_a_stream_is_kept(frames: list[bytes], limit: int) -> None:
    stream = b"".join(frames)
    expected = [
        "protocol" if isinstance(piece, RefusedError) else "frame"
        for piece in reference.cut_stream(stream, limit)
    ]
    reader = native.FrameReader(limit)
    reader.feed(stream)
    assert expected == ["frame" if isinstance(item, Command) else item for item in drained(reader)]


@given(st.integers(-5, 20) | INT32, st.sampled_from(["code", "version", "opaque", "flag", "language"]))
def test_numbers_of_a_command_stay_inside_their_range(number: int, field: str) -> None:
    command = RemotingCommand(1)
    limit = range(len(LANGUAGES)) if field == "language" else range(-(2**31), 2**31)
    for value in (number, number * 2**31):
        found = outcome(lambda: setattr(command, field, value))  # noqa: B023
        assert found is None if value in limit else found == Refusal("serialization", field)


@given(text)
def test_unknown_codecs_are_refused(codec: str) -> None:
    found = outcome(lambda: native.encode_frame(RemotingCommand(1), codec))  # type: ignore[arg-type]
    known = codec in ("json", "binary")
    assert isinstance(found, bytes) if known else found == Refusal("configuration", "codec")
