"""Compressed bodies: zlib, LZ4 frames and zstd streams, chosen by the bits 0x700 of sysFlag."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING

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

if TYPE_CHECKING and sys.version_info < (3, 14):
    from zstandard import ZstdDecompressionObj

TYPE_MASK = 0x700
MAX_UNPACKED_BYTES = 64 * 1024 * 1024


def decompress(data: bytes, sys_flag: int, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    kind = (sys_flag & TYPE_MASK) >> 8
    try:
        if kind in (0, 3):
            inflater = zlib.decompressobj()
            plain = inflater.decompress(data)
            finished = inflater.eof
        elif kind == 1:
            unpacker = lz4.frame.LZ4FrameDecompressor()
            plain = unpacker.decompress(data)
            finished = unpacker.eof
        elif kind == 2:
            stream = zstd_stream()
            plain = stream.decompress(data)
            finished = stream.eof
        else:
            raise RefusedError("decompression", "body", f"unknown compression type {kind}")
    except (zlib.error, RuntimeError, ZstdError) as exc:
        raise RefusedError("decompression", "body", str(exc)) from None
    if not finished:
        raise RefusedError("decompression", "body", "the stream is cut short")
    if len(plain) > limit:
        raise RefusedError("decompression", "body", f"{len(plain)} bytes, limit {limit}")
    return plain
