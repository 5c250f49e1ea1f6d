"""What a transfer can take from the version that is there, in place of sending it. Once, over one link."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flaxfile._core.hashing import cut_file, xxh3_64
from flaxfile.errors import ConflictError, LimitError, NotFoundError, ProtocolError
from flaxfile.protocol.chunkmap import chunk_count, ranges, runs
from flaxfile.protocol.delta import Copy, decode_signature, encode_copies, find_copies, signed_size
from flaxfile.protocol.messages import MAX_CHUNK, MIN_CHUNK, Type
from flaxfile.store.parts import write_at

if TYPE_CHECKING:
    from pathlib import Path

    from flaxfile.client.link import Link
    from flaxfile.client.sources import Source

__all__ = ["LEAST", "Difference", "OldVersion"]

LEAST: Final = 4 << 20
"""Bytes of a file from which on it is worth to look."""
MOST_CHUNKS: Final = 1 << 16
_PLAIN: Final = (
    getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
AT_ONCE: Final = 256
"""Chunks that are copied by one message."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The old version's blocks beside those of the file that is sent."""

    source: Source
    etag: str
    chunk: int
    """Small chunks: what has changed is sent by whole ones."""
    old: bytes
    new: bytes

    @classmethod
    async def find(cls, link: Link, source: Source, key: str) -> Difference | None:
        """Look what the key has; None when there is nothing, or nothing to be gained."""
        if source.fd < 0 or source.size < LEAST or "delta" not in link.welcome.get("capabilities", ()):
            return None
        try:
            answer = await asyncio.wrap_future(link.request(Type.SIG_GET, {"key": key}))
        except (NotFoundError, ConflictError, LimitError):
            return None
        etag, old = decode_signature(answer.payload)
        new = await asyncio.to_thread(cut_file, source.fd, source.size)
        chunk = _small_chunk(source.size)
        found = cls(source, etag, chunk, old, new)
        copies = await asyncio.to_thread(find_copies, old, new, source.size, chunk)
        # Small chunks cost more each; for a few of them it is not worth it.
        return found if len(copies) * 4 > chunk_count(source.size, chunk) else None

    async def copy(
        self, link: Link, number: int, chunk: int, have: list[tuple[int, int]]
    ) -> list[tuple[int, bytes]]:
        """Have the server copy what it can; runs of chunks that it holds by that, with their hashes."""
        copies = await asyncio.to_thread(find_copies, self.old, self.new, self.source.size, chunk)
        there = {index for first, count in have for index in range(first, first + count)}
        hashes: dict[int, bytes] = {}
        for first, count in runs(sorted(set(copies) - there)):
            found = await asyncio.to_thread(self.source.hashes, chunk, first, count)
            hashes |= {first + i: found[8 * i : 8 * i + 8] for i in range(len(found) // 8)}
        wanted = [
            Copy(index, int.from_bytes(value, "little"), copies[index])
            for index, value in sorted(hashes.items())
        ]
        held: list[int] = []
        for start in range(0, len(wanted), AT_ONCE):
            payload = encode_copies(wanted[start : start + AT_ONCE])
            answer = await asyncio.wrap_future(link.request(Type.COPY, payload, transfer=number))
            for first, count in ranges(answer.json().get("held"), chunk_count(self.source.size, chunk)):
                held += range(first, first + count)
        if not set(held) <= set(hashes):
            raise ProtocolError("the server copied chunks that it was not asked to")
        return [
            (first, b"".join(hashes[index] for index in range(first, first + count)))
            for first, count in runs(sorted(held))
        ]


@dataclass(slots=True)
class OldVersion:
    """The blocks of a file of this machine beside those of the version that is fetched over it."""

    fd: int
    etag: str
    """Of what is fetched."""
    size: int
    """Of what is fetched."""
    chunk: int
    """Small chunks: what has changed is fetched by whole ones."""
    old: bytes
    new: bytes
    _stopped: bool = False

    @classmethod
    async def find(cls, link: Link, path: Path, key: str) -> OldVersion | None:
        """Look what is there; None when there is nothing, or nothing to be gained."""
        if "delta" not in link.welcome.get("capabilities", ()):
            return None
        try:
            fd = os.open(path, os.O_RDONLY | _PLAIN)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode) and status.st_size >= LEAST:
                answer = await asyncio.wrap_future(link.request(Type.SIG_GET, {"key": key}))
                etag, new = decode_signature(answer.payload)
                size = signed_size(new)
                if size > MOST_CHUNKS * MAX_CHUNK:
                    return None
                chunk = _small_chunk(size)
                old = await asyncio.to_thread(cut_file, fd, status.st_size)
                copies = await asyncio.to_thread(find_copies, old, new, size, chunk)
                if len(copies) * 4 > chunk_count(size, chunk):
                    found = cls(fd, etag, size, chunk, old, new)
                    fd = -1
                    return found
        except (NotFoundError, ConflictError, LimitError):
            pass  # the opening says it better, or does without
        finally:
            if fd >= 0:
                os.close(fd)
        return None

    def copy(self, fd: int, chunk: int, held: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Put what is the same into a part; runs of chunks that it holds by that, with their hashes.

        Whether they are right is seen by the root hash, as for all others. `stop` ends it after a chunk.
        """
        there = {first + i for first, hashes in held for i in range(len(hashes) // 8)}
        hashes: dict[int, bytes] = {}
        for index, segments in find_copies(self.old, self.new, self.size, chunk).items():
            if self._stopped:
                break
            if index in there:
                continue
            data = b"".join(os.pread(self.fd, length, offset) for offset, length in segments)
            if len(data) == min(chunk, self.size - index * chunk):
                write_at(fd, data, index * chunk)
                hashes[index] = xxh3_64(data).to_bytes(8, "little")
        return [
            (first, b"".join(hashes[index] for index in range(first, first + count)))
            for first, count in runs(sorted(hashes))
        ]

    def stop(self) -> None:
        """Nobody wants the rest of what is copied; from another thread."""
        self._stopped = True

    def close(self) -> None:
        """Let go of the file."""
        os.close(self.fd)


def _small_chunk(size: int) -> int:
    chunk = MIN_CHUNK
    while size // chunk > MOST_CHUNKS and chunk < MAX_CHUNK:
        chunk *= 2
    return chunk
