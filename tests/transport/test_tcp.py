"""Both TCP transports: connecting, whole frames, ends, coming back, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import decode_frame, encode_frame
from pyrocketmq.errors import (
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    ProtocolError,
    RpcTimeoutError,
    SerializationError,
    TransportStateError,
)
from pyrocketmq.transport import AsyncTcpTransport, Backoff, TcpTransport, TransportConfig, TransportState
from tests.transport.peers import Peer, answer_frame, answer_to, start_server, until


def config(port: int, **changes: Any) -> TransportConfig:
    return TransportConfig("127.0.0.1", port, 5.0, **changes)


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def threaded(call: Callable[..., Any], *args: object) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call, *args)


# ---- blocking ----


async def test_a_blocking_transport_moves_whole_frames() -> None:
    def use(port: int) -> list[object]:
        transport = TcpTransport(config(port))
        seen = [transport.current_state_name]
        transport.states.on_change(lambda _, new: seen.append(new.name))
        with transport:
            transport.connect()
            transport.output(RemotingCommand(1, opaque=5, body=b"x"))
            transport.output(encode_frame(RemotingCommand(2, opaque=6, body=bytes(1_000_000))))
            first = transport.recv()
            second = transport.recv_command()
            assert transport.is_connected
        transport.close()
        return [seen, decode_frame(first).body, second.opaque, len(second.body or b"")]

    async with start_server(lambda _, command: answer_to(command, command.body)) as (port, _):
        seen, *rest = await threaded(use, port)

    assert ["DISCONNECTED", "CONNECTING", "CONNECTED", "CLOSING", "CLOSED"] == seen
    assert [b"x", 6, 1_000_000] == rest


async def test_a_blocking_transport_can_be_opened_again() -> None:
    def use(port: int) -> int:
        transport = TcpTransport(f"127.0.0.1:{port}")
        for _ in range(3):
            transport.connect()
            transport.output(RemotingCommand(1))
            transport.recv()
            transport.close()
        return 3

    async with start_server(lambda _, command: answer_to(command)) as (port, taken):
        assert 3 == await threaded(use, port) == len(taken)


async def test_a_blocking_wait_ends_in_time_and_keeps_what_has_come(peer: Peer) -> None:
    transport = TcpTransport(config(peer.port))
    await threaded(transport.connect)
    await peer.accepted.get()
    frame = answer_frame(RemotingCommand(1), b"slow")
    await peer.write(frame[:20])
    with pytest.raises(RpcTimeoutError, match=r"no frame from 127\.0\.0\.1"):
        await threaded(transport.recv, 0.05)
    await peer.write(frame[20:])

    assert frame == await threaded(transport.recv)
    transport.close()


async def test_a_blocking_transport_notices_its_peer_closing(peer: Peer) -> None:
    transport = TcpTransport(config(peer.port))
    await threaded(transport.connect)
    await peer.accepted.get()
    await peer.write(answer_frame(RemotingCommand(1))[:9])
    peer.cut()

    with pytest.raises(ConnectionClosedError, match="in the middle of a frame, 9 bytes"):
        await threaded(transport.recv)
    assert "DISCONNECTED" == transport.current_state_name
    with pytest.raises(TransportStateError, match="not CONNECTED"):
        transport.output(RemotingCommand(1))
    transport.close()


async def test_garbage_closes_a_blocking_transport(peer: Peer) -> None:
    transport = TcpTransport(config(peer.port))
    await threaded(transport.connect)
    await peer.accepted.get()
    await peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(ProtocolError):
        await threaded(transport.recv)
    assert not transport.is_connected
    transport.close()


async def test_a_blocking_write_to_a_peer_that_does_not_read_ends_in_time(peer: Peer) -> None:
    transport = TcpTransport(config(peer.port, max_frame_bytes=1 << 26).replace(timeout=0.1))
    await threaded(transport.connect)
    await peer.accepted.get()
    assert peer.writer is not None
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]

    with pytest.raises(RpcTimeoutError, match="did not take"):
        await threaded(transport.output, RemotingCommand(1, body=bytes(50_000_000)))
    assert not transport.is_connected
    transport.close()


def test_nothing_but_one_whole_frame_can_be_put_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = TcpTransport(config(server.getsockname()[1], max_frame_bytes=2048))
        with transport:
            frame = encode_frame(RemotingCommand(1))
            for wrong in (frame + frame, frame[:-1], encode_frame(RemotingCommand(1, body=bytes(3000)))):
                with pytest.raises(SerializationError):
                    transport.output(wrong)


def test_a_refused_port_is_named_with_its_reason() -> None:
    port = unused_port()
    transport = TcpTransport(config(port))

    with pytest.raises(ConnectionError, match=f"127.0.0.1:{port}: nothing listens there") as caught:
        transport.connect()
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert (f"127.0.0.1:{port}", "DISCONNECTED") == (caught.value.address, transport.current_state_name)
    transport.close()
    assert "CLOSED" == transport.current_state_name


@pytest.fixture
def full_backlog() -> Any:
    """A port where connects get no answer, since nobody accepts and the queue is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)  # noqa: FBT003
            sock.connect_ex(server.getsockname())
            fillers.append(sock)
        yield server.getsockname()[1]
        for sock in fillers:
            sock.close()


def test_an_address_that_does_not_answer_ends_within_the_connect_timeout(full_backlog: int) -> None:
    transport = TcpTransport(config(full_backlog, connect_timeout=0.1))

    with pytest.raises(ConnectionError) as caught:
        transport.connect()
    if sys.platform == "linux":  # other systems refuse when the queue is full
        assert isinstance(caught.value, ConnectTimeoutError)
        assert "in 0.1 s" in caught.value.what
        assert "no answer" in caught.value.what
        assert "address_map" in str(caught.value)
    transport.close()


def test_all_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = unused_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        good = server.getsockname()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", refused))] * 2
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, **__: [*found, (socket.AF_INET, socket.SOCK_STREAM, 6, "", good)],
        )
        with TcpTransport(TransportConfig("broker", 1)) as transport:
            assert transport.is_connected
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(ConnectionError) as caught:
            TcpTransport(TransportConfig("broker", 1)).connect()
    assert 2 == caught.value.what.count("nothing listens there")


def test_a_name_that_nobody_knows_is_named() -> None:
    with pytest.raises(ConnectionError, match=r"host 'no-such-host\.invalid'"):
        TcpTransport(TransportConfig("no-such-host.invalid", 1)).connect()


def test_a_mapped_address_is_connected_to_and_both_stand_in_the_error() -> None:
    port = unused_port()
    with pytest.raises(ConnectionError) as caught:
        TcpTransport(
            TransportConfig("10.255.255.1", 10911, address_map={"10.255.255.1:10911": f"127.0.0.1:{port}"})
        ).connect()
    assert f"10.255.255.1:10911 (address_map: 127.0.0.1:{port})" in caught.value.what


def test_the_socket_options_are_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = TcpTransport(config(server.getsockname()[1], user_timeout=7.0))
        with transport:
            sock = transport._sock
            assert sock is not None
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                assert 7000 == sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                assert 15 == sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)


# ---- asynchronous ----


async def test_an_async_transport_moves_whole_frames() -> None:
    async with start_server(lambda _, command: answer_to(command, command.body)) as (port, _):
        seen: list[str] = []
        transport = AsyncTcpTransport(config(port))
        transport.states.on_change(lambda _, new: seen.append(new.name))
        async with transport:
            await transport.output(RemotingCommand(1, opaque=5, body=b"x"))
            assert b"x" == decode_frame(await transport.recv()).body
            await transport.output(encode_frame(RemotingCommand(1, opaque=6)))
            assert 6 == (await transport.recv_command()).opaque
        await transport.close()

    assert ["CONNECTING", "CONNECTED", "CLOSING", "CLOSED"] == seen


async def test_requests_and_frames_share_an_async_transport(peer: Peer) -> None:
    async with AsyncTcpTransport(config(peer.port)) as transport:
        future = transport.connection.request(RemotingCommand(1), 5)
        [asked] = await peer.read()
        other = RemotingCommand(99)
        await peer.write(encode_frame(other) + answer_frame(asked, b"mine"))

        assert b"mine" == (await future).body
        assert 99 == (await transport.recv_command()).code


async def test_several_receivers_each_get_a_frame_and_a_cancelled_one_loses_none(peer: Peer) -> None:
    async with AsyncTcpTransport(config(peer.port)) as transport:
        receivers = [asyncio.create_task(transport.recv_command()) for _ in range(5)]
        await peer.accepted.get()
        receivers.pop(1).cancel()
        await peer.write(b"".join(answer_frame(RemotingCommand(1, opaque=number)) for number in range(4)))

        assert list(range(4)) == sorted(one.opaque for one in await asyncio.gather(*receivers))


async def test_frames_that_nobody_takes_stop_the_peer_and_are_all_there_later(peer: Peer) -> None:
    async with AsyncTcpTransport(config(peer.port)) as transport:
        await peer.accepted.get()
        frames = [answer_frame(RemotingCommand(1, opaque=n), bytes(300_000)) for n in range(60)]
        writing = asyncio.create_task(peer.write(b"".join(frames)))
        await until(lambda: transport._inbox.held_bytes > 4_000_000)
        await asyncio.sleep(0.02)
        assert transport._inbox.held_bytes < 5_000_000
        assert [decode_frame(frame).opaque for frame in frames] == [
            (await transport.recv_command()).opaque for _ in frames
        ]
        await writing


async def test_waiting_for_a_frame_ends_in_time_and_when_the_connection_is_lost(peer: Peer) -> None:
    async with AsyncTcpTransport(config(peer.port)) as transport:
        await peer.accepted.get()
        with pytest.raises(RpcTimeoutError, match="no frame"):
            await transport.recv(0.01)
        receivers = [asyncio.create_task(transport.recv()) for _ in range(2)]
        await asyncio.sleep(0)
        peer.cut()
        for receiver in receivers:
            with pytest.raises(ConnectionClosedError, match="DISCONNECTED, nothing was sent"):
                await receiver
        with pytest.raises(ConnectionClosedError):
            await transport.output(RemotingCommand(1))


async def test_a_transport_with_a_handler_has_no_frames_to_give(peer: Peer) -> None:
    async with AsyncTcpTransport(config(peer.port), lambda _, command: answer_to(command, b"h")) as transport:
        with pytest.raises(TransportStateError, match="handler"):
            await transport.recv()
        await peer.accepted.get()
        await peer.write(encode_frame(RemotingCommand(40, opaque=3)))
        assert b"h" == (await peer.read())[0].body


async def test_callers_share_one_attempt(peer: Peer) -> None:
    transport = AsyncTcpTransport(config(peer.port))
    await asyncio.gather(*(transport.connect() for _ in range(20)))

    assert 1 == len(peer.writers)
    await transport.close()


async def test_a_cancelled_caller_does_not_end_the_attempt_of_the_others(peer: Peer) -> None:
    transport = AsyncTcpTransport(config(peer.port))
    one, two = asyncio.create_task(transport.connect()), asyncio.create_task(transport.connect())
    await asyncio.sleep(0)
    one.cancel()
    await two

    assert transport.is_connected
    await transport.close()


async def test_a_failure_is_told_at_once_while_the_next_attempt_is_far_away() -> None:
    transport = AsyncTcpTransport(config(unused_port()), backoff=Backoff(60, 60, wanted_maximum=60))
    with pytest.raises(ConnectionError, match="nothing listens"):
        await transport.connect()

    with pytest.raises(ConnectionError, match=r"is tried again in (60|59)\.\d s; last time: cannot connect"):
        await transport.connect()
    await transport.close()


async def test_an_unreachable_address_is_the_same_for_an_async_transport(full_backlog: int) -> None:
    transport = AsyncTcpTransport(config(full_backlog, connect_timeout=0.1))
    if sys.platform == "linux":
        with pytest.raises(ConnectTimeoutError, match="no answer"):
            await transport.connect()
    await transport.close()


async def test_a_lost_connection_comes_back_by_itself(peer: Peer) -> None:
    transport = AsyncTcpTransport(config(peer.port), reconnect=True, backoff=Backoff(0.001, 0.002))
    names: list[str] = []
    transport.states.on_change(lambda _, new: names.append(new.name))
    await transport.connect()
    for _ in range(3):
        await peer.accepted.get()
        peer.cut()
        await until(lambda: not transport.is_connected)
        await until(lambda: transport.is_connected)

    assert ["CONNECTING", "CONNECTED", "DISCONNECTED"] * 3 == names[:9]
    await transport.close()
    assert "CLOSED" == transport.current_state_name


async def test_reconnecting_goes_on_until_the_server_is_there_or_the_transport_is_closed() -> None:
    port = unused_port()
    transport = AsyncTcpTransport(config(port), reconnect=True, backoff=Backoff(0.001, 0.002))
    with pytest.raises(ConnectionError):
        await transport.connect()
    await until(lambda: transport.backoff.failures > 3)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    came: list[TransportState] = []
    transport.states.on_change(lambda _, new: came.append(new))
    await until(lambda: TransportState.CONNECTED in came)

    await transport.close()
    server.close()
    await server.wait_closed()


async def test_closing_while_connecting_ends_the_attempt(full_backlog: int) -> None:
    transport = AsyncTcpTransport(config(full_backlog, connect_timeout=30))
    task = asyncio.create_task(transport.connect())
    await asyncio.sleep(0.01)
    await transport.close()
    await asyncio.wait([task])

    assert "CLOSED" == transport.current_state_name
    assert task.cancelled() or task.exception() is not None


async def test_opening_and_closing_leaves_descriptors_and_tasks_level() -> None:
    async with start_server(lambda _, command: answer_to(command)) as (port, taken):

        async def round_trip() -> None:
            async with AsyncTcpTransport(config(port)) as transport:
                await transport.connection.request(RemotingCommand(1), 5)

        def blocking() -> None:
            with TcpTransport(config(port)) as transport:
                transport.output(RemotingCommand(1))
                transport.recv()

        await round_trip()
        await threaded(blocking)
        await until(lambda: all(one.transport is None for one in taken))
        before = descriptors(), len(asyncio.all_tasks())
        for number in range(300):
            await (round_trip() if number % 2 else threaded(blocking))
        await until(lambda: all(one.transport is None for one in taken))

        assert before == (descriptors(), len(asyncio.all_tasks()))
        assert 302 == len(taken)


def descriptors() -> int:
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0  # noqa: PTH112, PTH208
