"""Batch bodies: per message a size, three numbers, the body and the properties; no topic, no queue."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .properties import MAX_BYTES
from .reading import Reader
from .refusal import Refused

FIXED_BYTES = 22


@dataclass(frozen=True)
class BatchEntry:
    flag: int
    body: bytes
    properties: str


def encode_entry(entry: BatchEntry) -> bytes:
    text = entry.properties.encode("utf-8")
    if len(text) > MAX_BYTES:
        raise Refused("too_large", "properties", "over 32,767 bytes")
    size = FIXED_BYTES + len(entry.body) + len(text)
    return (
        struct.pack(">iiiii", size, 0, 0, entry.flag, len(entry.body))
        + entry.body
        + struct.pack(">h", len(text))
        + text
    )


def encode_batch(entries: list[BatchEntry]) -> bytes:
    return b"".join(encode_entry(entry) for entry in entries)


def decode_batch(data: bytes) -> list[BatchEntry]:
    """Read all entries; the first one that does not add up refuses the whole body."""
    reader = Reader(data)
    entries = []
    while reader.left:
        start = reader.at
        size = reader.i32("size")
        if size < FIXED_BYTES or size - 4 > reader.left:
            raise Refused("deserialization", "size", f"{size} does not fit")
        reader.i32("magic")
        reader.i32("crc")
        flag = reader.i32("flag")
        body = reader.take(reader.i32("body"), "body")
        raw = reader.take(reader.i16("properties"), "properties")
        if reader.at - start != size:
            raise Refused("deserialization", "size", "the parts do not add up")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("deserialization", "properties", "not UTF-8") from None
        entries.append(BatchEntry(flag, body, text))
    return entries
