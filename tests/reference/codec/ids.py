"""Message ids: the offset id (host and log offset) both ways, and the parts of a client's unique id."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from .refusal import RefusedError


@dataclass(frozen=True)
class OffsetId:
    address: bytes
    port: int
    offset: int


@dataclass(frozen=True)
class UniqueId:
    address: bytes
    pid: int
    loader_hash: int
    millis: int
    counter: int


def encode_offset_id(parts: OffsetId) -> str:
    """The id of a record of any port; a broker's own port has 16 bits."""
    raw = parts.address + struct.pack(">iq", parts.port, parts.offset)
    return raw.hex().upper()


def encode_broker_offset_id(parts: OffsetId) -> str:
    """The same, with the checks that a caller's numbers need."""
    if not 0 <= parts.port <= 65535:
        raise RefusedError("configuration", "port", str(parts.port))
    if not -(2**63) <= parts.offset < 2**63:
        raise RefusedError("configuration", "offset", str(parts.offset))
    return encode_offset_id(parts)


def _raw(text: str) -> bytes:
    if len(text) not in (32, 56):
        raise RefusedError("deserialization", "msg_id", f"{len(text)} digits")
    if not re.fullmatch(r"[0-9A-Fa-f]*", text, re.ASCII):
        raise RefusedError("deserialization", "msg_id", "not hexadecimal")
    return bytes.fromhex(text)


def decode_offset_id(text: str) -> OffsetId:
    raw = _raw(text)
    port, offset = struct.unpack(">iq", raw[-12:])
    return OffsetId(raw[:-12], port, offset)


def decode_unique_id(text: str) -> UniqueId:
    raw = _raw(text)
    pid, loader_hash, millis, counter = struct.unpack(">HiIH", raw[-12:])
    return UniqueId(raw[:-12], pid, loader_hash, millis, counter)


def encode_unique_id(parts: UniqueId) -> str:
    """Of the process number and the counter only the low 16 bits travel."""
    raw = parts.address + struct.pack(
        ">HiIH", parts.pid & 0xFFFF, parts.loader_hash, parts.millis, parts.counter & 0xFFFF
    )
    return raw.hex().upper()
