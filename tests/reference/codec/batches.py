"""Batch bodies: per message a size, three numbers, the body and the properties; no topic, no queue."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .properties import MAX_STORED_BYTES
from .reading import Reader
from .refusal import RefusedError

FIXED_BYTES = 22
MAX_BODY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class BatchEntry:
    """``properties`` is the text; bytes that are no UTF-8 are read as U+FFFD, as in Java."""

    flag: int
    body: bytes
    properties: str
    raw_properties: bytes = field(default=b"", compare=False)


def encode_entry(entry: BatchEntry) -> bytes:
    text = entry.properties.encode("utf-8")
    if len(entry.body) > MAX_BODY_BYTES:
        raise RefusedError("too_large", "body", "over 4 MiB")
    if len(text) > MAX_STORED_BYTES:
        raise RefusedError("too_large", "properties", "over 32,767 bytes")
    size = FIXED_BYTES + len(entry.body) + len(text)
    return (
        struct.pack(">iiiii", size, 0, 0, entry.flag, len(entry.body))
        + entry.body
        + struct.pack(">h", len(text))
        + text
    )


def encode_batch(entries: list[BatchEntry]) -> bytes:
    if not entries:
        raise RefusedError("invalid_message", "messages", "none")
    return b"".join(encode_entry(entry) for entry in entries)


def decode_batch(data: bytes) -> list[BatchEntry]:
    """Read all entries; the first one that does not add up refuses the whole body."""
    reader = Reader(data)
    entries = []
    while reader.left:
        start = reader.at
        if reader.left < FIXED_BYTES:
            raise RefusedError("deserialization", "batch body", "cut short")
        size = reader.i32("batch body")
        reader.i32("batch body")  # magic
        reader.i32("batch body")  # CRC
        flag = reader.i32("batch body")
        body = reader.take(reader.i32("batch body"), "batch body")
        raw = reader.take(reader.i16("batch body"), "batch body")
        if reader.at - start != size:
            raise RefusedError("deserialization", "total size", "the parts do not add up")
        entries.append(BatchEntry(flag, body, raw.decode("utf-8", "replace"), raw))
    return entries
