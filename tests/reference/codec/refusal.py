"""The one exception of the reference codec: what kind of refusal, and which field is at fault."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "serialization",
    "deserialization",
    "protocol",
    "invalid_message",
    "too_large",
    "decompression",
    "configuration",
]


class RefusedError(Exception):
    """The input is refused; ``kind`` is the class of error, ``field`` the part at fault if there is one."""

    def __init__(self, kind: Kind, field: str | None, what: str) -> None:
        super().__init__(f"{kind}: {field}: {what}")
        self.kind = kind
        self.field = field
