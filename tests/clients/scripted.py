"""Servers whose answers a test writes down: what came is kept, what goes out is scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from pyrocketmq.model import RemotingCommand, RequestCode, ResponseCode
from pyrocketmq.transport import Connection
from tests.transport.peers import start_server

Reply = RemotingCommand | Awaitable[RemotingCommand | None] | None
Script = Callable[[RemotingCommand], Reply]


def reply(
    code: int = 0,
    *,
    fields: Mapping[str, str] | None = None,
    remark: str | None = None,
    body: bytes | str | None = None,
    **more: str,
) -> RemotingCommand:
    """An answer; the server gives it the number of its request."""
    ext_fields = {**(fields or {}), **more}
    return RemotingCommand(code, flag=1, remark=remark, ext_fields=ext_fields or None, body=body)


class Scripted:
    """A server that answers each request code as told, and unknown ones with code 3."""

    def __init__(self) -> None:
        self.requests: list[RemotingCommand] = []
        self.scripts: dict[int, Script] = {}
        self.connections: list[Connection] = []
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def codes(self) -> list[int]:
        return [request.code for request in self.requests]

    @property
    def last(self) -> RemotingCommand:
        return self.requests[-1]

    @property
    def fields(self) -> dict[str, str]:
        """The ext fields of the last request."""
        return self.last.ext_fields or {}

    def answer(self, code: RequestCode, made: RemotingCommand | Script) -> None:
        """What requests of a code get: always the same, or what a function makes of each."""
        if isinstance(made, RemotingCommand):
            same = made
            self.scripts[code] = lambda _: same
        else:
            self.scripts[code] = made

    def take(self, _: Connection, request: RemotingCommand) -> Reply:
        self.requests.append(request)
        script = self.scripts.get(request.code)
        if script is None:
            made: Reply = reply(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark=" request type not supported")
        else:
            made = script(request)
        if isinstance(made, RemotingCommand):
            made.opaque = request.opaque
        return None if request.is_oneway else made


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    """A Scripted on a free port."""
    server = Scripted()
    async with start_server(server.take) as (port, taken):
        server.port = port
        server.connections = taken
        yield server
