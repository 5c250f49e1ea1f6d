"""Turns what `output` is given into the bytes of exactly one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import encode_frame, frame_info
from pyrocketmq.errors import SerializationError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from pyrocketmq.transport.config import TransportConfig

__all__ = ["whole_frame"]


def whole_frame(msg: Buffer | RemotingCommand, config: TransportConfig) -> bytes:
    """The bytes of exactly one frame, checked against the limit."""
    frame = encode_frame(msg, config.header_codec) if isinstance(msg, RemotingCommand) else bytes(msg)
    total, _ = frame_info(frame)
    if total != len(frame):
        raise SerializationError(
            f"{len(frame):,} bytes were given, their length word is for a frame of {total:,}",
            field="msg",
            advice="give one whole frame, for example what encode_frame returns",
        )
    if total - 4 > config.max_frame_bytes:
        raise SerializationError(
            f"the frame has {total:,} bytes, max_frame_bytes is {config.max_frame_bytes:,}",
            field="msg",
            advice="split the body; a broker closes the connection over frames that are larger than it takes",
        )
    return frame
