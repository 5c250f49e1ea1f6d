"""Keeps a small state on disk while it changes: written by another thread, so that the loop never waits.

Must not know what the state means.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.errors import StoreError
from pyrocketmq.server.store import MemoryState

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.timers import Timer

__all__ = ["Saver"]

logger = logging.getLogger(__name__)

INTERVAL: Final = 5.0
"""Seconds that a change may wait for; what 4.9.x and 5.x do with consumer offsets."""


class Saver:
    """Saves one state some time after it changed, and at the end.

    Args:
        broker: whose state it is.
        name: of the state.
        snapshot: gives the state as it is now; what it gives must not change afterwards.
        interval: seconds that a change may wait for.
    """

    def __init__(
        self, broker: Broker, name: str, snapshot: Callable[[], dict[str, Any]], interval: float = INTERVAL
    ) -> None:
        self._broker = broker
        self._name = name
        self._state = broker.state(name)
        self._snapshot = snapshot
        self._interval = interval
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def load(self) -> dict[str, Any]:
        """The state as it was saved last; empty if it never was."""
        return self._state.load()

    def changed(self) -> None:
        """Say that there is something to save."""
        if self._timer is None:
            self._timer = self._broker.timers.after(self._interval, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if isinstance(self._state, MemoryState):
            self._state.save(self._snapshot())
        elif self._task is not None:
            self.changed()  # the disk is slow; one save at a time
        else:
            self._task = asyncio.get_running_loop().create_task(self._save(), name=f"save {self._name}")

    async def _save(self) -> None:
        try:
            await asyncio.to_thread(self._state.save, self._snapshot())
        except StoreError as error:
            logger.warning("%s: %s are not saved: %s", self._broker.name, self._name, error.what)
            self.changed()
        finally:
            self._task = None

    async def flush(self) -> None:
        """Return when what has changed so far is saved, or cannot be."""
        while self._task is not None:
            await asyncio.wait([self._task])
        if self._timer is not None:
            self._timer.cancel()
            self._begin()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """As ``flush``, for the last time."""
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
