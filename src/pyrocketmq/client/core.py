"""ClientCore: what a client is before it sends or consumes anything: started, known to brokers, shut down.

It owns the background work of one client on one event loop: routes, heartbeats, probes of brokers that
failed. It must not know what is sent, nor who uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import weakref
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

from pyrocketmq._native.handover import keep_forever
from pyrocketmq.client.brokers import BrokerManager
from pyrocketmq.client.fault_table import FaultTable
from pyrocketmq.client.heartbeats import Heartbeats
from pyrocketmq.client.hooks import SendHooks
from pyrocketmq.client.identity import make_client_id
from pyrocketmq.client.mapping import TopicBrokerMapping
from pyrocketmq.client.namesakes import Namesakes
from pyrocketmq.client.probing import REST_S, Prober
from pyrocketmq.client.routes import RouteTable
from pyrocketmq.client.stats import ClientStats
from pyrocketmq.errors import (
    ClientClosedError,
    ForkedClientError,
    RocketMQError,
    RouteNotFoundError,
)
from pyrocketmq.model.names import unwrap_namespace, wrap_namespace
from pyrocketmq.nameserver.servers import NameServers
from pyrocketmq.remote.hooks import HeaderFields
from pyrocketmq.transport.loops import watch_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
    from types import TracebackType

    from pyrocketmq.client.brokers import BrokerLink, LinkRequestHandler
    from pyrocketmq.client.config import ClientConfig
    from pyrocketmq.client.mapping import PublishRoute
    from pyrocketmq.client.selectors import QueueSelector
    from pyrocketmq.model.route import TopicRouteData

__all__ = ["ClientCore", "CoreState", "GroupRegistration"]

logger = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT_S: Final = 3.0


class CoreState(Enum):
    """Where a client is in its life."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    CLOSED = "closed"


class GroupRegistration:
    """A group that brokers are told of, until ``unregister``."""

    def __init__(self, core: ClientCore, producer_group: str) -> None:
        self.group = producer_group
        self._core = core
        self._is_told = True

    async def unregister(self, timeout: float = SHUTDOWN_TIMEOUT_S) -> None:
        """Tell brokers of it no more, and those that know it that it is gone; once more does nothing."""
        if self._is_told:
            self._is_told = False
            await self._core._remove_producer(self.group, timeout)


class ClientCore:
    """One client of a cluster. ``async with`` or ``start`` begins it, and both can be repeated.

    It belongs to the event loop that starts it. A child made by fork that uses it starts it anew on its own
    loop, or is refused, as the settings say; the parent goes on undisturbed.

    Args:
        config: the settings.
        default_selector: picks queues when no other does.

    Attributes:
        config: the settings.
        mapping: what is known of routes.
        routes: asks for them.
        brokers: the links to brokers.
        heartbeats: who tells brokers of the groups of this client.
        stats: its counters.
        hooks: called around each send.
        faults: which brokers are better left alone for a while; they are probed until they answer.
    """

    def __init__(self, config: ClientConfig, default_selector: QueueSelector | None = None) -> None:
        self.config = config
        self._hooks = config.rpc_hooks
        if config.namespace_v2:
            self._hooks = (*self._hooks, HeaderFields({"ns": config.namespace_v2, "nsd": "true"}))
        self._nameservers = self._make_nameservers()
        self.mapping = TopicBrokerMapping(default_selector)
        self.routes = RouteTable(self._nameservers, self.mapping, config)
        self.brokers = BrokerManager(config, self._hooks)
        self._client_id = ""
        self.heartbeats = Heartbeats(
            lambda: self.client_id,
            self._links_in_use,
            config.heartbeat_interval,
            after=self._look_for_namesakes(),
        )
        self.faults = FaultTable(slow=config.slow_brokers_rest)
        self._lost: set[str] = set()
        self._prober = Prober(self.faults.resting, self._link, self.faults.reached, self._probe_failed)
        self.routes.on_route(self._route_came)
        self.brokers.on_lost(self._broker_lost)
        self.brokers.on_reached(self._broker_reached)
        self.stats = self._make_stats()
        self.hooks = SendHooks(stats=self.stats)
        self._state = CoreState.NEW
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._starting: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._forked_from = 0
        _cores.add(self)

    def __repr__(self) -> str:
        return f"<ClientCore {self._client_id or 'not started'}, {self._state.value}>"

    @property
    def client_id(self) -> str:
        """The name of this client at the brokers; another one after each start, unless it is set."""
        if not self._client_id:
            self._client_id = self.config.client_id or make_client_id(self.config.unit_name)
        return self._client_id

    @property
    def state(self) -> CoreState:
        """Where it is in its life."""
        return self._state

    @property
    def is_running(self) -> bool:
        """True between start and shutdown."""
        return self._state is CoreState.RUNNING

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that it lives on; None when it does not run."""
        return self._loop

    @property
    def is_left_open(self) -> bool:
        """True when it has connections and tasks of this process that a shutdown would end."""
        loop = self._loop
        return loop is not None and not loop.is_closed() and self._pid == os.getpid()

    @property
    def name_servers(self) -> NameServers:
        """The name servers of the cluster."""
        return self._nameservers

    def _look_for_namesakes(self) -> Callable[[BrokerLink], Awaitable[None]] | None:
        """What is done after a heartbeat where the program has chosen the client id."""
        if not self.config.client_id:
            return None
        interval = self.config.heartbeat_interval / 2  # after each round, and not after those in between
        return Namesakes(lambda: self.client_id, lambda: self.heartbeats.producer_groups, interval).look

    def _make_stats(self) -> ClientStats:
        """Counters, and what the parts of the client know at the time of the look."""
        stats = ClientStats()
        stats.add_label("client_id", lambda: self.client_id)
        stats.add_source(
            "heartbeats", lambda: {"sent": self.heartbeats.sent, "failed": self.heartbeats.failed}
        )
        stats.add_source(
            "routes",
            lambda: {"topics": len(self.mapping), "asked": self.routes.asked, "failed": self.routes.failed},
        )
        stats.add_source("brokers", lambda: {link.name: _figures(link) for link in self.brokers.links()})
        return stats

    # ---- beginning and end ----

    async def start(self) -> None:
        """Reach a name server and begin the background work; does nothing when it runs.

        Raises:
            NoNameServerError: no name server answers.
            NameServerError: they refuse, for example for a wrong access key.
            ClientClosedError: it runs on another event loop.
            ForkedClientError: it was started in the parent process, and the settings say so.
        """
        self._check_process()
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop:
            raise self._on_other_loop()
        if self._state is CoreState.RUNNING:
            return
        if self._starting is None:
            self._loop = loop
            self._starting = loop.create_task(self._start(), name="start of a client")
            self._starting.add_done_callback(self._started)
        # Shielded, since all who wait share it.
        await asyncio.shield(self._starting)

    async def ensure_started(self) -> None:
        """Start on first use, and anew in a child made by fork.

        Raises:
            ClientClosedError: it was shut down.
            All that ``start`` raises.
        """
        if self._state is CoreState.RUNNING and self._loop is asyncio.get_running_loop():
            return
        if self._state in (CoreState.CLOSED, CoreState.STOPPING):
            raise ClientClosedError(
                f"the client {self._client_id} was shut down", advice="call start() to use it again"
            )
        await self.start()

    async def shutdown(self, timeout: float = SHUTDOWN_TIMEOUT_S) -> None:
        """Tell brokers that the client goes, end the background work, close all connections.

        Once more does nothing; ``start`` begins anew.

        Args:
            timeout: seconds for all of it; what is not done by then is dropped.
        """
        if self._forked_from or self._state is CoreState.NEW:
            self._forked_from = 0
            self._state = CoreState.CLOSED
            return
        if self._state in (CoreState.CLOSED, CoreState.STOPPING):
            return
        if self._loop is not asyncio.get_running_loop():
            raise self._on_other_loop()
        self._state = CoreState.STOPPING
        end = monotonic() + timeout
        try:
            async with asyncio.timeout(timeout):
                if self._starting is not None:
                    self._starting.cancel()
                    await asyncio.wait((self._starting,))
                await self._unregister_all(max(0.0, end - monotonic()) / 2)
                await self._stop()
        except TimeoutError:
            logger.warning(
                "client %s was not shut down in %g s, the rest is dropped", self._client_id, timeout
            )
            self._drop()
        finally:
            self._state = CoreState.CLOSED
            self._loop = None
            self._client_id = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()

    # ---- what is built on it ----

    def resource(self, name: str) -> str:
        """A topic or group as servers know it: with the namespace of 4.x, if there is one."""
        return wrap_namespace(self.config.namespace, name) if self.config.namespace else name

    def without_namespace(self, name: str) -> str:
        """The opposite of ``resource``."""
        return unwrap_namespace(self.config.namespace, name) if self.config.namespace else name

    def register_producer_group(self, group: str) -> GroupRegistration:
        """Tell brokers of a producer group from now on, at once and with each heartbeat.

        Brokers ask producers that they know about transactions left open, and forward replies to them.
        """
        self.heartbeats.add_producer(group)
        return GroupRegistration(self, group)

    def on_request(self, code: int, handler: LinkRequestHandler) -> None:
        """Answer what brokers ask with one code: ``handler(link, request)``, whichever broker it is."""
        self.brokers.on_request(code, handler)

    async def prepare(self, topics: Iterable[str], deadline: float) -> None:
        """Find the routes of topics, connect to their brokers and tell them of the groups of this client.

        Brokers that cannot be reached are left to the background.

        Args:
            topics: the topics.
            deadline: on the clock of ``time.monotonic``.

        Raises:
            RouteNotFoundError: there is no such topic.
            NoNameServerError: no name server answered in time.
        """
        found: Sequence[PublishRoute] = await asyncio.gather(
            *(self.routes.find(topic, deadline) for topic in topics)
        )
        names = {name for route in found for name in route.brokers}
        links = [link for name in names if (link := self._link(name)) is not None]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - monotonic())):
                await self.heartbeats.beat_and_wait(links)

    # ---- start ----

    def _make_nameservers(self) -> NameServers:
        config = self.config
        return NameServers(
            config.namesrv_addr,
            transport_config=config.transport_config(),
            remote_config=config.remote_config(),
            credentials=config.credentials,
            hooks=self._hooks,
            timeout=config.request_timeout,
        )

    async def _start(self) -> None:
        self._state = CoreState.STARTING
        loop = asyncio.get_running_loop()
        try:
            await self._look_at_name_servers()
        except BaseException:
            self._loop = None
            self._state = CoreState.NEW
            await self._nameservers.close()
            raise
        watch_loop(loop, self)
        self._state = CoreState.RUNNING
        self._tasks = [
            self._spawn(self.routes.run(), "routes"),
            self._spawn(self.heartbeats.run(), "heartbeats"),
            self._spawn(self._prober.run(), "probes"),
        ]
        await asyncio.sleep(0)  # until they have begun
        logger.debug("client %s is started", self.client_id)

    async def _look_at_name_servers(self) -> None:
        """See whether name servers can be reached and take our requests."""
        with contextlib.suppress(RouteNotFoundError):
            await self._nameservers.get_route_info(
                self.config.default_topic, timeout=self.config.request_timeout
            )

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()  # whoever waited has got it; nobody may have

    def _spawn(self, coroutine: Coroutine[object, object, None], what: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{what} of {self.client_id}")
        task.add_done_callback(_look_at_end)
        return task

    # ---- events ----

    def _route_came(self, route: TopicRouteData) -> None:
        self.brokers.take(route)
        names = {broker.broker_name for broker in route.broker_datas if broker.master_addr}
        if self._state is CoreState.RUNNING and self._has_groups:
            for name in names:
                link = self._link(name) if name else None
                if link is not None and not link.is_connected:
                    self.heartbeats.greet(link)
        self.brokers.forget_others(self.mapping.broker_names() | {name for name in names if name})
        self._lost.intersection_update(link.name for link in self.brokers.links())

    @property
    def _has_groups(self) -> bool:
        return bool(self.heartbeats.producer_groups or self.heartbeats.consumer_groups)

    def _broker_lost(self, link: BrokerLink) -> None:
        self._lost.add(link.name)
        self.faults.record_failure(link.name, unreachable=True)
        self.routes.refresh_soon(broker=link.name)

    def _broker_reached(self, link: BrokerLink) -> None:
        # Not reached in the sense of the fault table: the system takes connections for a program that hangs.
        self._prober.hurry(link.name)
        self.heartbeats.greet(link)
        if link.name in self._lost:
            self._lost.discard(link.name)
            self.routes.refresh_soon(broker=link.name)

    def _probe_failed(self, name: str) -> None:
        if name in self.mapping.broker_names():
            self.faults.rest_on(name, REST_S)

    def _links_in_use(self) -> list[BrokerLink]:
        """The brokers of the topics in use, connected or not, and all others that are connected."""
        links = {link for link in self.brokers.links() if link.is_connected}
        links.update(link for name in self.mapping.broker_names() if (link := self._link(name)) is not None)
        return list(links)

    def _link(self, name: str) -> BrokerLink | None:
        try:
            return self.brokers.link(name)
        except RocketMQError:
            return None  # no master has been announced

    # ---- end ----

    async def _remove_producer(self, group: str, timeout: float) -> None:
        if self.heartbeats.remove_producer(group) and self._state is CoreState.RUNNING:
            await self._unregister([(group, None)], timeout)

    async def _unregister_all(self, timeout: float) -> None:
        groups: list[tuple[str | None, str | None]] = [
            *((group, None) for group in self.heartbeats.producer_groups),
            *((None, group) for group in self.heartbeats.consumer_groups),
        ]
        await self._unregister(groups, timeout)

    async def _unregister(self, groups: Sequence[tuple[str | None, str | None]], timeout: float) -> None:
        async def tell(link: BrokerLink, producer: str | None, consumer: str | None) -> None:
            with contextlib.suppress(RocketMQError):  # it forgets us by itself when the connection closes
                await link.client.unregister_client(
                    self.client_id, producer_group=producer, consumer_group=consumer, timeout=timeout
                )

        links = [link for link in self.brokers.links() if link.is_connected]
        if timeout > 0:
            await asyncio.gather(*(tell(link, *names) for link in links for names in groups))

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        await asyncio.gather(self.brokers.close(), self._nameservers.close())

    def _drop(self) -> None:
        """End at once what belongs to a loop that is about to close, or did not end in time."""
        for task in (*self._tasks, self._starting):
            if task is not None:
                task.cancel()
        for link in self.brokers.links():
            link.abort()
        self._nameservers.loop_closes()
        self._forget_loop()

    def loop_closes(self) -> None:
        """End the background work, since the event loop is about to close; the next use starts it anew."""
        self._drop()
        self._state = CoreState.NEW

    # ---- other loops, other processes ----

    def _on_other_loop(self) -> ClientClosedError:
        return ClientClosedError(
            f"the client {self._client_id} lives on another event loop than the running one",
            likely="it is shared by threads, or an earlier loop of this thread was not closed",
            advice="use a client of its own for each loop, or hand calls over with "
            "asyncio.run_coroutine_threadsafe(call, loop)",
        )

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            self._forget_parent()  # made by a fork that told nobody
        if self._forked_from and self.config.after_fork == "error":
            raise ForkedClientError(
                f"this client was started in process {self._forked_from}; this is its child {os.getpid()}",
                advice="make it after the fork (gunicorn: in the hook post_fork), or leave after_fork"
                ' at "restart"',
            )
        self._forked_from = 0

    def _forget_parent(self) -> None:
        """In a child made by fork: what runs in the parent does not run here."""
        if self._state in (CoreState.RUNNING, CoreState.STARTING, CoreState.STOPPING):
            self._forked_from = self._pid
            self._state = CoreState.NEW
        self._pid = os.getpid()
        # Never to be destroyed here: tasks would complain, and connections would touch the parent's loop.
        keep_forever((self._loop, self._starting, self._forget_loop()))
        self.mapping.forget_lock()

    def _forget_loop(self) -> tuple[object, ...]:
        """Begin anew without an event loop; gives everything that lived on the former one."""
        nameservers, self._nameservers = self._nameservers, self._make_nameservers()
        tasks, self._tasks = self._tasks, []
        self._starting = None
        self._loop = None
        self._client_id = ""
        routes = self.routes.forget_loop(self._nameservers)
        return (nameservers, tasks, routes, self.heartbeats.forget_loop(), self.brokers.forget_loop())


def _figures(link: BrokerLink) -> dict[str, int]:
    """What is known of the connection to a broker."""
    if not link.is_connected:
        return {"connected": 0}
    counted = link.remote.transport.connection.stats()
    return {
        "connected": 1,
        "in_flight": counted.in_flight,
        "frames_in": counted.frames_in,
        "frames_out": counted.frames_out,
        "bytes_in": counted.bytes_in,
        "bytes_out": counted.bytes_out,
        "timeouts": counted.timeouts,
        "late_answers": counted.late_answers,
    }


def _look_at_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s ended, which it never should", task.get_name(), exc_info=error)


_cores: Final[weakref.WeakSet[ClientCore]] = weakref.WeakSet()


def _forget_in_child() -> None:
    for core in tuple(_cores):
        core._forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
