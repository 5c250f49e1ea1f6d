"""RemotingCommandSerializer: commands to frames and back, with the limits of what this package sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import orjson

from pyrocketmq._native.frame import decode_frame, encode_frame, frame_info
from pyrocketmq.errors import DeserializationError, SerializationError

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand

__all__ = ["MAX_FRAME_BYTES", "MAX_HEADER_BYTES", "RemotingCommandSerializer"]

MAX_FRAME_BYTES: Final = 33_554_432
"""Largest frame, length word included, in both directions. Servers close the connection above 16 MiB."""
MAX_HEADER_BYTES: Final = 65_536
"""Largest header that is sent; received headers may be larger."""

# Ext fields that hold the properties of a message.
_PROPERTY_FIELDS: Final = ("properties", "i")


class RemotingCommandSerializer:
    """Writes and reads whole frames, length word included."""

    @staticmethod
    def serialize(command: RemotingCommand, codec: Literal["json", "binary"] = "json") -> bytes:
        """The frame of a command.

        Args:
            command: what to send.
            codec: form of the header; ``binary`` cuts codes over 32767, so it cannot carry the pop family.

        Raises:
            SerializationError: a field cannot be written, or the header or the frame is over its limit.
        """
        frame = encode_frame(command, codec)
        header_size = int.from_bytes(frame[5:8], "big")
        if header_size > MAX_HEADER_BYTES:
            raise _header_too_large(command, codec, header_size)
        if len(frame) > MAX_FRAME_BYTES:
            raise SerializationError(
                f"the frame has {len(frame):,} bytes, the limit is {MAX_FRAME_BYTES:,};"
                f" its body has {len(command.body or b''):,}",
                field="body",
                advice="Send smaller messages, or split the batch.",
            )
        return frame

    @staticmethod
    def deserialize(data: bytes | bytearray | memoryview) -> RemotingCommand:
        """The command of exactly one whole frame, whichever codec its header is in.

        Raises:
            DeserializationError: the bytes are not one frame, or its header cannot be read.
            ProtocolError: the frame's own numbers contradict each other.
        """
        _check_received(data)
        return decode_frame(data)

    @staticmethod
    def validate_frame(data: bytes | bytearray | memoryview) -> bool:
        """True for one whole frame that can be read; everything else raises, so that the reason is not lost.

        Raises:
            DeserializationError: the bytes are not one frame, or its header cannot be read.
            ProtocolError: the frame's own numbers contradict each other.
        """
        RemotingCommandSerializer.deserialize(data)
        return True

    @staticmethod
    def get_frame_info(data: bytes | bytearray | memoryview) -> tuple[int, int]:
        """Total length of a frame, its length word included, and length of its header; 8 bytes are enough.

        Raises:
            DeserializationError: fewer than 8 bytes, or the lengths contradict each other.
            ProtocolError: no such frame can exist.
        """
        _check_kind(data)
        return frame_info(data)


def _check_kind(data: object) -> None:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise DeserializationError(
            f"a frame is bytes, bytearray or memoryview, got {type(data).__name__}",
            field="data",
            advice="Give the bytes as they were received, length word included.",
        )


def _check_received(data: bytes | bytearray | memoryview) -> None:
    _check_kind(data)
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    if size > MAX_FRAME_BYTES:
        raise DeserializationError(
            f"the frame has {size:,} bytes, the limit is {MAX_FRAME_BYTES:,}",
            field="data",
            advice="Cut the stream into frames first.",
        )


def _header_too_large(command: RemotingCommand, codec: str, header_size: int) -> SerializationError:
    """Say which part of the header is at fault, and how much of it is escaping."""
    parts = dict(command.ext_fields or {})
    if command.remark:
        parts["remark"] = command.remark
    name = max(parts, key=lambda part: len(parts[part]))
    value = parts[name]
    plain = len(value.encode())
    shown = f"properties (ext field {name})" if name in _PROPERTY_FIELDS else name
    what = (
        f"the header has {header_size:,} bytes, the limit is {MAX_HEADER_BYTES:,};"
        f" {shown} alone has {plain:,}"
    )
    if codec == "json":
        escaped = len(orjson.dumps(value)) - 2
        what = f"{what}, {escaped:,} escaped"
        if header_size - (escaped - plain) <= MAX_HEADER_BYTES:
            return SerializationError(
                what, field=name, advice='Use header_codec="binary", which escapes nothing, or shorten it.'
            )
    return SerializationError(
        what, field=name, advice="Shorten it; put what only the application reads into the body."
    )
