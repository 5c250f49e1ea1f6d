"""Compressed bodies: zlib, LZ4 frames and zstd frames, chosen by the bits 0x700 of sysFlag."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Any

import lz4.frame  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError

    def zstd_stream() -> ZstdDecompressor:
        return ZstdDecompressor()

else:
    from zstandard import ZstdDecompressor, ZstdError

    def zstd_stream() -> ZstdDecompressionObj:
        return ZstdDecompressor().decompressobj()


from .refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    if sys.version_info < (3, 14):
        from zstandard import ZstdDecompressionObj

KINDS = {0: "zlib", 1: "lz4", 2: "zstd", 3: "zlib"}
MAGICS = {"lz4": 0x184D2204, "zstd": 0xFD2FB528}
SKIPPABLE_MAGIC = 0x184D2A50
MAX_UNPACKED_BYTES = 64 * 1024 * 1024


def kind_of(sys_flag: int) -> str:
    number = sys_flag >> 8 & 7
    if number not in KINDS:
        raise RefusedError("decompression", "sys_flag", f"compression type {number}")
    return KINDS[number]


def decompress(data: bytes, kind: str, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """Unpack all, then look at the size: what comes first in the data is not always met first here."""
    try:
        if kind == "zlib":
            plain = _one(zlib.decompressobj(), data)[0]
        elif kind == "lz4":
            plain = _frames(lz4.frame.LZ4FrameDecompressor, data, MAGICS["lz4"])
        else:
            plain = _frames(zstd_stream, data, MAGICS["zstd"])
    except (zlib.error, RuntimeError, EOFError, ZstdError) as error:
        raise RefusedError("decompression", "body", str(error)) from None
    if len(plain) > limit:
        raise RefusedError("decompression", "body", f"{len(plain)} bytes, limit {limit}")
    return plain


def _one(stream: Any, data: bytes) -> tuple[bytes, bytes]:
    plain: bytes = stream.decompress(data)
    if not stream.eof:
        raise RefusedError("decompression", "body", "cut short")
    return plain, stream.unused_data or b""


def _frames(new_stream: Callable[[], Any], data: bytes, magic: int) -> bytes:
    """Frames that follow each other are joined, anything else after a frame is refused."""
    plain, rest = _one(new_stream(), data)
    while rest:
        found = int.from_bytes(rest[:4], "little")
        if found != magic and found & ~0xF != SKIPPABLE_MAGIC:
            raise RefusedError("decompression", "body", "no frame follows the last frame")
        more, rest = _one(new_stream(), rest)
        plain += more
    return plain
