"""The 40 bytes that every message begins with. No I/O, and nothing about what a message is for."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from flaxfile._core.hashing import xxh3_64
from flaxfile.errors import ProtocolError

__all__ = ["HEADER_SIZE", "MAGIC", "VERSION", "Header", "decode_header", "encode_header", "seal", "verify"]

MAGIC: Final = 0xF2
VERSION: Final = 2
_FORM: Final = struct.Struct("<BBBBIQQIIQ")
HEADER_SIZE: Final = _FORM.size
_CHECKED: Final = HEADER_SIZE - 8


class Header(NamedTuple):
    """The fields between magic, version and payload."""

    type: int
    flags: int = 0
    request: int = 0
    transfer: int = 0
    offset: int = 0
    length: int = 0
    code: int = 0
    hash: int = 0


def encode_header(header: Header) -> bytes:
    """The bytes of a header; its fields must fit."""
    try:
        return _FORM.pack(MAGIC, VERSION, *header)
    except struct.error as error:
        raise ProtocolError(f"a header field is out of range: {header}") from error


def decode_header(data: bytes) -> Header:
    """The header of a first frame."""
    if len(data) != HEADER_SIZE:
        raise ProtocolError(f"a header has {HEADER_SIZE} bytes, not {len(data)}")
    magic, version, *fields = _FORM.unpack(data)
    if magic != MAGIC:
        raise ProtocolError(f"a message begins with {MAGIC:#x}, not with {magic:#x}")
    if version != VERSION:
        raise ProtocolError(f"this speaks protocol {VERSION}, the peer {version}")
    return Header(*fields)


def _check(data: bytes, payload: bytes) -> int:
    return xxh3_64(payload, xxh3_64(data[:_CHECKED]))


def seal(header: Header, payload: bytes = b"") -> bytes:
    """The bytes of a control message's header, with its length and the hash over header and payload."""
    data = encode_header(header._replace(length=len(payload), hash=0))
    return data[:_CHECKED] + _check(data, payload).to_bytes(8, "little")


def verify(data: bytes, payload: bytes) -> Header:
    """The header of a control message whose bytes are those that were sent."""
    header = decode_header(data)
    if header.length != len(payload) or header.hash != _check(data, payload):
        raise ProtocolError(f"a message of type {header.type} was damaged on its way", retryable=True)
    return header
