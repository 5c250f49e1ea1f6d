"""Probes brokers that failed, so that they are used again as soon as they answer and not before.

Which brokers those are is judged by the fault table; this only asks them. Must not know what is sent.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import RocketMQError
from pyrocketmq.transport.watch import make_probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq.client.brokers import BrokerLink

__all__ = ["Prober", "probe"]

PROBE_TIMEOUT_S: Final = 1.0

FIRST_S: Final = 0.2
"""A broker that failed is asked soon,"""

LONGEST_S: Final = 4.0
"""and one that stays away not too often."""


async def probe(link: BrokerLink) -> None:
    """Ask a broker something that costs it nothing, connecting first if need be.

    Raises:
        RocketMQError: it cannot be reached or does not answer.
    """
    await link.invoke(make_probe(), PROBE_TIMEOUT_S)


class Prober:
    """Asks the brokers that rest after a failure, each one at growing intervals.

    Args:
        resting: gives the names of the brokers to ask.
        link: gives the link to one of them, or None when its address is not known.
        reached: told the name of a broker that has answered.
        failed: told the name of one that has not, and why; when it rests no longer after that, it is not
            asked again.
        ask: asks a broker; raises when it does not answer.
        waits: seconds between the first two probes of a broker, and the most between any two.
        rng: spreads probes in time; tests give their own.
    """

    def __init__(
        self,
        resting: Callable[[], list[str]],
        link: Callable[[str], BrokerLink | None],
        reached: Callable[[str], object],
        failed: Callable[[str, RocketMQError], object],
        *,
        ask: Callable[[BrokerLink], Awaitable[None]] = probe,
        waits: tuple[float, float] = (FIRST_S, LONGEST_S),
        rng: random.Random | None = None,
    ) -> None:
        self._resting = resting
        self._link = link
        self._reached = reached
        self._failed = failed
        self._ask = ask
        self._first, self._longest = waits
        self._rng = rng or random.Random()  # noqa: S311 - spreads load
        self._probing: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Probe until cancelled."""
        probing = self._probing = {}
        try:
            while True:
                for name in self._resting():
                    if name not in probing:
                        probing[name] = asyncio.get_running_loop().create_task(
                            self._probe(name), name=f"probe of {name}"
                        )
                await asyncio.sleep(self._first)
        finally:
            for task in tuple(probing.values()):
                task.cancel()

    async def _probe(self, name: str) -> None:
        """Ask one broker until it answers or need not be asked any more."""
        probing, wait = self._probing, self._first
        try:
            while (link := self._link(name)) is not None:
                try:
                    await self._ask(link)
                except RocketMQError as error:
                    self._failed(name, error)
                else:
                    self._reached(name)
                    return
                if name not in self._resting():
                    return
                await asyncio.sleep(wait * self._rng.uniform(0.8, 1.2))
                wait = min(wait * 2, self._longest)
        finally:
            probing.pop(name, None)
