"""Requests over one connection: matching, bursts, ends of connections, garbage."""

from __future__ import annotations

import asyncio
import random
import struct
import threading

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.frame import encode_frame
from pyrocketmq.errors import (
    ConfigurationError,
    ConnectionClosedError,
    ProtocolError,
    RpcTimeoutError,
    SerializationError,
    TransportStateError,
)
from tests.transport.peers import Peer, answer_frame, answer_to, connect, shut, start_server, until


def request(code: int = 31, **fields: str) -> RemotingCommand:
    return RemotingCommand(code, ext_fields=fields or None)


async def test_an_answer_reaches_its_request(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.request(request(topic="orders"), 5)
    [seen] = await peer.read()
    await peer.write(answer_frame(seen, b"route"))

    answer = await future

    assert (31, {"topic": "orders"}, 0) == (seen.code, seen.ext_fields, seen.flag)
    assert (b"route", seen.opaque, True) == (answer.body, answer.opaque, answer.is_response)
    await shut(connection)


@pytest.mark.parametrize("step", [1, 7, 1000, 100_000])
async def test_any_split_of_the_stream_gives_each_request_its_own_answer(peer: Peer, step: int) -> None:
    connection = await peer.connect()
    futures = [connection.request(request(), 30) for _ in range(40)]
    seen = await peer.read(40)
    random.Random(step).shuffle(seen)
    stream = b"".join(answer_frame(one, b"%d" % one.opaque * (one.opaque % 50)) for one in seen)

    for start in range(0, len(stream), step):
        connection_sees = stream[start : start + step]
        await peer.write(connection_sees)
        if step < 1000 and start % (step * 50) == 0:
            await asyncio.sleep(0)
    answers = await asyncio.gather(*futures)

    for answer in answers:
        assert (answer.body or b"") == b"%d" % answer.opaque * (answer.opaque % 50)
    await shut(connection)


async def test_frames_written_in_one_turn_leave_together(peer: Peer) -> None:
    connection = await peer.connect()
    first = connection.request(request(), 5)  # nobody else waits, so this one leaves at once
    before = connection.stats().bytes_out
    futures = [connection.request(request(), 5) for _ in range(100)]

    assert connection.stats().bytes_out == before
    assert connection.buffered_bytes > 100 * 50
    await asyncio.sleep(0)
    assert 0 == connection.buffered_bytes
    for one in await peer.read(101):
        await peer.write(answer_frame(one))
    assert 101 == len(await asyncio.gather(first, *futures))
    await shut(connection)


async def test_a_large_frame_comes_through_in_both_directions() -> None:
    body = random.Random(1).randbytes(5_000_000)
    async with start_server(lambda _, command: answer_to(command, command.body)) as (port, _):
        connection = await connect(port, write_buffer_bytes=6_000_000)
        command = request()
        command.body = body

        answer = await connection.request(command, 30)

        assert answer.body == body
        await shut(connection)


async def test_the_binary_codec_is_used_and_answered_in_kind() -> None:
    codecs = []

    def handler(_: Connection, command: RemotingCommand) -> RemotingCommand:
        codecs.append(command.code)
        return answer_to(command, b"x")

    async with start_server(handler) as (port, taken):
        connection = await connect(port, codec="binary")
        binary = await connection.request(request(1, a="b"), 5)
        sizes = connection.stats().bytes_in
        json = await connection.request(request(2, a="b"), 5, codec="json")

        assert [1, 2] == codecs
        assert b"x" == binary.body == json.body
        assert connection.stats().bytes_in - sizes > sizes  # JSON is the longer one
        assert 2 == taken[0].stats().requests_in
        await shut(connection)


async def test_codes_that_the_binary_header_cannot_hold_are_written_as_json() -> None:
    codes = []

    def handler(_: Connection, command: RemotingCommand) -> RemotingCommand:
        codes.append(command.code)
        return answer_to(command, b"x")

    async with start_server(handler) as (port, _):
        connection = await connect(port, codec="binary")
        for code in (32767, 200050):
            assert b"x" == (await connection.request(request(code, a="b"), 5)).body
        connection.oneway(request(200051, a="b"))
        await until(lambda: len(codes) == 3)

        assert [32767, 200050, 200051] == codes
        with pytest.raises(SerializationError):
            connection.request(request(200050), 5, codec="binary")
        await shut(connection)


async def test_a_number_in_use_is_not_used_again(peer: Peer) -> None:
    connection = await peer.connect()
    one, two = (RemotingCommand(1, opaque=7), RemotingCommand(2, opaque=7))
    futures = [connection.request(one, 5), connection.request(two, 5)]
    seen = await peer.read(2)

    assert 7 == seen[0].opaque != seen[1].opaque == two.opaque
    for command in reversed(seen):
        await peer.write(answer_frame(command, b"%d" % command.code))
    assert [b"1", b"2"] == [(await future).body for future in futures]
    await shut(connection)


async def test_numbers_wrap_through_the_negative_ones(peer: Peer) -> None:
    connection = await peer.connect(first_opaque=2**31 - 2)
    for _ in range(4):
        command = RemotingCommand(1, opaque=5)
        connection.request(RemotingCommand(1, opaque=5), 5)
        connection.request(command, 5)
    seen = await peer.read(8)

    assert [5, 2**31 - 2, 2**31 - 1, -(2**31)] == [one.opaque for one in seen][:4]
    assert 8 == len({one.opaque for one in seen})
    await shut(connection)


async def test_a_oneway_request_carries_flag_2_and_waits_for_nothing(peer: Peer) -> None:
    connection = await peer.connect()
    connection.oneway(request())
    [seen] = await peer.read()

    assert (2, 0) == (seen.flag, connection.in_flight)
    await shut(connection)


@pytest.mark.parametrize("flag", [1, 2, 3])
async def test_a_request_whose_flag_says_otherwise_is_refused(peer: Peer, flag: int) -> None:
    connection = await peer.connect()

    with pytest.raises(SerializationError, match=f"flag is {flag}"):
        connection.request(RemotingCommand(1, flag=flag), 5)
    assert 0 == connection.buffered_bytes
    await shut(connection)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
async def test_an_impossible_timeout_is_refused(peer: Peer, timeout: float) -> None:
    connection = await peer.connect()

    with pytest.raises(ConfigurationError, match="timeout is"):
        connection.request(request(), timeout)
    await shut(connection)


async def test_a_frame_over_the_limit_is_refused_before_sending(peer: Peer) -> None:
    connection = await peer.connect(max_frame_bytes=4096)

    with pytest.raises(SerializationError, match="max_frame_bytes is 4,096"):
        connection.request(RemotingCommand(1, body=bytes(5000)), 5)
    assert (0, 0) == (connection.buffered_bytes, connection.in_flight)
    await shut(connection)


async def test_a_peer_that_closes_ends_every_request_with_maybe_sent(peer: Peer) -> None:
    connection = await peer.connect()
    futures = [connection.request(request(), 30) for _ in range(10)]
    await peer.read(10)
    peer.cut()

    results = await asyncio.gather(*futures, return_exceptions=True)

    assert 10 == len({id(result) for result in results})
    for result in results:
        assert isinstance(result, ConnectionClosedError)
        assert (result.maybe_sent, result.retryable) == (True, True)
        assert "the peer closed it" in result.what
    with pytest.raises(ConnectionClosedError, match="nothing was sent") as caught:
        connection.request(request(), 5)
    assert not caught.value.maybe_sent
    await connection.wait_closed()


async def test_what_did_not_leave_is_not_maybe_sent(peer: Peer) -> None:
    connection = await peer.connect()
    sent = connection.request(request(), 30)
    connection.pause_writing()
    kept = connection.request(request(), 30)
    connection.abort()

    results = await asyncio.gather(sent, kept, return_exceptions=True)

    assert [True, False] == [getattr(result, "maybe_sent", None) for result in results]
    await connection.wait_closed()


async def test_a_peer_that_closes_in_the_middle_of_a_frame_is_named(peer: Peer) -> None:
    lost = []
    connection = await peer.connect(on_lost=lambda _, error: lost.append(error))
    future = connection.request(request(), 30)
    [seen] = await peer.read()
    await peer.write(answer_frame(seen, bytes(100))[:-50])
    peer.cut()

    with pytest.raises(ConnectionClosedError, match="in the middle of a frame"):
        await future
    await connection.wait_closed()
    assert [connection.error] == lost


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n", bytes(64), b"\xff" * 64, struct.pack(">i", 2**30)]
)
async def test_garbage_closes_the_connection_and_ends_the_requests(peer: Peer, garbage: bytes) -> None:
    connection = await peer.connect()
    future = connection.request(request(), 30)
    await peer.read()
    await peer.write(garbage)

    with pytest.raises(ConnectionClosedError, match="broke the framing") as caught:
        await future
    assert isinstance(caught.value.__cause__, ProtocolError)
    await connection.wait_closed()


async def test_a_bad_frame_costs_that_frame_only(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    connection = await peer.connect()
    future = connection.request(request(), 30)
    [seen] = await peer.read()
    bad = struct.pack(">iI", 8, 4) + b"oops"
    await peer.write(bad + bad + answer_frame(seen, b"good"))

    assert b"good" == (await future).body
    assert 2 == connection.stats().bad_frames
    assert 1 == len(caplog.records)
    await shut(connection)


async def test_an_answer_that_nobody_waits_for_is_dropped_and_counted(peer: Peer) -> None:
    connection = await peer.connect()
    await peer.write(answer_frame(RemotingCommand(1, opaque=12345)))
    await until(lambda: connection.stats().frames_in)

    assert 1 == connection.stats().late_answers
    await shut(connection)


async def test_closing_ends_requests_in_flight_and_sends_what_is_written(peer: Peer) -> None:
    connection = await peer.connect()
    futures = [connection.request(request(), 30) for _ in range(3)]
    connection.oneway(request(77))
    connection.close()
    connection.close()

    for result in await asyncio.gather(*futures, return_exceptions=True):
        assert isinstance(result, ConnectionClosedError)
        assert "this side closed it" in result.what
    assert 77 == (await peer.read(4))[3].code
    await connection.wait_closed()
    assert not connection.is_open
    assert connection.transport is None


async def test_futures_that_nobody_awaits_end_without_noise(peer: Peer) -> None:
    connection = await peer.connect()
    for _ in range(10):
        connection.request(request(), 30)
    connection.abort()
    await connection.wait_closed()  # the fixture fails on what the loop would log


async def test_use_from_another_thread_is_refused(peer: Peer) -> None:
    connection = await peer.connect()
    found: list[BaseException] = []

    def use() -> None:
        try:
            connection.request(request(), 5)
        except TransportStateError as error:
            found.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()

    assert "call_soon_threadsafe" in str(found[0])
    await shut(connection)


async def test_a_new_connection_cannot_be_used_yet() -> None:
    connection = Connection(address="somewhere:1")

    with pytest.raises(ConnectionClosedError, match="not open yet"):
        connection.request(request(), 5)
    connection.close()
    await connection.wait_closed()


async def test_one_whole_frame_of_bytes_can_be_put_out(peer: Peer) -> None:
    connection = await peer.connect()
    frame = encode_frame(RemotingCommand(9, opaque=1))
    connection.output(frame)

    with pytest.raises(SerializationError, match="length word is for a frame of"):
        connection.output(frame + frame)
    assert 9 == (await peer.read())[0].code
    await shut(connection)


async def test_a_request_times_out_in_real_time(peer: Peer) -> None:
    connection = await peer.connect()

    with pytest.raises(RpcTimeoutError, match="within 0\\.02 s"):
        await connection.request(request(), 0.02)
    assert 1 == connection.stats().timeouts
    await shut(connection)
