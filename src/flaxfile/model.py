"""What callers get of the store: its entries, and what may be asked of them. Values only."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from flaxfile.errors import UsageError

__all__ = ["HASH_KINDS", "Entry", "HashKind", "known_kind"]

HashKind = Literal["xxh3", "blake3"]
HASH_KINDS: Final[tuple[HashKind, ...]] = ("xxh3", "blake3")


def known_kind(kind: object) -> HashKind:
    """The same kind of hash, if there is one of that name."""
    for known in HASH_KINDS:
        if kind == known:
            return known
    raise UsageError(f"{kind!r} is no kind of hash", hint=f"known are: {', '.join(HASH_KINDS)}")


class Entry(NamedTuple):
    """One file or folder of the store."""

    key: str
    size: int
    mtime_ns: int
    mode: int
    etag: str
    """Changes with every new version; what ``if_match`` takes."""
    hash: str | None = None
    """Hash of the content in hexadecimal digits, where it was asked for."""
    kind: str = "file"
    """``file``, ``dir`` or, where links are asked for, ``link``."""
    known_hash: str | None = None
    """Where the file was read again: the hash that it had when it was read before, of the same state."""
    target: str | None = None
    """Where a link leads."""
    hash_kind: str | None = None
    """What the hash is: ``xxh3``, which is XXH3-128, or ``blake3``."""
