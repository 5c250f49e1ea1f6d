from enum import IntEnum
from typing import final

__all__ = ["Cut", "CutStatus"]

class CutStatus(IntEnum):
    """What a cut found."""

    FOUND = 0
    NO_MATCH = 1
    AT_END = 2
    TOO_SMALL = 3
    TOO_LARGE = 4
    EMPTY = 5

@final
class Cut:
    """The messages of one answer and what a client has to be told with them."""

    @property
    def status(self) -> CutStatus: ...
    @property
    def data(self) -> bytes: ...
    @property
    def count(self) -> int: ...
    @property
    def next_offset(self) -> int: ...
    @property
    def min_offset(self) -> int: ...
    @property
    def max_offset(self) -> int: ...
