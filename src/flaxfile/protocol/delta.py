"""What of a new version is in the old one already, by content-defined blocks. No I/O.

Both sides cut their file; blocks that are the same are found by their hash, wherever they stand. A chunk of
the new file that is made of such blocks alone is not sent: the server is told from where to copy it, and
with which hash.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from flaxfile.errors import ProtocolError

__all__ = [
    "Copy",
    "decode_copies",
    "decode_signature",
    "encode_copies",
    "encode_signature",
    "find_copies",
    "signed_size",
]

_BLOCK: Final = 20
_COPY: Final = struct.Struct("<QQH")
_SEGMENT: Final = struct.Struct("<QI")
MAX_SEGMENTS: Final = 64


@dataclass(frozen=True, slots=True)
class Copy:
    """One chunk of the new file."""

    index: int
    hash: int
    segments: tuple[tuple[int, int], ...]
    """Offset in the old file and length, one after the other."""


def _blocks(table: bytes) -> list[tuple[int, int, bytes]]:
    if len(table) % _BLOCK:
        raise ProtocolError("a table of blocks ends within one")
    found: list[tuple[int, int, bytes]] = []
    at = 0
    for start in range(0, len(table), _BLOCK):
        length = int.from_bytes(table[start : start + 4], "little")
        found.append((at, length, table[start + 4 : start + _BLOCK]))
        at += length
    return found


def find_copies(old: bytes, new: bytes, size: int, chunk: int) -> dict[int, tuple[tuple[int, int], ...]]:
    """For each chunk of the new file that the old one has all bytes of: where they stand there."""
    known = {(digest, length): at for at, length, digest in _blocks(old)}
    runs: list[tuple[int, int, int | None]] = []  # place in the new file, length, place in the old one
    for at, length, digest in _blocks(new):
        source = known.get((digest, length))
        if runs and source is not None:
            last_at, last_length, last_source = runs[-1]
            if last_source is not None and last_source + last_length == source:
                runs[-1] = (last_at, last_length + length, last_source)
                continue
        runs.append((at, length, source))
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    number = 0
    for index in range(-(-size // chunk)):
        start, end = index * chunk, min(size, (index + 1) * chunk)
        while number < len(runs) and runs[number][0] + runs[number][1] <= start:
            number += 1
        segments: list[tuple[int, int]] = []
        look, at = number, start
        while at < end and look < len(runs) and runs[look][2] is not None and len(segments) < MAX_SEGMENTS:
            place, length, source = runs[look]
            assert source is not None  # noqa: S101 - the condition of the loop
            take = min(end, place + length) - at
            segments.append((source + at - place, take))
            at += take
            look += 1
        if at == end:
            found[index] = tuple(segments)
    return found


def signed_size(table: bytes) -> int:
    """Bytes of the file that has these blocks."""
    return sum(length for _, length, _ in _blocks(table))


def encode_signature(etag: str, table: bytes) -> bytes:
    """The payload of SIG: the version, and its blocks."""
    name = etag.encode("ascii")
    return len(name).to_bytes(1, "little") + name + table


def decode_signature(payload: bytes) -> tuple[str, bytes]:
    """Version and blocks."""
    length = payload[0] if payload else 0
    table = payload[1 + length :]
    if len(payload) < 1 + length or len(table) % _BLOCK:
        raise ProtocolError("a table of blocks ends within one")
    return payload[1 : 1 + length].decode("ascii", "replace"), table


def encode_copies(copies: list[Copy]) -> bytes:
    """The payload of COPY."""
    pieces: list[bytes] = []
    for copy in copies:
        pieces.append(_COPY.pack(copy.index, copy.hash, len(copy.segments)))
        pieces += [_SEGMENT.pack(*segment) for segment in copy.segments]
    return b"".join(pieces)


def decode_copies(payload: bytes) -> list[Copy]:
    """What COPY asks for."""
    found: list[Copy] = []
    at = 0
    while at < len(payload):
        try:
            index, value, count = _COPY.unpack_from(payload, at)
            at += _COPY.size
            if not 1 <= count <= MAX_SEGMENTS:
                raise ProtocolError(f"a chunk made of {count} pieces")
            segments = tuple(_SEGMENT.iter_unpack(payload[at : at + count * _SEGMENT.size]))
        except struct.error:
            raise ProtocolError("a message to copy chunks ends within one") from None
        if len(segments) != count:
            raise ProtocolError("a message to copy chunks ends within one")
        at += count * _SEGMENT.size
        found.append(Copy(index, value, segments))
    return found
