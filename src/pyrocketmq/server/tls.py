"""TLS for the listeners: certificates and modes, and one port that takes both TLS and plain connections.

Must not know what is spoken on the connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ["Listener", "ServerTls", "listen"]

logger = logging.getLogger(__name__)

HANDSHAKE_BYTE: Final = 0x16
"""A TLS connection begins with it; a frame begins with a length, whose first byte is 0 or 1."""
ACCEPT_AGAIN_SECONDS: Final = 0.1
BACKLOG: Final = 1024
"""Connections that may wait to be accepted: after a restart many clients come at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """How the server's connections are encrypted.

    Raises:
        ConfigurationError: a file is missing or cannot be used, or settings contradict each other.
    """

    cert_file: str | os.PathLike[str]
    """PEM file with the server's certificate and the chain above it."""
    key_file: str | os.PathLike[str] | None = None
    """PEM file with its private key; None: it is in ``cert_file``."""
    key_password: str | None = field(default=None, repr=False)
    """Password of an encrypted key."""
    ca_file: str | os.PathLike[str] | None = None
    """PEM file with the authorities that client certificates may come from."""
    client_auth: Literal["none", "optional", "required"] = "none"
    """Whether clients are asked for a certificate; the last two need ``ca_file``."""
    mode: Literal["enforcing", "permissive"] = "enforcing"
    """``permissive`` takes plain connections on the same ports as well."""
    handshake_timeout: float = 5.0
    """Seconds that a client has to say its first word and to finish the handshake."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name in ("cert_file", "key_file", "ca_file"):
            path = getattr(self, name)
            if path is not None and not Path(path).is_file():
                raise ConfigurationError(
                    f"{name} is {str(path)!r}, which is no file",
                    field=name,
                    advice="give the path of a PEM file",
                )
        if self.client_auth not in ("none", "optional", "required"):
            raise _refused("client_auth", self.client_auth, "none, optional or required")
        if self.mode not in ("enforcing", "permissive"):
            raise _refused("mode", self.mode, "enforcing or permissive")
        if (self.client_auth == "none") != (self.ca_file is None):
            raise ConfigurationError(
                f"client_auth is {self.client_auth!r} and ca_file is {self.ca_file!r}",
                field="ca_file",
                advice="give both, or neither: the authorities are those of client certificates",
            )
        if not 0 < self.handshake_timeout <= 3600:
            raise _refused("handshake_timeout", self.handshake_timeout, "above 0 and at most 3600 seconds")
        if self.mode == "permissive" and sys.platform == "win32":
            raise _refused("mode", self.mode, "enforcing on Windows, whose event loop cannot look ahead")
        self.create_context()

    def create_context(self) -> ssl.SSLContext:
        """The context of the listeners.

        Raises:
            ConfigurationError: a file holds no certificate or key, or they do not match.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            # An empty password, so that a missing one is an error and not a question on the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, self.key_password or "")
            if self.ca_file is not None:
                context.load_verify_locations(str(self.ca_file))
        except (ssl.SSLError, OSError) as error:
            raise ConfigurationError(
                f"the server's certificate {str(self.cert_file)!r} cannot be used: {error}",
                field="cert_file",
                likely="the key is for another certificate, the password is wrong, or a file is not PEM",
                advice="check cert_file, key_file, key_password and ca_file",
            ) from error
        if self.client_auth == "optional":
            context.verify_mode = ssl.CERT_OPTIONAL
        elif self.client_auth == "required":
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _refused(field_: str, value: object, rule: str) -> ConfigurationError:
    return ConfigurationError(
        f"{field_} is {value!r}, it must be {rule}", field=field_, advice="leave it out for the default"
    )


class Listener:
    """A port that is listened on.

    Args:
        sockets: the listening sockets.
        server: what serves them, None for a listener that accepts by itself.
    """

    def __init__(self, sockets: list[socket.socket], server: asyncio.Server | None = None) -> None:
        self.sockets = sockets
        self._server = server

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first socket."""
        host, port = self.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def start_serving(self) -> None:
        """Take connections."""
        if self._server is not None:
            await self._server.start_serving()

    def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()


class _PermissiveListener(Listener):
    """Looks at the first byte of each connection, and only then says how it is read."""

    def __init__(
        self, made: socket.socket, connect: Callable[[], asyncio.BaseProtocol], tls: ServerTls
    ) -> None:
        super().__init__([made])
        self._socket = made
        self._connect = connect
        self._context = tls.create_context()
        self._timeout = tls.handshake_timeout
        self._loop = asyncio.get_running_loop()
        self._accepting: asyncio.Task[None] | None = None
        self._greeting: set[asyncio.Task[None]] = set()

    async def start_serving(self) -> None:
        """Take connections."""
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Take no more connections."""
        for task in (self._accepting, *self._greeting):
            if task is not None:
                task.cancel()
        self._socket.close()

    async def _accept(self) -> None:
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._socket)
            except OSError as error:
                # Too many open files, mostly: closing ones make room.
                logger.warning("a connection cannot be accepted: %s", error)
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)
                continue
            task = self._loop.create_task(self._greet(connection))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._readable(connection)
                first = connection.recv(1, socket.MSG_PEEK)
                context = self._context if first[:1] == bytes((HANDSHAKE_BYTE,)) else None
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._loop.connect_accepted_socket(self._connect, connection, ssl=context)
        except (OSError, TimeoutError) as error:
            logger.debug("a client went away before its first word: %s", error)
            connection.close()
        except BaseException:
            connection.close()
            raise

    async def _readable(self, connection: socket.socket) -> None:
        ready = asyncio.Event()
        self._loop.add_reader(connection, ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_reader(connection)


async def listen(
    connect: Callable[[], asyncio.BaseProtocol], host: str, port: int, tls: ServerTls | None = None
) -> Listener:
    """Listen on a port, without taking connections yet.

    Args:
        connect: makes the protocol of a connection.
        host: the address to listen on.
        port: 0 takes a free one.
        tls: how connections are encrypted; None: not at all.

    Raises:
        OSError: the port cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    if tls is None or tls.mode == "enforcing":
        context = None if tls is None else tls.create_context()
        timeout = None if tls is None else tls.handshake_timeout
        server = await loop.create_server(
            connect,
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=timeout,
            start_serving=False,
            backlog=BACKLOG,
        )
        return Listener(list(server.sockets), server)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=BACKLOG)
    made.settimeout(0)
    return _PermissiveListener(made, connect, tls)
