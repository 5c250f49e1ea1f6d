"""Servers for tests: one that is played by hand, frame by frame, and one that answers by itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.frame import FrameReader, encode_frame

SEND_ANSWER = {"msgId": "0A0000010000002A0000000000000001", "queueId": "1", "queueOffset": "7"}


def answer_to(request: RemotingCommand, body: bytes | None = None, code: int = 0) -> RemotingCommand:
    """The answer of a server."""
    return RemotingCommand(code, 0, 513, request.opaque, 1, None, {"opaque": str(request.opaque)}, body)


def answer_frame(request: RemotingCommand, body: bytes | None = None) -> bytes:
    """The answer of a server, as bytes."""
    return encode_frame(answer_to(request, body))


class Peer:
    """The far end of one connection, with streams of its own."""

    def __init__(self) -> None:
        self.server: asyncio.Server | None = None
        self.accepted: asyncio.Queue[None] = asyncio.Queue()
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.writers: list[asyncio.StreamWriter] = []
        self.frames = FrameReader()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for each connection."""
        self.reader, self.writer = reader, writer
        self.writers.append(writer)
        self.frames = FrameReader()
        self.accepted.put_nowait(None)

    async def read(self, count: int = 1) -> list[RemotingCommand]:
        """The next frames, as many as asked for."""
        assert self.reader is not None
        found: list[RemotingCommand] = []
        while len(found) < count:
            command = self.frames.next_frame()
            if command is not None:
                found.append(command)
                continue
            data = await self.reader.read(1 << 18)
            assert data, "the connection was closed"
            self.frames.feed(data)
        return found

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.writer is not None
        self.writer.write(data)
        await self.writer.drain()

    def cut(self) -> None:
        """Close without a word."""
        assert self.writer is not None
        self.writer.close()

    async def connect(self, **options: object) -> Connection:
        """A connection to this server, taken by it."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(**options),  # type: ignore[arg-type]
            "127.0.0.1",
            self.port,
        )
        await self.accepted.get()
        return connection


@asynccontextmanager
async def start_peer(tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A listening Peer on a free port."""
    peer = Peer()
    peer.server = await asyncio.start_server(peer.take, "127.0.0.1", 0, ssl=tls)
    try:
        yield peer
    finally:
        for writer in peer.writers:
            writer.transport.abort()
        peer.server.close()
        await peer.server.wait_closed()
        await asyncio.sleep(0)  # aborted transports close in the next turn
        await asyncio.sleep(0)


@asynccontextmanager
async def start_server(
    handler: Callable[[Connection, RemotingCommand], object], *, port: int = 0, **options: object
) -> AsyncIterator[tuple[int, list[Connection]]]:
    """A server made of native connections; gives its port and the connections it has taken."""
    loop = asyncio.get_running_loop()
    taken: list[Connection] = []
    server = await loop.create_server(
        lambda: Connection(handler, on_made=taken.append, **options),  # type: ignore[arg-type]
        "127.0.0.1",
        port,
        backlog=4096,  # some tests come with a thousand clients at once
    )
    try:
        yield int(server.sockets[0].getsockname()[1]), taken
    finally:
        server.close()
        for connection in taken:
            connection.abort()
            await connection.wait_closed()
        await server.wait_closed()


async def connect(port: int, **options: object) -> Connection:
    """A connection to a local server."""
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: Connection(**options),  # type: ignore[arg-type]
        "127.0.0.1",
        port,
    )
    return connection


async def shut(connection: Connection) -> None:
    """Close and wait until it is gone."""
    connection.close()
    await connection.wait_closed(2.0)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until something holds; the test's own time limit ends a wait in vain."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
