"""WarmUps: the first sends of a topic wait together for its route and a connection to one of its brokers.

It begins what they wait for and says when it is there. It must not know the sends, which wait in native code,
and leaves all that fails to the general way, which tells each of them why.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import RocketMQError

if TYPE_CHECKING:
    from pyrocketmq.client.send import SendCore

__all__ = ["WarmUps"]

_COLD_S: Final = 0.5  # after a topic could not be made ready for many sends, each sees to itself for so long


class WarmUps:
    """Makes topics ready for the quick way of sends.

    Args:
        sends: whose table has the sends that wait.
    """

    def __init__(self, sends: SendCore) -> None:
        self._sends = sends
        self._cold_until = 0.0

    def begin(self, topic: str) -> float:
        """Make a topic ready, and tell the table at the end; gives the latest time of that, 0 for never."""
        sends = self._sends
        now = monotonic()
        if sends.closed or now < self._cold_until:
            return 0.0
        # Whatever keeps it longer is better told by the general way, which knows each send's own deadline.
        end = now + sends.settings.timeout / 2
        sends.spawn(self._make_ready(topic, end))
        return end

    async def _make_ready(self, topic: str, end: float) -> None:
        sends = self._sends
        is_ready = False
        try:
            async with asyncio.timeout(max(0.0, end - monotonic())):
                await sends.ensure_started()
                route = await sends.core.routes.find(sends.core.resource(topic), end)
                is_ready = await sends.targets.reach(topic, route)
        except (RocketMQError, TimeoutError):
            pass  # those who wait find out themselves what it is
        finally:
            if not is_ready:
                self._cold_until = monotonic() + _COLD_S
            sends.table.warmed(topic, is_ready)
