"""Says when something below a folder may have changed: by the system's reports, or by looking every second.

Many changes in a row are one: nothing is said until the tree has been quiet for a moment. What changed is not
told; whoever asks makes a plan anyway.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["changes"]

QUIET_MS: Final = 200
POLL_SECONDS: Final = 1.0


async def changes(top: Path) -> AsyncIterator[None]:
    """One item for each burst of changes."""
    try:
        from watchfiles import awatch  # noqa: PLC0415
    except ImportError:
        async for _ in _polled(top):
            yield
        return
    async for _ in awatch(top, watch_filter=_matters, debounce=QUIET_MS, step=50, recursive=True):
        yield


def _matters(change: object, path: str) -> bool:
    """Our own cache changes with every sync."""
    del change
    return f"{os.sep}.flaxfile{os.sep}" not in path and not path.endswith(f"{os.sep}.flaxfile")


def _state(top: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name != ".flaxfile"]
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 - os.walk gives texts
            try:
                status = os.lstat(path)
            except OSError:
                continue
            size = status.st_size if name in files else 0
            found[path] = (status.st_mtime_ns if name in files else 0, size, status.st_ino)
    return found


async def _polled(top: Path, every: float = POLL_SECONDS) -> AsyncIterator[None]:
    known = await asyncio.to_thread(_state, top)
    while True:
        await asyncio.sleep(every)
        now = await asyncio.to_thread(_state, top)
        if now == known:
            continue
        while True:
            await asyncio.sleep(QUIET_MS / 1000)
            later = await asyncio.to_thread(_state, top)
            if later == now:
                break
            now = later
        known = now
        yield
