"""Our own server, on an event loop in a thread of its own, with a clock that can be moved forward."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pyrocketmq._clock import MovableClock
from pyrocketmq.model import AclCredentials
from pyrocketmq.server import AccessRules, EmbeddedServer, ServerConfig, ServerTls
from tests.transport.certificates import Authority

from .server import Security, Server

T = TypeVar("T")

DEADLINE_S = 20.0
LOOKS_BEFORE_TIME_MOVES = 20

ADMIN = AclCredentials("administrator", "administrator-secret")
APP = AclCredentials("app-client", "app-client-secret")


class ServerThread:
    """Runs an embedded server until ``close``."""

    def __init__(self, config: ServerConfig) -> None:
        self.clock = MovableClock()
        self.server = EmbeddedServer(config, clock=self.clock)
        self._started: threading.Event = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-server")
        self._thread.start()
        if not self._started.wait(DEADLINE_S) or self._error is not None:
            raise AssertionError(f"the embedded server did not start: {self._error}") from self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - shown by the thread that waits for the start
            self._error = error
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with self.server:
            self._started.set()
            await self._end.wait()

    def call(self, function: Callable[[], T]) -> T:
        """Run a function on the server's loop."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(DEADLINE_S)

    def close(self) -> None:
        """Stop the server; a mistake on its way is raised here."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error


@dataclass(kw_only=True)
class EmbeddedInThread(Server):
    """An embedded server in this process."""

    thread: ServerThread
    real_time: bool

    def passes(self, seconds: float) -> None:
        if self.real_time:
            time.sleep(seconds)
            return
        self.thread.call(lambda: self.thread.server.advance(seconds))

    def now_ms(self) -> int:
        return self.thread.clock.now_ms()

    def pause(self, looks: int) -> None:
        if self.real_time or looks < LOOKS_BEFORE_TIME_MOVES:
            time.sleep(0.03 if self.real_time else 0.001)
        else:
            self.passes(0.25)


@contextmanager
def embedded_server(
    folder: Path, *, secured: bool = False, real_time: bool = False
) -> Iterator[EmbeddedInThread]:
    """Start a server in memory, and stop it at the end."""
    security: Security | None = None
    config = ServerConfig()
    if real_time:
        config = ServerConfig(transaction_timeout=1.0, transaction_check_interval=1.0)
    if secured:
        folder.mkdir(parents=True)
        authority = Authority(folder, "authority")
        cert_file, key_file = authority.sign("127.0.0.1")
        security = Security(ca_file=authority.file, admin=ADMIN, app=APP)
        config = ServerConfig(
            tls=ServerTls(cert_file=cert_file, key_file=key_file, mode="permissive"),
            acl=AccessRules.read(
                {
                    "accounts": [
                        {"accessKey": ADMIN.access_key, "secretKey": ADMIN.secret_key, "admin": True},
                        {
                            "accessKey": APP.access_key,
                            "secretKey": APP.secret_key,
                            "defaultTopicPerm": "PUB|SUB",
                            "defaultGroupPerm": "SUB",
                        },
                    ]
                }
            ),
        )
    thread = ServerThread(config)
    try:
        (broker,) = thread.server.brokers
        yield EmbeddedInThread(
            kind="embedded",
            name_server=thread.server.addr,
            broker=broker.address,
            broker_name=broker.name,
            security=security,
            thread=thread,
            real_time=real_time,
        )
    finally:
        thread.close()
