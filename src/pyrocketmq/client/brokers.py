"""The brokers of a client: one link to each, which outlives connections and changes of the address.

Links follow the addresses that routes announce, and tell who wants to know when a broker is lost or reached.
They must not know topics, and nothing here decides which broker is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.broker.client import BrokerClient
from pyrocketmq.errors import ConfigurationError, ConnectionClosedError
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.remote.hooks import HeaderFields
from pyrocketmq.remote.lane import Lanes
from pyrocketmq.transport.backoff import Backoff
from pyrocketmq.transport.states import TransportState
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.connection import Connection
    from pyrocketmq.client.config import ClientConfig
    from pyrocketmq.model.route import TopicRouteData
    from pyrocketmq.remote.hooks import RpcHook

    LinkCallback = Callable[["BrokerLink"], object]
    LinkRequestHandler = Callable[
        ["BrokerLink", RemotingCommand], RemotingCommand | Awaitable[RemotingCommand | None] | None
    ]

__all__ = ["BrokerLink", "BrokerManager"]

logger = logging.getLogger(__name__)

FORGET_AFTER_S: Final = 120.0
"""How long a broker that no route names any more is still looked for: it may only be restarting."""

WANTED_WITHIN_S: Final = 0.75
"""A broker that sends wait for is tried again within this: ordered ones have no other to go to."""

_MAX_ENCODERS: Final = 256
_LOOK_S: Final = 0.05  # between two looks at what still waits on a connection that is being left


def _never_ready() -> Connection | None:
    return None


class BrokerLink:
    """One broker, by name: the shared connection to its master, and what is kept for it.

    Attributes:
        name: the broker's name in routes.
        address: where its master is announced, as ``host:port``.
        remote: requests to it; another one after its address has changed.
        client: its operations, typed, on that remote.
        lanes: connections of blocking threads.
        ready: gives the open connection if a plain send may be written to it at once, else None. It always
            gives None when requests need what the native encoder does not write, since there are hooks.
        is_plain: False when that is so.
    """

    def __init__(
        self,
        name: str,
        address: str,
        config: ClientConfig,
        hooks: tuple[RpcHook, ...],
        manager: BrokerManager,
    ) -> None:
        self.name = name
        self.is_plain = manager.is_plain
        self._config = config
        self._hooks = hooks
        self._manager = manager
        self._encoders: dict[str, SendEncoder] = {}
        self._unwatch: Callable[[], None] = lambda: None
        self._settle_at(address)

    def __repr__(self) -> str:
        return f"<BrokerLink to {self.name} at {self.address}, {self.remote.transport.current_state_name}>"

    @property
    def is_connected(self) -> bool:
        """True while the shared connection is open."""
        return self.remote.transport.is_connected

    def encoder(self, producer_group: str) -> SendEncoder:
        """The writer of send frames of a group to this broker; it is kept."""
        encoder = self._encoders.get(producer_group)
        if encoder is None:
            if len(self._encoders) >= _MAX_ENCODERS:
                self._encoders.clear()
            config = self._config
            encoder = self._encoders[producer_group] = SendEncoder(
                producer_group,
                self.name,
                config.header_codec,
                config.default_topic,
                config.default_topic_queues,
                config.max_message_bytes,
                {
                    name: value
                    for hook in self._hooks
                    if type(hook) is HeaderFields
                    for name, value in hook.fields.items()
                },
                config.credentials,
            )
        return encoder

    async def invoke(self, request: RemotingCommand, timeout: float | None = None) -> RemotingCommand:
        """Any request, connecting first if need be; see ``AsyncRemote.invoke``."""
        return await self.remote.invoke(request, timeout)

    async def connect(self) -> None:
        """Open the shared connection now; does nothing when it is open."""
        await self.remote.connect()

    def leave(self, connection: Connection) -> None:
        """Make no more requests on a connection whose broker answered GO_AWAY; others open a new one."""
        self.remote.transport.leave(connection)

    # ---- for the manager ----

    def _settle_at(self, address: str) -> None:
        host, port = parse_address(address)
        transport = self._config.transport_config().replace(host=host, port=port, announced_as=self.name)
        limits = self._config.remote_config()
        self.address = address
        self.remote = AsyncRemote(transport, limits, hooks=self._hooks, credentials=self._config.credentials)
        self.remote.transport.backoff = Backoff(
            transport.reconnect_min, transport.reconnect_max, wanted_maximum=WANTED_WITHIN_S
        )
        self.client = BrokerClient.over(self.remote, broker_name=self.name)
        self.lanes = Lanes(transport, limits)
        self.ready: Callable[[], Connection | None] = (
            self.remote.transport.ready_connection if self.is_plain else _never_ready
        )
        self._unwatch = self.remote.transport.states.on_change(self._changed)
        for code, handler in self._manager.handlers.items():
            self._serve(code, handler)

    def _move_to(self, address: str) -> AsyncRemote:
        """Use another address from now on; gives the remote of the old one, which somebody has to close."""
        old, lanes = self.remote, self.lanes
        self._unwatch()
        logger.info("broker %s is now at %s, it was at %s", self.name, address, self.address)
        self._settle_at(address)
        lanes.close()
        return old

    def abort(self) -> None:
        """End all at once, since the event loop is about to close."""
        self._unwatch()
        self.lanes.close()
        self.remote.transport.loop_closes()

    def _serve(self, code: int, handler: LinkRequestHandler) -> None:
        self.remote.on_request(code, lambda request: handler(self, request))

    def _changed(self, before: TransportState, after: TransportState) -> None:
        if after is TransportState.CONNECTED:
            self._manager._tell(self._manager.reached_callbacks, self)
        elif after is TransportState.DISCONNECTED and before is not TransportState.CLOSED:
            self._manager._tell(self._manager.lost_callbacks, self)

    async def _close(self) -> None:
        self._unwatch()
        self.lanes.close()
        await self.remote.close()


class BrokerManager:
    """All brokers that a client talks to.

    Args:
        config: the settings of the client.
        hooks: called around each request to a broker.
        clock: seconds that never go back.

    Attributes:
        handlers: who answers the brokers' own requests, by code.
        reached_callbacks: called with the link whose connection has opened.
        lost_callbacks: called with the link whose connection was lost, or could not be made.
    """

    def __init__(
        self,
        config: ClientConfig,
        hooks: tuple[RpcHook, ...] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._hooks = hooks
        self._clock = clock
        self._lock = threading.Lock()
        self._links: dict[str, BrokerLink] = {}
        self._addresses: dict[str, str] = {}
        self._named_at: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._faults = RepeatedFaults(logger)
        self.handlers: dict[int, LinkRequestHandler] = {}
        self.reached_callbacks: list[LinkCallback] = []
        self.lost_callbacks: list[LinkCallback] = []

    @property
    def is_plain(self) -> bool:
        """False when requests need what the native encoder of sends does not write."""
        return all(type(hook) is HeaderFields for hook in self._hooks)

    def __repr__(self) -> str:
        connected = sum(link.is_connected for link in self.links())
        return f"<BrokerManager, {connected} of {len(self._links)} brokers connected>"

    # ---- for those who send ----

    def link(self, broker_name: str) -> BrokerLink:
        """The link to a broker, by the name that it has in routes. May be called on any thread.

        Raises:
            ConnectionClosedError: no route has told the address of its master.
        """
        link = self._links.get(broker_name)
        return self._make(broker_name) if link is None else link

    def links(self) -> tuple[BrokerLink, ...]:
        """All links there are."""
        return tuple(self._links.values())

    def on_lost(self, callback: LinkCallback) -> None:
        """Call ``callback(link)`` when a connection is lost or cannot be made, on the event loop."""
        self.lost_callbacks.append(callback)

    def on_reached(self, callback: LinkCallback) -> None:
        """Call ``callback(link)`` when a connection has opened, on the event loop."""
        self.reached_callbacks.append(callback)

    def on_request(self, code: int, handler: LinkRequestHandler) -> None:
        """Answer the requests of one code that any broker makes, now and later.

        ``handler(link, request)`` gives what a handler of ``AsyncRemote.on_request`` does.
        """
        self.handlers[code] = handler
        for link in self.links():
            link._serve(code, handler)

    # ---- for those who know routes ----

    def take(self, route: TopicRouteData) -> None:
        """Take in the addresses that a name server has announced; called on the event loop."""
        now = self._clock()
        for broker in route.broker_datas:
            name, address = broker.broker_name, broker.master_addr
            if not name or not address:
                continue
            self._named_at[name] = now
            if self._addresses.get(name) == address:
                continue
            try:
                parse_address(address)
            except ConfigurationError as error:
                self._faults.warning(name, "the address of broker %s cannot be used: %s", name, error.what)
                continue
            with self._lock:
                self._addresses[name] = address
                link = self._links.get(name)
            if link is not None:
                self._close_later(link._move_to(address))

    def forget_others(self, names: Collection[str]) -> None:
        """Close the links to brokers that are not among these names and that no route has named lately."""
        now = self._clock()
        for name, link in list(self._links.items()):
            if name in names:
                self._named_at[name] = now
            elif now - self._named_at.get(name, 0.0) > FORGET_AFTER_S:
                with self._lock:
                    del self._links[name]
                self._addresses.pop(name, None)
                self._named_at.pop(name, None)
                link._unwatch()
                link.lanes.close()
                self._close_later(link.remote)
                logger.info("broker %s at %s is forgotten, no route names it", name, link.address)

    async def close(self) -> None:
        """Close all connections; what they were to is still known."""
        links = self.links()
        with self._lock:
            self._links = {}
        await asyncio.gather(*(link._close() for link in links), *self._closing, return_exceptions=True)

    def forget_loop(self) -> tuple[object, ...]:
        """Begin anew without an event loop; gives everything that lived on the former one."""
        self._lock = threading.Lock()  # after a fork another thread of the parent may hold the old one
        links, self._links = list(self._links.values()), {}
        closing, self._closing = self._closing, set()
        for link in links:
            link._unwatch()
        return links, closing

    # ---- one link ----

    def _make(self, name: str) -> BrokerLink:
        with self._lock:
            link = self._links.get(name)
            if link is not None:
                return link
            address = self._addresses.get(name)
            if address is None:
                raise ConnectionClosedError(
                    f"no name server has told the address of a master of broker {name!r}",
                    likely="the broker is down, or only its slaves are there",
                    advice="use another broker, or start this one",
                )
            link = self._links[name] = BrokerLink(name, address, self._config, self._hooks, self)
            return link

    def _tell(self, callbacks: list[LinkCallback], link: BrokerLink) -> None:
        for callback in tuple(callbacks):
            try:
                callback(link)
            except Exception:
                logger.exception("a callback about broker %s failed", link.name)

    def _close_later(self, remote: AsyncRemote) -> None:
        task = asyncio.get_running_loop().create_task(_finish(remote), name=f"leave {remote.address}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _finish(remote: AsyncRemote) -> None:
    """Let the requests end that wait for their answers, at most as long as one may take; then close."""
    connection = remote.transport.ready_connection()
    if connection is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(remote.config.timeout):
                while connection.is_open and connection.in_flight:  # noqa: ASYNC110 - a count in C, no event
                    await asyncio.sleep(_LOOK_S)
    await remote.close()
