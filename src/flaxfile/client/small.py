"""Many small files at a time, packed into few messages. Knows nothing of retries and of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from flaxfile.digests import hash_content
from flaxfile.errors import FlaxError, ProtocolError, UsageError, from_wire
from flaxfile.paths import check_key
from flaxfile.protocol.messages import MAX_PACK, field
from flaxfile.protocol.pack import MAX_FILES, MAX_INDEX, encode_pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flaxfile.model import HashKind

__all__ = ["SmallFile", "error_of", "packs"]

INDEX_ENTRY: Final = 256
"""Bytes of an entry of an index beside its key, at most."""


class SmallFile(NamedTuple):
    """A file that is sent in one piece, with others."""

    key: str
    data: bytes | memoryview
    mode: int | None = None
    mtime_ns: int | None = None
    verify_disk: bool = False
    """Whether the server reads it again before it has the key."""


def packs(
    files: Iterable[SmallFile], hash_kind: HashKind = "xxh3"
) -> Iterator[tuple[list[str | None], bytes]]:
    """Files in groups that fit into a message: the hashes that go along, None for those without, and that
    message.
    """
    group: list[SmallFile] = []
    room, index_room = MAX_PACK, MAX_INDEX
    for file in files:
        check_key(file.key)
        if len(file.data) > MAX_PACK:
            raise UsageError(f"{file.key!r} has {len(file.data)} bytes, a pack takes {MAX_PACK}")
        # Six characters for each one that JSON escapes, and room for the other fields.
        index_size = len(file.key) * 6 + INDEX_ENTRY
        if group and (len(file.data) > room or index_size > index_room or len(group) == MAX_FILES):
            yield _encode(group, hash_kind)
            group, room, index_room = [], MAX_PACK, MAX_INDEX
        group.append(file)
        room -= len(file.data)
        index_room -= index_size
    if group:
        yield _encode(group, hash_kind)


def _encode(group: list[SmallFile], hash_kind: HashKind) -> tuple[list[str | None], bytes]:
    # The message has a hash of its own: what goes along has to be worth more than that one.
    hashes = [None if hash_kind == "xxh3" else hash_content(file.data, hash_kind) for file in group]
    index = [_described(file, digest, hash_kind) for file, digest in zip(group, hashes, strict=True)]
    return hashes, encode_pack(index, [file.data for file in group])


def _described(file: SmallFile, digest: str | None, hash_kind: HashKind) -> dict[str, object]:
    found: dict[str, object] = {
        "key": file.key,
        "size": len(file.data),
        "mode": file.mode,
        "mtime_ns": file.mtime_ns,
    }
    if file.verify_disk:
        found["verify_disk"] = True
    if digest is not None:
        found |= {"hash": digest, "hash_kind": hash_kind}
    return found


def error_of(item: dict[str, Any]) -> FlaxError | None:
    """The error that an item of an answer has in place of a result."""
    wire = item.get("error")
    if wire is None:
        return None
    if not isinstance(wire, dict):
        raise ProtocolError("an error of a pack is not understood")
    found = cast("dict[str, object]", wire)
    return from_wire(field(found, "code", int), found)
