"""The kinds of hashes that content is compared by, and the hash of content that is still on its way.

XXH3 is built in; BLAKE3, which is cryptographic and what `b3sum` shows, comes with a package. Knows nothing
of keys, of transfers and of the network.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, Final, cast

from flaxfile._core.hashing import hash_file, read_at, xxh3_128
from flaxfile.errors import MissingExtraError
from flaxfile.model import HashKind, known_kind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "PIECE",
    "RunningHash",
    "check_kind",
    "hash_content",
    "hash_of_file",
    "is_available",
]

PIECE: Final = 1 << 20
"""Bytes that are hashed at a time; for less nobody is woken."""


@functools.cache
def _blake3() -> Callable[[], Any] | None:
    """What makes a hasher; None where the package is not there."""
    try:
        from blake3 import blake3  # noqa: PLC0415 - an extra, and few need it
    except ImportError:
        return None
    return blake3


def is_available(kind: HashKind) -> bool:
    """Whether this program can make hashes of a kind."""
    return kind == "xxh3" or _blake3() is not None


def check_kind(kind: str) -> HashKind:
    """The same kind, if there is one of that name and this program can make it."""
    known = known_kind(kind)
    if not is_available(known):
        raise MissingExtraError(
            "BLAKE3 needs the package blake3, which is not installed",
            hint="pip install 'pyrocketmq-turbo[files,blake3]', or use xxh3",
        )
    return known


def _hasher() -> Any:
    check_kind("blake3")
    return cast("Callable[[], Any]", _blake3())()


def hash_content(content: bytes | memoryview, kind: HashKind) -> str:
    """The hash of bytes, in hexadecimal digits."""
    if kind == "xxh3":
        return xxh3_128(content).hex()
    hasher = _hasher()
    hasher.update(content)
    return str(hasher.hexdigest())


def hash_of_file(fd: int, kind: HashKind) -> str:
    """The hash of all that a file holds, in hexadecimal digits."""
    if kind == "xxh3":
        return hash_file(fd).hex()
    hasher, at = _hasher(), 0
    room = memoryview(bytearray(PIECE))
    while got := read_at(fd, room, at):
        hasher.update(room[:got])
        at += got
    return str(hasher.hexdigest())


class RunningHash:
    """The BLAKE3 of ``size`` bytes of a file or a buffer, taken in their order as they come to be there.

    Usable from several threads at a time; none of them holds it for longer than a piece takes, so `close`
    hardly waits.

    Args:
        size: how many bytes.
        fd: of the file; it may be closed after `close`.
        base: where they begin in it.
        memory: a buffer in place of a file.
    """

    def __init__(self, size: int, *, fd: int = -1, base: int = 0, memory: memoryview | None = None) -> None:
        self._hasher = _hasher()
        self._lock = threading.Lock()
        self._size = size
        self._fd = fd
        self._base = base
        self._memory = memory
        self._room = memoryview(bytearray(min(PIECE, size) if memory is None else 0))
        self._open = True
        self.done = 0
        """Bytes that are in it."""

    def advance(self, upto: int) -> None:
        """Take what is there until this byte; less when it was closed, or the file has less."""
        while self._take(min(upto, self._size)):
            pass

    def _take(self, upto: int) -> int:
        with self._lock:
            length = min(PIECE, upto - self.done)
            if length <= 0 or not self._open:
                return 0
            if self._memory is not None:
                with self._memory[self.done : self.done + length] as piece:
                    self._hasher.update(piece)
            else:
                length = read_at(self._fd, self._room[:length], self._base + self.done)
                self._hasher.update(self._room[:length])
            self.done += length
            return length

    def finish(self) -> str | None:
        """The hash of all of them in hexadecimal digits; None when not all of them are there."""
        self.advance(self._size)
        with self._lock:
            return str(self._hasher.hexdigest()) if self.done == self._size else None

    def close(self) -> None:
        """Let go of what is read."""
        with self._lock:
            self._open = False
            self._memory = None
