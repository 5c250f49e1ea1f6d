"""The incremental reader: any split of the stream, bad frames in between, lengths that lie."""

from __future__ import annotations

import random
import struct
import tracemalloc
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import BROKER_MAX_FRAME_BYTES, FrameReader, encode_frame
from pyrocketmq.errors import ConfigurationError, DeserializationError, ProtocolError


def command(number: int, body_size: int = 10) -> RemotingCommand:
    return RemotingCommand(
        number, 3, 513, number, 1, None, {"queueId": str(number)}, bytes(body_size) or None
    )


def frame(number: int, body_size: int = 10) -> bytes:
    return encode_frame(command(number, body_size), "binary" if number % 2 else "json")


BAD = struct.pack(">iI", 8, 4) + b"oops"
LYING = [struct.pack(">i", length) for length in (-1, 0, 3, BROKER_MAX_FRAME_BYTES + 1, -(2**31))]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1000, 100_000])
def test_any_split_of_the_stream_gives_the_same_frames(step: int) -> None:
    stream = b"".join(frame(number, number * 7 % 300) for number in range(50))
    reader = FrameReader()
    found = []

    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        found += reader.read_all()

    assert [command(number, number * 7 % 300) for number in range(50)] == found
    assert 0 == reader.buffered


def test_random_splits_and_ways_of_reading_give_the_same_frames() -> None:
    rng = random.Random(20260000)
    stream = b"".join(frame(number, rng.randrange(3000)) for number in range(200))
    reader = FrameReader()
    codes = []
    start = 0
    while start < len(stream):
        size = rng.choice([1, 5, 100, 5000, 60_000])
        reader.feed(memoryview(stream)[start : start + size])
        start += size
        if rng.random() < 0.3:
            codes += [found.code for found in reader.read_all()]
        elif rng.random() < 0.5:
            codes += [found.code for found in reader]
        elif (one := reader.next_frame()) is not None:
            codes.append(one.code)
    codes += [found.code for found in reader]

    assert list(range(200)) == codes


def test_nothing_comes_before_a_frame_is_whole() -> None:
    whole = frame(1)
    reader = FrameReader()

    for size in range(len(whole)):
        assert reader.next_frame() is None
        assert [] == reader.read_all() == list(reader)
        assert size == reader.buffered
        reader.feed(whole[size : size + 1])

    assert command(1) == reader.next_frame()
    assert reader.next_frame() is None


def test_a_bad_frame_is_one_error_and_the_next_frames_are_intact() -> None:
    reader = FrameReader()
    reader.feed(frame(1) + BAD + frame(2))

    assert command(1) == reader.next_frame()
    with pytest.raises(DeserializationError):
        reader.next_frame()
    assert command(2) == reader.next_frame()
    assert reader.next_frame() is None


def test_a_loop_over_the_reader_can_go_on_after_a_bad_frame() -> None:
    reader = FrameReader()
    reader.feed(frame(1) + BAD + frame(2))
    found = []
    errors = 0
    while errors < 2:
        try:
            found += [one.code for one in reader]
            break
        except DeserializationError:
            errors += 1

    # What the list had before the error is gone with it; use read_all to keep it.
    assert ([2], 1) == (found, errors)


def test_read_all_loses_no_frame_around_bad_ones() -> None:
    reader = FrameReader()
    reader.feed(frame(1) + frame(2) + BAD + BAD + frame(3))

    assert [command(1), command(2)] == reader.read_all()
    for _ in range(2):
        with pytest.raises(DeserializationError):
            reader.read_all()
    assert [command(3)] == reader.read_all()
    assert [] == reader.read_all()


@pytest.mark.parametrize(
    "bad",
    [
        struct.pack(">iI", 4, 5),
        struct.pack(">iI", 10, 0xFFFFFF) + b"abcdef",
        struct.pack(">iI", 5, 0x02000001) + b"x",
        struct.pack(">iI", 4, 0),
        struct.pack(">iI", 20, 0x01000010) + bytes(16),
    ],
)
def test_lies_inside_a_frame_cost_that_frame_only(bad: bytes) -> None:
    reader = FrameReader()
    reader.feed(bad + frame(2))

    with pytest.raises(DeserializationError):
        reader.next_frame()
    assert [command(2)] == reader.read_all()


@pytest.mark.parametrize("lie", LYING)
def test_a_length_that_cannot_be_true_ends_the_stream_after_the_good_frames(lie: bytes) -> None:
    reader = FrameReader()
    reader.feed(frame(1) + lie)
    calls: list[Any] = [
        reader.next_frame,
        reader.read_all,
        lambda: next(reader),
        lambda: reader.feed(frame(2)),
    ]

    assert [command(1)] == reader.read_all()
    messages = set()
    for call in calls * 2:
        with pytest.raises(ProtocolError, match="a frame claims") as caught:
            call()
        messages.add(str(caught.value))
    assert 1 == len(messages)


def test_the_limit_is_on_the_length_word() -> None:
    whole = frame(2)
    reader = FrameReader(len(whole) - 4)
    reader.feed(whole)
    assert command(2) == reader.next_frame()

    reader = FrameReader(max_frame_bytes=len(whole) - 5)
    reader.feed(whole[:4])
    with pytest.raises(ProtocolError, match=f"4 to {len(whole) - 5} are possible"):
        reader.next_frame()
    assert len(whole) - 5 == reader.max_frame_bytes


@pytest.mark.parametrize("limit", [3, 0, -1, 2**31])
def test_a_limit_that_makes_no_sense_is_refused(limit: int) -> None:
    with pytest.raises(ConfigurationError, match="max_frame_bytes is") as caught:
        FrameReader(limit)
    assert "max_frame_bytes" == caught.value.field


def test_a_claimed_length_allocates_nothing() -> None:
    reader = FrameReader(2**31 - 1)
    tracemalloc.start()
    try:
        reader.feed(struct.pack(">iI", 2**31 - 1, 0) + bytes(100))
        assert reader.next_frame() is None
        assert tracemalloc.get_traced_memory()[1] < 20_000
    finally:
        tracemalloc.stop()


def test_memory_follows_what_is_unread_and_goes_back() -> None:
    big = frame(2, 5_000_000)
    tracemalloc.start()
    try:
        reader = FrameReader()
        for start in range(0, len(big), 65_536):
            reader.feed(big[start : start + 65_536])
        assert 5_000_000 < tracemalloc.get_traced_memory()[0] < 11_000_000
        assert reader.next_frame() is not None
        reader.feed(frame(4))
        assert tracemalloc.get_traced_memory()[0] < 100_000
        assert command(4) == reader.next_frame()
    finally:
        tracemalloc.stop()


def test_commands_outlive_the_reader_and_its_buffer() -> None:
    reader = FrameReader()
    reader.feed(frame(2) + frame(3))
    found = reader.read_all()
    reader.feed(b"\xff" * 2000)
    del reader

    assert [command(2), command(3)] == found


def test_only_buffers_can_be_fed() -> None:
    text: Any = "frame"
    with pytest.raises(TypeError):
        FrameReader().feed(text)


def test_an_empty_feed_changes_nothing() -> None:
    reader = FrameReader()
    reader.feed(b"")

    assert (0, None) == (reader.buffered, reader.next_frame())
