"""Says when something below a folder may have changed: by the system's reports, or by looking every second.

Many changes in a row are one: nothing is said until the tree has been quiet for a moment. What changed is not
told; whoever asks makes a plan anyway. What changes while that plan is carried out is said afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ["watching"]

QUIET: Final = 0.2
POLL: Final = 1.0
OWN: Final = ".flaxfile"
"""Our own cache changes with every sync."""


@contextlib.asynccontextmanager
async def watching(top: Path) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Watch from now on; the function that is given returns when there was a burst of changes."""
    try:
        import watchfiles  # noqa: PLC0415 - an extra of its own
    except ImportError:
        yield await polling(top)
        return
    stop = asyncio.Event()
    found: Any = watchfiles
    reports = found.awatch(
        top, watch_filter=_matters, debounce=round(QUIET * 1000), step=50, stop_event=stop, recursive=True
    )
    # The first step registers the watch, so that nothing is missed between now and the first question.
    pending: asyncio.Future[Any] = asyncio.ensure_future(anext(reports))
    await asyncio.sleep(0)

    async def changed() -> None:
        nonlocal pending
        await asyncio.shield(pending)
        pending = asyncio.ensure_future(anext(reports))

    try:
        yield changed
    finally:
        stop.set()
        pending.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await pending
        await reports.aclose()


def _matters(change: object, path: str) -> bool:
    del change
    return OWN not in Path(path).parts


def _state(top: Path) -> dict[str, tuple[int, int, int]]:
    found: dict[str, tuple[int, int, int]] = {}
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name != OWN]
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 - os.walk gives texts
            with contextlib.suppress(OSError):
                status = os.lstat(path)
                is_file = name in files
                changed_ns = status.st_mtime_ns if is_file else 0
                found[path] = (changed_ns, status.st_size if is_file else 0, status.st_ino)
    return found


async def polling(top: Path, every: float = POLL) -> Callable[[], Awaitable[None]]:
    """The same by looking again and again."""
    known = await asyncio.to_thread(_state, top)

    async def changed() -> None:
        nonlocal known
        now = await asyncio.to_thread(_state, top)
        while now == known:
            await asyncio.sleep(every)
            now = await asyncio.to_thread(_state, top)
        while True:
            await asyncio.sleep(QUIET)
            later = await asyncio.to_thread(_state, top)
            if later == now:
                break
            now = later
        known = now

    return changed
