"""A proxy between clients and one server that does to the bytes what bad networks and bad peers do.

What it does is set on its attributes, at any time; at first it forwards everything as it is.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pyrocketmq._native.frame import FrameReader

_READ_BYTES = 1 << 16


class ChaosProxy:
    """Forwards between its own port and the server's.

    Attributes:
        delay: seconds, least and most, that each answer frame waits; frames overtake each other.
        piece_bytes: what is forwarded goes out in pieces of at most this size.
        merge: seconds for which bytes are collected before they go out in one piece.
        damage: probability that an answer frame gets wrong bytes in its lengths or header.
        lose: probability that an answer frame is not forwarded.
        silent: nothing is forwarded, and nothing is closed; what is read meanwhile is lost.
        accepted: the moments at which connections were taken, in seconds.
    """

    def __init__(self, port: int, seed: int = 0) -> None:
        self.target = port
        self.rng = random.Random(seed)
        self.delay = (0.0, 0.0)
        self.piece_bytes = 0
        self.merge = 0.0
        self.damage = 0.0
        self.lose = 0.0
        self.silent = False
        self.accepted: list[float] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """Connections that are open to clients."""
        return len(self._writers) // 2

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port, backlog=4096)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def refuse(self) -> None:
        """Take no connections any more; those that are open stay."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await asyncio.sleep(0)

    def cut(self) -> None:
        """Reset all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        """End everything."""
        await self.refuse()
        self.cut()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.sleep(0.01)  # aborted transports close in the next turns

    # ---- one connection ----

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(time.monotonic())
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except BaseException as error:
            self._writers.discard(writer)
            writer.transport.abort()
            if isinstance(error, OSError):
                return
            raise
        self._writers.add(far_writer)
        for pump in (self._forward(reader, far_writer), self._answer(far_reader, writer)):
            task = asyncio.get_running_loop().create_task(self._until_end(pump, writer, far_writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _until_end(self, pump: object, *writers: asyncio.StreamWriter) -> None:
        assert asyncio.iscoroutine(pump)
        try:
            with suppress(OSError):
                await pump
        finally:
            for writer in writers:
                self._writers.discard(writer)
                writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_READ_BYTES):
            if not self.silent:
                await self._write(writer, data)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader(1 << 26)
        loop = asyncio.get_running_loop()
        while data := await reader.read(_READ_BYTES):
            if self.silent:
                continue
            if not (self.delay[1] or self.damage or self.lose):
                await self._write(writer, data)
                continue
            frames.feed(data)
            while frame := frames.next_bytes():
                if self.rng.random() < self.lose:
                    continue
                if self.rng.random() < self.damage:
                    frame = self._damaged(frame)
                loop.call_later(self.rng.uniform(*self.delay), self._send, writer, frame)

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self.merge:
            await asyncio.sleep(self.merge)
        step = self.piece_bytes or len(data)
        for start in range(0, len(data), step):
            self._send(writer, data[start : start + step])
            if self.piece_bytes:
                await asyncio.sleep(0)  # so that the system does not put the pieces together again
        await writer.drain()

    def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not (self.silent or writer.is_closing()):
            writer.write(data)

    def _damaged(self, frame: bytes) -> bytes:
        header_bytes = int.from_bytes(frame[5:8], "big")
        wrong = bytearray(frame)
        for _ in range(self.rng.randrange(1, 4)):
            wrong[self.rng.randrange(8 + header_bytes)] ^= 1 << self.rng.randrange(8)
        return bytes(wrong)


@asynccontextmanager
async def start_proxy(port: int, seed: int = 0) -> AsyncIterator[ChaosProxy]:
    """A proxy in front of a local port."""
    proxy = ChaosProxy(port, seed)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
