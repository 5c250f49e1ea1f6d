"""Many small files read or written in one go, without the GIL.

What cannot be done for a file is said by the number of its error, and nothing is left of it; whoever asked
tries that one in another way. Knows nothing of keys. Where `AVAILABLE` is False the system lacks what this
needs.
"""

from collections.abc import Iterable, Sequence
from typing import Self, final

from typing_extensions import Buffer

__all__ = ["AVAILABLE", "HERE", "State", "Writing", "read_files"]

AVAILABLE: bool
HERE: int

@final
class State:
    """What a file is, under the names that the result of stat has."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_dev(self) -> int: ...
    @property
    def st_ino(self) -> int: ...
    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...

def read_files(
    files: Sequence[tuple[int, bytes]], room: int, *, follow: bool = False
) -> list[tuple[State, memoryview] | int]:
    """Read files, each given by the descriptor of its folder (or `HERE`) and its name, of ``room`` bytes
    together.

    For each its state and content as they were at one moment, or the number of an error; EFBIG for the first
    one that there is no room for, and none for those behind it. Links count as what they lead to with
    ``follow`` alone.
    """

@final
class Writing:
    """Files that are written under the names of parts first, and get their own names then.

    Args:
        folder: descriptor of the folder of the parts, or `HERE`.
        files: for each the name of its part, its content, its mode, and its time or None.
    """

    def __new__(cls, folder: int, files: Iterable[tuple[bytes, Buffer, int, int | None]]) -> Self: ...
    def write(self) -> None:
        """Write all parts; once."""

    def name(self, places: Sequence[tuple[int, bytes]]) -> list[State | int]:
        """Give the parts their names, each by the descriptor of its folder (or `HERE`) and its name there.

        For each what it is now, or the number of the error that kept it from being written or named.
        """
