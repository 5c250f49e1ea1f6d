"""Part files: what has arrived of files that are not whole yet, with the journal that says which chunks.

A part is named after what is being sent (owner, key, source), so that the next try finds it. Used by the
store of a server and, beside the target, by downloads. Knows nothing of keys' places.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from typing import TYPE_CHECKING, Final

from flaxfile._core.hashing import hash_chunks
from flaxfile.errors import NoSpaceError
from flaxfile.protocol.chunkmap import chunk_count, encode_description, parse_journal, runs
from flaxfile.protocol.messages import MAX_CHUNK, MIN_CHUNK

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MAP_SUFFIX", "PART_SUFFIX", "Part", "chunk_of", "open_part", "part_name", "reserve", "write_at"]

PART_SUFFIX: Final = ".part"
MAP_SUFFIX: Final = ".map"
_HASH: Final = struct.Struct("<Q")
_VERIFY_PIECE: Final = 64
_BINARY: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Part:
    """An opened part file and its journal."""

    def __init__(self, path: Path, map_path: Path, fd: int, map_fd: int) -> None:
        self.path = path
        self.map_path = map_path
        self.fd = fd
        self.map_fd = map_fd
        self.held: list[tuple[int, bytes]] = []
        """Verified runs of chunks: first chunk, and their hashes, 8 bytes each."""
        self.held_bytes = 0

    def close(self) -> None:
        """Close both files; they stay for the next try."""
        for fd in (self.fd, self.map_fd):
            if fd >= 0:
                os.close(fd)
        self.fd = self.map_fd = -1

    def discard(self) -> None:
        """Close and remove both files."""
        self.close()
        for path in (self.path, self.map_path):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def part_name(*identity: str) -> str:
    """The name of the part of this owner, key and source."""
    import hashlib  # noqa: PLC0415 - loads a library that a download does without

    digest = hashlib.blake2b(digest_size=16)
    for text in identity:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def chunk_of(map_path: Path) -> int | None:
    """The size of chunks that a journal was begun with, when it is one that is used."""
    try:
        with map_path.open("rb") as file:
            parsed = parse_journal(file.read(128 * 1024))
    except OSError:
        return None
    chunk = parsed[0].get("chunk") if parsed is not None else None
    return chunk if isinstance(chunk, int) and MIN_CHUNK <= chunk <= MAX_CHUNK else None


def _load(
    path: Path, map_path: Path, description: dict[str, object], size: int, chunk: int
) -> dict[int, int]:
    """The chunks that a journal claims, if it is about the same thing and the part has its size."""
    try:
        if path.stat().st_size != size:
            return {}
        parsed = parse_journal(map_path.read_bytes())
    except OSError:
        return {}
    if parsed is None or parsed[0] != description:
        return {}
    count = chunk_count(size, chunk)
    return {index: value for index, value in parsed[1].items() if index < count}


def open_part(
    path: Path,
    map_path: Path,
    description: dict[str, object],
    size: int,
    chunk: int,
    *,
    resume: bool = True,
    blocks: int | None = None,
) -> Part:
    """Open a part for ``size`` bytes: with what it holds already when ``description`` is the same, else anew.

    Each chunk that the journal claims is read and hashed again, so a part is as good as what is on the disk.
    ``blocks`` is how many bytes of the source are no holes.
    """
    claimed = _load(path, map_path, description, size, chunk) if resume else {}
    flags = os.O_RDWR | os.O_CREAT | _BINARY | (0 if claimed else os.O_TRUNC)
    fd = os.open(path, flags, 0o600)
    map_fd = -1
    part = Part(path, map_path, fd, map_fd)
    try:
        if claimed:
            part.held, part.held_bytes = _verify(fd, size, chunk, claimed)
        else:
            reserve(fd, size, size if blocks is None else blocks)
        # Written anew: what did not hold must not be claimed once more.
        part.map_fd = os.open(map_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | _BINARY, 0o600)
        records = b"".join(
            (first + i).to_bytes(8, "little") + hashes[8 * i : 8 * i + 8]
            for first, hashes in part.held
            for i in range(len(hashes) // 8)
        )
        _write_all(part.map_fd, encode_description(description) + records)
    except BaseException:
        part.close()
        if not claimed:
            part.discard()
        raise
    return part


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_at(fd: int, data: bytes, at: int) -> None:
    """Write all of it at a place."""
    view = memoryview(data)
    while view:
        put = os.pwrite(fd, view, at)
        view, at = view[put:], at + put


def _verify(fd: int, size: int, chunk: int, claimed: dict[int, int]) -> tuple[list[tuple[int, bytes]], int]:
    good: dict[int, bytes] = {}
    for first, count in runs(sorted(claimed)):
        for start in range(first, first + count, _VERIFY_PIECE):
            number = min(_VERIFY_PIECE, first + count - start)
            hashes = hash_chunks(fd, 0, size, chunk, start, number)
            for i in range(len(hashes) // 8):
                if _HASH.unpack_from(hashes, 8 * i)[0] == claimed[start + i]:
                    good[start + i] = hashes[8 * i : 8 * i + 8]
    held = [
        (first, b"".join(good[index] for index in range(first, first + count)))
        for first, count in runs(sorted(good))
    ]
    return held, sum(min(chunk, size - index * chunk) for index in good)


def reserve(fd: int, size: int, blocks: int) -> None:
    """Make a file as long as it will be; raise if there is no room for it.

    Where room is plenty the blocks are not asked for ahead: that takes time, and a disk that fills up
    meanwhile is still noticed at the write. A source with holes (``blocks`` is less than ``size``) gets none
    ahead either.
    """
    free = None
    if hasattr(os, "fstatvfs"):
        room = os.fstatvfs(fd)
        free = room.f_bavail * room.f_frsize
        if min(blocks, size) > free:
            raise NoSpaceError(
                f"{min(blocks, size)} bytes are needed and {free} are free",
                hint="free some space and try again",
            )
    if blocks >= size > 0 and (free is None or size > free // 2) and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                raise
        else:
            return
    os.ftruncate(fd, size)
