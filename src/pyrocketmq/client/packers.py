"""The threads that do long work for event loops, which go on meanwhile; knows nothing of what the work is.

They are fewer than the cores, so that one is left for the loops: on cores that are all taken by such work a
callback would wait for its time slice in the middle of what it does.
"""

from __future__ import annotations

import asyncio
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run_apart"]


async def run_apart(work: Callable[[], None]) -> None:
    """Have a thread of the process do something; while all are at work it waits for its turn."""
    await asyncio.get_running_loop().run_in_executor(_pool(), work)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(max(1, cores - 1), thread_name_prefix="pyrocketmq-packer")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # its threads stayed in the parent
