"""One broker: its store, and the parts that make up what it does. Must not know how it is listened for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from pyrocketmq.errors import StoreError
from pyrocketmq.server.acl import AccessControl
from pyrocketmq.server.arrivals import Arrivals
from pyrocketmq.server.assignments import Assignments
from pyrocketmq.server.broker_admin import BrokerAdmin
from pyrocketmq.server.clients import Clients
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.consume_admin import ConsumeAdmin
from pyrocketmq.server.delays import Delays
from pyrocketmq.server.dispatch import Dispatcher
from pyrocketmq.server.groups import Groups
from pyrocketmq.server.locks import Locks
from pyrocketmq.server.messages import Messages
from pyrocketmq.server.offsets import Offsets
from pyrocketmq.server.pop_acks import PopAcks
from pyrocketmq.server.pop_looks import PopLooks
from pyrocketmq.server.pops import Pops
from pyrocketmq.server.pulling import Pulling
from pyrocketmq.server.queries import Queries
from pyrocketmq.server.quick import QuickWay
from pyrocketmq.server.relays import Relays
from pyrocketmq.server.replies import Replies
from pyrocketmq.server.sendback import SendBack
from pyrocketmq.server.sending import Sending
from pyrocketmq.server.stats import Stats
from pyrocketmq.server.store import MessageStore
from pyrocketmq.server.timed import Timed
from pyrocketmq.server.topic_admin import TopicAdmin
from pyrocketmq.server.topics import TopicTable
from pyrocketmq.server.transactions import Transactions
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq._clock import Clock
    from pyrocketmq._native.connection import Connection
    from pyrocketmq.errors import ConnectionClosedError
    from pyrocketmq.server.config import ServerConfig
    from pyrocketmq.server.store import MemoryState, StateFile
    from pyrocketmq.server.timers import Timers

__all__ = ["Broker"]

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=Concern)


class Broker:
    """One broker; made on the event loop that it serves on.

    Args:
        name: the broker's name in routes.
        address: ``ip:port`` as clients reach it.
        config: the settings of the server.
        clock: the only time there is.
        timers: the timers on this clock.

    Attributes:
        store: its messages.
        dispatcher: the handler of its connections.
        quick: the native way of plain sends and pulls.
        connections: the clients that are there.
        siblings: the brokers of the same server, this one too.
        general_only: not empty while sends and pulls have to go the general way; see the package's docstring.

    Raises:
        StoreError: the data folder cannot be used.
    """

    broker_id = 0

    def __init__(self, name: str, address: str, config: ServerConfig, clock: Clock, timers: Timers) -> None:
        self.name = name
        self.address = address
        self.config = config
        self.clock = clock
        self.timers = timers
        self.siblings: Sequence[Broker] = (self,)
        self.connections: set[Connection] = set()
        self.general_only: set[str] = set()
        self.dispatcher = Dispatcher(self.general_only)
        if config.acl is not None:
            self.dispatcher.intercept(AccessControl(config.acl).intercept)
        self._concerns: list[Concern] = []
        self.store = MessageStore(
            None if config.data is None else config.data / name,
            config.store,
            store_host=parse_address(address),
            clock=clock,
        )
        try:
            self.topics = self.add(TopicTable(self))
            self.arrivals = self.add(Arrivals())
            self.messages = self.add(Messages(self))
            self.sending = self.add(Sending(self))
            self.pulling = self.add(Pulling(self))
            self.groups = self.add(Groups(self))
            self.offsets = self.add(Offsets(self))
            self.clients = self.add(Clients(self))
            self.locks = self.add(Locks(clock))
            self.queries = self.add(Queries(self))
            self.stats = self.add(Stats(self))
            self.pops = self.add(Pops(self))
            for concern in (PopAcks, PopLooks, Assignments, TopicAdmin, ConsumeAdmin, BrokerAdmin):
                self.add(concern(self))
            # Messages are redirected in this order; what is not decided has no delay yet.
            self.sendback = self.add(SendBack(self))
            self.delays = self.add(Delays(self))
            self.timed = self.add(Timed(self))
            self.transactions = self.add(Transactions(self))
            self.relays = self.add(Relays(self))
            self.replies = self.add(Replies(self))
            self.quick = QuickWay(self)
        except BaseException:
            self.store.close()
            raise
        self._stop_retention = timers.every(config.retention_check_interval, self._retain)

    def add(self, concern: C) -> C:
        """Let a concern take part."""
        self._concerns.append(concern)
        self.dispatcher.add(concern.handlers())
        return concern

    def state(self, name: str) -> StateFile | MemoryState:
        """A small state by name, kept beside the log; see `MessageStore.state`."""
        return self.store.state(name)

    async def start(self) -> None:
        """Let the concerns begin."""
        for concern in self._concerns:
            await concern.start()

    async def stop(self) -> None:
        """Let the concerns end, then close the connections and the store."""
        self._stop_retention()
        try:
            for concern in reversed(self._concerns):
                await concern.stop()
            self.messages.commit()
        finally:
            for connection in list(self.connections):
                connection.close()
            self.store.close()

    def connection_made(self, connection: Connection) -> None:
        """Called when a client has connected."""
        self.connections.add(connection)

    def connection_lost(self, connection: Connection, _error: ConnectionClosedError) -> None:
        """Called when a client's connection is gone."""
        self.connections.discard(connection)
        for concern in self._concerns:
            try:
                concern.connection_lost(connection)
            except Exception:
                logger.exception("%s failed over a lost connection", type(concern).__name__)

    def _retain(self) -> None:
        try:
            self.store.retain()
        except StoreError as error:
            logger.warning("%s: old segments cannot be removed: %s", self.name, error.what)
