"""The calls that change files, behind one small interface.

The store makes every change through a `FileLayer`, so that tests can record the changes, lose those that
were not synced, or let the disk be full. Must not know what the files mean.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
from typing import TYPE_CHECKING, Protocol

from pyrocketmq.errors import StoreError, StoreFullError

from .lock import FolderLock

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from typing_extensions import Buffer

__all__ = ["FileLayer", "HeldLock", "RealFiles", "StoreFile", "translated", "write_atomically"]


NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextlib.contextmanager
def translated(what: str) -> Generator[None]:
    """Turn errors of the operating system into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise StoreFullError(
                f"{what}: {error.strerror}",
                advice="free space on the disk, or keep less: retention by bytes or time",
            ) from error
        raise StoreError(
            f"{what}: {error}", advice="look at the disk and the permissions of the folder"
        ) from error


class StoreFile(Protocol):
    """A file that is open for writing."""

    def write_at(self, position: int, data: memoryview | bytes) -> None:
        """Write all of the data at a position; what was written when it fails is unknown."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        ...

    def sync(self) -> None:
        """Return when everything written so far survives a power cut."""
        ...

    def close(self) -> None:
        """Close it; once more does nothing."""
        ...


class HeldLock(Protocol):
    """A lock that somebody has."""

    def release(self) -> None:
        """Give it back; once more does nothing."""
        ...


class FileLayer(Protocol):
    """What the store does to a file system. Errors are OSErrors."""

    def lock(self, folder: Path) -> HeldLock:
        """Keep others out of a folder, or raise StoreLockedError."""
        ...

    def make_folder(self, path: Path) -> None:
        """Make a folder if it is not there."""
        ...

    def names(self, path: Path) -> list[str]:
        """The names in a folder."""
        ...

    def open(self, path: Path) -> StoreFile:
        """Open a file for writing, made if it is not there; its content stays."""
        ...

    def read(self, path: Path) -> bytes:
        """The whole content of a file."""
        ...

    def map(self, path: Path) -> Buffer:
        """The content of a file that will not change any more, read when it is looked at."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file; one that has the new name already is replaced in one step."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        ...

    def sync_folder(self, path: Path) -> None:
        """Return when the names in a folder survive a power cut."""
        ...


class RealFile:
    """A file of the operating system."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(path, flags, 0o644)

    def write_at(self, position: int, data: memoryview | bytes) -> None:
        """Write all of the data at a position; what was written when it fails is unknown."""
        view = memoryview(data)
        while view:
            if sys.platform == "win32":
                os.lseek(self._fd, position, os.SEEK_SET)
                count = os.write(self._fd, view)
            else:
                count = os.pwrite(self._fd, view, position)
            view = view[count:]
            position += count

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        """Return when everything written so far survives a power cut."""
        if sys.platform == "darwin":
            import fcntl  # noqa: PLC0415  # not everywhere

            # fsync of macOS leaves the data in the cache of the drive.
            fcntl.fcntl(self._fd, fcntl.F_FULLFSYNC)
        elif sys.platform == "win32":
            os.fsync(self._fd)
        else:
            os.fdatasync(self._fd)

    def close(self) -> None:
        """Close it; once more does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RealFiles:
    """The file system."""

    def lock(self, folder: Path) -> FolderLock:
        """Keep others out of a folder, or raise StoreLockedError."""
        return FolderLock(folder)

    def make_folder(self, path: Path) -> None:
        """Make a folder if it is not there."""
        path.mkdir(parents=True, exist_ok=True)

    def names(self, path: Path) -> list[str]:
        """The names in a folder."""
        return [entry.name for entry in path.iterdir()]

    def open(self, path: Path) -> RealFile:
        """Open a file for writing, made if it is not there; its content stays."""
        return RealFile(path)

    def read(self, path: Path) -> bytes:
        """The whole content of a file."""
        return path.read_bytes()

    def map(self, path: Path) -> Buffer:
        """The content of a file that will not change any more, read when it is looked at."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""  # what is empty cannot be mapped
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file; one that has the new name already is replaced in one step."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Return when the names in a folder survive a power cut."""
        if sys.platform == "win32":
            return  # folders cannot be opened there, and NTFS keeps a journal of names
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def write_atomically(files: FileLayer, path: Path, data: bytes, *, sync: bool = True) -> None:
    """Give a file new content so that, whatever happens, it has the old or the new one.

    Args:
        files: where.
        path: the file.
        data: the new content.
        sync: whether this holds for a power cut too.
    """
    fresh = path.with_name(path.name + ".tmp")
    file = files.open(fresh)
    try:
        file.truncate(0)
        file.write_at(0, data)
        if sync:
            file.sync()
        file.close()
        files.replace(fresh, path)
    except OSError:
        file.close()
        with contextlib.suppress(OSError):
            files.remove(fresh)
        raise
    if sync:
        files.sync_folder(path.parent)
