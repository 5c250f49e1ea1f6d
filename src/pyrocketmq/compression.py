"""Compression of message bodies: zlib, LZ4 frames and ZSTD, each unpacked within a bound on the result.

This module knows the bits of ``sysFlag`` that name a kind and nothing else about messages. zlib needs no
package; the packages of the extras ``lz4`` and ``zstd`` are imported on first use.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from typing import Any, Final, Literal, get_args

from pyrocketmq.errors import ConfigurationError, DecompressionError, MissingExtraError

__all__ = [
    "COMPRESSED_FLAG",
    "DEFAULT_MAX_BYTES",
    "CompressionKind",
    "compress",
    "compression_flag",
    "compression_kind",
    "decompress",
]

CompressionKind = Literal["zlib", "lz4", "zstd"]

COMPRESSED_FLAG: Final = 0x1
"""Bit 0 of ``sysFlag``: the body is compressed."""

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
"""Bound on an unpacked body where the caller gives none; brokers take 4 MiB unless told otherwise."""

_KIND_SHIFT: Final = 8
_KIND_MASK: Final = 0x7
_KINDS: Final[dict[int, CompressionKind]] = {
    0: "zlib",  # clients before 4.9.4 and the Go client leave the bits clear
    1: "lz4",
    2: "zstd",
    3: "zlib",
}
_FLAGS: Final[dict[CompressionKind, int]] = {"lz4": 0x101, "zstd": 0x201, "zlib": 0x301}

# What Java writes: level 5 for zlib; its LZ4 has one level; 3 is the default of ZSTD itself.
_DEFAULT_LEVELS: Final[dict[CompressionKind, int]] = {"zlib": 5, "lz4": 0, "zstd": 3}
_LEVEL_RANGES: Final[dict[CompressionKind, tuple[int, int]]] = {
    "zlib": (0, 9),
    "lz4": (0, 16),
    "zstd": (1, 22),
}

_CHUNK_BYTES: Final = 64 * 1024
# A frame may ask for a window that is larger than its content, so the bound on the content is not enough.
_ZSTD_MIN_WINDOW_BYTES: Final = 8 * 1024 * 1024
_ZSTD_MAX_WINDOW_LOG: Final = 27
_LZ4_MAGIC: Final = 0x184D2204
_ZSTD_MAGIC: Final = 0xFD2FB528
_SKIPPABLE_MAGIC: Final = 0x184D2A50  # the last hex digit is free; both formats share it


def compression_kind(sys_flag: int) -> CompressionKind:
    """Return the kind that the bits 0x700 of ``sys_flag`` name, for a body whose bit 0x1 is set."""
    number = (sys_flag >> _KIND_SHIFT) & _KIND_MASK
    kind = _KINDS.get(number)
    if kind is None:
        raise DecompressionError(
            f"compression type {number} in sysFlag {sys_flag:#x} is none of 0, 3 (zlib), 1 (lz4), 2 (zstd)",
            field="sys_flag",
            advice="Read raw_body, or upgrade this package if the sender is newer.",
        )
    return kind


def compression_flag(kind: CompressionKind) -> int:
    """Return the ``sysFlag`` bits of a body compressed with ``kind``, bit 0x1 included."""
    return _FLAGS[_check_kind(kind)]


def compress(
    data: bytes | bytearray | memoryview, kind: CompressionKind = "zlib", level: int | None = None
) -> bytes:
    """Compress ``data`` so that Java clients with that kind can read it.

    ``level`` trades speed for size; None is 5 for zlib (as in Java), 0 for lz4, 3 for zstd.
    """
    level = _check_level(_check_kind(kind), level)
    if kind == "zlib":
        return zlib.compress(data, level)
    if kind == "lz4":
        lz4 = _load("lz4.frame", "lz4")
        packed: bytes = lz4.compress(
            data,
            compression_level=level,
            block_size=lz4.BLOCKSIZE_MAX4MB,
            block_linked=False,
            store_size=False,
        )
        return packed
    if sys.version_info >= (3, 14):
        packed = _load("compression.zstd", "zstd").compress(data, level)
    else:
        packed = _load("zstandard", "zstd").ZstdCompressor(level=level).compress(data)
    return packed


def decompress(
    data: bytes | bytearray | memoryview, kind: CompressionKind, max_bytes: int = DEFAULT_MAX_BYTES
) -> bytes:
    """Unpack ``data``; the result never has more than ``max_bytes`` bytes, and no more are ever held.

    As in Java, bytes behind a zlib stream are ignored, LZ4 and ZSTD frames that follow each other are joined,
    and anything else behind a frame is refused. Data that ends inside a stream or frame is refused.

    Raises:
        DecompressionError: the data is damaged, cut short, or larger than ``max_bytes`` once unpacked.
        MissingExtraError: the package for ``kind`` is not installed.
    """
    if max_bytes < 0:
        raise ConfigurationError(
            f"max_bytes is {max_bytes:,}, the bound on an unpacked body cannot be negative",
            field="max_bytes",
            advice="Use 0 or more.",
        )
    _check_kind(kind)
    if kind == "zlib":
        return _unpack_zlib(data, max_bytes)
    if kind == "lz4":
        return _unpack_lz4(data, max_bytes)
    if sys.version_info >= (3, 14):
        return _unpack_zstd(data, max_bytes)
    return _unpack_zstandard(data, max_bytes)


def _unpack_zlib(data: bytes | bytearray | memoryview, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        # One byte above the bound tells "too large" from "just fits"; 0 would mean no bound at all.
        plain = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise _damaged("zlib", len(data), str(error)) from error
    if len(plain) > max_bytes:
        raise _too_large("zlib", len(data), max_bytes)
    if not stream.eof:
        raise _cut_short("zlib", len(data), len(plain))
    return plain


def _unpack_lz4(data: bytes | bytearray | memoryview, max_bytes: int) -> bytes:
    lz4 = _load("lz4.frame", "lz4")
    rest = bytes(data)
    pieces = _Pieces("lz4", len(rest), max_bytes)
    while True:
        stream = lz4.LZ4FrameDecompressor()
        feed = rest
        try:
            while not stream.eof:
                piece = stream.decompress(feed, max_length=pieces.room())
                feed = b""
                pieces.add(piece)
                if not piece and not stream.eof and stream.needs_input:
                    raise _cut_short("lz4", len(data), pieces.size)
        except (RuntimeError, EOFError) as error:
            raise _damaged("lz4", len(data), str(error)) from error
        rest = stream.unused_data or b""
        if not rest:
            return pieces.join()
        _check_magic("lz4", _LZ4_MAGIC, data, len(data) - len(rest))


def _unpack_zstd(data: bytes | bytearray | memoryview, max_bytes: int) -> bytes:
    zstd = _load("compression.zstd", "zstd")
    rest = bytes(data)
    pieces = _Pieces("zstd", len(rest), max_bytes)
    window_log = _zstd_window_bytes(max_bytes).bit_length() - 1
    while True:
        stream = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window_log})
        feed = rest
        try:
            while not stream.eof:
                piece = stream.decompress(feed, pieces.room())
                feed = b""
                pieces.add(piece)
                if not piece and not stream.eof and stream.needs_input:
                    raise _cut_short("zstd", len(data), pieces.size)
        except (zstd.ZstdError, EOFError) as error:
            raise _damaged("zstd", len(data), str(error)) from error
        rest = stream.unused_data
        if not rest:
            return pieces.join()
        _check_magic("zstd", _ZSTD_MAGIC, data, len(data) - len(rest))


def _unpack_zstandard(data: bytes | bytearray | memoryview, max_bytes: int) -> bytes:
    zstandard = _load("zstandard", "zstd")
    packed = bytes(data)
    pieces = _Pieces("zstd", len(packed), max_bytes)
    context = zstandard.ZstdDecompressor(max_window_size=_zstd_window_bytes(max_bytes))
    try:
        with context.stream_reader(packed, read_across_frames=True) as reader:
            while piece := reader.read(pieces.room()):
                pieces.add(piece)
    except zstandard.ZstdError as error:
        raise _damaged("zstd", len(packed), str(error)) from error
    # The reader takes the end of its input for the end of a frame, so the frames are walked here.
    at = 0
    while at < len(packed) or not at:
        if at:
            _check_magic("zstd", _ZSTD_MAGIC, packed, at)
        end = _zstd_frame_end(packed, at)
        if end > len(packed):
            raise _cut_short("zstd", len(packed), pieces.size)
        at = end
    return pieces.join()


def _zstd_frame_end(data: bytes, at: int) -> int:
    """Return where the frame at ``at`` ends by its block headers (RFC 8878); past the data if cut short."""
    beyond = len(data) + 1
    if len(data) - at < 8:
        return beyond
    if _magic(data, at) & ~0xF == _SKIPPABLE_MAGIC:
        return at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    descriptor = data[at + 4]
    single_segment = descriptor >> 5 & 1
    dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
    size_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
    at += 5 + (1 - single_segment) + dictionary_bytes + size_bytes
    last = False
    while not last:
        if len(data) - at < 3:
            return beyond
        header = int.from_bytes(data[at : at + 3], "little")
        last = bool(header & 1)
        repeated = header >> 1 & 3 == 1
        at += 3 + (1 if repeated else header >> 3)
    return at + (4 if descriptor & 4 else 0)


def _zstd_window_bytes(max_bytes: int) -> int:
    wanted = max(max_bytes, _ZSTD_MIN_WINDOW_BYTES)
    return 1 << min((wanted - 1).bit_length(), _ZSTD_MAX_WINDOW_LOG)


class _Pieces:
    """Unpacked pieces, asked for in steps that grow with what came, up to one byte above the bound."""

    def __init__(self, kind: CompressionKind, packed_bytes: int, max_bytes: int) -> None:
        self.size = 0
        self._kind: CompressionKind = kind
        self._packed_bytes = packed_bytes
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []

    def room(self) -> int:
        return min(self._max_bytes + 1 - self.size, max(_CHUNK_BYTES, self.size, 4 * self._packed_bytes))

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._max_bytes:
            raise _too_large(self._kind, self._packed_bytes, self._max_bytes)
        self._pieces.append(piece)

    def join(self) -> bytes:
        return b"".join(self._pieces)


def _magic(data: bytes | bytearray | memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _check_magic(kind: CompressionKind, magic: int, data: bytes | bytearray | memoryview, at: int) -> None:
    found = _magic(data, at)
    if found != magic and found & ~0xF != _SKIPPABLE_MAGIC:
        raise _damaged(kind, len(data), f"{len(data) - at:,} bytes that are no frame follow the last frame")


def _check_kind(kind: CompressionKind) -> CompressionKind:
    if kind not in _FLAGS:
        raise ConfigurationError(
            f"kind {kind!r} is no compression kind",
            field="kind",
            advice="Use one of " + ", ".join(repr(known) for known in get_args(CompressionKind)) + ".",
        )
    return kind


def _check_level(kind: CompressionKind, level: int | None) -> int:
    if level is None:
        return _DEFAULT_LEVELS[kind]
    low, high = _LEVEL_RANGES[kind]
    if not low <= level <= high:
        raise ConfigurationError(
            f"level is {level:,}, {kind} takes {low} to {high}",
            field="level",
            advice="Leave it out for the default.",
        )
    return level


def _load(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{extra} compression needs the module {module}, which is not installed",
            field="kind",
            advice=f"pip install 'pyrocketmq-turbo[{extra}]'",
        ) from error


def _too_large(kind: CompressionKind, packed_bytes: int, max_bytes: int) -> DecompressionError:
    return DecompressionError(
        f"a {kind} body of {packed_bytes:,} bytes unpacks to more than the limit of {max_bytes:,} bytes",
        field="body",
        advice="Raise the limit if bodies of that size are expected; otherwise do not trust the message.",
    )


def _cut_short(kind: CompressionKind, packed_bytes: int, plain_bytes: int) -> DecompressionError:
    return DecompressionError(
        f"a {kind} body of {packed_bytes:,} bytes ends too early, after {plain_bytes:,} unpacked bytes",
        field="body",
        advice="Compare the body CRC to see whether it was damaged after it was stored.",
    )


def _damaged(kind: CompressionKind, packed_bytes: int, reason: str) -> DecompressionError:
    return DecompressionError(
        f"a body of {packed_bytes:,} bytes cannot be unpacked as {kind}: {reason}",
        field="body",
        advice="Compare the body CRC to see whether it was damaged after it was stored.",
    )
