"""A peer that does not read: bounded memory on both sides, waits that callers feel."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import BackPressureError, ConnectionClosedError
from tests.transport.peers import Peer, answer_to, connect, shut, start_server, until

LIMIT = 1 << 20


async def fill(connection: Connection) -> int:
    """Write until the buffer is full; the number of frames that were taken."""
    sent = 0
    while True:
        try:
            connection.oneway(RemotingCommand(1, body=bytes(100_000)))
            sent += 1
        except BackPressureError:
            if not connection.can_write:
                return sent
        if sent % 10 == 0:
            await asyncio.sleep(0.001)


def hold(peer: Peer) -> None:
    assert peer.writer is not None
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]


def go_on(peer: Peer) -> None:
    assert peer.writer is not None
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]


async def test_a_peer_that_does_not_read_makes_the_buffer_full_and_not_larger(peer: Peer) -> None:
    connection = await peer.connect(write_buffer_bytes=LIMIT)
    hold(peer)
    await fill(connection)

    assert LIMIT <= connection.buffered_bytes <= LIMIT + 101_000
    with pytest.raises(BackPressureError, match=r"write_buffer_bytes is 1,048,576") as caught:
        connection.request(RemotingCommand(1), 5)
    assert (caught.value.retryable, caught.value.maybe_sent) == (True, False)
    connection.abort()
    await connection.wait_closed()


async def test_drain_waits_until_the_peer_reads_and_nothing_is_lost(peer: Peer) -> None:
    connection = await peer.connect(write_buffer_bytes=LIMIT)
    hold(peer)
    sent = await fill(connection)
    waiters = [asyncio.create_task(connection.drain()) for _ in range(3)]
    await asyncio.sleep(0.02)
    assert not any(waiter.done() for waiter in waiters)
    go_on(peer)
    seen = await peer.read(sent)
    await asyncio.gather(*waiters)

    assert all(len(one.body or b"") == 100_000 for one in seen)
    connection.oneway(RemotingCommand(2))
    assert 2 == (await peer.read())[0].code
    await shut(connection)


async def test_a_cancelled_drain_leaves_nothing_and_a_lost_connection_ends_the_others(peer: Peer) -> None:
    connection = await peer.connect(write_buffer_bytes=LIMIT)
    hold(peer)
    await fill(connection)
    one, two = (asyncio.create_task(connection.drain()) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.wait([one])
    connection.abort()

    with pytest.raises(ConnectionClosedError):
        await two
    await connection.wait_closed()


async def test_closing_towards_a_peer_that_does_not_read_ends_in_time(peer: Peer) -> None:
    connection = await peer.connect(write_buffer_bytes=LIMIT)
    hold(peer)
    await fill(connection)
    connection.close()
    await connection.wait_closed(0.05)

    assert connection.transport is None


async def test_a_server_does_not_read_from_a_peer_that_does_not_read_its_answers() -> None:
    body = bytes(10_000)
    async with start_server(
        lambda _, command: answer_to(command, body), holds_reading=True, write_buffer_bytes=200_000
    ) as (port, taken):
        connection = await connect(port, write_buffer_bytes=1 << 28)
        transport = connection.transport
        assert transport is not None
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        transport.pause_reading()
        futures = [connection.request(RemotingCommand(1), 30) for _ in range(3000)]
        await until(lambda: taken and not taken[0].can_write)
        for _ in range(5):
            await asyncio.sleep(0.01)

        assert taken[0].stats().requests_in < 3000
        assert taken[0].buffered_bytes < 200_000 + 20_000
        transport.resume_reading()
        assert 3000 == len(await asyncio.gather(*futures))
        await shut(connection)


async def test_many_frames_in_one_turn_do_not_wait_for_its_end(peer: Peer) -> None:
    connection = await peer.connect()
    for _ in range(10):
        connection.oneway(RemotingCommand(1, body=bytes(100_000)))

    assert connection.buffered_bytes < 400_000
    assert 10 == len(await peer.read(10))
    await shut(connection)
