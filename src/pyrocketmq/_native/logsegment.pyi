from typing import final

__all__ = ["Segment"]

@final
class Segment:
    """A stretch of the log."""

    def __new__(cls) -> Segment: ...
    @property
    def base(self) -> int: ...
    @property
    def last_store_time(self) -> int: ...
    def __len__(self) -> int: ...
