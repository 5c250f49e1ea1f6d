"""Many small files in one message: an index in JSON, and their bytes one after the other. No I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from flaxfile.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_FILES", "MAX_INDEX", "decode_pack", "encode_pack"]

MAX_FILES: Final = 1024
MAX_INDEX: Final = 512 * 1024
"""Bytes of an index; with the files' bytes it stays below the size of a message."""


def encode_pack(index: list[dict[str, object]], contents: Sequence[bytes | memoryview]) -> bytes:
    """The payload: each item of the index has the ``size`` of its bytes."""
    text = json.dumps(index, separators=(",", ":")).encode("ascii")
    return b"".join((len(text).to_bytes(4, "little"), text, *contents))


def decode_pack(payload: bytes) -> tuple[list[dict[str, object]], list[memoryview]]:
    """Index and contents of a pack; items without ``size`` have no bytes."""
    length = int.from_bytes(payload[:4], "little")
    if len(payload) < 4 + length or length > MAX_INDEX:
        raise ProtocolError("a pack ends within its index")
    try:
        index = json.loads(payload[4 : 4 + length])
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the index of a pack is no JSON") from error
    if not isinstance(index, list) or len(cast("list[object]", index)) > MAX_FILES:
        raise ProtocolError("the index of a pack is no list of a length that is allowed")
    items = cast("list[object]", index)
    view, at = memoryview(payload), 4 + length
    found: list[dict[str, object]] = []
    contents: list[memoryview] = []
    for item in items:
        if not isinstance(item, dict):
            raise ProtocolError("the index of a pack has something that is no entry")
        entry = cast("dict[str, object]", item)
        size = entry.get("size", 0)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0 or size > len(payload) - at:
            raise ProtocolError("a pack does not have the bytes that its index says")
        found.append(entry)
        contents.append(view[at : at + size])
        at += size
    if at != len(payload):
        raise ProtocolError("a pack has more bytes than its index says")
    return found, contents
