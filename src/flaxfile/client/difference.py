"""What an upload can take from the version that the key has, so that it is not sent. Once, over one link."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flaxfile._core.hashing import cut_file
from flaxfile.errors import ConflictError, LimitError, NotFoundError, ProtocolError
from flaxfile.protocol.chunkmap import chunk_count, runs
from flaxfile.protocol.delta import Copy, decode_signature, encode_copies, find_copies
from flaxfile.protocol.messages import MIN_CHUNK, Type

if TYPE_CHECKING:
    from flaxfile.client.link import Link
    from flaxfile.client.sources import Source

__all__ = ["LEAST", "Difference", "ranges"]

LEAST: Final = 4 << 20
"""Bytes of a file from which on it is worth to look."""
MOST_CHUNKS: Final = 1 << 16
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
        chunk = MIN_CHUNK
        while source.size // chunk > MOST_CHUNKS:
            chunk *= 2
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


def ranges(value: object, chunks: int) -> list[tuple[int, int]]:
    """Ranges of chunks that the server says it has, checked."""
    found: list[tuple[int, int]] = []
    for item in cast("list[object]", value) if isinstance(value, list) else []:
        numbers = cast("list[object]", item) if isinstance(item, list) else []
        if len(numbers) != 2:
            raise ProtocolError("the server says what it has in a way that is not understood")
        first, count = numbers
        if not (isinstance(first, int) and isinstance(count, int)) or first < 0 or count < 1:
            raise ProtocolError(f"the server says that it has {count!r} chunks from {first!r} on")
        if first + count > chunks:
            raise ProtocolError(f"the server says that it has chunks {first} to {first + count} of {chunks}")
        found.append((first, count))
    return found
