"""The binary header: 21 fixed bytes, a remark, and the ext fields one after the other."""

from __future__ import annotations

import struct

from .command import LANGUAGES, Command
from .reading import Reader
from .refusal import RefusedError

FIXED_BYTES = 21
MAX_KEY_BYTES = 32767


def _utf8(text: str, field: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedError("serialization", field, "lone surrogate") from None


def encode_binary_header(command: Command) -> bytes:
    """Write all but what 16 bits would cut: Java cuts it, and the receiver sees another command."""
    for name, number in (("code", command.code), ("version", command.version)):
        if not -(2**15) <= number < 2**15:
            raise RefusedError("serialization", name, f"{number} is out of 16 bits")
    remark = _utf8(command.remark or "", "remark")
    entries = b""
    for key, value in (command.ext_fields or {}).items():
        if key is None or value is None:
            continue
        raw_key = _utf8(key, "ext_fields")
        if len(raw_key) > MAX_KEY_BYTES:
            raise RefusedError("serialization", "ext_fields", f"key of {len(raw_key)} bytes")
        raw_value = _utf8(value, "ext_fields")
        entries += struct.pack(">h", len(raw_key)) + raw_key
        entries += struct.pack(">i", len(raw_value)) + raw_value
    language = LANGUAGES.index("JAVA") if command.language is None else command.language
    assert command.opaque is not None
    return (
        struct.pack(">hBhii", command.code, language, command.version, command.opaque, command.flag)
        + struct.pack(">i", len(remark))
        + remark
        + struct.pack(">i", len(entries))
        + entries
    )


def _text(raw: bytes, field: str) -> str | None:
    """Java reads what is empty as null."""
    try:
        return raw.decode("utf-8") or None
    except UnicodeDecodeError:
        raise RefusedError("deserialization", field, "not UTF-8") from None


def decode_binary_header(header: bytes) -> Command:
    reader = Reader(header)
    if reader.left < FIXED_BYTES:
        raise RefusedError("deserialization", "header", f"{reader.left} bytes")
    code = reader.i16("header")
    language = reader.u8("header")
    version = reader.i16("header")
    opaque = reader.i32("header")
    flag = reader.i32("header")
    remark_size = reader.i32("header")
    if remark_size > reader.left - 4:
        raise RefusedError("deserialization", "remark", f"{remark_size} bytes")
    remark = _text(reader.take(remark_size, "remark"), "remark")
    ext_size = reader.i32("ext_fields")
    ext_fields: dict[str | None, str | None] | None = None
    if ext_size > 0:
        entries = Reader(reader.take(ext_size, "ext_fields"))
        ext_fields = {}
        while entries.left:
            key = _text(entries.take(entries.i16("ext_fields"), "ext_fields"), "ext_fields")
            value = _text(entries.take(entries.i32("ext_fields"), "ext_fields"), "ext_fields")
            ext_fields[key] = value
    known = language if language < len(LANGUAGES) else None
    return Command(code, known, version, opaque, flag, remark, ext_fields, None)
