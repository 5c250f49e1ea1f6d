"""TopicBrokerMapping: what is known of the routes of topics, as ready lists of queues to send to.

Does no I/O: routes come in by ``update``, and whoever sends reads without waiting and without a lock. A worse
answer never replaces a better one. Must not know how routes are asked for.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyrocketmq.client.selectors import RoundRobinSelector
from pyrocketmq.model.java_order import java_order
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.route import BrokerData

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq._native.message import Message
    from pyrocketmq.client.selectors import QueuePair, QueueSelector
    from pyrocketmq.model.route import TopicRouteData

__all__ = ["ROUTE_EXPIRY_S", "PublishRoute", "TopicBrokerMapping"]

ROUTE_EXPIRY_S: Final = 30.0
"""How long an answer of a name server counts as fresh; an older one is used until there is a newer one."""


@dataclass(slots=True, eq=False)
class PublishRoute:
    """Where messages of a topic may go. It stays the same object as long as nothing of it changes.

    Args:
        topic: the topic.
        version: counts the changes of this topic's route.
        pairs: the queues, each with its broker, in the order that every client uses.
        brokers: names of the brokers, each once, in the order of the queues.
        is_fallback: True when the topic is not known and this is the route of the template, by which brokers
            create topics.
        fresh_until: when the answer gets old, on the clock of ``time.monotonic``.
    """

    topic: str
    version: int
    pairs: tuple[QueuePair, ...]
    brokers: tuple[str, ...]
    is_fallback: bool
    fresh_until: float


class TopicBrokerMapping:
    """The routes of topics. To be used by any number of threads.

    Topics that nobody asks for any more are dropped in two steps, see ``age``: that costs those who send
    nothing.

    Args:
        default_selector: picks queues when no other does; one queue after the other by default.
        clock: seconds that never go back.
    """

    def __init__(
        self, default_selector: QueueSelector | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.default_selector = default_selector or RoundRobinSelector()
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, PublishRoute] = {}
        self._unused: dict[str, PublishRoute] = {}
        self._data: dict[str, TopicRouteData] = {}
        self.cached = self._used.get
        """``cached(topic)``: the route if the topic is in use, else None. The quickest way, without a call in
        between; the dict below it stays the same one."""

    def __len__(self) -> int:
        return len(self._used) + len(self._unused)

    # ---- reading ----

    def publish_route(self, topic: str) -> PublishRoute | None:
        """Where messages of the topic may go; None when that is not known. Marks the topic as used."""
        route = self._used.get(topic)
        if route is None:
            with self._lock:
                # Another thread may have marked it since the look above.
                route = self._used.get(topic) or self._unused.pop(topic, None)
                if route is not None:
                    self._used[topic] = route
        return route

    def route_data(self, topic: str) -> TopicRouteData | None:
        """The last good answer of a name server for the topic itself."""
        return self._data.get(topic)

    def topics(self) -> list[str]:
        """The topics in use."""
        return list(self._used)

    def stale_topics(self) -> list[str]:
        """The topics in use whose routes are no longer fresh."""
        now = self._clock()
        return [topic for topic, route in list(self._used.items()) if route.fresh_until <= now]

    def topics_of(self, broker_name: str) -> list[str]:
        """The topics in use that have queues on a broker."""
        return [topic for topic, route in list(self._used.items()) if broker_name in route.brokers]

    def broker_names(self) -> set[str]:
        """The brokers of all routes that are kept."""
        routes = [*list(self._used.values()), *list(self._unused.values())]
        return {name for route in routes for name in route.brokers}

    def select_queue(
        self, topic: str, message: Message | None, selector: QueueSelector | None = None
    ) -> QueuePair | None:
        """A queue for a message, with its broker; None when there is no route, or nothing was picked.

        Args:
            topic: where the message goes.
            message: what is sent.
            selector: who picks; that of the mapping by default.
        """
        route = self.publish_route(topic)
        if route is None:
            return None
        return (selector or self.default_selector).select(topic, route.pairs, message)

    # ---- changing ----

    def update(
        self, topic: str, route: TopicRouteData, *, template_queues: int | None = None
    ) -> PublishRoute | None:
        """Take in what a name server has answered.

        What is worse than what is there changes nothing: a route without a queue to send to, and the route
        of the template where the topic's own is known.

        Args:
            topic: the topic.
            route: the answer.
            template_queues: the answer is the route of the template, and the topic does not exist: brokers
                will make it with so many queues at most.

        Returns:
            What counts from now on; None when the answer has no queue and nothing was known before.

        Raises:
            DeserializationError: the route cannot be used; nothing changes.
        """
        is_fallback = template_queues is not None
        if template_queues is None:
            queues = route.publish_queues(topic)
        else:
            queues = _template_queues(topic, route, template_queues)
        with self._lock:
            before = self._used.get(topic) or self._unused.get(topic)
            if before is not None and (not queues or (is_fallback and not before.is_fallback)):
                return before
            if not is_fallback:
                self._data[topic] = route
            if not queues:
                return None
            fresh_until = self._clock() + ROUTE_EXPIRY_S
            pairs = _pairs(queues, route, before)
            if before is not None and before.pairs == pairs and before.is_fallback == is_fallback:
                before.fresh_until = fresh_until
                return before
            made = PublishRoute(
                topic,
                1 if before is None else before.version + 1,
                pairs,
                tuple(dict.fromkeys(queue.broker_name for queue, _ in pairs)),
                is_fallback,
                fresh_until,
            )
            (self._unused if topic in self._unused else self._used)[topic] = made
            return made

    def remove(self, topic: str) -> None:
        """Forget a topic."""
        with self._lock:
            self._used.pop(topic, None)
            self._unused.pop(topic, None)
            self._data.pop(topic, None)

    def clear(self) -> None:
        """Forget all topics."""
        with self._lock:
            self._used.clear()
            self._unused.clear()
            self._data.clear()

    def age(self) -> None:
        """Drop the topics that nobody has asked for since the last call, and have the others be asked for.

        Until somebody does, ``cached`` does not give them; ``publish_route`` and ``select_queue`` do.
        """
        with self._lock:
            for topic in self._unused:
                self._data.pop(topic, None)
            self._unused = dict(self._used)
            self._used.clear()

    def forget_lock(self) -> None:
        """In a child made by fork: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()


def _pairs(
    queues: list[MessageQueue], route: TopicRouteData, before: PublishRoute | None
) -> tuple[QueuePair, ...]:
    brokers = {broker.broker_name: broker for broker in route.broker_datas}
    # The fixed layout of an ordered topic also names brokers that are away at the moment.
    known = {} if before is None else {queue.broker_name: broker for queue, broker in before.pairs}
    for queue in queues:
        name = queue.broker_name
        if name not in brokers:
            brokers[name] = known.get(name) or BrokerData(broker_name=name)
    return tuple([(queue, brokers[queue.broker_name]) for queue in queues])


def _template_queues(topic: str, route: TopicRouteData, most: int) -> list[MessageQueue]:
    """The queues that brokers give a topic which they create after the template."""
    counts = {data.broker_name: min(most, data.read_queue_nums) for data in route.queue_datas}
    writable = {queue.broker_name for queue in route.publish_queues(topic)}
    return [
        MessageQueue(topic, name, number)
        for name in sorted(writable, key=java_order)
        for number in range(counts.get(name, 0))
    ]
