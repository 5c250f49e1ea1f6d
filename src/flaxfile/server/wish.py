"""What a client wants of an upload, as PUT_OPEN says it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flaxfile.digests import check_kind
from flaxfile.errors import ProtocolError
from flaxfile.protocol.messages import MAX_SIZE, field

if TYPE_CHECKING:
    from flaxfile.model import HashKind

__all__ = ["Wish"]

MAX_TOKEN: Final = 64
"""A server remembers those of many uploads."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What PUT_OPEN asks for."""

    key: str
    size: int
    token: str
    source: str
    blocks: int
    resume: bool
    mode: int | None
    mtime_ns: int | None
    if_absent: bool
    if_match: str | None
    base: str
    """Version of the key that chunks may be copied from; empty for none."""
    fsync: bool
    verify_disk: bool
    hash_kind: HashKind

    @classmethod
    def read(cls, payload: dict[str, object]) -> Wish:
        """From the payload of the message; what could not be meant is refused."""
        size = field(payload, "size", int)
        if not 0 <= size <= MAX_SIZE:
            raise ProtocolError(f"a file of {size} bytes")
        token = field(payload, "upload", str)
        if not 1 <= len(token) <= MAX_TOKEN:
            raise ProtocolError(f"an upload is named by 1 to {MAX_TOKEN} characters")
        mode, mtime_ns = payload.get("mode"), payload.get("mtime_ns")
        return cls(
            key=field(payload, "key", str),
            size=size,
            token=token,
            source=field(payload, "source", str, ""),
            blocks=field(payload, "blocks", int, size),
            resume=payload.get("resume") is not False,
            mode=mode if isinstance(mode, int) else None,
            mtime_ns=mtime_ns if isinstance(mtime_ns, int) and abs(mtime_ns) < 1 << 62 else None,
            if_absent=payload.get("if_absent") is True,
            if_match=field(payload, "if_match", str, "") or None,
            base=field(payload, "base", str, ""),
            fsync=payload.get("fsync") is True,
            verify_disk=payload.get("verify_disk") is True,
            hash_kind=check_kind(field(payload, "hash_kind", str, "xxh3")),
        )
