"""The thread that makes writes durable, in the order in which it was asked to.

Work that waits for the disk runs here: syncs by interval or on demand, and the last steps of complete
segments. Must not know about records.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Flusher"]

logger = logging.getLogger(__name__)


class Flusher:
    """Runs `sync` when it is asked for, and jobs in front of it.

    Args:
        sync: makes durable what is written and returns the position up to which it is.
        interval: seconds after which a write is synced without being asked to; None for never.
        failed: is told of an error; nothing runs after it.
    """

    def __init__(
        self, sync: Callable[[], int], interval: float | None, failed: Callable[[Exception], None]
    ) -> None:
        self._sync = sync
        self._interval = interval
        self._failed = failed
        self._wake = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._waiters: deque[tuple[int, Callable[[Exception | None], None]]] = deque()
        self._dirty_since: float | None = None
        self._closing = False
        self.error: Exception | None = None
        self.synced = 0
        self._thread = threading.Thread(target=self._run, name="pyrocketmq-store", daemon=True)
        self._thread.start()

    def written(self) -> None:
        """Something was written that should be synced by interval."""
        if self._interval is not None and self._dirty_since is None:
            with self._wake:
                self._dirty_since = time.monotonic()
                self._wake.notify()

    def add_job(self, job: Callable[[], None]) -> None:
        """Run this before the next sync."""
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()

    def when_synced(self, position: int, callback: Callable[[Exception | None], None]) -> None:
        """Sync up to a position, and call back on this thread: with None, or with the error that came
        between.
        """
        with self._wake:
            if self.error is None and not self._closing:
                self._waiters.append((position, callback))
                self._wake.notify()
                return
            error = self.error or RuntimeError("the store is closed")
        callback(error)

    def close(self) -> None:
        """Do what is left to do, and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _next_work(self) -> tuple[list[Callable[[], None]], bool] | None:
        """Jobs, and whether to sync; None at the end."""
        with self._wake:
            while True:
                jobs = list(self._jobs)
                self._jobs.clear()
                if self._waiters or (self._closing and self._dirty_since is not None):
                    return jobs, True
                if jobs:
                    return jobs, False
                if self._closing:
                    return None
                wait = None
                if self._interval is not None and self._dirty_since is not None:
                    wait = self._dirty_since + self._interval - time.monotonic()
                    if wait <= 0:
                        return jobs, True
                self._wake.wait(wait)

    def _run(self) -> None:
        while self.error is None and (work := self._next_work()) is not None:
            jobs, sync = work
            try:
                for job in jobs:
                    job()
                if sync:
                    # Before the sync: a write during it needs the next one.
                    self._dirty_since = None
                    self.synced = self._sync()
            except Exception as error:  # noqa: BLE001  # the top of the thread; told to all who wait
                self.error = error
                self._failed(error)
            self._release()
        self._release(RuntimeError("the store is closed"))

    def _release(self, otherwise: Exception | None = None) -> None:
        with self._wake:
            error = self.error or otherwise
            ready = [
                self._waiters.popleft()
                for _ in range(len(self._waiters))
                if error is not None or self._waiters[0][0] <= self.synced
            ]
        for _, callback in ready:
            try:
                callback(error)
            except Exception:  # a loop that is closed, for example; the others wait all the same
                logger.exception("the callback of a sync failed")
