"""Reads once more, from the disk, what was written, before it is put in its place. Knows nothing of keys."""

from __future__ import annotations

import os
from typing import Final

from flaxfile._core.hashing import hash_chunks, xxh3_128
from flaxfile.digests import hash_of_file
from flaxfile.errors import IntegrityError

__all__ = ["check_chunks", "check_content", "check_file"]

AT_ONCE: Final = 64
HINT: Final = "the disk does not keep what is written to it: look at the log of the system"


def _let_go(fd: int) -> None:
    """Have all of it on the disk and, where the system allows that, nowhere else."""
    os.fsync(fd)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def check_chunks(fd: int, size: int, chunk: int, hashes: bytes, what: str) -> None:
    """Raise unless the chunks of a file have these hashes, 8 bytes each."""
    _let_go(fd)
    count = len(hashes) // 8
    for first in range(0, count, AT_ONCE):
        number = min(AT_ONCE, count - first)
        if hash_chunks(fd, 0, size, chunk, first, number) != hashes[8 * first : 8 * (first + number)]:
            raise IntegrityError(f"{what} is not on the disk as it has arrived", hint=HINT)


def check_file(fd: int, blake3: str, what: str) -> None:
    """Raise unless a file has the content of this hash."""
    _let_go(fd)
    if hash_of_file(fd, "blake3") != blake3:
        raise IntegrityError(f"{what} is not on the disk as it has arrived", hint=HINT)


def check_content(fd: int, content: memoryview | bytes, what: str) -> None:
    """Raise unless a file, which is open for reading too, has this content."""
    _let_go(fd)
    os.lseek(fd, 0, os.SEEK_SET)
    found = b""
    while piece := os.read(fd, len(content) + 1 - len(found)):
        found += piece
    if len(found) != len(content) or xxh3_128(found) != xxh3_128(content):
        raise IntegrityError(f"{what} is not on the disk as it has arrived", hint=HINT)
