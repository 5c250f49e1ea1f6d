import sys
from typing import final

__all__ = ["WriteBuffer"]

@final
class WriteBuffer:
    """A growable buffer that is filled by native encoders and emptied in one piece.

    Its memory is kept for the next round, so a long-lived buffer stops allocating. ``bytes(buffer)`` copies,
    ``memoryview(buffer)`` does not; while a view exists the buffer cannot grow or be cleared.
    """

    def __new__(cls, capacity: int = 0) -> WriteBuffer: ...
    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
    @property
    def capacity(self) -> int:
        """Bytes that fit before the buffer has to grow."""
    def clear(self) -> None:
        """Empty the buffer and keep its memory."""
    def take(self) -> bytes:
        """Everything written so far as bytes; the buffer is empty afterwards."""
