"""Room: the sends of one group that go the general way wait here until they may be under way.

It keeps to the limits and to the line of a SendTable; it must not know what is sent, nor where.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from pyrocketmq.errors import BackPressureError

if TYPE_CHECKING:
    from pyrocketmq._native.table import SendTable
    from pyrocketmq.client.retry import RetryPlan
    from pyrocketmq.client.stats import ClientStats

__all__ = ["Room"]


class Room:
    """Who may send now, and what is told to those who have waited in vain.

    Args:
        table: has the limits and the line.
        stats: counts those who wait.
    """

    def __init__(self, table: SendTable, stats: ClientStats) -> None:
        self._table = table
        self._stats = stats

    async def take(self, size: int, plan: RetryPlan) -> None:
        """Take room for a send, when its turn has come; ``give`` of the table ends that.

        Raises:
            BackPressureError: its time is over.
        """
        table = self._table
        if table.take(size):
            return
        begun = monotonic()
        self._stats.back_pressure_waits += 1
        room = asyncio.get_running_loop().create_future()
        table.take_later(room, size)
        try:
            async with asyncio.timeout(max(0.0, plan.left(begun))):
                await room
        except BaseException as error:
            if room.done() and not room.cancelled():
                table.give(size)  # it came in the same moment
            if isinstance(error, TimeoutError):
                raise self.refusal(plan.timeout, 1) from None
            raise
        finally:
            plan.queued += monotonic() - begun

    def refusal(self, timeout: float, count: int) -> BackPressureError:
        """The error for so many sends that have waited in vain; a time-out of 0 is that of the table."""
        table = self._table
        self._stats.back_pressure_refusals += count
        return BackPressureError(
            f"no room for another send within {timeout or table.timeout:g} s: {table.in_flight:,} sends with "
            f"{table.in_flight_bytes:,} bytes are under way, the limits are {table.max_in_flight:,} and "
            f"{table.max_in_flight_bytes:,} bytes",
            likely="the brokers take less than is sent",
            advice="send less, raise max_in_flight or max_in_flight_bytes, or raise the time-out",
        )
