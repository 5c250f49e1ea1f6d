"""A client's connection: made when it is needed, made anew when it is lost, and what is tried again over it.

Knows nothing of files.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flaxfile.client.link import Link
from flaxfile.client.retry import RetryPlan
from flaxfile.client.settings import BUFFERS_BEYOND, Settings, cores
from flaxfile.client.speed import LinkSpeed
from flaxfile.digests import check_kind
from flaxfile.errors import ConnectError, FlaxError, StalledError, UsageError
from flaxfile.protocol.messages import MAX_SOCKETS, Type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from flaxfile.client.asking import Answer
    from flaxfile.model import HashKind
    from flaxfile.security.crypto import Identity

__all__ = ["Connection"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
LEAST_WINDOW: Final = 128 * 1024


class Connection:
    """To one server, for one event loop at a time; the arguments are those of `AsyncClient`."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 25555,
        password: str | None = None,
        *,
        identity: Identity | str | os.PathLike[str] | None = None,
        fingerprint: str | None = None,
        realm: str = "",
        num_connections: int | None = None,
        window: int = 32 << 20,
        connect_timeout: float = 10.0,
        idle_timeout: float = 30.0,
        retries: int = 5,
        bwlimit: float | None = None,
        hash: str = "xxh3",  # noqa: A002 - as the setting is called
    ) -> None:
        self.hash_kind: HashKind = check_kind(hash)
        """What content is compared by on both sides."""
        if not 1 <= port <= 65535:
            raise UsageError(f"port is {port}; it must be between 1 and 65535")
        if password is not None and identity is not None:
            raise UsageError("a client has either a password or an identity", hint="leave one of them out")
        if window < LEAST_WINDOW:
            raise UsageError(f"window is {window} bytes; at least {LEAST_WINDOW} are needed")
        if num_connections is not None and not 1 <= num_connections <= MAX_SOCKETS:
            raise UsageError(f"num_connections is {num_connections}; it must be between 1 and {MAX_SOCKETS}")
        for name, value in (("connect_timeout", connect_timeout), ("idle_timeout", idle_timeout)):
            if not 0 < value <= 86400:
                raise UsageError(f"{name} is {value}; it must be above 0 and at most 86400 seconds")
        if retries < 0 or (bwlimit is not None and bwlimit <= 0):
            raise UsageError(
                f"retries is {retries} and bwlimit {bwlimit}; they cannot be negative, bwlimit not 0"
            )
        self.host = host
        self.port = port
        self._password = password or None
        self._key_file = Path(identity).expanduser() if isinstance(identity, (str, os.PathLike)) else None
        self._identity = None if isinstance(identity, (str, os.PathLike)) else identity
        self._fingerprint = fingerprint
        self._realm = realm
        self._settings = Settings(window, num_connections, cores(), self.hash_kind)
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._retries = retries
        self._rate = int(bwlimit or 0)
        self._speed = LinkSpeed()
        self._link: Link | None = None
        self._connecting: asyncio.Lock | None = None
        self._name = os.urandom(8).hex()

    # ---- the link ----

    @property
    def address(self) -> str:
        """Host and port of the server."""
        return f"{self.host}:{self.port}"

    async def connect(self) -> None:
        """Connect now rather than with the first request."""
        await self._linked(self._connect_timeout)

    def adopt(self, link: Link) -> None:
        """Use a link that somebody else has made to this server; it ends with this client."""
        self._link = link

    async def close(self) -> None:
        """End the connection. The client can be used again, it connects anew then."""
        link, self._link = self._link, None
        if link is not None:
            await asyncio.shield(asyncio.wrap_future(link.close()))

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    async def _keys(self) -> Identity | None:
        if self._identity is None and self._password is not None:
            from flaxfile.security.crypto import identity_from_password  # noqa: PLC0415 - costs a library only then

            self._identity = await asyncio.to_thread(identity_from_password, self._password, self._realm)
        if self._identity is None and self._key_file is not None:
            from flaxfile.security.keys import load_identity  # noqa: PLC0415 - only then

            self._identity = load_identity(self._key_file)
        if self._fingerprint is not None:
            from flaxfile.security.pins import check_fingerprint  # noqa: PLC0415 - only when asked for

            if self._identity is None:
                raise UsageError(
                    "a fingerprint needs a server with keys", hint="give a password or an identity"
                )
            check_fingerprint(self.address, self._identity.server_public, self._fingerprint, "the settings")
        return self._identity

    async def _linked(self, timeout: float) -> Link:
        """The link, a new one if there is none or the last one was lost."""
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._link is not None and self._link.alive:
                return self._link
            identity = await self._keys()
            until = time.monotonic() + timeout
            host = await self._resolve(timeout)
            link = Link(
                host,
                self.port,
                identity,
                memory=self._settings.window + BUFFERS_BEYOND,
                connect_timeout=max(0.1, until - time.monotonic()),
                idle_timeout=self._idle_timeout,
                rate=self._rate,
            )
            try:
                await asyncio.wrap_future(link.connected)
                self._check_offer(link)
            except BaseException:
                link.reactor.stop()
                raise
            self._link = link
            return link

    def _check_offer(self, link: Link) -> None:
        """Nothing is compared by less than was asked for."""
        if self.hash_kind != "xxh3" and self.hash_kind not in link.welcome.get("capabilities", ()):
            raise UsageError(
                f"the server at {self.address} does not offer {self.hash_kind.upper()}; nothing was sent",
                hint="have 'pyrocketmq-turbo[files,blake3]' installed there, or use xxh3",
            )

    async def _resolve(self, timeout: float) -> str:
        """The address of the host; libzmq would try for ever to resolve what has none."""
        host = self.host.strip("[]")
        if host.replace(".", "").isdigit() or ":" in host:
            return host
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise ConnectError(
                f"nobody told the address of {host!r} within {timeout:g} s",
                hint="does the name server of this machine answer? an address needs none",
            ) from error
        except OSError as error:
            raise ConnectError(
                f"the name {host!r} has no address: {error.strerror}",
                hint="is it spelled right? a server is a name of flaxfile.toml, HOST or HOST:PORT",
                retryable=False,
            ) from error
        # An IPv4 address first: that is what servers listen on unless they are told otherwise.
        found.sort(key=lambda item: item[0] != socket.AF_INET)
        return str(found[0][4][0])

    async def _retry(self, attempt: Callable[[Link, RetryPlan], Awaitable[_T]]) -> _T:
        """Do something, on new links and after pauses as the plan allows."""
        plan = RetryPlan(self._retries, self._idle_timeout, time.monotonic())
        while True:
            link = None
            try:
                left = plan.left(time.monotonic())
                link = await self._linked(
                    max(0.1, min(self._connect_timeout, left))
                    if plan.was_connected
                    else self._connect_timeout
                )
                plan.was_connected = True
                return await attempt(link, plan)
            except FlaxError as error:
                if isinstance(error, StalledError) and link is not None and self._link is link:
                    # It answers, or not: on new connections what is missing is asked for again.
                    await self.close()
                pause = plan.pause_after(error, time.monotonic())
                logger.info("trying again in %.1f s: %s", pause, error)
            await asyncio.sleep(pause)

    async def _ask(self, kind: Type, payload: dict[str, object] | bytes) -> Answer:
        async def attempt(link: Link, _plan: RetryPlan) -> Answer:
            return await asyncio.wrap_future(link.request(kind, payload))

        return await self._retry(attempt)

    async def ping(self) -> float:
        """Seconds of one round trip."""

        async def attempt(link: Link, _plan: RetryPlan) -> float:
            await asyncio.wrap_future(link.request(Type.PING, b"", offset=time.monotonic_ns()))
            return link.round_trip

        return await self._retry(attempt)

    @property
    def server(self) -> dict[str, Any]:
        """What the server said about itself when it was connected to: limits, capabilities, ``read_only``."""
        return dict(self._link.welcome) if self._link is not None else {}
