"""Requests that wait for messages of a topic, in the order in which they came.

Must not know what they will do with the messages.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.connection import Connection
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.timers import Timer

__all__ = ["Waits", "Wanted"]

K = TypeVar("K")


class Wanted(NamedTuple):
    """What a request waits for; those that want the same find the same."""

    group: str
    queue_id: int
    expression_type: str | None
    expression: str | None
    order: bool
    kind: type


@dataclass(slots=True, eq=False)
class _Wait:
    connection: Connection
    wanted: Wanted
    topics: tuple[str, ...]
    answer: asyncio.Future[RemotingCommand | None]
    look: Callable[[], RemotingCommand | None]
    timer: Timer


class Waits:
    """All requests that wait."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._by_topic: dict[str, dict[_Wait, None]] = {}
        self._by_connection: dict[Connection, dict[_Wait, None]] = {}
        self._stop_watching: Callable[[], None] | None = None
        self._woken: set[str] = set()

    def hold(
        self,
        connection: Connection,
        wanted: Wanted,
        topics: tuple[str, ...],
        wait_ms: int,
        *,
        look: Callable[[], RemotingCommand | None],
        over: Callable[[], RemotingCommand],
    ) -> asyncio.Future[RemotingCommand | None]:
        """Wait for messages of the topics.

        Args:
            connection: whose request it is; with the connection the wait ends.
            wanted: what it waits for.
            topics: whose messages end the wait.
            wait_ms: how long.
            look: gives the answer, or None as long as there is nothing.
            over: gives the answer when the time is over.
        """

        def expired() -> None:
            self._settle(wait, over())

        wait = _Wait(
            connection,
            wanted,
            topics,
            asyncio.get_running_loop().create_future(),
            look,
            self._broker.timers.after(wait_ms / 1000, expired),
        )
        for topic in topics:
            self._by_topic.setdefault(topic, {})[wait] = None
        self._by_connection.setdefault(connection, {})[wait] = None
        if self._stop_watching is None:
            self._stop_watching = self._broker.arrivals.watch_all(lambda topic, _: self.wake(topic))
        wait.answer.add_done_callback(lambda _: self._release(wait))
        return wait.answer

    def wake(self, topic: str) -> None:
        """Let those who wait for a topic look again, the oldest first."""
        if topic not in self._by_topic or topic in self._woken:
            return
        # In the next turn, once for all queues that got messages in this one.
        self._woken.add(topic)
        asyncio.get_running_loop().call_soon(self._look, topic)

    def _look(self, topic: str) -> None:
        self._woken.discard(topic)
        in_vain: set[Wanted] = set()
        for wait in list(self._by_topic.get(topic, ())):
            if wait.wanted in in_vain or wait.answer.done():
                continue
            try:
                found = wait.look()
            except Exception as error:  # noqa: BLE001 - it is the answer of this request
                self._fail(wait, error)
                continue
            if found is None:
                in_vain.add(wait.wanted)
            else:
                self._settle(wait, found)

    def count(self, topic: str, group: str) -> int:
        """How many wait."""
        return sum(wait.wanted.group == group for wait in self._by_topic.get(topic, ()))

    def connection_lost(self, connection: Connection) -> None:
        """Drop what a client waits for no more."""
        for wait in list(self._by_connection.get(connection, ())):
            self._settle(wait, None)

    def stop(self) -> None:
        """Let nobody wait any more."""
        for connection in list(self._by_connection):
            self.connection_lost(connection)

    def _settle(self, wait: _Wait, answer: RemotingCommand | None) -> None:
        self._release(wait)
        if not wait.answer.done():
            wait.answer.set_result(answer)

    def _fail(self, wait: _Wait, error: Exception) -> None:
        self._release(wait)
        if not wait.answer.done():
            wait.answer.set_exception(error)

    def _release(self, wait: _Wait) -> None:
        wait.timer.cancel()
        for topic in wait.topics:
            _remove(self._by_topic, topic, wait)
        _remove(self._by_connection, wait.connection, wait)
        if not self._by_topic and self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None


def _remove(table: dict[K, dict[_Wait, None]], key: K, wait: _Wait) -> None:
    waits = table.get(key, {})
    waits.pop(wait, None)
    if not waits:
        table.pop(key, None)
