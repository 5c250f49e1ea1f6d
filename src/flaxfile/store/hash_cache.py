"""Remembers the hash of a file as long as the file is the same, so that neither a sync nor a
listing reads anything twice.

A cache that cannot be opened or is damaged is none: every question is answered with None. It knows nothing of
how hashes are made.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from flaxfile._core.small import State

__all__ = ["HashCache", "Stamp", "stamp_of"]

FOLDER: Final = ".flaxfile"
NAME: Final = "cache.db"
# A file that was written in the last moments may be written once more without a new time.
FRESH_NS: Final = 2_000_000_000


class Stamp(NamedTuple):
    """What tells two states of one file on this machine apart without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


def stamp_of(status: os.stat_result | State) -> Stamp:
    """What tells this state of a file from others."""
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class HashCache:
    """The cache of one tree; usable from several threads.

    Args:
        top: folder of the tree; the cache stands in ``.flaxfile`` below it.
    """

    def __init__(self, top: Path) -> None:
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        import sqlite3  # noqa: PLC0415 - most syncs compare no hashes

        folder = top / FOLDER
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._database = self._open(folder / NAME)
        except (OSError, sqlite3.Error):
            return

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415

        database = sqlite3.connect(path, timeout=2.0, check_same_thread=False, isolation_level=None)
        try:
            # What is lost in a crash is computed again.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(
                "CREATE TABLE IF NOT EXISTS hashes (device INTEGER, inode INTEGER, size INTEGER,"
                " mtime_ns INTEGER, ctime_ns INTEGER, kind TEXT, hash TEXT,"
                " PRIMARY KEY (device, inode, kind)) WITHOUT ROWID"
            )
        except sqlite3.Error:
            database.close()
            raise
        return database

    def get(self, stamp: Stamp, kind: str) -> str | None:
        """The hash of a file that has not changed since it was put in."""
        if self._database is None:
            return None
        with self._lock, contextlib.suppress(self._database.Error):
            row = self._database.execute(
                "SELECT hash FROM hashes WHERE device = ? AND inode = ? AND kind = ?"
                " AND size = ? AND mtime_ns = ? AND ctime_ns = ?",
                (
                    _signed(stamp.device),
                    _signed(stamp.inode),
                    kind,
                    stamp.size,
                    stamp.mtime_ns,
                    stamp.ctime_ns,
                ),
            ).fetchone()
            return str(row[0]) if row is not None else None
        return None

    def put(self, found: Iterable[tuple[Stamp, str]], kind: str, now_ns: int | None = None) -> bool:
        """Remember hashes, each with the state that the file had before it was read; whether all are kept."""
        found = list(found)
        if self._database is None:
            return not found
        limit = (time.time_ns() if now_ns is None else now_ns) - FRESH_NS
        rows = [
            (
                _signed(stamp.device),
                _signed(stamp.inode),
                stamp.size,
                stamp.mtime_ns,
                stamp.ctime_ns,
                kind,
                text,
            )
            for stamp, text in found
            if stamp.mtime_ns < limit and stamp.ctime_ns < limit
        ]
        with self._lock, contextlib.suppress(self._database.Error):
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
            return len(rows) == len(found)
        return False

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            with self._lock:
                self._database.close()
            self._database = None


def _signed(number: int) -> int:
    """SQLite has signed numbers of 64 bits, inode numbers are unsigned."""
    return number - (1 << 64) if number >= 1 << 63 else number
