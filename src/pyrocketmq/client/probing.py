"""Probes brokers that failed, so that they are used again as soon as they answer and not before.

Which brokers those are is judged by the fault table; this only asks them. Must not know what is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import RocketMQError
from pyrocketmq.transport.watch import make_probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq.client.brokers import BrokerLink

__all__ = ["REST_S", "Prober", "probe"]

PROBE_TIMEOUT_S: Final = 0.6
"""Less than the rest after a first failure, so that a broker that stays silent rests on without a gap."""

FIRST_S: Final = 0.2
"""A broker that failed is asked soon,"""

LONGEST_S: Final = 4.0
"""and one that stays away not too often."""

REST_S: Final = 1.5 * LONGEST_S + PROBE_TIMEOUT_S
"""How long a broker rests that has not answered a probe: until after the next one."""


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
        failed: told the name of one that has not; when it rests no longer after that, it is not asked again.
        ask: asks a broker; raises when it does not answer.
        waits: seconds between the first two probes of a broker, and the most between any two.
        rng: spreads probes in time; tests give their own.
    """

    def __init__(
        self,
        resting: Callable[[], list[str]],
        link: Callable[[str], BrokerLink | None],
        reached: Callable[[str], object],
        failed: Callable[[str], object],
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
        self._wakes: dict[str, asyncio.Event] = {}

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

    def hurry(self, name: str) -> None:
        """Ask a broker at once, if it is one that is asked: there is a sign that it is back."""
        wake = self._wakes.get(name)
        if wake is not None:
            wake.set()

    async def _probe(self, name: str) -> None:
        """Ask one broker until it answers or need not be asked any more."""
        probing, wait = self._probing, self._first
        wake = self._wakes[name] = asyncio.Event()
        try:
            while (link := self._link(name)) is not None:
                wake.clear()
                try:
                    await self._ask(link)
                except RocketMQError:
                    self._failed(name)
                else:
                    self._reached(name)
                if name not in self._resting():
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait * self._rng.uniform(0.8, 1.2)):
                        await wake.wait()
                wait = min(wait * 2, self._longest)
        finally:
            probing.pop(name, None)
            self._wakes.pop(name, None)
