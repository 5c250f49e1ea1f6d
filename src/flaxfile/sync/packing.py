"""Small files on this machine's side of a sync: read whole for a pack, written whole from one.

A file that changes while it is read is read again; one that is written appears whole under its name or not at
all. Knows nothing of the network.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from flaxfile._core.small import AVAILABLE, HERE, Writing, read_files
from flaxfile.errors import ConflictError, FlaxError, StorageError, from_os_error
from flaxfile.store.hash_cache import stamp_of
from flaxfile.store.reading_back import check_content
from flaxfile.sync.walk import KEPT_MODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flaxfile._core.small import State
    from flaxfile.sync.entries import Node

__all__ = ["SMALL", "Arrived", "grouped", "read_group", "read_small", "write_group", "write_small"]

SMALL: Final = 256 * 1024
"""Files up to this size travel many at a time in one message."""
GROUP_BYTES: Final = 3 << 20
GROUP_FILES: Final = 256
GROUP_ROOM: Final = 4 << 20
"""What a group may have grown to since it was listed; the rest of it is read file by file."""
READS: Final = 3
MOST: Final = 3 << 20
"""A file may have grown since it was listed; what a pack can take is taken."""
_BINARY: Final = getattr(os, "O_BINARY", 0)
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY | getattr(os, "O_NOFOLLOW", 0)
_HAS_FCHMOD: Final = hasattr(os, "fchmod")
_HAS_FUTIME: Final = os.utime in os.supports_fd


def grouped(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Files that go into one message together."""
    group: list[Node] = []
    size = 0
    for node in nodes:
        if group and (size + node.size > GROUP_BYTES or len(group) == GROUP_FILES):
            yield group
            group, size = [], 0
        group.append(node)
        size += node.size
    if group:
        yield group


def read_small(path: Path) -> tuple[bytes, int, int]:
    """Content, mode and time of a file, as they were at one moment."""
    try:
        # A pipe under this name must not hold us; files do not care.
        descriptor = os.open(path, os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0))
        try:
            for _ in range(READS):
                before = os.fstat(descriptor)
                content = _read_all(descriptor)
                if stamp_of(os.fstat(descriptor)) == stamp_of(before) and len(content) <= MOST:
                    return content, before.st_mode & KEPT_MODE, before.st_mtime_ns
        finally:
            os.close(descriptor)
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    raise ConflictError(f"{path} kept changing while it was read", hint="try again when nobody writes to it")


def _read_all(descriptor: int) -> bytes:
    """From the start to the end, or to where it is small no more."""
    content = bytearray()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while len(content) <= MOST and (piece := os.read(descriptor, SMALL + 1)):
        content += piece
    return bytes(content)


def read_group(paths: Sequence[Path]) -> list[tuple[bytes | memoryview, int, int] | FlaxError]:
    """Content, mode and time of each of many files, or why it cannot be read."""
    names = [(HERE, os.fsencode(path)) for path in paths]
    quick = read_files(names, GROUP_ROOM, follow=True) if AVAILABLE else []
    found: list[tuple[bytes | memoryview, int, int] | FlaxError] = []
    for at, path in enumerate(paths):
        result = quick[at] if at < len(quick) else None
        if isinstance(result, tuple):
            state, content = result
            found.append((content, state.st_mode & KEPT_MODE, state.st_mtime_ns))
            continue
        try:
            found.append(read_small(path))
        except FlaxError as error:
            found.append(error)
    return found


class Arrived(NamedTuple):
    """A file that is to be written."""

    path: Path
    content: memoryview | bytes
    mode: int
    mtime_ns: int


def write_group(files: Sequence[Arrived], *, verify_disk: bool = False) -> list[FlaxError | None]:
    """Put files in their places, each in one step; for each why it is not there."""
    quick: list[State | int] = []
    if AVAILABLE and not verify_disk:
        start = os.urandom(8).hex()
        targets = [os.fspath(file.path) for file in files]
        for folder in {os.path.dirname(target) for target in targets}:  # noqa: PTH120
            # Who writes the file alone says what is wrong.
            with contextlib.suppress(OSError):
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        writing = Writing(
            HERE,
            [
                (
                    os.fsencode(f"{os.path.dirname(target)}/.{start}{at:04x}.flaxpart"),  # noqa: PTH120
                    file.content,
                    file.mode & KEPT_MODE,
                    file.mtime_ns,
                )
                for at, (target, file) in enumerate(zip(targets, files, strict=True))
            ],
        )
        writing.write()
        quick = writing.name([(HERE, os.fsencode(target)) for target in targets])
    found: list[FlaxError | None] = [None] * len(files)
    for at, file in enumerate(files):
        if quick and not isinstance(quick[at], int):
            continue
        try:
            write_small(file.path, file.content, file.mode, file.mtime_ns, verify_disk=verify_disk)
        except FlaxError as error:
            found[at] = error
    return found


def write_small(
    path: Path, content: memoryview | bytes, mode: int, mtime_ns: int, *, verify_disk: bool = False
) -> None:
    """Put a file in its place, in the place of the one that was there."""
    target = os.fspath(path)
    # A short name of our own: that of the file may have no room for an ending.
    part = os.path.join(os.path.dirname(target), f".{os.urandom(8).hex()}.flaxpart")  # noqa: PTH118, PTH120
    try:
        try:
            descriptor = os.open(part, _NEW, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(part, _NEW, 0o600)
        try:
            try:
                left = memoryview(content)
                while left:
                    left = left[os.write(descriptor, left) :]
                if _HAS_FCHMOD:
                    os.fchmod(descriptor, mode & KEPT_MODE)
                if _HAS_FUTIME:
                    os.utime(descriptor, ns=(mtime_ns, mtime_ns))
                if verify_disk:
                    check_content(descriptor, content, target)
            finally:
                os.close(descriptor)
            os.replace(part, target)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)  # noqa: PTH108
            raise
    except IsADirectoryError as error:
        raise StorageError(f"{path} is a folder here, and a file there") from error
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
