"""What a tree consists of, on either side: files, folders and links, by their path below the top.

Values only; nothing here looks at a disk or a server.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["Kind", "Node"]


class Kind(enum.Enum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


class Node(NamedTuple):
    """One entry of a tree."""

    path: str
    """Relative to the top, with slashes."""
    kind: Kind
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    hash: str | None = None
    target: str | None = None
    """Where a link leads."""
