"""Names and first bytes of the files in a data folder.

    lock              the owner's process id
    queues.json       where queues go on whose records are gone, and topics that were deleted
    <20 digits>.log   a segment of the log: header, then records; the digits are its base, the position of
                      its first byte
    <20 digits>.idx   the index of a complete segment, written once; made again if it is lost
    <name>.json       small states, see `state`

A segment begins with 32 bytes: `PRMQLOG1`, i64 base, i64 time of its making (ms), four zero bytes, CRC32C
of the 28 before. Then come records of stored messages, V1 or V2, each followed by the CRC32C of its bytes.
A record holds its own position (its physical offset), which is the base of the segment plus where it stands
in the file. Big-endian.
"""

from __future__ import annotations

import re
import struct

from pyrocketmq._native.crc import crc32c

__all__ = [
    "HEADER_BYTES",
    "QUEUES_NAME",
    "header_of",
    "index_name",
    "log_name",
    "newer_format",
    "segment_bases",
]

HEADER_BYTES = 32
QUEUES_NAME = "queues.json"
MAGIC = b"PRMQLOG1"
LOG_NAME = re.compile(r"(\d{20})\.log")


def log_name(base: int) -> str:
    """The name of the segment that begins at a position."""
    return f"{base:020}.log"


def index_name(base: int) -> str:
    """The name of its index."""
    return f"{base:020}.idx"


def segment_bases(names: list[str]) -> list[int]:
    """The positions at which the segments among some files begin, ascending."""
    bases = [int(match[1]) for name in names if (match := LOG_NAME.fullmatch(name))]
    return sorted(base for base in bases if base < 1 << 62)


def header_of(base: int, created_ms: int) -> bytes:
    """The first bytes of a segment."""
    head = struct.pack(">8sqqi", MAGIC, base, created_ms, 0)
    return head + struct.pack(">I", crc32c(head))


def is_header(data: bytes | memoryview, base: int) -> bool:
    """True if this is the intact header of the segment with this base."""
    head = bytes(data[:HEADER_BYTES])
    return (
        len(head) == HEADER_BYTES
        and head[:16] == struct.pack(">8sq", MAGIC, base)
        and struct.unpack(">I", head[28:])[0] == crc32c(head[:28])
    )


def newer_format(data: bytes | memoryview) -> str | None:
    """The format of a segment that another release wrote; None if it is ours or none at all."""
    head = bytes(data[:HEADER_BYTES])
    if len(head) < HEADER_BYTES or head[:7] != MAGIC[:7] or head[:8] == MAGIC:
        return None
    return (
        head[:8].decode("ascii", "replace")
        if struct.unpack(">I", head[28:])[0] == crc32c(head[:28])
        else None
    )
