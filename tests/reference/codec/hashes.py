"""Hashes of text and what is derived from them: queue picks, the tag code, the body CRC."""

from __future__ import annotations

import struct
import zlib

from .refusal import RefusedError


def utf16_units(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [unit for (unit,) in struct.iter_unpack(">H", raw)]


def signed32(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - 0x100000000 if number >= 0x80000000 else number


def java_hash(text: str) -> int:
    value = 0
    for unit in utf16_units(text):
        value = signed32(31 * value + unit)
    return value


def java_remainder(number: int, divisor: int) -> int:
    """The sign follows the number, as in Java and C."""
    rest = abs(number) % divisor
    return -rest if number < 0 else rest


def _check_queues(queues: int) -> None:
    if queues < 1:
        raise RefusedError("configuration", "queues", f"{queues}")


def pick_by_java_hash(text: str, queues: int) -> int:
    _check_queues(queues)
    return abs(java_remainder(java_hash(text), queues))


def fnv1a_32(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def go_hash(text: str) -> int:
    try:
        return fnv1a_32(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise RefusedError("invalid_message", "key", "lone surrogate") from None


def pick_by_go_hash(text: str, queues: int) -> int:
    _check_queues(queues)
    return go_hash(text) % queues


def tags_code(tags: str | None) -> int:
    return java_hash(tags) if tags else 0


def body_crc(body: bytes) -> int:
    return zlib.crc32(body) & 0x7FFFFFFF
