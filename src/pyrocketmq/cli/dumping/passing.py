"""A proxy that passes bytes on unchanged and tells about every frame; answers with routes may be rewritten.

Knows streams and frames, not how they are printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from pyrocketmq._native.frame import decode_frame
from pyrocketmq.cli.dumping.cutting import StreamCutter
from pyrocketmq.cli.dumping.routes import announced_addresses, with_other_addresses
from pyrocketmq.cli.dumping.telling import tell_frame
from pyrocketmq.errors import RocketMQError
from pyrocketmq.transport.utils import format_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq.transport import TransportConfig

    Tell = Callable[[dict[str, object]], None]

__all__ = ["DumpingProxy"]

_READ_BYTES: Final = 256 * 1024
_ASKED_KEPT: Final = 10_000  # requests without an answer that one direction remembers


class _Asked(NamedTuple):
    code: int
    at: float


class _Direction:
    """One way through a connection: the frames in it, and the requests in it that wait for answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cutter = StreamCutter()
        self.asked: OrderedDict[int, _Asked] = OrderedDict()

    def note(self, opaque: int, code: int) -> None:
        self.asked[opaque] = _Asked(code, time.monotonic())
        if len(self.asked) > _ASKED_KEPT:
            self.asked.popitem(last=False)


class DumpingProxy:
    """Listens for clients and connects each of them to the target.

    Args:
        target: the server, and how to connect to it; clients connect in plain TCP.
        tell: called with each thing that happens, as JSON values.
        host: where to listen.
        body_chars: how much of a body is told.
        follow: also listen for every broker that an answer announces, and announce those places instead.
    """

    def __init__(
        self,
        target: TransportConfig,
        tell: Tell,
        *,
        host: str = "127.0.0.1",
        body_chars: int = 200,
        follow: bool = False,
    ) -> None:
        self.target = target
        self.host = host
        self._tell = tell
        self._body_chars = body_chars
        self._follow = follow
        self._numbers = itertools.count(1)
        self._servers: dict[str, asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int = 0) -> str:
        """Begin; gives the address for clients."""
        return await self._listen(self.target, port)

    async def close(self) -> None:
        """Stop listening, end every connection."""
        for server in self._servers.values():
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers.values():
            await server.wait_closed()

    async def _listen(self, target: TransportConfig, port: int) -> str:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._serve(target, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(accept, self.host, port)
        self._servers[target.address] = server
        return _place(server)

    async def _serve(
        self, target: TransportConfig, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = next(self._numbers)
        peer = writer.get_extra_info("peername")
        client = format_address(str(peer[0]), int(peer[1])) if peer else "a client"
        try:
            far_reader, far_writer = await _connect(target)
        except (OSError, RocketMQError) as error:
            what = error.what if isinstance(error, RocketMQError) else str(error) or type(error).__name__
            self._event("refused", number, client=client, server=target.address, reason=what)
            writer.close()
            return
        self._event("open", number, client=client, server=target.address)
        out, back = _Direction("->"), _Direction("<-")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(number, reader, far_writer, out, back))
                group.create_task(self._pass_on(number, far_reader, writer, back, out))
        except* OSError:
            pass  # a reset is one of the ways in which connections end
        finally:
            for each in (writer, far_writer):
                each.transport.abort()
            self._event("close", number, client=client, server=target.address)

    async def _pass_on(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        this: _Direction,
        other: _Direction,
    ) -> None:
        rewrites = self._follow and this.name == "<-"
        while data := await reader.read(_READ_BYTES):
            if not rewrites:
                writer.write(data)
            was_in_step = this.cutter.in_step
            for piece in this.cutter.feed(data):
                sent = piece.data
                if piece.is_frame:
                    sent = await self._frame(number, piece.data, this, other)
                elif was_in_step:
                    self._event("no-frames", number, direction=this.name, what=kind_of(piece.data))
                if rewrites:
                    writer.write(sent)
            await writer.drain()
        for piece in this.cutter.end():
            self._event("cut", number, direction=this.name, bytes=len(piece.data))
            if rewrites:
                writer.write(piece.data)
        with contextlib.suppress(OSError, NotImplementedError):
            if writer.can_write_eof():
                writer.write_eof()
            else:
                writer.close()

    async def _frame(self, number: int, data: bytes, this: _Direction, other: _Direction) -> bytes:
        try:
            command = decode_frame(data)
        except RocketMQError as error:
            self._event("bad-frame", number, direction=this.name, bytes=len(data), reason=error.what)
            return data
        asked = None
        if command.is_request:
            if not command.is_oneway:
                this.note(command.opaque, command.code)
        else:
            asked = other.asked.pop(command.opaque, None)
        request_code = asked.code if asked else None
        told = tell_frame(command, len(data), data[4], request_code=request_code, body_chars=self._body_chars)
        if asked:
            told["answers"] = asked.code
            told["ms"] = round((time.monotonic() - asked.at) * 1000, 3)
        self._event("frame", number, direction=this.name, **told)
        if not self._follow or this.name != "<-" or not command.is_response or not command.body:
            return data
        announced = announced_addresses(request_code, command.body)
        if not announced:
            return data
        return with_other_addresses(data, {address: await self._stand_in(address) for address in announced})

    async def _stand_in(self, address: str) -> str:
        """The place here that leads to a broker; listening there begins when it is first announced."""
        server = self._servers.get(address)
        if server is not None:
            return _place(server)
        target = type(self.target).from_address(
            address,
            connect_timeout=self.target.connect_timeout,
            tls=self.target.tls,
            address_map=self.target.address_map,
        )
        place = await self._listen(target, 0)
        self._tell({"event": "follow", "time": time.time(), "server": address, "listen": place})
        return place

    def _event(self, event: str, number: int, **values: object) -> None:
        self._tell({"event": event, "time": time.time(), "connection": number, **values})


def _place(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return format_address(str(host), int(port))


async def _connect(target: TransportConfig) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = target.target
    tls = target.tls
    async with asyncio.timeout(target.connect_timeout):
        return await asyncio.open_connection(
            host,
            port,
            ssl=tls.create_context() if tls else None,
            server_hostname=(tls.server_name or host) if tls else None,
        )


def kind_of(data: bytes) -> str:
    """What bytes that are no frame look like."""
    if data[:2] == b"\x16\x03":
        return "TLS; use --tls, so that the proxy encrypts and the client does not"
    if data.startswith(b"PRI * HTTP/2"):
        return "HTTP/2, as gRPC clients speak; they need the proxy's gRPC port"
    if data.split(b" ", 1)[0] in (b"GET", b"POST", b"PUT", b"HEAD", b"HTTP/1.1", b"HTTP/1.0"):
        return "HTTP"
    return "no protocol of RocketMQ"
