"""Heartbeats: tells every broker of the topics in use which groups this client has, all of them at once.

A broker that does not answer holds up no other. Must not know what groups are good for.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import RocketMQError
from pyrocketmq.logging.repeats import LONG_INTERVAL_S, RepeatedFaults
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.producer_consumer import ConsumerData, ProducerData

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pyrocketmq.client.brokers import BrokerLink

__all__ = ["Heartbeats"]

logger = logging.getLogger(__name__)

AT_ONCE: Final = 64
"""Heartbeats on their way at one time; each may have to connect first."""

FAULT_INTERVAL_S: Final = 60.0
"""Between two log lines about one broker; its connection logs what is wrong more often."""

_SPREAD_S: Final = 1.0  # over which the heartbeats of one round leave


class Heartbeats:
    """The heartbeats of one client.

    Args:
        client_id: gives the client's name of the moment.
        links: gives the brokers that should hear of the client.
        interval: seconds between two rounds.
        after: called when a broker has answered one.
        rng: spreads heartbeats in time; tests give their own.

    Attributes:
        sent: heartbeats that were answered.
        failed: heartbeats that were not.
    """

    def __init__(
        self,
        client_id: Callable[[], str],
        links: Callable[[], Iterable[BrokerLink]],
        interval: float,
        *,
        after: Callable[[BrokerLink], Awaitable[None]] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.sent = 0
        self.failed = 0
        self._client_id = client_id
        self._links = links
        self._interval = interval
        self._after = after
        self._rng = rng or random.Random()  # noqa: S311 - spreads load
        self._faults = RepeatedFaults(logger, interval=FAULT_INTERVAL_S, longest=LONG_INTERVAL_S)
        self._producers: dict[str, int] = {}
        self._consumers: dict[str, Callable[[], ConsumerData]] = {}
        self._beating: dict[BrokerLink, asyncio.Task[None]] = {}
        self._again: set[BrokerLink] = set()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._running = False

    @property
    def producer_groups(self) -> list[str]:
        """The producer groups that are told."""
        return list(self._producers)

    @property
    def consumer_groups(self) -> list[str]:
        """The consumer groups that are told."""
        return list(self._consumers)

    def add_producer(self, group: str) -> None:
        """Tell a producer group from now on; it may be added several times."""
        self._producers[group] = self._producers.get(group, 0) + 1
        self.beat_all()

    def remove_producer(self, group: str) -> bool:
        """Tell it no more; True when it was added no more often than removed."""
        left = self._producers.get(group, 0) - 1
        if left > 0:
            self._producers[group] = left
            return False
        return self._producers.pop(group, None) is not None

    def add_consumer(self, group: str, describe: Callable[[], ConsumerData]) -> None:
        """Tell a consumer group from now on, as ``describe()`` gives it at each heartbeat."""
        self._consumers[group] = describe
        self.beat_all()

    def remove_consumer(self, group: str) -> bool:
        """Tell it no more; True when it was told before."""
        return self._consumers.pop(group, None) is not None

    def data(self) -> HeartbeatData:
        """What is told."""
        return HeartbeatData(
            self._client_id(),
            [ProducerData(group) for group in self._producers],
            [describe() for describe in self._consumers.values()],
        )

    async def run(self) -> None:
        """Tell all brokers again and again until cancelled."""
        self._running = True
        self._gate = asyncio.Semaphore(AT_ONCE)
        beating = self._beating  # which may be replaced before the end of this
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []
        spread = 0.0  # the first ones leave at once
        try:
            while True:
                links = list(self._links())
                timers = [loop.call_later(self._rng.uniform(0.0, spread), self.greet, link) for link in links]
                spread = min(_SPREAD_S, self._interval / 4)
                # Never later than the interval: brokers count the silence.
                await asyncio.sleep(self._interval * self._rng.uniform(0.8, 1.0))
        finally:
            self._running = False
            for timer in timers:
                timer.cancel()
            for task in tuple(beating.values()):
                task.cancel()

    def forget_loop(self) -> tuple[object, ...]:
        """Begin anew without an event loop; gives everything that lived on the former one."""
        lived = (self._beating, self._gate)
        self._running = False
        self._beating = {}
        self._again = set()
        return lived

    def greet(self, link: BrokerLink) -> None:
        """Tell a broker that is new or whose connection has opened, unless it is about to be told."""
        if self._running and link not in self._beating:
            task = asyncio.get_running_loop().create_task(self._beat(link), name=f"heartbeat {link.name}")
            self._beating[link] = task
            task.add_done_callback(lambda _: self._beaten(link))

    def beat(self, link: BrokerLink) -> None:
        """Tell one broker now; if it is being told, then once more, since what is told has changed."""
        if self._running and link in self._beating:
            self._again.add(link)
        else:
            self.greet(link)

    def beat_all(self) -> None:
        """Tell all brokers now."""
        for link in self._links():
            self.beat(link)

    async def beat_and_wait(self, links: Iterable[BrokerLink]) -> None:
        """Tell some brokers now, and wait until each has answered or failed."""
        links = list(links)
        for link in links:
            self.beat(link)
        while tasks := [task for link in links if (task := self._beating.get(link)) is not None]:
            await asyncio.wait(tasks)

    # ---- one heartbeat ----

    def _beaten(self, link: BrokerLink) -> None:
        self._beating.pop(link, None)
        if link in self._again:
            self._again.discard(link)
            self.beat(link)

    async def _beat(self, link: BrokerLink) -> None:
        if not (self._producers or self._consumers):
            return
        async with self._gate:
            # From here on a new group is not in it any more.
            self._again.discard(link)
            try:
                await link.client.heartbeat(self.data())
            except RocketMQError as error:
                self.failed += 1
                self._faults.warning(
                    link.name, "no heartbeat to broker %s at %s: %s", link.name, link.address, error.what
                )
                return
        self.sent += 1
        self._faults.over(link.name, "broker %s takes heartbeats again", link.name)
        if self._after is not None:
            await self._after(link)
