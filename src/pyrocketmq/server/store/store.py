"""The storage of the embedded broker: one log with its queues, in memory or in a data folder.

Appending is in two steps, so that many messages share one write: `log.append` (or the native `put`) gives a
message its offset, `commit` at the end of the turn writes everything. Only then may it be acknowledged, and
readers see it only then; with `fsync="always"` both wait for `when_durable`. Must not know what topics,
groups or requests mean. For one thread.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pyrocketmq._clock import SystemClock
from pyrocketmq._native.log import RecordLog
from pyrocketmq.errors import StoreError

from .disk import DiskBackend
from .files import RealFiles
from .options import MEMORY_RETENTION_BYTES, StoreOptions
from .state import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from pyrocketmq._clock import Clock
    from pyrocketmq._native.logqueue import LogQueue

    from .files import FileLayer

__all__ = ["MemoryState", "MessageStore"]

logger = logging.getLogger(__name__)


class MemoryState:
    """What a `StateFile` is for a store in memory."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        """The state as it was saved last; empty if it never was."""
        return self._state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state."""
        self._state = state


class MessageStore:
    """All messages of one broker.

    Args:
        data: the data folder, made if it is not there; None keeps everything in memory.
        options: sizes, retention, when to sync.
        store_host: address and port of the broker, which records and offset message ids carry.
        clock: the time.
        files: the file layer, for tests.

    Attributes:
        log: where to append and to read; see `pyrocketmq._native.log.RecordLog`.

    Raises:
        StoreLockedError: another process has the data folder open.
        StoreDamagedError: a file that nothing can be read without is damaged.
        StoreError: the folder cannot be used.
    """

    def __init__(
        self,
        data: Path | None = None,
        options: StoreOptions | None = None,
        *,
        store_host: tuple[str, int] = ("127.0.0.1", 10911),
        clock: Clock | None = None,
        files: FileLayer | None = None,
    ) -> None:
        self.options = options or StoreOptions()
        self.clock: Clock = clock or SystemClock()
        self.folder = data
        self._files: FileLayer = files or RealFiles()
        self._states: dict[str, MemoryState] = {}
        self._disk: DiskBackend | None = None
        self.log = RecordLog(store_host, None, self._tell_damage)
        if data is None:
            self.log.visible = (1 << 63) - 1
            self.log.begin_segment(0, self.options.segment_bytes)
        else:
            self._disk = DiskBackend(self.log, data, self.options, self.clock, self._files)
        self.log.on_full = self._begin_segment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- writing ----

    def append(self, queue: LogQueue, body: bytes, properties: bytes = b"", **fields: Any) -> tuple[int, int]:
        """Append a message that is stored now; (queue offset, position).

        ``fields`` are the further ones of `RecordLog.append`. It is neither safe nor visible before `commit`.

        Raises:
            StoreFullError: a new segment was due and there is no space for it; nothing was appended.
        """
        return self.log.append(queue, body, properties, store_timestamp=self.clock.now_ms(), **fields)

    def commit(self) -> int:
        """Write everything that was appended; the position up to which the log is written.

        Raises:
            StoreFullError: there is no space. Everything since the last commit was taken back and must be
                answered with an error: its queue offsets will be given again.
            StoreError: the same for another error of the disk; or a sync failed, and the store takes no more.
        """
        return self.log.end if self._disk is None else self._disk.commit()

    def when_durable(self, callback: Callable[[Exception | None], None]) -> None:
        """Call back when what is committed may be acknowledged: with None, or the error of the sync.

        At once, unless the policy is ``always``: then after the sync, and from another thread.
        """
        if self._disk is None:
            callback(None)
        else:
            self._disk.when_durable(callback)

    def sync(self) -> None:
        """Return when everything that is committed survives a power cut. Blocks."""
        if self._disk is not None:
            self._disk.sync()

    def _begin_segment(self, need: int) -> None:
        if self._disk is not None:
            self._disk.begin_segment(need)
            try:
                self.retain()
            except StoreError as error:
                # The message that needs the segment can do without; the next retain() tries again.
                logger.warning("old segments cannot be removed: %s", error)
            return
        # First, so that the memory of an old segment serves the new one.
        capacity = max(self.options.segment_bytes, need)
        self._drop(self._expired(capacity))
        self.log.begin_segment(self.log.end, capacity)

    # ---- forgetting ----

    def retain(self) -> int:
        """Drop the oldest segments that are too old or too many, to be called from time to time; how many."""
        return self._drop(self._expired(0))

    def drop_topic(self, topic: str) -> None:
        """Forget the messages of a topic, so that one of this name begins at offset 0."""
        self.commit()
        self.log.drop_topic(topic)
        if self._disk is not None:
            self._disk.save_queues()

    def _expired(self, need: int) -> list[int]:
        segments = self.log.segments
        keep = self.options.retention_bytes
        if keep is None and self._disk is None:
            keep = MEMORY_RETENTION_BYTES
        oldest = None
        if self.options.retention_time is not None:
            oldest = self.clock.now_ms() - round(self.options.retention_time * 1000)
        last = len(segments) if need else len(segments) - 1  # the one that is appended to stays
        expired: list[int] = []
        for index in range(last):
            too_old = oldest is not None and segments[index].last_store_time < oldest
            too_many = keep is not None and self.log.end + need - segments[index].base > keep
            if not too_old and not too_many:
                break
            expired.append(segments[index].base)
        return expired

    def _drop(self, bases: list[int]) -> int:
        if not bases:
            return 0
        if self._disk is not None:
            self._disk.before_removal(bases)
        self.log.drop_before(bases[-1] + 1)
        if self._disk is not None:
            self._disk.remove_segments(bases)
        return len(bases)

    # ---- the rest ----

    def state(self, name: str) -> StateFile | MemoryState:
        """A small state by name, such as topic settings or consumer offsets, kept beside the log."""
        if self.folder is not None:
            return StateFile(self._files, self.folder / f"{name}.json", sync=self.options.fsync != "never")
        return self._states.setdefault(name, MemoryState())

    def close(self) -> None:
        """Commit and sync what is left, and let others have the folder."""
        if self._disk is not None:
            disk, self._disk = self._disk, None
            disk.close()

    def _tell_damage(self, position: int, topic: str, queue_id: int, offset: int) -> None:
        logger.error(
            "the message at position %d (topic %r, queue %d, offset %d) is damaged and is passed over",
            position,
            topic,
            queue_id,
            offset,
        )
