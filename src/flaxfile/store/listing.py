"""Walks a store in the order of its keys, a page at a time, so that a listing of any length needs little
memory.

The order is that of the keys' bytes, over all folders: ``a.b`` comes before ``a/c``. Links are listed when
they are asked for and stay inside of the store, other special files never.
"""

from __future__ import annotations

import operator
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from flaxfile.errors import FlaxError, NotFoundError, from_os_error
from flaxfile.paths import RESERVED, Folder, check_prefix, link_stays_inside
from flaxfile.store.entries import entry_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flaxfile.model import Entry, HashKind
    from flaxfile.store.store import Store

__all__ = ["order", "page", "walk"]


def order(key: str) -> bytes:
    """What keys are sorted by."""
    return key.encode("utf-8", "surrogateescape")


def page(
    store: Store,
    prefix: str,
    cursor: str | None,
    limit: int,
    *,
    digest: bool = False,
    folders: bool = False,
    links: bool = False,
    again: bool = False,
    hash_kind: HashKind = "xxh3",
) -> tuple[list[Entry], str | None]:
    """The next entries behind a cursor, and the cursor of those that follow; None when there are none."""
    found: list[Entry] = []
    wanted = walk(
        store, prefix, cursor, digest=digest, folders=folders, links=links, again=again, hash_kind=hash_kind
    )
    for entry in wanted:
        if len(found) == limit:
            return found, found[-1].key + ("/" if found[-1].kind == "dir" else "")
        found.append(entry)
    return found, None


def walk(
    store: Store,
    prefix: str,
    after: str | None = None,
    *,
    digest: bool = False,
    folders: bool = False,
    links: bool = False,
    again: bool = False,
    hash_kind: HashKind = "xxh3",
) -> Iterator[Entry]:
    """Every file below a prefix, which is a folder or one whole key; with ``folders`` those too, before
    their files, and with ``links`` those that stay inside of the store.

    With ``again`` each file is read, whatever is known of it.

    Only what comes behind ``after``.
    """
    parts = check_prefix(prefix)
    behind = order(after) if after is not None else None
    if parts:
        try:
            with store.files.place("/".join(parts)) as place:
                status = place.lstat()
                if stat.S_ISREG(status.st_mode):
                    key = "/".join(parts)
                    if behind is None or order(key) > behind:
                        if again:
                            yield store.read_again(key, hash_kind)
                            return
                        known = store.hashes.of(place, status, hash_kind) if digest else None
                        yield entry_of(key, status, known, hash_kind=hash_kind)
                    return
        except NotFoundError:
            return
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                return
            raise from_os_error(error, f"listing {prefix!r}") from error
    yield from _below(store, parts, behind, _Wanted(digest, folders, links, again, hash_kind))


class _Wanted(NamedTuple):
    """What a listing is to have beside the files."""

    digest: bool
    folders: bool
    links: bool
    again: bool
    hash_kind: HashKind


_Name = tuple[bytes, str, os.stat_result, str | None]
"""What it is sorted by, its name, its state, and where a link leads."""


def _names(folder: Folder, parts: tuple[str, ...], *, links: bool) -> list[_Name]:
    """What is in a folder, in the order that its whole keys have: a folder counts with its slash."""
    names: list[_Name] = []
    with folder.folder(parts) as (path, fd), os.scandir(path if fd is None else fd) as found:
        for item in found:
            if not parts and item.name == RESERVED:
                continue
            try:
                status = item.stat(follow_symlinks=False)
                target = None
                if links and stat.S_ISLNK(status.st_mode):
                    # The name is enough of a path where the folder is given by its descriptor.
                    target = os.readlink(item.name if fd is not None else item.path, dir_fd=fd)
            except OSError:
                continue  # removed while we look
            if stat.S_ISDIR(status.st_mode):
                names.append((order(item.name + "/"), item.name, status, None))
            elif stat.S_ISREG(status.st_mode):
                names.append((order(item.name), item.name, status, None))
            elif target is not None and link_stays_inside("/".join((*parts, item.name)), target):
                names.append((order(item.name), item.name, status, target))
    # By the first field alone: results of stat have no order, and names are unique.
    names.sort(key=operator.itemgetter(0))
    return names


def _below(store: Store, parts: tuple[str, ...], behind: bytes | None, wanted: _Wanted) -> Iterator[Entry]:
    start = order("".join(part + "/" for part in parts))
    try:
        names = _names(store.files, parts, links=wanted.links)
    except (FlaxError, OSError):
        if parts:
            return  # removed while we walk, or not ours to read
        raise
    for name, text, status, target in names:
        whole = start + name
        is_folder = name.endswith(b"/")
        # A folder is left out only when every key in it would be: those begin with its own key.
        if behind is not None and whole <= behind and not (is_folder and behind.startswith(whole)):
            continue
        key = "/".join((*parts, text))
        if is_folder:
            if wanted.folders and (behind is None or whole > behind):
                yield entry_of(key, status)
            yield from _below(store, (*parts, text), behind, wanted)
        elif target is not None:
            yield entry_of(key, status, target=target)
        elif wanted.digest or wanted.again:
            entry = _hashed(store, key, wanted)
            if entry is not None:
                yield entry
        else:
            yield entry_of(key, status)


def _hashed(store: Store, key: str, wanted: _Wanted) -> Entry | None:
    try:
        if wanted.again:
            return store.read_again(key, wanted.hash_kind)
        return store.stat(key, digest=wanted.hash_kind)
    except FlaxError:
        return None  # removed while we walk
