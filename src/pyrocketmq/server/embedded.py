"""EmbeddedServer: a name server and brokers on the running event loop."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING

from pyrocketmq._clock import ManualClock, MovableClock, SystemClock
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import ConfigurationError, TransportStateError
from pyrocketmq.server.broker import Broker
from pyrocketmq.server.config import ServerConfig
from pyrocketmq.server.dispatch import Dispatcher
from pyrocketmq.server.faults import Faults
from pyrocketmq.server.nameserver import NameServer
from pyrocketmq.server.store import MemoryState, RealFiles, StateFile
from pyrocketmq.server.timers import Timers
from pyrocketmq.server.tls import listen
from pyrocketmq.transport.utils import format_address

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pyrocketmq._clock import Clock
    from pyrocketmq.errors import ConnectionClosedError
    from pyrocketmq.server.tls import Listener

__all__ = ["EmbeddedServer"]

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 2.0


class EmbeddedServer:
    """A name server and its brokers, in this process and on the event loop that starts it.

    Clients connect to ``addr`` as to any name server::

        async with EmbeddedServer() as server:
            print(server.addr)

    Args:
        config: the settings; all in memory on a free port by default.
        clock: the time; a `ManualClock` stands still but for `advance`, a `MovableClock` goes on by itself.

    Attributes:
        faults: what goes wrong on purpose; see `Faults`.
        dispatchers: those of the name server and of each broker, where interceptors can be put.
    """

    def __init__(self, config: ServerConfig | None = None, *, clock: Clock | None = None) -> None:
        self.config = config or ServerConfig()
        self.clock: Clock = clock or SystemClock()
        self._brokers: list[Broker] = []
        self._listeners: list[Listener] = []
        self._connections: set[Connection] = set()
        self._timers: Timers | None = None
        self._addr = ""
        self.faults = Faults()
        self.dispatchers: list[Dispatcher] = []

    @property
    def addr(self) -> str:
        """``host:port`` of the name server.

        Raises:
            TransportStateError: the server is not started.
        """
        if not self._addr:
            raise TransportStateError(
                "the embedded server is not started", advice="await server.start() first"
            )
        return self._addr

    @property
    def brokers(self) -> list[Broker]:
        """The brokers; none before the start."""
        return self._brokers

    @property
    def timers(self) -> Timers:
        """The timers on the server's clock.

        Raises:
            TransportStateError: the server is not started.
        """
        if self._timers is None:
            raise TransportStateError(
                "the embedded server is not started", advice="await server.start() first"
            )
        return self._timers

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen, open the stores, serve.

        Raises:
            OSError: a port cannot be listened on.
            StoreError: a data folder cannot be used.
            TransportStateError: it is started already.
        """
        if self._timers is not None:
            raise TransportStateError(
                "the embedded server is started", advice="start it once, or make another"
            )
        self._timers = Timers(self.clock)
        self.faults.timer = self._timers.after
        try:
            await self._start_nameserver()
            for index in range(self.config.brokers):
                await self._start_broker(index)
            for listener in self._listeners:
                await listener.start_serving()
        except BaseException:
            await self.close()
            raise

    async def _start_nameserver(self) -> None:
        dispatcher = Dispatcher()
        dispatcher.add(NameServer(self._brokers, self._nameserver_state()).handlers())
        self._took(dispatcher)

        def lost(connection: Connection, _error: ConnectionClosedError) -> None:
            self._connections.discard(connection)

        def connect() -> Connection:
            return Connection(dispatcher, holds_reading=True, on_made=self._connections.add, on_lost=lost)

        listener = await listen(connect, self.config.host, self.config.port, self.config.tls)
        self._listeners.append(listener)
        self._addr = self._address_of(listener)

    def _nameserver_state(self) -> StateFile | MemoryState:
        folder = self.config.data
        if folder is None:
            return MemoryState()
        files = RealFiles()
        files.make_folder(folder)
        return StateFile(files, folder / "nameserver.json", sync=self.config.store.fsync != "never")

    async def _start_broker(self, index: int) -> None:
        config = self.config
        port = config.broker_port + index if config.broker_port else 0
        broker: Broker

        def connect() -> Connection:
            return Connection(
                broker.dispatcher,
                holds_reading=True,
                on_made=broker.connection_made,
                on_lost=broker.connection_lost,
                taker=broker.quick.serving,
            )

        listener = await listen(connect, config.host, port, config.tls)
        self._listeners.append(listener)
        name = f"broker-{chr(ord('a') + index)}"
        broker = Broker(name, self._address_of(listener), config, self.clock, self.timers)
        broker.siblings = self._brokers
        self._brokers.append(broker)
        self._took(broker.dispatcher)
        await broker.start()

    def _took(self, dispatcher: Dispatcher) -> None:
        self.dispatchers.append(dispatcher)
        self.faults.attach(dispatcher)

    def _address_of(self, listener: Listener) -> str:
        host, port = listener.address
        if self.config.advertised_host is not None:
            host = self.config.advertised_host
        elif ipaddress.ip_address(host).is_unspecified:
            raise ConfigurationError(
                f"host is {host!r}, all addresses of this machine, and clients have to be told one of them",
                field="advertised_host",
                advice="give the address that clients reach this machine by",
            )
        return format_address(host, port)

    async def close(self) -> None:
        """Stop serving, keep what is to be kept, close all connections; once more does nothing."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self.faults.detach_all()
        self.dispatchers.clear()
        connections = list(self._connections)
        for broker in reversed(self._brokers):
            connections.extend(broker.connections)
            try:
                await broker.stop()
            except Exception:
                logger.exception("%s did not stop as it should", broker.name)
        for connection in connections:
            connection.close()
        await asyncio.gather(*[connection.wait_closed(CLOSE_TIMEOUT) for connection in connections])
        self._brokers.clear()
        if self._timers is not None:
            self._timers.close()

    def advance(self, seconds: float) -> None:
        """Move the clock forward, and run what falls due on the way, each at its time.

        Raises:
            ConfigurationError: the server has another clock.
        """
        clock = self.clock
        if not isinstance(clock, ManualClock | MovableClock):
            raise ConfigurationError(
                f"the clock is a {type(clock).__name__}, which cannot be moved",
                field="clock",
                advice="make the server with clock=ManualClock() or clock=MovableClock()",
            )
        end = clock.now_ms() + round(seconds * 1000)
        while True:
            due = self.timers.next_due()
            if due is None or due > end:
                break
            clock.advance(max(due - clock.now_ms(), 0) / 1000)
            self.timers.run_due()
            self._commit()
        clock.advance(max(end - clock.now_ms(), 0) / 1000)
        self.timers.run_due()
        self._commit()

    def _commit(self) -> None:
        # What a timer has stored is to be seen, and may set timers of its own, before time goes on.
        for broker in self._brokers:
            broker.messages.commit()
