"""RouteTable: asks name servers for the routes of topics, at once when need be and in the background.

What routes mean is decided by the mapping; what happens with brokers is told to whoever listens. One request
per topic is on its way at a time, whoever wants it.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import random
import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import (
    ClientClosedError,
    DeserializationError,
    NameServerError,
    NoNameServerError,
    RocketMQError,
    RouteNotFoundError,
)
from pyrocketmq.logging.repeats import LONG_INTERVAL_S, RepeatedFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pyrocketmq.client.config import ClientConfig
    from pyrocketmq.client.mapping import PublishRoute, TopicBrokerMapping
    from pyrocketmq.model.route import TopicRouteData
    from pyrocketmq.nameserver.servers import NameServers

__all__ = ["RouteTable"]

logger = logging.getLogger(__name__)

AT_ONCE: Final = 32
"""Topics whose routes are asked for at one time in the background."""

AGE_S: Final = 600.0
"""A topic that nobody has sent to for this long, twice, is forgotten."""

FAULT_INTERVAL_S: Final = 60.0
"""Between two log lines about routes that cannot be had; the connections log what is wrong more often."""

_GAP_S: Final = 0.2  # between two requests for one topic, however many reasons there are
_FOLLOW_UPS_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)  # name servers learn of a loss or a return a little later
_TEMPLATE_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # until a topic that brokers create is there
_RETRY_S: Final = (0.1, 0.3, 1.0)  # when no name server answers somebody who waits
_UNKNOWN_S: Final = 1.0  # a topic without route is not asked for again within this time
_ASKED_TWICE_S: Final = 0.3  # a broker that has just started is a moment away


@dataclass(slots=True)
class _Topic:
    """When a topic is asked for again, and why."""

    due: float
    asked_at: float = float("-inf")
    failures: int = 0
    waits: list[float] = field(default_factory=list[float])


@dataclass(slots=True)
class _Search:
    """A request on behalf of those who wait for the route of a topic that is not known."""

    task: asyncio.Task[PublishRoute]
    until: float
    ended: asyncio.Event
    """Many may wait for it: a task is slow to take leave of each of ten thousand that wait."""


class RouteTable:
    """The routes of a client's topics; they are asked for on first use and kept up to date by ``run``.

    Args:
        nameservers: who is asked.
        mapping: where routes are kept.
        config: intervals, and whether topics may be created by sending to them.
        rng: spreads requests in time; tests give their own.

    Attributes:
        cached: ``cached(topic)`` is the route of a topic in use, or None; it costs one look into a dict, and
            may be called on any thread.
        asked: requests made so far.
        failed: those of them that got no route.
    """

    def __init__(
        self,
        nameservers: NameServers,
        mapping: TopicBrokerMapping,
        config: ClientConfig,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self.mapping = mapping
        self.cached = mapping.cached
        self.asked = 0
        self.failed = 0
        self._nameservers = nameservers
        self._config = config
        self._rng = rng or random.Random()  # noqa: S311 - spreads load
        self._faults = RepeatedFaults(logger, interval=FAULT_INTERVAL_S, longest=LONG_INTERVAL_S)
        self._listeners: list[Callable[[TopicRouteData], object]] = []
        self._topics: dict[str, _Topic] = {}
        self._searches: dict[str, _Search] = {}
        self._unknown: dict[str, tuple[float, RocketMQError]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._wake = asyncio.Event()
        self._age_at = 0.0

    def __repr__(self) -> str:
        return f"<RouteTable of {len(self.mapping)} topics>"

    def on_route(self, callback: Callable[[TopicRouteData], object]) -> None:
        """Call ``callback(route)`` with each good answer, on the event loop."""
        self._listeners.append(callback)

    # ---- wanted now ----

    async def find(self, topic: str, deadline: float) -> PublishRoute:
        """The route of a topic, asked for if it is not known yet.

        Args:
            topic: the topic.
            deadline: on the clock of ``time.monotonic``.

        Raises:
            RouteNotFoundError: there is no such topic, and brokers would not create it.
            NameServerError: the name servers refuse.
            NoNameServerError: none of them answered in time.
        """
        route = self.mapping.publish_route(topic)
        if route is not None:
            return route
        unknown = self._unknown.get(topic)
        if unknown is not None and monotonic() < unknown[0]:
            raise copy.copy(unknown[1])
        search = self._searches.get(topic)
        if search is None:
            task = asyncio.get_running_loop().create_task(self._search(topic), name=f"route of {topic}")
            ended = asyncio.Event()
            search = self._searches[topic] = _Search(task, deadline, ended)
            task.add_done_callback(lambda task: self._searched(topic, task))
            task.add_done_callback(lambda _: ended.set())
        else:
            search.until = max(search.until, deadline)
        begun = monotonic()
        try:
            async with asyncio.timeout(max(0.0, deadline - begun)):
                await search.ended.wait()
        except TimeoutError:
            if not search.task.done():
                raise self._late(topic, deadline - begun) from None
        if search.task.cancelled():
            raise ClientClosedError(f"the client was shut down while it asked for the route of {topic!r}")
        return search.task.result()

    def refresh_soon(self, topic: str | None = None, *, broker: str | None = None) -> None:
        """Ask again at once in the background, and some times after that; may be called on any thread.

        Args:
            topic: this topic.
            broker: the topics that have queues on this broker.
            With neither all topics are asked for.
        """
        loop = self._loop
        if loop is None:
            return
        if threading.get_ident() == self._thread:
            self._hurry(topic, broker)
        else:
            loop.call_soon_threadsafe(self._hurry, topic, broker)

    def forget_loop(self, nameservers: NameServers) -> tuple[object, ...]:
        """Begin anew without an event loop, with other name servers; gives what lived on the former one."""
        lived = (self._searches, self._tasks, self._wake)
        self._nameservers = nameservers
        self._loop = None
        self._searches = {}
        self._tasks = set()
        self._topics = {}
        self._unknown = {}
        return lived

    # ---- the background ----

    async def run(self) -> None:
        """Keep the routes up to date until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._wake = asyncio.Event()
        self._age_at = monotonic() + AGE_S
        gate = asyncio.Semaphore(AT_ONCE)
        tasks, searches = self._tasks, self._searches  # which may be replaced before the end of this
        try:
            while True:
                self._wake.clear()
                now = monotonic()
                if now >= self._age_at:
                    self._age_at = now + AGE_S
                    self.mapping.age()
                self._watch_used(now)
                for topic, state in self._topics.items():
                    if state.due <= now:
                        state.due = float("inf")
                        self._spawn(self._refresh(topic, state, gate))
                due = min((state.due for state in self._topics.values()), default=float("inf"))
                await self._pause(min(due - now, self._age_at - now, self._config.route_poll_interval))
        finally:
            self._loop = None
            for task in (*tasks, *(search.task for search in searches.values())):
                task.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _watch_used(self, now: float) -> None:
        """Poll the topics in use, and no others."""
        used = self.mapping.topics()
        for topic in used:
            if topic not in self._topics:
                self._topics[topic] = _Topic(now + self._interval())
        if len(self._topics) > len(used):
            for topic in set(self._topics).difference(used):
                if self._topics[topic].due != float("inf"):  # it is being asked for
                    del self._topics[topic]

    def _hurry(self, topic: str | None, broker: str | None) -> None:
        if topic is not None:
            topics = [topic]
        elif broker is not None:
            topics = self.mapping.topics_of(broker)
        else:
            topics = self.mapping.topics()
        now = monotonic()
        for name in topics:
            state = self._topics.get(name)
            if state is None:
                if self.mapping.cached(name) is None:
                    continue
                state = self._topics[name] = _Topic(now)
            state.waits = list(_FOLLOW_UPS_S)
            # Little by little, or a thousand clients of one broker that is lost would ask in one moment.
            spread = _GAP_S * self._rng.random() if topic is None else 0.0
            if state.due != float("inf"):
                state.due = min(state.due, max(now + spread, state.asked_at + _GAP_S))
        self._wake.set()

    def _interval(self) -> float:
        return self._config.route_poll_interval * self._rng.uniform(0.9, 1.1)

    async def _refresh(self, topic: str, state: _Topic, gate: asyncio.Semaphore) -> None:
        wait = self._interval()
        before = self.mapping.cached(topic)
        try:
            async with gate:
                state.asked_at = monotonic()
                route = await self._ask(topic)
        except RocketMQError as error:
            state.failures += 1
            wait = min(wait, self._rng.uniform(0.5, 1.0) * 2.0 ** min(state.failures, 10))
            self._faults.warning("routes", "the route of topic %s stays as it was: %s", topic, error.what)
        except Exception:
            # Whatever it was, the topic must be asked for again.
            state.failures += 1
            logger.exception("the route of topic %s could not be taken in", topic)
        else:
            if state.failures:
                self._others_may_go_on()
            state.failures = 0
            self._faults.over("routes", "routes can be asked for again")
            if before is not None and not set(before.brokers) <= set(route.brokers):
                state.waits = list(_FOLLOW_UPS_S)  # a broker is gone: it may come back soon
            elif before is not None and before.is_fallback and not route.is_fallback:
                state.waits = []
        if state.waits:
            wait = min(wait, state.waits.pop(0) * self._rng.uniform(0.8, 1.2))
        state.due = monotonic() + wait
        self._wake.set()

    def _others_may_go_on(self) -> None:
        """Name servers answer again: ask at once for all that could not be asked for."""
        now = monotonic()
        for state in self._topics.values():
            if state.failures and state.due != float("inf"):
                state.due = min(state.due, now)

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name="route refresh")
        tasks = self._tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    # ---- asking ----

    async def _search(self, topic: str) -> PublishRoute:
        """Ask until there is an answer, or nobody waits any more."""
        await asyncio.sleep(0)  # until it is in the table
        tries = 0
        while True:
            try:
                route = await self._ask(topic, again=tries > 0)
            except (NoNameServerError, RouteNotFoundError) as error:
                unknown = isinstance(error, RouteNotFoundError)
                wait = _ASKED_TWICE_S if unknown else _RETRY_S[min(tries, len(_RETRY_S) - 1)]
                tries += 1
                if monotonic() + wait >= self._searches[topic].until or (unknown and tries > 1):
                    raise
                await asyncio.sleep(wait * self._rng.uniform(0.8, 1.2))
            else:
                self._topics[topic] = _Topic(
                    monotonic() + (_TEMPLATE_WAITS_S[0] if route.is_fallback else self._interval()),
                    waits=list(_TEMPLATE_WAITS_S[1:]) if route.is_fallback else [],
                )
                self._wake.set()
                return route

    def _searched(self, topic: str, task: asyncio.Task[PublishRoute]) -> None:
        search = self._searches.get(topic)
        if search is not None and search.task is task:
            del self._searches[topic]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, NameServerError):
            now = monotonic()
            self._unknown = {name: seen for name, seen in self._unknown.items() if seen[0] > now}
            self._unknown[topic] = (now + _UNKNOWN_S, error)

    async def _ask(self, topic: str, *, again: bool = False) -> PublishRoute:
        """Ask once for the topic, and for the template if there is no such topic."""
        config = self._config
        self.asked += 1
        try:
            try:
                data = await self._nameservers.get_route_info(topic, timeout=config.request_timeout)
            except RouteNotFoundError as error:
                return await self._without_route(topic, error)
            route = self.mapping.update(topic, data)
        except (RocketMQError, DeserializationError):
            self.failed += 1
            raise
        self._tell(data)
        if route is None:
            self.failed += 1
            raise _no_queue(topic, again=again)
        return route

    async def _without_route(self, topic: str, error: RouteNotFoundError) -> PublishRoute:
        config = self._config
        known = self.mapping.publish_route(topic)
        if known is not None and not known.is_fallback:
            return known  # a name server that has just started knows no brokers yet
        if not config.create_topics:
            error.likely = "the topic does not exist, and create_topics is off"
            raise error
        try:
            template = await self._nameservers.get_route_info(
                config.default_topic, timeout=config.request_timeout
            )
        except RouteNotFoundError:
            error.likely = (
                "the topic does not exist, and automatic creation is off"
                f" (no route for {config.default_topic} either)"
            )
            error.advice = f"create it: pyrocketmq topic create {topic}"
            raise error from None
        route = self.mapping.update(topic, template, template_queues=config.default_topic_queues)
        self._tell(template)
        if route is None:
            raise error
        return route

    def _tell(self, data: TopicRouteData) -> None:
        for listener in self._listeners:
            listener(data)

    def _late(self, topic: str, seconds: float) -> NoNameServerError:
        return NoNameServerError(
            f"no route of topic {topic!r} within {seconds:.1f} s, no name server has answered",
            likely="the name servers are down, or their addresses are wrong",
            advice="check the addresses and that a name server runs there, usually on port 9876",
        )


def _no_queue(topic: str, *, again: bool) -> RouteNotFoundError:
    asked = "asked twice" if again else "asked once"
    return RouteNotFoundError(
        f"topic {topic!r} has no queue that messages can be sent to, {asked}",
        topic=topic,
        likely="its brokers are down, or the topic or the brokers may not be written",
        advice="look at the perm of the topic, and whether its brokers have masters",
    )
