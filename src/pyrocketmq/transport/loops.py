"""Tells those who live on an event loop that it is about to be closed, while it can still run.

Loops have no such notice of their own, so the ``close`` of a loop that is watched is wrapped, once, on that
loop alone.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Final, Protocol

__all__ = ["Resident", "watch_loop"]

_TURNS_TO_SETTLE: Final = 5


class Resident(Protocol):
    """Somebody who lives on a loop."""

    def loop_closes(self) -> None:
        """End everything; the loop makes a few more turns after this."""
        ...


_residents: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakSet[Resident]]] = (
    weakref.WeakKeyDictionary()
)


def watch_loop(loop: asyncio.AbstractEventLoop, resident: Resident) -> None:
    """Call ``resident.loop_closes()`` before the loop closes; the resident is not kept alive by this."""
    residents = _residents.get(loop)
    if residents is None:
        residents = _residents[loop] = weakref.WeakSet()
        _wrap_close(loop)
    residents.add(resident)


def _wrap_close(loop: asyncio.AbstractEventLoop) -> None:
    close = loop.close

    def tell_and_close() -> None:
        if not (loop.is_running() or loop.is_closed()):
            residents = tuple(_residents.get(loop, ()))
            for resident in residents:
                resident.loop_closes()
            if residents:
                loop.run_until_complete(_settle())
        close()

    setattr(loop, "close", tell_and_close)  # noqa: B010 - the checkers disagree on the assignment


async def _settle() -> None:
    """Let tasks see how their requests ended, and transports close their sockets."""
    for _ in range(_TURNS_TO_SETTLE):
        await asyncio.sleep(0)
