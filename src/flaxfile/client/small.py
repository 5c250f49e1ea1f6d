"""Many small files at a time, packed into few messages. Knows nothing of retries and of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from flaxfile.errors import FlaxError, ProtocolError, UsageError, from_wire
from flaxfile.paths import check_key
from flaxfile.protocol.messages import MAX_PACK, field
from flaxfile.protocol.pack import MAX_FILES, MAX_INDEX, encode_pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["SmallFile", "error_of", "packs"]


class SmallFile(NamedTuple):
    """A file that is sent in one piece, with others."""

    key: str
    data: bytes | memoryview
    mode: int | None = None
    mtime_ns: int | None = None
    verify_disk: bool = False
    """Whether the server reads it again before it has the key."""


def packs(files: Iterable[SmallFile]) -> Iterator[tuple[list[SmallFile], bytes]]:
    """Files in groups that fit into a message, each with that message."""
    group: list[SmallFile] = []
    room, index_room = MAX_PACK, MAX_INDEX
    for file in files:
        check_key(file.key)
        if len(file.data) > MAX_PACK:
            raise UsageError(f"{file.key!r} has {len(file.data)} bytes, a pack takes {MAX_PACK}")
        # Six characters for each one that JSON escapes, and room for the other fields.
        index_size = len(file.key) * 6 + 128
        if group and (len(file.data) > room or index_size > index_room or len(group) == MAX_FILES):
            yield group, _encode(group)
            group, room, index_room = [], MAX_PACK, MAX_INDEX
        group.append(file)
        room -= len(file.data)
        index_room -= index_size
    if group:
        yield group, _encode(group)


def _encode(group: list[SmallFile]) -> bytes:
    return encode_pack([_described(file) for file in group], [file.data for file in group])


def _described(file: SmallFile) -> dict[str, object]:
    found: dict[str, object] = {
        "key": file.key,
        "size": len(file.data),
        "mode": file.mode,
        "mtime_ns": file.mtime_ns,
    }
    if file.verify_disk:
        found["verify_disk"] = True
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
