"""The binary header: 21 fixed bytes, a remark, and the ext fields one after the other."""

from __future__ import annotations

import struct

from .command import LANGUAGES, Command
from .reading import Reader
from .refusal import RefusedError

MAX_KEY_BYTES = 32767


def _utf8(text: str, field: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedError("serialization", field, "lone surrogate") from None


def encode_binary_header(command: Command) -> bytes:
    remark = _utf8(command.remark or "", "remark")
    entries = b""
    for key, value in (command.ext_fields or {}).items():
        if value is None:
            continue
        raw_key, raw_value = _utf8(key, "ext_fields"), _utf8(value, "ext_fields")
        if len(raw_key) > MAX_KEY_BYTES:
            raise RefusedError("serialization", "ext_fields", f"key of {len(raw_key)} bytes")
        entries += struct.pack(">h", len(raw_key)) + raw_key
        entries += struct.pack(">i", len(raw_value)) + raw_value
    language = 0 if command.language is None else command.language
    assert command.opaque is not None
    return (
        struct.pack(
            ">HBHii",
            command.code & 0xFFFF,
            language & 0xFF,
            command.version & 0xFFFF,
            command.opaque,
            command.flag,
        )
        + struct.pack(">i", len(remark)) + remark
        + struct.pack(">i", len(entries)) + entries
    )  # fmt: skip


def _text(raw: bytes, field: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError("deserialization", field, "not UTF-8") from None


def decode_binary_header(header: bytes) -> Command:
    reader = Reader(header)
    code = reader.i16("code")
    language = reader.u8("language")
    version = reader.i16("version")
    opaque = reader.i32("opaque")
    flag = reader.i32("flag")
    remark = _text(reader.take(reader.i32("remark"), "remark"), "remark") or None
    ext_size = reader.i32("ext_fields")
    ext_fields: dict[str, str | None] | None = None
    if ext_size > 0:
        entries = Reader(reader.take(ext_size, "ext_fields"))
        ext_fields = {}
        while entries.left:
            key = _text(entries.take(entries.i16("ext_fields"), "ext_fields"), "ext_fields")
            value = _text(entries.take(entries.i32("ext_fields"), "ext_fields"), "ext_fields")
            ext_fields[key] = value
    known = language if language < len(LANGUAGES) else None
    return Command(code, known, version, opaque, flag, remark, ext_fields, None)
