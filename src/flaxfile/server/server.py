"""The server that users make: its socket, its thread, its pool, its beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import zmq

from flaxfile.errors import ConnectError, FlaxError, UsageError
from flaxfile.protocol.messages import MAX_MESSAGE
from flaxfile.reactor import Reactor
from flaxfile.security.zap import authenticator as make_authenticator
from flaxfile.server.handshakes import Handshakes
from flaxfile.server.limits import Limits
from flaxfile.server.service import Service
from flaxfile.server.zap import DOMAIN, ZapHandler
from flaxfile.store.store import DURABILITIES, Durability, Store

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from flaxfile.security.zap import Authenticator

__all__ = ["DEFAULT_PORT", "Server"]

DEFAULT_PORT: Final = 25555
INBOUND_MESSAGES: Final = 64
"""Messages of one connection that wait to be read; honest clients stay below by their window."""
LINGER_MS: Final = 1000
BIND_HINTS: Final = {
    errno.EADDRINUSE: "another server may run there: flaxfile serve --port N takes another port",
    errno.EACCES: "ports below 1024 are for the administrator: flaxfile serve --port N takes another port",
}
WORKERS: Final = 8


class Server:
    """Serves the files below a folder.

    Args:
        host: address to listen on; ``0.0.0.0`` or ``::`` for all.
        port: 0 takes a free one, see `port`.
        storage: the folder; it is made if it is not there.
        password: who knows it may come in, and all is encrypted. None for no password.
        authorized: file with the keys that may come in, ``name public-key [ro|rw] [prefix=...]`` a line.
        server_key: key file of this server; with ``authorized``.
        realm: mixed into what is derived from the password.
        read_only: nobody may change anything.
        max_upload: bytes of one file.
        max_clients: clients at a time.
        memory: bytes of all chunks on their way.
        part_ttl: seconds after which an upload that nobody continues is forgotten.
        durability: ``none`` and ``rename`` leave it to the system when a stored file is on the disk,
            ``fsync`` waits.
        authenticator: judge of clients in place of password and keys.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        storage: str | os.PathLike[str] = "./zmq_streaming_storage",
        password: str | None = None,
        authorized: str | os.PathLike[str] | None = None,
        *,
        server_key: str | os.PathLike[str] | None = None,
        realm: str = "",
        read_only: bool = False,
        max_upload: int = 10 << 40,
        max_clients: int = 512,
        memory: int = 256 << 20,
        part_ttl: float = 86400.0,
        durability: Durability = "rename",
        authenticator: Authenticator | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise UsageError(f"port is {port}; it must be between 0 and 65535")
        if durability not in DURABILITIES:
            raise UsageError(f"durability is {durability!r}; known are {', '.join(DURABILITIES)}")
        self.host = host
        self._wanted_port = port
        self._port = 0
        self.storage = Path(storage)
        self._limits = Limits(memory, max_upload, max_clients)
        self._store_options = (durability, part_ttl)
        self._judge = authenticator or make_authenticator(
            password=password,
            server_key=Path(server_key) if server_key is not None else None,
            authorized_clients=Path(authorized) if authorized is not None else None,
            realm=realm,
            read_only=read_only,
        )
        self._reactor: Reactor | None = None
        self._service: Service | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port or self._wanted_port

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._reactor is not None

    async def start(self) -> None:
        """Listen."""
        await asyncio.to_thread(self.start_now)

    def start_now(self) -> None:
        """Listen, from a program that has no event loop."""
        if self._reactor is not None:
            raise UsageError("this server runs already")
        durability, part_ttl = self._store_options
        store = Store(self.storage, durability=durability, part_ttl=part_ttl)
        store.parts.sweep()
        keys = self._judge.curve_server_keys()
        # Encryption is done by the threads of libzmq.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(
            io_threads=1 if keys is None else max(1, min(4, os.cpu_count() or 1))
        )
        try:
            zap = ZapHandler(context, self._judge) if keys is not None else None
            try:
                router, handshakes = self._bind(context, keys)
            except BaseException:
                if zap is not None:
                    zap.socket.close()
                raise
        except BaseException:
            context.term()
            raise
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="flaxfile-disk")
        service = Service(store, pool, self._judge, self._limits, zap=zap, handshakes=handshakes)
        reactor = Reactor(
            [router],
            service,
            memory=self._limits.each_way,
            name="flaxfile-server",
            context=context,
            others=[handshakes.socket, *([zap.socket] if zap else [])],
            router=True,
        )
        service.reactor = reactor
        self._pool, self._service, self._reactor = pool, service, reactor
        reactor.start()

    def _bind(
        self, context: zmq.Context[zmq.Socket[bytes]], keys: tuple[bytes, bytes] | None
    ) -> tuple[zmq.Socket[bytes], Handshakes]:
        router = context.socket(zmq.ROUTER)
        handshakes = Handshakes(router)
        try:
            router.router_mandatory = 1
            router.sndhwm = 0
            router.rcvhwm = INBOUND_MESSAGES
            router.maxmsgsize = MAX_MESSAGE
            router.heartbeat_ivl = 2000
            router.heartbeat_timeout = 6000
            router.handshake_ivl = 10000
            router.backlog = 512
            router.linger = LINGER_MS
            if keys is not None:
                router.curve_server = True
                router.curve_publickey, router.curve_secretkey = keys
                router.zap_domain = DOMAIN
            host = "0.0.0.0" if self.host in {"", "*"} else self.host  # noqa: S104 - asked for
            if ":" in host:
                router.ipv6 = True
                host = f"[{host.strip('[]')}]"
            router.bind(f"tcp://{host}:{self._wanted_port or '*'}")
        except zmq.ZMQError as error:
            router.close(0)
            handshakes.socket.close(0)
            number = error.errno or 0
            raise ConnectError(
                f"cannot listen on {self.host}:{self._wanted_port}: {os.strerror(number)}",
                hint=BIND_HINTS.get(number, "is it an address of this machine? 0.0.0.0 stands for all"),
                retryable=False,
            ) from error
        self._port = int(router.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1].rstrip("\0"))
        return router, handshakes

    async def stop(self, grace: float = 5.0) -> None:
        """Take no more transfers, let those that run go on for ``grace`` seconds, then end; parts stay for a
        resume.
        """
        await asyncio.to_thread(self.stop_now, grace)

    def stop_now(self, grace: float = 5.0) -> None:
        """End, from a program that has no event loop."""
        reactor, service, pool = self._reactor, self._service, self._pool
        if reactor is None or service is None or pool is None:
            return
        service.closing = True
        until = time.monotonic() + grace
        while time.monotonic() < until and (len(service.transfers) or service.uploads.committing):
            time.sleep(0.02)
        # What is being published is published: the answer may not arrive, the file does.
        pool.shutdown(wait=True, cancel_futures=False)
        reactor.stop()
        reactor.join()
        service.store.close()
        self._reactor = self._service = self._pool = None

    def stats(self) -> dict[str, int]:
        """What is there and what was counted: numbers by name, for metrics."""
        service = self._service
        if service is None:
            return {}
        found = {"parts": len(service.store.parts)}
        with contextlib.suppress(RuntimeError, FlaxError):
            found |= service.stats()
        return found

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()
