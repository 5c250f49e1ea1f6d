"""The journal beside a part file: what is being transferred, and which chunks have arrived with which hash.

A journal begins with a description and goes on with one record a chunk, appended after the chunk itself was
written. A torn end or a lost tail costs the chunks it would have named, nothing else. No I/O.
"""

from __future__ import annotations

import json
import struct
from typing import Final, cast

from flaxfile.errors import ProtocolError

__all__ = ["chunk_count", "encode_description", "parse_journal", "ranges", "runs"]

_MAGIC: Final = b"FFM2"
_LENGTH: Final = struct.Struct("<I")
_RECORD: Final = struct.Struct("<QQ")
_MAX_DESCRIPTION: Final = 64 * 1024


def chunk_count(size: int, chunk: int) -> int:
    """How many chunks a file has."""
    return -(-size // chunk)


def encode_description(description: dict[str, object]) -> bytes:
    """The beginning of a journal."""
    text = json.dumps(description, separators=(",", ":"), sort_keys=True).encode("ascii")
    return _MAGIC + _LENGTH.pack(len(text)) + text


def parse_journal(data: bytes) -> tuple[dict[str, object], dict[int, int]] | None:
    """Description and (chunk: hash) of a journal; None when it is not one, or not even its beginning is
    whole.
    """
    start = len(_MAGIC) + _LENGTH.size
    if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
        return None
    (length,) = _LENGTH.unpack_from(data, len(_MAGIC))
    end = start + length
    if length > _MAX_DESCRIPTION or len(data) < end:
        return None
    try:
        description = json.loads(data[start:end])
    except ValueError:
        return None
    if not isinstance(description, dict):
        return None
    whole = len(data) - (len(data) - end) % _RECORD.size
    return cast("dict[str, object]", description), dict(_RECORD.iter_unpack(data[end:whole]))


def runs(indexes: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as (first, how many)."""
    found: list[tuple[int, int]] = []
    for index in indexes:
        if found and found[-1][0] + found[-1][1] == index:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((index, 1))
    return found


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
