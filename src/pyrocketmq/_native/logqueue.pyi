from collections.abc import Iterable
from typing import final

__all__ = ["Horizon", "LogQueue", "TagCodes", "tags_code_of"]

@final
class Horizon:
    """How far readers may look: what lies behind is not stored safely yet."""

    def __new__(cls) -> Horizon: ...

@final
class LogQueue:
    """One queue of a topic in a ``RecordLog``, which makes it; offsets are those that consumers see."""

    def __new__(cls, horizon: Horizon, topic: str, queue_id: int, start: int = 0) -> LogQueue: ...
    @property
    def topic(self) -> str: ...
    @property
    def topic_utf8(self) -> bytes:
        """The topic as it stands in records."""
    @property
    def queue_id(self) -> int: ...
    @property
    def dropped(self) -> bool: ...
    @property
    def min_offset(self) -> int:
        """The offset of the oldest message that is still there."""
    @property
    def max_offset(self) -> int:
        """One behind the newest message that readers may see."""
    @property
    def next_offset(self) -> int:
        """The offset that the next message gets; those from max_offset on are not stored safely yet."""
    def entry(self, offset: int) -> tuple[int, int, int, int] | None:
        """(position, size, tags code, store time) of a visible message; None outside of the queue or if
        lost.
        """
    def positions(self, offset: int, count: int) -> list[int]:
        """Where the records of these messages lie in the log, visible or not; 0 stands for a lost one."""
    def offset_at_time(self, store_time: int) -> int:
        """The offset of the first message stored at this time (ms) or later; the max offset if there is none.

        Exact as long as the clock never went back.
        """

@final
class TagCodes:
    """The hash codes of the tags that a subscription asks for, prepared for ``RecordLog.cut``."""

    def __new__(cls, codes: Iterable[int]) -> TagCodes: ...
    def __len__(self) -> int: ...
    def __contains__(self, code: int, /) -> bool: ...

def tags_code_of(properties: bytes) -> int:
    """The tags code that the index keeps for a message with this properties text."""
