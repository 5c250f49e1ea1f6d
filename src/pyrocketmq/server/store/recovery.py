"""Reads a data folder into an empty log, and repairs what a crash has left.

A torn tail is cut off. Damage with intact records behind it is passed over: nothing that can be read is
thrown away.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import TYPE_CHECKING

from pyrocketmq._native.logindex import load_index, make_index, scan_segment
from pyrocketmq.errors import StoreDamagedError

from . import layout
from .files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from pyrocketmq._native.log import RecordLog
    from pyrocketmq._native.logsegment import Segment

    from .files import FileLayer, StoreFile
    from .options import StoreOptions

__all__ = ["Recovery"]

logger = logging.getLogger(__name__)


class Recovery:
    """One opening of a folder.

    Args:
        files: where.
        folder: the data folder.
        log: an empty log.
        options: the settings of the store.
        created_ms: the time that new files get.
    """

    def __init__(
        self, files: FileLayer, folder: Path, log: RecordLog, options: StoreOptions, created_ms: int
    ) -> None:
        self._files = files
        self._folder = folder
        self._log = log
        self._options = options
        self._created_ms = created_ms
        self._sync = options.fsync != "never"

    def run(self, least_end: int) -> StoreFile:
        """Fill the log; the open file of its last segment.

        Args:
            least_end: the position up to which the log went once, although its files may be gone.
        """
        names = self._files.names(self._folder)
        bases = layout.segment_bases(names)
        kept = {layout.index_name(base) for base in bases[:-1]}
        for name in names:
            if name.endswith(".tmp") or (name.endswith(".idx") and name not in kept):
                self._files.remove(self._folder / name)
        for base, next_base in pairwise(bases):
            self._attach(base, next_base)
        return self._continue(bases[-1] if bases else least_end)

    # ---- complete segments ----

    def _attach(self, base: int, next_base: int) -> None:
        path = self._folder / layout.log_name(base)
        data = memoryview(self._files.map(path))
        self._check_format(path, data)
        if len(data) > next_base - base:
            self._tell_damage(path, next_base, len(data) - (next_base - base))
            data = data[: next_base - base]
        if len(data) < layout.HEADER_BYTES:
            self._tell_damage(path, base, layout.HEADER_BYTES)
            return
        segment = self._log.attach_segment(base, data, layout.HEADER_BYTES)
        if not self._load_index(segment, base):
            self._make_index(segment, base, path)
        if self._log.end < next_base:
            self._tell_damage(path, self._log.end, next_base - self._log.end)

    def _load_index(self, segment: Segment, base: int) -> bool:
        try:
            return load_index(self._log, segment, self._files.read(self._folder / layout.index_name(base)))
        except FileNotFoundError:
            return False

    def _make_index(self, segment: Segment, base: int, path: Path) -> None:
        end, damage = scan_segment(self._log, segment)
        for position, size in damage:
            self._tell_damage(path, position, size)
        if end < base + len(segment):
            self._tell_damage(path, end, base + len(segment) - end)
        index = self._folder / layout.index_name(base)
        try:
            write_atomically(self._files, index, make_index(self._log, segment), sync=self._sync)
        except OSError as error:
            logger.warning("%s: cannot be written (%s); the next start will take longer", index, error)

    # ---- the segment that goes on ----

    def _continue(self, base: int) -> StoreFile:
        path = self._folder / layout.log_name(base)
        header = layout.header_of(base, self._created_ms)
        file = self._files.open(path)
        try:
            content = self._files.read(path)
            self._check_format(path, content)
            whole = layout.is_header(content, base)
            start = content if whole else header + content[layout.HEADER_BYTES :]
            capacity = max(self._options.segment_bytes, len(start))
            segment = self._log.begin_segment(base, capacity, start, layout.HEADER_BYTES)
            end, damage = scan_segment(self._log, segment)
            for position, size in damage:
                self._tell_damage(path, position, size)
            torn = base + len(content) - end
            if torn > 0:
                logger.warning("%s: cut off a torn tail of %d bytes at position %d", path, torn, end)
                file.truncate(end - base)
            self._log.take_back(end)
            if not whole:
                file.write_at(0, header)
            if self._sync and (torn > 0 or not whole):
                file.sync()
                self._files.sync_folder(self._folder)
        except BaseException:
            file.close()
            raise
        return file

    def _check_format(self, path: Path, data: bytes | memoryview) -> None:
        if form := layout.newer_format(data):
            raise StoreDamagedError(
                f"{path} has the format {form!r}, this release reads 'PRMQLOG1'",
                field=path.name,
                advice="open the folder with the release that wrote it",
            )

    def _tell_damage(self, path: Path, position: int, size: int) -> None:
        logger.error(
            "%s: %d bytes at position %d are damaged; messages in them are lost", path, size, position
        )
