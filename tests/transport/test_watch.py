"""Silent peers: probed after a time-out, given up after two misses; idle connections kept open."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import ConnectionClosedError, RpcTimeoutError
from pyrocketmq.transport import AsyncTcpTransport, TransportConfig
from tests.transport.peers import Peer, answer_frame, answer_to, start_server, until


def open_to(port: int, **changes: float) -> AsyncTcpTransport:
    config = TransportConfig("127.0.0.1", port, probe_timeout=0.15).replace(**changes)
    return AsyncTcpTransport(config, lambda _, command: answer_to(command))


async def test_a_peer_that_answers_nothing_is_given_up_after_two_probes(peer: Peer) -> None:
    transport = open_to(peer.port)
    await transport.connect()
    waiting = transport.connection.request(RemotingCommand(1), 60)
    short = transport.connection.request(RemotingCommand(2), 0.08)

    with pytest.raises(RpcTimeoutError):
        await short
    with pytest.raises(ConnectionClosedError, match="given up: nothing came while 2 probes") as caught:
        await waiting

    assert (True, True) == (caught.value.maybe_sent, caught.value.retryable)
    assert [1, 2, 105, 105] == [command.code for command in await peer.read(4)]
    await until(lambda: "DISCONNECTED" == transport.current_state_name)
    await transport.close()


async def test_an_answered_probe_clears_the_peer(peer: Peer) -> None:
    transport = open_to(peer.port)
    await transport.connect()
    with pytest.raises(RpcTimeoutError):
        await transport.connection.request(RemotingCommand(2), 0.08)
    [_, probe] = await peer.read(2)
    await peer.write(answer_frame(probe))
    after = transport.connection.request(RemotingCommand(3), 10)
    [seen] = await peer.read()
    await peer.write(answer_frame(seen))

    await after
    assert 1 == transport.connection.stats().timeouts
    await transport.close()


async def test_a_slow_answer_of_a_peer_that_is_heard_makes_it_not_suspect() -> None:
    def some(_: Connection, command: RemotingCommand) -> RemotingCommand | None:
        seen.add(command.code)
        return None if command.code == 2 else answer_to(command)

    seen: set[int] = set()
    async with start_server(some) as (port, taken):
        transport = open_to(port, probe_timeout=1.2)
        await transport.connect()
        slow = transport.connection.request(RemotingCommand(2), 0.45)
        while not slow.done():
            await transport.connection.request(RemotingCommand(3), 10)
        with pytest.raises(RpcTimeoutError):
            await slow

        assert transport.connection.stats().frames_out == taken[0].stats().frames_out + 1
        assert {2, 3} == seen
        await transport.close()


async def test_any_word_of_the_peer_counts_as_an_answer(peer: Peer) -> None:
    transport = open_to(peer.port, probe_timeout=0.3)
    await transport.connect()
    with pytest.raises(RpcTimeoutError):
        await transport.connection.request(RemotingCommand(2), 0.2)
    await peer.read(2)
    await asyncio.sleep(0.05)
    await peer.write(answer_frame(RemotingCommand(1, opaque=-5)))
    await until(lambda: transport.connection.stats().timeouts == 2)
    await asyncio.sleep(0.05)

    assert transport.is_connected
    await transport.close()


async def test_an_idle_connection_is_kept_open_on_the_same_socket() -> None:
    async with start_server(lambda _, command: answer_to(command)) as (port, taken):
        transport = open_to(port, idle_probe=0.05)
        await transport.connect()
        await until(lambda: taken and taken[0].stats().requests_in >= 3)

        assert (1, True) == (len(taken), transport.is_connected)
        await transport.close()


async def test_a_busy_connection_gets_no_probes() -> None:
    async with start_server(lambda _, command: answer_to(command)) as (port, taken):
        transport = open_to(port, idle_probe=0.4)
        await transport.connect()
        end = asyncio.get_running_loop().time() + 0.5
        asked = 0
        while asyncio.get_running_loop().time() < end:
            await transport.connection.request(RemotingCommand(1), 10)
            asked += 1

        assert asked == taken[0].stats().requests_in
        await transport.close()


async def test_a_peer_that_reads_nothing_is_given_up_too(peer: Peer) -> None:
    transport = open_to(peer.port, write_buffer_bytes=1024)
    await transport.connect()
    await peer.accepted.get()
    transport.connection.pause_writing()
    waiting = transport.connection.request(RemotingCommand(1, body=bytes(2000)), 60)
    assert not transport.connection.can_write
    assert transport._watch is not None
    transport._watch._probe()

    with pytest.raises(ConnectionClosedError, match="given up"):
        await waiting
    await transport.close()


async def test_a_stream_that_is_out_of_step_is_given_up_though_bytes_come(peer: Peer) -> None:
    transport = open_to(peer.port, probe_timeout=0.03)
    await transport.connect()
    await peer.accepted.get()
    waiting = transport.connection.request(RemotingCommand(1), 60)
    short = transport.connection.request(RemotingCommand(2), 0.05)
    await peer.write((1 << 20).to_bytes(4, "big"))  # a frame of 1 MiB that never ends

    async def trickle() -> None:
        while transport.is_connected:
            await peer.write(b"x")
            await asyncio.sleep(0.005)

    trickling = asyncio.create_task(trickle())
    with pytest.raises(RpcTimeoutError):
        await short
    with pytest.raises(ConnectionClosedError, match="no whole frame came while 10 probes"):
        await waiting
    trickling.cancel()
    await asyncio.wait([trickling])
    await transport.close()


async def test_a_large_frame_on_a_slow_way_is_waited_for(peer: Peer) -> None:
    transport = open_to(peer.port, probe_timeout=0.15)
    await transport.connect()
    waiting = transport.connection.request(RemotingCommand(1), 60)
    short = transport.connection.request(RemotingCommand(2), 0.1)
    [first, _] = await peer.read(2)
    frame = answer_frame(first, bytes(20_000))
    for start in range(0, len(frame), 500):
        await peer.write(frame[start : start + 500])
        await asyncio.sleep(0.01)

    assert 20_000 == len((await waiting).body or b"")
    with pytest.raises(RpcTimeoutError):
        await short
    assert transport.is_connected
    await transport.close()
