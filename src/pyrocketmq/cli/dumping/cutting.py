"""Cuts one direction of a connection into frames and keeps every byte, whatever it is. Does no I/O."""

from __future__ import annotations

from typing import Final, NamedTuple

from pyrocketmq._native.frame import frame_info
from pyrocketmq.errors import RocketMQError

__all__ = ["Piece", "StreamCutter"]

_MAX_LENGTH: Final = 64 * 1024 * 1024  # servers take 16 MiB; a larger length word is some other protocol


class Piece(NamedTuple):
    """A part of a stream: one whole frame, or bytes that are none."""

    is_frame: bool
    data: bytes


class StreamCutter:
    """The pieces put together are the stream. Behind bytes that begin no frame, no frame is looked for."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._lost = False

    @property
    def in_step(self) -> bool:
        """True while everything so far was frames."""
        return not self._lost

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are whole with these bytes."""
        if self._lost:
            return [Piece(is_frame=False, data=data)]
        self._held += data
        pieces: list[Piece] = []
        start = 0
        while len(self._held) - start >= 8:
            total = self._frame_bytes(start)
            if total is None:
                self._lost = True
                pieces.append(Piece(is_frame=False, data=bytes(self._held[start:])))
                start = len(self._held)
                break
            if len(self._held) - start < total:
                break
            pieces.append(Piece(is_frame=True, data=bytes(self._held[start : start + total])))
            start += total
        del self._held[:start]
        return pieces

    def end(self) -> list[Piece]:
        """What is left when the stream has ended: the beginning of a frame, or nothing."""
        left, self._held = bytes(self._held), bytearray()
        return [Piece(is_frame=False, data=left)] if left else []

    def _frame_bytes(self, start: int) -> int | None:
        try:
            total, _ = frame_info(bytes(self._held[start : start + 8]))
        except RocketMQError:
            return None
        return total if total <= _MAX_LENGTH else None
