"""The pages of a listing without hashes and links, as the bytes of their message: most syncs ask for nothing
else, and an entry costs no object.

Knows the same order and the same entries as `flaxfile.store.listing`, which does all other listings.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING, Final

from flaxfile._core.names import AVAILABLE, Names
from flaxfile.errors import FlaxError, NotFoundError, from_os_error
from flaxfile.paths import HAS_DIR_FD, RESERVED, check_prefix
from flaxfile.store.listing import order

if TYPE_CHECKING:
    from flaxfile.paths import Folder

__all__ = ["quick_page"]

ROOM: Final = 1_000_000
"""Bytes of the entries of a page."""


class _Page:
    """What there is of a page, and what it may still take."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.room = ROOM
        self.entries: list[bytes] = []
        self.last = b""

    def add(self, entries: bytes, count: int, last: bytes) -> None:
        """Some more, in their order."""
        self.entries.append(entries)
        self.limit -= count
        self.room -= len(entries) + 1
        self.last = last

    def encode(self, *, complete: bool) -> bytes:
        """The payload."""
        cursor = None if complete else os.fsdecode(self.last)
        return b'{"cursor":%b,"entries":[%b]}' % (json.dumps(cursor).encode(), b",".join(self.entries))


def quick_page(
    files: Folder, prefix: str, cursor: str | None, limit: int, *, folders: bool = False
) -> bytes | None:
    """The next entries behind a cursor, and the cursor of those that follow, as a payload; None where it
    takes the other listing to make it.
    """
    parts = check_prefix(prefix)
    if not (AVAILABLE and HAS_DIR_FD and sys.getfilesystemencoding() == "utf-8"):
        return None
    page = _Page(limit)
    if parts:
        try:
            with files.place("/".join(parts)) as place:
                if not stat.S_ISDIR(place.lstat().st_mode):
                    return None
        except (NotFoundError, FileNotFoundError):
            return page.encode(complete=True)
        except OSError as error:
            raise from_os_error(error, f"listing {prefix!r}") from error
    behind = order(cursor) if cursor is not None else None
    return page.encode(complete=_fill(files, parts, behind, page, folders=folders))


def _fill(files: Folder, parts: tuple[str, ...], behind: bytes | None, page: _Page, *, folders: bool) -> bool:
    """Take what is below a folder; whether all of it is in the page."""
    top = "".join(part + "/" for part in parts)
    start, shown = order(top), json.dumps(top)[1:-1].encode()
    try:
        with files.folder(parts) as (_, fd):
            names = Names(-1 if fd is None else fd, None if parts else os.fsencode(RESERVED))
    except (FlaxError, OSError):
        if parts:
            return True  # removed while we look, or not ours to read
        raise
    at = names.behind(behind[len(start) :]) if behind is not None and behind.startswith(start) else 0
    while True:
        entries, count, last, at = names.files(at, shown, page.limit, page.room)
        if count:
            page.add(entries, count, start + names.name(last))
        if at == len(names):
            return True
        name = names.name(at)
        whole = start + name + b"/"
        entry = names.folder(at, shown)
        if not entry:
            return False  # a file that does not fit any more
        if folders and (behind is None or whole > behind):
            if page.limit == 0 or len(entry) > page.room:
                return False
            page.add(entry, 1, whole)
        if not _fill(files, (*parts, os.fsdecode(name)), behind, page, folders=folders):
            return False
        at += 1
