"""What stands in a folder, with the state of each entry, read in one go without the GIL.

The order is that of keys: a folder counts with its slash. A page of a listing is written out in the form that
its message has. Knows nothing of stores. Where `AVAILABLE` is False the system lacks what this needs.
"""

from typing import Self, final

__all__ = ["AVAILABLE", "Names"]

AVAILABLE: bool

@final
class Names:
    """What stands in a folder that is given by its descriptor; the name ``without`` is left out."""

    def __new__(cls, fd: int, without: bytes | None = None) -> Self: ...
    def __len__(self) -> int: ...
    def name(self, at: int) -> bytes:
        """The name of one, as bytes."""

    def behind(self, text: bytes) -> int:
        """Which one is the first behind a text; that is a folder which the text leads into, too."""

    def states(self) -> list[tuple[str, int, int, int]]:
        """Name, mode, size and time of each; the mode of one that may not be looked at is 0."""

    def folder(self, at: int, start: bytes) -> bytes:
        """The entry of a folder as JSON, or nothing; ``start`` is what its key begins with, escaped."""

    def files(self, at: int, start: bytes, most: int, room: int) -> tuple[bytes, int, int, int]:
        """The entries of files as JSON with commas between them: up to the next folder, and as many as fit.

        With it how many, the place of the last one, and where it goes on: a folder, a file that does not fit,
        or the end.
        """
