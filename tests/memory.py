"""How much memory a piece of work keeps."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

__all__ = ["kept_by"]

RUNS = 3


def kept_by(work: Callable[[], object]) -> int:
    """Bytes that a run of the work leaves allocated, after one that may fill caches.

    The least of a few runs: a leak shows in each, what other threads of the process keep does not.
    """
    work()
    gc.collect()
    tracemalloc.start()
    try:
        work()
        grown: list[int] = []
        for _ in range(RUNS):
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            work()
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    return min(grown)
