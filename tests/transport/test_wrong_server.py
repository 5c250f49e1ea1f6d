"""Servers that speak something else: the error names what answers there and which port to try."""

from __future__ import annotations

import struct

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.greeting import guess_peer
from pyrocketmq.errors import ConnectionClosedError, RpcTimeoutError
from tests.transport.peers import Peer, answer_frame

TLS_ALERT = bytes([0x15, 3, 1, 0, 2, 2, 10])
HTTP_2_SETTINGS = bytes([0, 0, 18, 4, 0, 0, 0, 0, 0]) + bytes(18)
HTTP_2_GOAWAY = bytes([0, 0, 8, 7, 0, 0, 0, 0, 0]) + bytes(8)


@pytest.mark.parametrize(
    ("greeting", "likely", "advice"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server", "9876"),
        (TLS_ALERT, "speaks TLS", "tls=TlsConfig"),
        (HTTP_2_SETTINGS + HTTP_2_GOAWAY, "gRPC", "remoting port"),
        (HTTP_2_SETTINGS, "gRPC", "remoting port"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "it says 'SSH-2.0-OpenSSH_", "port"),
        (b"", "wants TLS on this port, refuses this client", "log of the server"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7, 100])
async def test_the_error_says_what_answers_there(
    peer: Peer, greeting: bytes, likely: str, advice: str, pieces: int
) -> None:
    connection = await peer.connect()
    future = connection.request(RemotingCommand(105), 30)
    await peer.read()
    for start in range(0, len(greeting), pieces):
        await peer.write(greeting[start : start + pieces])
    peer.cut()

    with pytest.raises(ConnectionClosedError) as caught:
        await future

    assert likely in (caught.value.likely or "")
    assert advice in (caught.value.advice or "")
    await connection.wait_closed()


async def test_a_grpc_server_that_stays_silent_afterwards_is_named_in_the_time_out(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.request(RemotingCommand(105), 0.1)
    await peer.read()
    await peer.write(HTTP_2_SETTINGS)

    with pytest.raises(RpcTimeoutError) as caught:
        await future

    assert "gRPC" in (caught.value.likely or "")
    connection.abort()
    await connection.wait_closed()


async def test_a_server_that_was_understood_before_is_not_guessed_at(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.request(RemotingCommand(105), 30)
    [seen] = await peer.read()
    await peer.write(answer_frame(seen) + b"HTTP/1.1 200 OK\r\n")
    await future
    await connection.wait_closed(5)

    assert connection.error is not None
    assert connection.error.likely is None


@pytest.mark.parametrize("data", [b"", b"\0\0", struct.pack(">ii", 200, 150) + b'{"code":0', b"\xff" * 16])
def test_frames_and_plain_garbage_are_not_guessed_at(data: bytes) -> None:
    assert guess_peer(data) is None
