"""Frames: a length, a codec byte with the header length, the header, the body."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from .header_binary import decode_binary_header, encode_binary_header
from .header_json import decode_json_header, encode_json_header
from .refusal import RefusedError

if TYPE_CHECKING:
    from .command import Command

Codec = Literal["json", "binary"]
MAX_HEADER_BYTES = 2**24 - 1
MAX_FRAME_BYTES = 16 * 1024 * 1024


def encode_frame(command: Command, codec: Codec = "json") -> bytes:
    header = encode_json_header(command) if codec == "json" else encode_binary_header(command)
    if len(header) > MAX_HEADER_BYTES:
        raise RefusedError("serialization", "header", f"{len(header)} bytes")
    body = command.body or b""
    mark = (0 if codec == "json" else 1) << 24
    return struct.pack(">iI", 4 + len(header) + len(body), mark | len(header)) + header + body


def decode_frame(data: bytes) -> Command:
    """Read exactly one whole frame."""
    if len(data) < 8:
        raise RefusedError("deserialization", "length", f"{len(data)} bytes are no frame")
    length, mark = struct.unpack(">iI", data[:8])
    if length != len(data) - 4:
        raise RefusedError("deserialization", "length", f"{length} given, {len(data) - 4} there")
    codec, header_length = mark >> 24, mark & 0xFFFFFF
    if header_length > length - 4:
        raise RefusedError("deserialization", "header_length", f"{header_length} of {length}")
    header, body = data[8 : 8 + header_length], data[8 + header_length :]
    if codec == 0:
        command = decode_json_header(header)
    elif codec == 1:
        command = decode_binary_header(header)
    else:
        raise RefusedError("deserialization", "codec", f"type byte {codec}")
    return replace(command, body=body or None)


def cut_stream(data: bytes, max_frame_bytes: int = MAX_FRAME_BYTES) -> list[bytes | RefusedError]:
    """The whole frames of a stream in order; a length that cannot be true ends it with a refusal."""
    found: list[bytes | RefusedError] = []
    while len(data) >= 4:
        (length,) = struct.unpack(">i", data[:4])
        if length < 4 or length > max_frame_bytes:
            found.append(RefusedError("protocol", "length", f"{length} bytes"))
            break
        if len(data) < 4 + length:
            break
        found.append(data[: 4 + length])
        data = data[4 + length :]
    return found
