"""What stands in a store, as clients see it: entries, conditions on them, and errors that name the key."""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING

from flaxfile._core.hashing import xxh3_64
from flaxfile.errors import ConflictError, FlaxError, NotFoundError, StorageError, from_os_error
from flaxfile.model import Entry

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from flaxfile._core.small import State
    from flaxfile.model import HashKind
    from flaxfile.paths import Place

__all__ = ["check_kind", "check_target", "entry_of", "naming"]


def _etag(status: os.stat_result | State) -> str:
    text = f"{status.st_dev}.{status.st_ino}.{status.st_size}.{status.st_mtime_ns}.{status.st_ctime_ns}"
    return f"{xxh3_64(text.encode()):016x}"


def entry_of(
    key: str,
    status: os.stat_result | State,
    digest: str | None = None,
    target: str | None = None,
    *,
    hash_kind: HashKind = "xxh3",
) -> Entry:
    """What a file, a folder or a link to ``target`` is to a client."""
    folder = stat.S_ISDIR(status.st_mode)
    kind = "link" if target is not None else "file"
    return Entry(
        key=key,
        size=0 if folder else status.st_size,
        mtime_ns=status.st_mtime_ns,
        mode=stat.S_IMODE(status.st_mode),
        etag=_etag(status),
        hash=digest,
        kind="dir" if folder else kind,
        target=target,
        hash_kind=None if digest is None else hash_kind,
    )


@contextlib.contextmanager
def naming(doing: str, key: str) -> Generator[None]:
    """Errors of the system become ours, with what was done to which key."""
    try:
        yield
    except FlaxError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"{key!r} is not there", hint="flaxfile list shows what is") from error
    except OSError as error:
        raise from_os_error(error, f"{doing} {key!r}") from error


def check_kind(key: str, status: os.stat_result, *, only_files: bool = False) -> None:
    """Raise if it is nothing that a store has, or no file."""
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        if only_files:
            raise ConflictError(f"{key!r} is a folder", hint=f"flaxfile pull {key}")
        return
    raise StorageError(f"{key!r} is neither a file nor a folder")


def check_target(place: Place, key: str, *, if_absent: bool, if_match: str | None) -> None:
    """Raise if a file may not be put in this place."""
    try:
        status = place.lstat()
    except FileNotFoundError:
        if if_match is not None:
            raise ConflictError(f"{key!r} is not there any more, and it was to be {if_match}") from None
        return
    if if_absent:
        raise ConflictError(f"{key!r} is there already, and it was to be new")
    if stat.S_ISDIR(status.st_mode):
        raise ConflictError(f"{key!r} is a folder already")
    if if_match is not None and _etag(status) != if_match:
        raise ConflictError(f"{key!r} has changed: it is {_etag(status)} now, not {if_match}")
