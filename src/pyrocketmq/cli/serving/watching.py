"""Looks at a running server: how much each topic and group has, and how fast it grows. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyrocketmq.model.names import is_system_topic, reply_topic

if TYPE_CHECKING:
    from pyrocketmq.server import Broker, EmbeddedServer

__all__ = ["GroupRow", "Look", "TopicRow", "Watcher"]


@dataclass(frozen=True, slots=True)
class TopicRow:
    """One topic over all brokers."""

    topic: str
    queues: int
    messages: int
    """Those that are still kept."""
    total: int
    """All that were ever stored, which is what rates are made of."""
    per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupRow:
    """How far a consumer group is in a topic."""

    group: str
    topic: str
    lag: int
    total: int
    per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """A server at one moment."""

    at: float
    connections: int
    fault_hits: int
    topics: list[TopicRow] = field(default_factory=list[TopicRow])
    groups: list[GroupRow] = field(default_factory=list[GroupRow])

    def differs_from(self, other: Look) -> bool:
        """True if anything but the time is new."""

        def essence(look: Look) -> object:
            topics = [(row.topic, row.queues, row.messages, row.total) for row in look.topics]
            groups = [(row.group, row.topic, row.lag, row.total) for row in look.groups]
            return look.connections, look.fault_hits, topics, groups

        return essence(self) != essence(other)


class Watcher:
    """Remembers the last look, so that the next one has rates."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._last: Look | None = None

    def look(self, at: float) -> Look:
        """The server as it is now.

        Args:
            at: the time, in seconds that never go back.
        """
        brokers = self._server.brokers
        seconds = at - self._last.at if self._last else 0.0
        before = {row.topic: row.total for row in self._last.topics} if self._last else {}
        before_groups = {(row.group, row.topic): row.total for row in self._last.groups} if self._last else {}

        def rate(total: int, earlier: int) -> float:
            return max(total - earlier, 0) / seconds if seconds > 0 else 0.0

        topics = [
            TopicRow(name, queues, messages, total, rate(total, before.get(name, 0)))
            for name, (queues, messages, total) in sorted(self._topics(brokers).items())
        ]
        groups = [
            GroupRow(group, topic, lag, total, rate(total, before_groups.get((group, topic), total)))
            for (group, topic), (lag, total) in sorted(self._groups(brokers).items())
        ]
        connections = sum(len(broker.connections) for broker in brokers)
        self._last = Look(at, connections, self._server.faults.hits, topics, groups)
        return self._last

    def _topics(self, brokers: list[Broker]) -> dict[str, tuple[int, int, int]]:
        cluster = self._server.config.cluster
        own = {cluster, reply_topic(cluster), *(broker.name for broker in brokers)}
        found: dict[str, tuple[int, int, int]] = {}
        for broker in brokers:
            for settings in broker.topics.all():
                if settings.name not in own and not is_system_topic(settings.name):
                    queues, messages, total = found.get(settings.name, (0, 0, 0))
                    found[settings.name] = queues + settings.write_queues, messages, total
            for queue in broker.store.log.queues():
                if queue.topic in found:
                    queues, messages, total = found[queue.topic]
                    kept = queue.max_offset - queue.min_offset
                    found[queue.topic] = queues, messages + kept, total + queue.max_offset
        return found

    def _groups(self, brokers: list[Broker]) -> dict[tuple[str, str], tuple[int, int]]:
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for broker in brokers:
            log = broker.store.log
            groups = {group for _, group, _ in broker.offsets.sums()}
            for group in groups:
                for topic, offsets in broker.offsets.of_group(group).items():
                    lag, total = found.get((group, topic), (0, 0))
                    for queue_id, offset in offsets.items():
                        queue = log.find_queue(topic, queue_id)
                        end = queue.max_offset if queue else 0
                        lag, total = lag + max(end - offset, 0), total + offset
                    found[group, topic] = lag, total
        return found
