"""The files behind a log: what was appended goes to the segment file, and segments follow each other.

Must not know about queues beyond their next offsets, or about requests.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from pyrocketmq._native.logindex import make_index
from pyrocketmq.errors import StoreDamagedError, StoreError, StoreFullError

from . import layout
from .files import translated, write_atomically
from .flusher import Flusher
from .recovery import Recovery
from .state import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyrocketmq._clock import Clock
    from pyrocketmq._native.log import RecordLog

    from .files import FileLayer, StoreFile
    from .options import StoreOptions

__all__ = ["DiskBackend"]

logger = logging.getLogger(__name__)


def _number(value: object, bits: int = 62) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise ValueError(f"{value!r} is no number of 0 to 2**{bits} - 1")
    return value


class DiskBackend:
    """The data folder of one log.

    Args:
        log: an empty log, filled by `open`.
        folder: the data folder.
        options: the settings of the store.
        clock: for the times of files.
        files: the file layer to go through.
    """

    def __init__(
        self, log: RecordLog, folder: Path, options: StoreOptions, clock: Clock, files: FileLayer
    ) -> None:
        self._log = log
        self._folder = folder
        self._options = options
        self._clock = clock
        self._files = files
        self._syncs = options.fsync != "never"
        self._always = options.fsync == "always"
        self._written = 0
        self._queues = StateFile(files, folder / layout.QUEUES_NAME, sync=self._syncs)
        self._switch = threading.Lock()  # the next four belong together
        self._sealed: deque[tuple[StoreFile, Path, bytes]] = deque()
        with translated(f"cannot open the data folder {folder}"):
            files.make_folder(folder)
            self._lock = files.lock(folder)
            try:
                self._file = self._recover()
            except BaseException:
                self._lock.release()
                raise
        self._base = log.segments[-1].base
        self._turn_error: StoreError | None = None
        interval = {"never": None, "interval": options.fsync_interval, "always": 0.0}[options.fsync]
        self._flusher = Flusher(self._sync_written, interval, self._tell_failure)
        self._flusher.synced = self._written

    def _recover(self) -> StoreFile:
        end, dropped, following = self._load_queues()
        for topic, position in dropped.items():
            self._log.ignore_topic(topic, position)
        recovery = Recovery(self._files, self._folder, self._log, self._options, self._clock.now_ms())
        file = recovery.run(end)
        try:
            self._settle(file, dropped, following)
        except BaseException:
            file.close()
            raise
        return file

    def _settle(
        self, file: StoreFile, dropped: dict[str, int], following: list[tuple[str, int, int]]
    ) -> None:
        for topic, queue_id, offset in following:
            self._log.start_queue(topic, queue_id, offset)
        if self._syncs:
            # What the last owner wrote may still be in the cache of the system only.
            file.sync()
            self._files.sync_folder(self._folder)
        self._written = self._log.end
        self._log.visible = self._written
        too_far = [topic for topic, position in dropped.items() if position > self._written]
        for topic in too_far:
            # A power cut took the end of the log: what is appended there now is not of the deleted topic.
            self._log.ignore_topic(topic, self._written)
        if too_far:
            self.save_queues()

    def _load_queues(self) -> tuple[int, dict[str, int], list[tuple[str, int, int]]]:
        """What `save_queues` wrote: the end of the log, deleted topics, and next offsets."""
        state = self._queues.load()
        try:
            end = _number(state.get("end", 0))
            dropped = {topic: _number(position) for topic, position in state.get("dropped", {}).items()}
            following = [
                (topic, _number(int(queue_id), 31), _number(offset))
                for topic, queues in state.get("next", {}).items()
                for queue_id, offset in queues.items()
            ]
        except (TypeError, ValueError, AttributeError) as error:
            raise StoreDamagedError(
                f"the state file {self._queues.path} has other content than it should: {error}",
                field=self._queues.path.name,
                advice="restore it from a backup, or remove it: then deleted topics come back, and queues "
                "without messages begin at 0",
            ) from error
        return end, dropped, following

    # ---- writing ----

    def commit(self) -> int:
        """Write what was appended; the position up to which it is written."""
        if self._turn_error is not None:
            # Messages of this turn were taken back when a segment was to begin, so none may be acknowledged.
            error, self._turn_error = self._turn_error, None
            self._take_back()
            raise error
        self._check_usable()
        if self._log.end == self._written:
            return self._written
        try:
            with translated(
                f"cannot write {self._log.end - self._written:,} bytes to {self._path(self._base)}"
            ):
                self._file.write_at(self._written - self._base, self._log.bytes_from(self._written))
        except StoreError:
            self._take_back()
            raise
        with self._switch:
            self._written = self._log.end
        if not self._always:
            self._log.visible = self._written
        self._flusher.written()
        return self._written

    def _take_back(self) -> None:
        self._log.take_back(self._written)
        with contextlib.suppress(OSError):
            self._file.truncate(self._written - self._base)

    def begin_segment(self, need: int) -> None:
        """Finish the segment and begin the next one, with room for this many bytes at least."""
        if self._turn_error is not None:
            raise self._turn_error
        try:
            self.commit()
        except StoreError as error:
            self._turn_error = error
            raise
        old = self._log.segments[-1]
        old_path, path = self._path(old.base), self._path(self._written)
        header = layout.header_of(self._written, self._clock.now_ms())
        with translated(f"cannot begin the segment {path}"):
            data = self._files.map(old_path)
            file = self._files.open(path)
            try:
                file.write_at(0, header)
            except BaseException:
                file.close()
                with contextlib.suppress(OSError):
                    self._files.remove(path)
                raise
        index = make_index(self._log, old)
        self._log.replace_by_map(old, data)
        capacity = max(self._options.segment_bytes, len(header) + need)
        self._log.begin_segment(self._written, capacity, header, len(header))
        with self._switch:
            self._sealed.append((self._file, old_path.with_suffix(".idx"), index))
            self._file, self._base, self._written = file, self._written, self._log.end
        self._flusher.add_job(lambda: self._finish_sealed(len(self._sealed)))

    # ---- on the thread of the flusher ----

    def _finish_sealed(self, count: int) -> None:
        """The last steps for complete segments, oldest first."""
        for _ in range(count):
            file, index_path, index = self._sealed[0]
            if self._syncs:
                file.sync()
                self._files.sync_folder(self._folder)
            file.close()
            try:
                write_atomically(self._files, index_path, index, sync=self._syncs)
            except OSError as error:
                logger.warning(
                    "%s: cannot be written (%s); the next start will take longer", index_path, error
                )
            self._sealed.popleft()

    def _sync_written(self) -> int:
        with self._switch:
            file, position, sealed = self._file, self._written, len(self._sealed)
        # Files before this one may hold bytes that were never synced. Those sealed since then come later,
        # because `file` may be among them.
        self._finish_sealed(sealed)
        file.sync()
        if self._always:
            self._log.visible = position
        return position

    # ---- safety ----

    def when_durable(self, callback: Callable[[Exception | None], None]) -> None:
        """Call back when all that is written is as safe as the policy promises, maybe on another thread."""
        if self._always and self._flusher.synced < self._written:
            self._flusher.when_synced(self._written, callback)
        else:
            callback(self._flusher.error)

    def sync(self) -> None:
        """Return when all that is written survives a power cut, whatever the policy."""
        done = threading.Event()
        result: list[Exception | None] = []

        def finish(error: Exception | None) -> None:
            result.append(error)
            done.set()

        self._flusher.when_synced(self._written, finish)
        done.wait()
        if result[0] is not None:
            self._check_usable()
            raise StoreError(f"the data folder {self._folder} is closed", advice="open it again") from result[
                0
            ]

    def _check_usable(self) -> None:
        if self._flusher.error is not None:
            raise StoreError(
                f"a sync of the data folder {self._folder} failed: {self._flusher.error}",
                likely="the disk has an error; nobody knows which of the last writes it holds",
                advice="look at the disk and the system log, then restart the broker",
            ) from self._flusher.error

    def _tell_failure(self, error: Exception) -> None:
        logger.critical("%s: a sync failed (%s); the store takes no more messages", self._folder, error)

    # ---- forgetting ----

    def save_queues(self) -> None:
        """Write down what the remaining records will not show: next offsets and deleted topics."""
        following: dict[str, dict[str, int]] = {}
        for queue in self._log.queues():
            following.setdefault(queue.topic, {})[str(queue.queue_id)] = queue.max_offset
        start = self._log.start
        dropped = {topic: at for topic, at in self._log.ignored_topics.items() if at > start}
        self._queues.save({"end": self._written, "next": following, "dropped": dropped})

    def before_removal(self, bases: list[int]) -> None:
        """Write down what will not be seen any more when these segments are gone."""
        try:
            self.save_queues()
        except StoreFullError:
            # The way to space must not need space: these files can be made again from the log.
            for base in bases:
                with contextlib.suppress(OSError):
                    self._files.remove(self._folder / layout.index_name(base))
            self.save_queues()

    def remove_segments(self, bases: list[int]) -> None:
        """Remove the files of segments that the log has let go."""
        for base in bases:
            try:
                self._files.remove(self._path(base))
                self._files.remove(self._folder / layout.index_name(base))
            except OSError as error:
                logger.warning("%s: cannot be removed (%s)", self._path(base), error)

    def close(self) -> None:
        """Write and sync what is left, and let others have the folder."""
        try:
            if self._flusher.error is None:
                self.commit()
        finally:
            self._flusher.close()
            for file, _, _ in self._sealed:
                file.close()
            self._file.close()
            self._lock.release()

    def _path(self, base: int) -> Path:
        return self._folder / layout.log_name(base)
