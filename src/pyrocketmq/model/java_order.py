"""The order of Java strings, which clients and servers have to share: by UTF-16 code units."""

from __future__ import annotations

__all__ = ["java_order"]


def java_order(text: str) -> bytes:
    """A sort key with which text sorts as in Java.

    Python compares code points, so characters beyond the BMP sort after U+E000 to U+FFFF; in Java before.
    """
    return text.encode("utf-16-be", "surrogatepass")
