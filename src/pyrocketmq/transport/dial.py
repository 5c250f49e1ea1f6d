"""Makes connections: all addresses of a host within one deadline, failures as errors that say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import (
    BrokerUnreachableError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    TransportError,
)
from pyrocketmq.transport.forking import track
from pyrocketmq.transport.tls import tls_error
from pyrocketmq.transport.utils import format_address, set_socket_options

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from pyrocketmq._native.connection import Connection
    from pyrocketmq.transport.config import TransportConfig

    Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
    AddressInfo = tuple[int, int, int, str, Address]

__all__ = ["dial", "dial_blocking"]

_KINDS: Final = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.EHOSTUNREACH: "the host is not reachable",
    errno.ENETUNREACH: "its network is not reachable from here",
}


class _Attempts:
    """The failures of one connect and the time that is left for it."""

    def __init__(self, config: TransportConfig) -> None:
        self.config = config
        self.host, self.port = config.target
        self.name = config.address
        if (self.host, self.port) != (config.host, config.port):
            self.name += f" (address_map: {format_address(self.host, self.port)})"
        self.failures: list[str] = []
        self.timed_out = False
        self._end = time.monotonic() + config.connect_timeout

    @property
    def left(self) -> float:
        return self._end - time.monotonic()

    def share(self, addresses_left: int) -> float:
        """The time for one address: what is left, shared with the addresses behind it."""
        return max(0.001, self.left / addresses_left)

    def note(self, address: Address, error: OSError) -> None:
        """Keep why one address failed."""
        place = format_address(str(address[0]), int(address[1]))
        if isinstance(error, TimeoutError):
            self.timed_out = True
            reason = "no answer"
        else:
            reason = _KINDS.get(error.errno or 0) or error.strerror or type(error).__name__
        self.failures.append(f"{place}: {reason}")

    def failure(self, cause: OSError | None) -> TransportError:
        """The error for all addresses together."""
        tried = "; ".join(self.failures)
        if self.config.announced_as is not None:
            return self._unreachable(tried)
        if self.timed_out or not self.failures:
            return ConnectTimeoutError(
                f"no connection to {self.name} in {self.config.connect_timeout:g} s ({tried or 'no try'})",
                likely="a firewall drops the packets, or the address is one that only others reach",
                advice=f'check the address, or set address_map={{"{self.config.address}": "reachable:port"}}',
                address=self.config.address,
            )
        refused = isinstance(cause, ConnectionRefusedError)
        return ConnectionError(
            f"cannot connect to {self.name} ({tried})",
            likely="the server does not run, or listens on another port" if refused else None,
            advice="start it, or correct the address: name servers usually have port 9876, brokers 10911",
            address=self.config.address,
        )

    def _unreachable(self, tried: str) -> BrokerUnreachableError:
        address = self.config.address
        mapped = self.name != address
        return BrokerUnreachableError(
            f"{self.config.announced_as} is registered as {self.name}, and no connection could be made in "
            f"{self.config.connect_timeout - max(0.0, self.left):.1f} s ({tried or 'no try'})",
            likely="the address_map names a place where the broker cannot be reached"
            if mapped
            else "the broker runs in a container or behind NAT and announces an inner address, or is down",
            advice=f'correct address_map={{"{address}": ...}}'
            if mapped
            else f'set brokerIP1 in broker.conf, or address_map={{"{address}": "localhost:{self.port}"}}',
            address=address,
        )

    def unknown_host(self, error: OSError) -> ConnectionError:
        """The error for a name that nobody knows."""
        return ConnectionError(
            f"the host {self.host!r} of {self.name} is not known: {error.strerror or error}",
            likely="the name is misspelled, or the resolver cannot be reached",
            advice="correct the host, or use its IP address",
            address=self.config.address,
        )


def dial_blocking(config: TransportConfig) -> socket.socket:
    """A connected socket, encrypted if the settings say so.

    Raises:
        ConnectionError: no address took the connection, or the host is not known.
        ConnectTimeoutError: ``connect_timeout`` is over.
        TlsError: the handshake failed.
    """
    attempts = _Attempts(config)
    context = config.tls.create_context() if config.tls else None
    try:
        found = socket.getaddrinfo(attempts.host, attempts.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise attempts.unknown_host(error) from error
    cause = None
    for number, (family, kind, protocol, _, address) in enumerate(found):
        if attempts.left <= 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            set_socket_options(sock, config)
            sock.settimeout(attempts.share(len(found) - number))
            sock.connect(address)
        except OSError as error:
            sock.close()
            cause = error
            attempts.note(address, error)
            continue
        except BaseException:
            sock.close()
            raise
        if context is not None:
            sock = _handshake(sock, context, attempts)
        track(sock)
        return sock
    raise attempts.failure(cause) from cause


def _handshake(sock: socket.socket, context: ssl.SSLContext, attempts: _Attempts) -> socket.socket:
    config = attempts.config
    assert config.tls is not None  # noqa: S101
    name = config.tls.server_name or attempts.host
    sock.settimeout(max(0.001, min(config.tls.handshake_timeout, attempts.left)))
    try:
        return context.wrap_socket(sock, server_hostname=name)
    except TimeoutError as error:
        raise _slow_handshake(attempts) from error
    except OSError as error:
        raise tls_error(error, attempts.name, name) from error
    finally:
        sock.close()  # a wrapped socket has taken over the descriptor


def _slow_handshake(attempts: _Attempts) -> ConnectTimeoutError:
    return ConnectTimeoutError(
        f"{attempts.name} took the connection, and the TLS handshake was not done in time",
        likely="the server does not speak TLS on this port, or is stopped",
        advice="check the port, or raise handshake_timeout and connect_timeout",
        address=attempts.config.address,
    )


async def dial(config: TransportConfig, make: Callable[[], Connection]) -> Connection:
    """A connection on the running loop, made by ``make`` and open; raises as ``dial_blocking``."""
    attempts = _Attempts(config)
    context = config.tls.create_context() if config.tls else None
    try:
        async with asyncio.timeout(config.connect_timeout):
            found = await _resolved(attempts.host, attempts.port)
    except TimeoutError as error:
        raise attempts.failure(None) from error
    except OSError as error:
        raise attempts.unknown_host(error) from error
    cause = None
    for number, info in enumerate(found):
        if attempts.left <= 0:
            break
        try:
            sock = await _connected(info, config, attempts.share(len(found) - number))
        except OSError as error:
            cause = error
            attempts.note(info[4], error)
            continue
        return await _adopt(sock, context, attempts, make)
    raise attempts.failure(cause) from cause


# What follows does by hand what the loop has methods for: those of uvloop use threads of libuv, which a child
# made by fork does not have and waits for when it ends.


async def _resolved(host: str, port: int) -> Sequence[AddressInfo]:
    """The addresses of a host; one that is written as a number needs no thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        find = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return await asyncio.get_running_loop().run_in_executor(None, find)


async def _connect(sock: socket.socket, address: Address) -> None:
    """Connect a socket that does not block."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        await loop.sock_connect(sock, address)
        return
    try:
        sock.connect(address)
    except BlockingIOError:
        can_write = loop.create_future()
        loop.add_writer(sock, _set_once, can_write)
        try:
            await can_write
        finally:
            loop.remove_writer(sock)
        failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed)) from None


def _set_once(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _connected(info: AddressInfo, config: TransportConfig, seconds: float) -> socket.socket:
    family, kind, protocol, _, address = info
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(0)
        set_socket_options(sock, config)
        async with asyncio.timeout(seconds):
            await _connect(sock, address)
    except BaseException:
        sock.close()
        raise
    track(sock)
    return sock


async def _adopt(
    sock: socket.socket, context: ssl.SSLContext | None, attempts: _Attempts, make: Callable[[], Connection]
) -> Connection:
    """Give a connected socket to the loop, with the handshake where there is one."""
    config = attempts.config
    loop = asyncio.get_running_loop()
    name = (config.tls.server_name if config.tls else None) or attempts.host
    made: list[Connection] = []

    def factory() -> Connection:
        made.append(make())
        return made[-1]

    try:
        if config.tls is None:
            _, connection = await loop.create_connection(factory, sock=sock)
        else:
            seconds = max(0.001, min(config.tls.handshake_timeout, attempts.left))
            async with asyncio.timeout(seconds):
                _, connection = await loop.create_connection(
                    factory,
                    sock=sock,
                    ssl=context,
                    server_hostname=name,
                    ssl_handshake_timeout=seconds + 1,  # the time-out above is the one that counts
                    ssl_shutdown_timeout=config.close_timeout,
                )
    except TimeoutError as error:
        _drop(sock)
        raise _slow_handshake(attempts) from error
    except OSError as error:
        _drop(sock)
        raise tls_error(error, attempts.name, name) from error
    except BaseException:
        # Cancelled; the transport that has the socket closes it when its handshake ends.
        for connection in made:
            connection.abort()
        _drop(sock)
        raise
    return connection


def _drop(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.close()
