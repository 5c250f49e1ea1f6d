"""What a signature is made of: the values in the order of the names' UTF-16 units, then the body."""

from __future__ import annotations

from .hashes import utf16_units
from .refusal import RefusedError


def signed_content(fields: dict[str, str], body: bytes | None, version: int) -> bytes:
    content = b""
    for name in sorted(fields, key=utf16_units):
        if name == "Signature" or (name == "_UNIQUE_KEY_QUERY" and version <= 399):
            continue
        try:
            content += fields[name].encode()
        except UnicodeEncodeError as error:
            raise RefusedError("serialization", name, "lone surrogate") from error
    return content + (body or b"")
