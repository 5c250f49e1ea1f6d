"""Reads the entries that a server names in its answers; nothing of them is believed unchecked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flaxfile.errors import ProtocolError
from flaxfile.model import Entry
from flaxfile.paths import check_key
from flaxfile.protocol.messages import field

if TYPE_CHECKING:
    from flaxfile.model import HashKind

__all__ = ["entry_from"]


def entry_from(item: dict[str, Any], hash_kind: HashKind) -> Entry:
    """The entry that an object of an answer stands for."""
    key = field(item, "key", str)
    check_key(key)
    digest, known, target = item.get("hash"), item.get("known_hash"), item.get("target")
    kind = field(item, "hash_kind", str, "xxh3") if isinstance(digest, str) else None
    if kind not in {None, hash_kind}:
        raise ProtocolError(f"the server answers with a hash of {kind!r}, not of {hash_kind!r}")
    return Entry(
        key=key,
        size=field(item, "size", int),
        mtime_ns=field(item, "mtime_ns", int),
        mode=field(item, "mode", int),
        etag=field(item, "etag", str),
        hash=digest if isinstance(digest, str) else None,
        kind=field(item, "kind", str, "file"),
        known_hash=known if isinstance(known, str) else None,
        target=target if isinstance(target, str) else None,
        hash_kind=kind,
    )
