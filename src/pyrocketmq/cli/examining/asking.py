"""One connection to one server for an examination: connect, ask, measure. Judges nothing."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from pyrocketmq.model.acl import sign
from pyrocketmq.transport import AsyncTcpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from pyrocketmq.model import AclCredentials, RemotingCommand
    from pyrocketmq.transport import TransportConfig

__all__ = ["RoundTrip", "Server", "open_server"]

_TRIES: Final = 5


class RoundTrip(NamedTuple):
    """Milliseconds from a question to its answer, over a few tries."""

    fastest: float
    median: float
    slowest: float


class Server:
    """A server that is connected."""

    def __init__(self, transport: AsyncTcpTransport, credentials: AclCredentials | None) -> None:
        self._transport = transport
        self._credentials = credentials

    async def ask(self, request: RemotingCommand) -> RemotingCommand:
        """The answer, whatever its code.

        Raises:
            TransportError: there is none.
        """
        if self._credentials is not None:
            fields = request.ext_fields or {}
            added = sign(fields, request.body, self._credentials, version=request.version)
            request.ext_fields = {**fields, **added}
        return await self._transport.connection.request(request, self._transport.config.timeout)

    async def round_trip(self, make: Callable[[], RemotingCommand]) -> RoundTrip:
        """Ask the same a few times, one after the other."""
        times: list[float] = []
        for _ in range(_TRIES):
            begin = time.perf_counter()
            await self.ask(make())
            times.append((time.perf_counter() - begin) * 1000)
        return RoundTrip(min(times), median(times), max(times))

    @property
    def tls(self) -> tuple[str, str, bytes | None] | None:
        """TLS version, cipher and the server's certificate; None without TLS."""
        transport = self._transport.connection.transport
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        if tls is None:
            return None
        cipher = tls.cipher()
        return tls.version() or "", cipher[0] if cipher else "", tls.getpeercert(binary_form=True)


@asynccontextmanager
async def open_server(config: TransportConfig, credentials: AclCredentials | None) -> AsyncGenerator[Server]:
    """Connect, and close afterwards.

    Raises:
        TransportError: no connection could be made.
    """
    async with AsyncTcpTransport(config) as transport:
        yield Server(transport, credentials)
