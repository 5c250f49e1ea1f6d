"""Large bodies reach the transport uncopied, in their order, a bounded part in each turn of the loop."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import Parcel, pack
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import ConnectionClosedError, SerializationError
from pyrocketmq.model.acl import AclCredentials
from tests.reference.codec.frames import cut_stream, decode_frame
from tests.transport.peers import SEND_ANSWER, Peer, answer_frame, connect, shut, start_server, until

Given = bytes | memoryview

KIB = 1024
MIB = 1024 * 1024
TURN = MIB
PIECE = 256 * KIB
BORN = 1_718_000_000_000
ENCODER = SendEncoder("group", "broker-a")


class Recorder(asyncio.Transport):
    """A transport that keeps the very objects that it is given, and pauses after some of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.given: list[Given] = []
        self.room = sys.maxsize
        self.ends = False
        self.connection = Connection(first_opaque=1, write_buffer_bytes=1 << 30, **options)
        self.connection.connection_made(self)

    def write(self, data: Given) -> None:  # type: ignore[override]
        self.given.append(data)
        self.room -= 1
        if self.room == 0:
            self.connection.pause_writing()

    def go_on(self, room: int = sys.maxsize) -> None:
        self.room = room
        self.connection.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return self.ends

    def close(self) -> None:
        self.ends = True

    def abort(self) -> None:
        self.ends = True
        self.connection.connection_lost(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 10911) if name == "peername" else default

    @property
    def stream(self) -> bytes:
        return b"".join(bytes(one) for one in self.given)

    @property
    def sizes(self) -> list[int]:
        return [len(one) for one in self.given]


def body_of(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def send(connection: Connection, message: Message, encoder: SendEncoder = ENCODER) -> asyncio.Future[Any]:
    return connection.send_message(encoder, message, 3, 30, born_ms=BORN)


def frame_of(message: Message, opaque: int, encoder: SendEncoder = ENCODER) -> bytes:
    """The same frame as the encoder writes it into a buffer, body and all."""
    buffer = WriteBuffer()
    encoder.put(buffer, message, 3, opaque, BORN)
    return buffer.take()


def owner_of(data: Given) -> object:
    return data.obj if isinstance(data, memoryview) else data


async def turns_until_empty(recorder: Recorder) -> list[int]:
    """Let the loop run; the bytes that each of its turns handed over."""
    handed: list[int] = []
    while recorder.connection.buffered_bytes:
        before = sum(recorder.sizes)
        await asyncio.sleep(0)
        handed.append(sum(recorder.sizes) - before)
    return handed


@pytest.mark.parametrize("size", [64 * KIB, 64 * KIB + 1, PIECE, PIECE + 1, MIB, 4 * MIB])
async def test_a_large_body_is_handed_over_as_the_object_that_it_is(size: int) -> None:
    recorder = Recorder()
    message = Message("orders", body_of(size))
    body = message.body
    send(recorder.connection, message)
    await turns_until_empty(recorder)

    _, *pieces = recorder.given
    assert all(owner_of(piece) is body for piece in pieces)
    assert size == sum(recorder.sizes[1:])
    assert frame_of(message, 1) == recorder.stream
    recorder.abort()


def write_oneway(connection: Connection, body: bytes) -> bytes:
    connection.oneway(RemotingCommand(1, body=body))
    return body


def write_answer(connection: Connection, body: bytes) -> bytes:
    connection.reply(RemotingCommand(0, body=body))
    return body


def write_oneway_send(connection: Connection, body: bytes) -> bytes:
    connection.send_oneway(ENCODER, Message("orders", body), 3)
    return body


def write_frame(connection: Connection, body: bytes) -> bytes:
    frame = answer_frame(RemotingCommand(1), body)
    connection.output(frame)
    return frame


@pytest.mark.parametrize("write", [write_oneway, write_answer, write_oneway_send, write_frame])
async def test_what_else_is_large_is_not_copied_either(write: Callable[[Connection, bytes], bytes]) -> None:
    recorder = Recorder()
    body = body_of(MIB)
    whole = write(recorder.connection, body)
    await turns_until_empty(recorder)

    assert len(whole) == sum(len(one) for one in recorder.given if owner_of(one) is whole)
    [seen] = cut_stream(recorder.stream)
    assert isinstance(seen, bytes)
    assert body == decode_frame(seen).body
    recorder.abort()


async def test_a_small_body_is_copied_so_that_its_frame_leaves_in_one_piece() -> None:
    recorder = Recorder()
    message = Message("orders", body_of(64 * KIB - 1))
    send(recorder.connection, message)

    assert [frame_of(message, 1)] == recorder.given
    recorder.abort()


@pytest.mark.parametrize("size", [100_000, 4 * MIB])
async def test_no_turn_of_the_loop_hands_over_more_than_a_megabyte(size: int) -> None:
    recorder = Recorder()
    messages = [Message("orders", body_of(size, seed)) for seed in range(12 * MIB // size)]

    async def one(message: Message) -> None:
        send(recorder.connection, message)

    begun = [asyncio.create_task(one(message)) for message in messages]
    handed = await turns_until_empty(recorder) if recorder.connection.buffered_bytes else []
    while not all(task.done() for task in begun) or recorder.connection.buffered_bytes:
        handed += await turns_until_empty(recorder)
        await asyncio.sleep(0)

    assert max(recorder.sizes) <= PIECE
    assert max(handed) <= TURN + PIECE
    assert b"".join(frame_of(one, 1 + at) for at, one in enumerate(messages)) == recorder.stream
    recorder.abort()


async def test_what_gathered_while_the_transport_paused_leaves_in_pieces_too() -> None:
    recorder = Recorder()
    recorder.connection.pause_writing()
    frames: list[bytes] = []
    for number in range(8000):
        message = Message("orders", body_of(500, number))
        send(recorder.connection, message)
        frames.append(frame_of(message, 1 + number))
    assert [] == recorder.given
    recorder.go_on()
    first = sum(recorder.sizes)
    handed = await turns_until_empty(recorder)

    assert max(recorder.sizes) <= PIECE
    assert max(first, *handed) <= TURN
    assert b"".join(frames) == recorder.stream
    recorder.abort()


async def test_a_pause_in_the_middle_of_a_body_loses_and_doubles_nothing() -> None:
    recorder = Recorder()
    recorder.room = 3
    large, small = Message("orders", body_of(2 * MIB)), Message("orders", b"small")
    send(recorder.connection, large)
    send(recorder.connection, small)
    for _ in range(5):
        await asyncio.sleep(0)

    assert 3 == len(recorder.given)
    assert not recorder.connection.is_flowing
    assert recorder.connection.buffered_bytes == len(frame_of(large, 1) + frame_of(small, 2)) - sum(
        recorder.sizes
    )
    while recorder.connection.buffered_bytes:
        recorder.go_on(1)
    assert frame_of(large, 1) + frame_of(small, 2) == recorder.stream
    recorder.abort()


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("credentials", [None, AclCredentials("user", "secret", "token")])
async def test_frames_around_every_bound_arrive_to_the_byte(
    peer: Peer, codec: str, credentials: AclCredentials | None
) -> None:
    encoder = SendEncoder("group", "broker-a", codec, credentials=credentials)
    sizes = [bound + off for bound in (64 * KIB, PIECE, MIB) for off in (-1, 0, 1)]
    sizes += [4 * MIB - 1, 4 * MIB, 1, 10, 100] * 2
    random.Random(5).shuffle(sizes)
    connection = await peer.connect(first_opaque=1, write_buffer_bytes=1 << 26, codec=codec)
    assert peer.reader is not None
    expected = b""
    for number, size in enumerate(sizes):
        message = Message("orders", body_of(size, number), tags="t", keys="k", properties={"n": "\u00e9"})
        send(connection, message, encoder).cancel()
        expected += frame_of(message, 1 + number, encoder)
        if number % 4 == 3:
            await asyncio.sleep(0)
    arrived = await peer.reader.readexactly(len(expected))

    assert expected == arrived
    assert sizes == [len(decode_frame(one).body or b"") for one in cut_stream(arrived) if type(one) is bytes]
    await shut(connection)


async def test_a_lost_connection_tells_which_large_sends_may_have_arrived() -> None:
    recorder = Recorder()
    recorder.room = 2
    bodies = [body_of(MIB, seed) for seed in range(3)]
    references = [sys.getrefcount(body) for body in bodies]
    futures = [send(recorder.connection, Message("orders", body)) for body in bodies]
    recorder.abort()

    for future, may in zip(futures, [True, False, False], strict=True):
        with pytest.raises(ConnectionClosedError) as caught:
            await future
        assert may == caught.value.maybe_sent
    assert 0 == recorder.connection.buffered_bytes
    assert 2 == len(recorder.given)
    recorder.given.clear()
    assert references == [sys.getrefcount(body) for body in bodies]


async def test_a_cancelled_send_leaves_whole_so_that_what_follows_is_understood() -> None:
    def stored(_: Connection, __: RemotingCommand) -> RemotingCommand:
        return RemotingCommand(0, opaque=0, ext_fields=SEND_ANSWER)

    async with start_server(stored) as (port, taken):
        connection = await connect(port, write_buffer_bytes=1 << 26)
        cancelled = [send(connection, Message("orders", body_of(4 * MIB, at))) for at in range(2)]
        after = send(connection, Message("orders", b"after"))
        for future in cancelled:
            future.cancel()

        assert (await after).ok
        await until(lambda: connection.stats().late_answers == 2)
        assert (3, 0) == (taken[0].stats().requests_in, taken[0].stats().bad_frames)
        await shut(connection)


async def test_closing_sends_the_large_bodies_that_wait(peer: Peer) -> None:
    connection = await peer.connect(write_buffer_bytes=1 << 26)
    bodies = [body_of(3 * MIB, seed) for seed in range(2)]
    for body in bodies:
        connection.oneway(RemotingCommand(1, body=body))
    connection.close()

    assert 0 == connection.buffered_bytes
    assert bodies == [one.body for one in await peer.read(2)]
    await connection.wait_closed(2.0)


async def test_parcels_leave_where_they_lie_and_after_what_was_written_before() -> None:
    recorder = Recorder()
    before, after = Message("orders", body_of(2 * MIB)), Message("orders", b"after")
    send(recorder.connection, before)
    parcels: list[Parcel] = []
    for size in (3 * MIB, 1000):
        [parcel] = pack([Message("orders", body_of(size // 10)) for _ in range(10)], "orders", 4 * MIB)
        assert parcel.send(recorder.connection, ENCODER, 3, 30)
        parcels.append(parcel)
    send(recorder.connection, after)
    await turns_until_empty(recorder)

    frames = [decode_frame(one) for one in cut_stream(recorder.stream) if type(one) is bytes]
    assert [1, 2, 3, 4] == [frame.opaque for frame in frames]
    assert [before.body, *(one.message().body for one in parcels), after.body] == [one.body for one in frames]
    assert max(recorder.sizes) <= PIECE
    assert all(
        parcels[0] is owner_of(piece)
        for piece, size in zip(recorder.given, recorder.sizes, strict=True)
        if owner_of(piece) not in (before.body, after.body) and size > 100 * KIB
    )
    recorder.abort()


class Interrupt(BaseException):
    """What a signal handler may raise anywhere."""


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_send_that_cannot_be_begun_leaves_nothing_in_the_stream(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    loop = asyncio.get_running_loop()
    raising = False
    create_future = loop.create_future

    def make() -> Any:
        if raising:
            raise Interrupt
        future = create_future()
        return future if recorded else object()

    recorded = False  # a loop with futures of its own, as far as the connection can tell
    monkeypatch.setattr(loop, "create_future", make)
    recorder = Recorder()
    recorded = True
    recorder.connection.pause_writing()
    messages = [Message("orders", body_of(100)), Message("orders", body_of(200_000))]
    futures = [send(recorder.connection, messages[0])]
    waiting = recorder.connection.buffered_bytes
    raising = True
    with pytest.raises(Interrupt):
        send(recorder.connection, Message("orders", body_of(size)))
    raising = False
    assert waiting == recorder.connection.buffered_bytes
    futures.append(send(recorder.connection, messages[1]))
    recorder.go_on()
    await turns_until_empty(recorder)

    assert frame_of(messages[0], 1) + frame_of(messages[1], 3) == recorder.stream
    recorder.abort()
    await asyncio.wait(futures)


async def test_a_body_over_the_limit_of_a_frame_is_refused_before_anything_is_written() -> None:
    recorder = Recorder(max_frame_bytes=MIB)
    with pytest.raises(SerializationError, match="max_frame_bytes is 1,048,576"):
        recorder.connection.oneway(RemotingCommand(1, body=bytes(MIB)))

    assert (0, []) == (recorder.connection.buffered_bytes, recorder.given)
    recorder.abort()
