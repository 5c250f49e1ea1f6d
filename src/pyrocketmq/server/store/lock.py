"""One process owns a data folder: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from pyrocketmq.errors import StoreLockedError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FolderLock"]

LOCK_NAME = "lock"
LOCKED_BYTE = 1 << 20  # far behind the text, because Windows lets nobody read a byte that is locked

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        os.lseek(fd, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        # flock, because a lock of lockf would not keep out a second store of the same process.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """The lock of a data folder, taken on construction.

    Raises:
        StoreLockedError: somebody has it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(path, flags, 0o644)
        try:
            _lock(self._fd)
        except OSError as error:
            owner = os.pread(self._fd, 32, 0) if hasattr(os, "pread") else path.read_bytes()[:32]
            self.release()
            pid = owner.decode("ascii", "replace").strip() or "unknown"
            who = "this process" if pid == str(os.getpid()) else f"the process {pid}"
            raise StoreLockedError(
                f"the data folder {folder} is in use by {who}",
                field="data",
                advice="stop the broker that uses it, or give this one a folder of its own",
            ) from error
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others have the folder; once more does nothing."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1
