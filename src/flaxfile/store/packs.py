"""Many small files of a store at a time: put in their places, or read, in few steps without the interpreter.

What that cannot do for a file is done for it alone by the store, which also says what is wrong with it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from flaxfile._core.small import AVAILABLE, State, Writing, read_files
from flaxfile.errors import FlaxError, LimitError, ProtocolError
from flaxfile.paths import HAS_DIR_FD
from flaxfile.protocol.messages import MAX_PACK
from flaxfile.store.entries import entry_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flaxfile.model import Entry
    from flaxfile.store.store import Store

__all__ = ["NewFile", "get_many", "put_many"]

FOLDERS: Final = 32
"""Folders that are open at a time."""
IN_ONE_GO: Final = AVAILABLE and HAS_DIR_FD


class NewFile(NamedTuple):
    """What a key is to have."""

    key: str
    data: memoryview
    mode: int | None
    mtime_ns: int | None
    verify_disk: bool = False
    blake3: str | None = None
    """The hash of it, where that is known."""


class _Folders:
    """The folders of keys, each opened once."""

    def __init__(self, store: Store, stack: contextlib.ExitStack, *, make: bool) -> None:
        self._store = store
        self._stack = stack
        self._make = make
        self._open: dict[str, int | None] = {}

    def place(self, key: str) -> tuple[int, bytes] | None:
        """Folder and name of a key that was checked; None where the folder is not to be had."""
        folder, _, name = key.rpartition("/")
        fd = self._open.get(folder, -1)
        if fd == -1:
            try:
                parts = folder.split("/") if folder else ()
                _, fd = self._stack.enter_context(self._store.files.folder(parts, make=self._make, key=key))
            except (FlaxError, OSError):
                fd = None
            self._open[folder] = fd
        return None if fd is None else (fd, os.fsencode(name))


def put_many(store: Store, files: Sequence[NewFile]) -> list[Entry | FlaxError]:
    """Put files under keys that were checked, each in one step; for each what is there then, or why not."""
    quick: list[Entry | None] = [None] * len(files)
    if IN_ONE_GO and store.durability != "fsync" and not any(file.verify_disk for file in files):
        for start, end in _runs([file.key for file in files]):
            quick[start:end] = _put_run(store, files[start:end])
    return [entry or _put_alone(store, file) for entry, file in zip(quick, files, strict=True)]


def _runs(keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Keys whose folders can be opened together, none of which one of them is itself: from where to
    where.
    """
    start, folders = 0, set[str]()
    for at, key in enumerate(keys):
        folder = key.rpartition("/")[0]
        if folder in folders:
            continue
        if len(folders) == FOLDERS or not _above(folder).isdisjoint(keys[start:at]):
            yield start, at
            start = at
            folders.clear()
        folders.add(folder)
    yield start, len(keys)


def _above(folder: str) -> set[str]:
    """A folder and all those that it is in."""
    parts = folder.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}


def _put_run(store: Store, files: Sequence[NewFile]) -> list[Entry | None]:
    with contextlib.ExitStack() as stack:
        folders = _Folders(store, stack, make=True)
        places = [folders.place(file.key) for file in files]
        fits = [at for at, place in enumerate(places) if place is not None]
        fd, names = stack.enter_context(store.parts.scratch_names(len(fits)))
        writing = Writing(
            fd,
            [
                (name, files[at].data, store.mode_of(files[at].mode), files[at].mtime_ns)
                for at, name in zip(fits, names, strict=True)
            ],
        )
        writing.write()
        with store.changing:
            states = writing.name([place for place in places if place is not None])
    found: list[Entry | None] = [None] * len(files)
    for at, state in zip(fits, states, strict=True):
        if isinstance(state, State):
            blake3 = files[at].blake3
            found[at] = entry_of(files[at].key, state, blake3, hash_kind="blake3")
            if blake3 is not None:
                store.hashes.remember_new(state, blake3)
    return found


def _put_alone(store: Store, file: NewFile) -> Entry | FlaxError:
    try:
        return store.put(
            file.key,
            file.data,
            mode=file.mode,
            mtime_ns=file.mtime_ns,
            verify_disk=file.verify_disk,
            blake3=file.blake3,
        )
    except FlaxError as error:
        return error


def get_many(
    store: Store, keys: Sequence[str], room: int
) -> list[tuple[Entry, memoryview | bytes] | FlaxError]:
    """Read the files of keys that were checked, in their order, until one does not fit into what is left of
    ``room`` bytes.
    """
    found: list[tuple[Entry, memoryview | bytes] | FlaxError] = []
    for start, end in _runs(keys):
        quick = _read_run(store, keys[start:end], room) if IN_ONE_GO else []
        for at, key in enumerate(keys[start:end]):
            result = quick[at] if at < len(quick) else None
            item: tuple[Entry, memoryview | bytes] | FlaxError | None
            if isinstance(result, tuple):
                item = (entry_of(key, result[0]), result[1])
            else:
                item = _get_alone(store, key, room)
            if item is None:
                return found
            if not isinstance(item, FlaxError):
                room -= len(item[1])
            found.append(item)
    return found


def _read_run(store: Store, keys: Sequence[str], room: int) -> list[tuple[State, memoryview] | int]:
    """What can be read without a closer look; the rest is a number, or missing at the end."""
    with contextlib.ExitStack() as stack:
        folders = _Folders(store, stack, make=False)
        places = list(itertools.takewhile(lambda place: place is not None, map(folders.place, keys)))
        return read_files([place for place in places if place is not None], room)


def _get_alone(store: Store, key: str, room: int) -> tuple[Entry, bytes] | FlaxError | None:
    """A file that fits into what is left of a pack; None when it does not."""
    try:
        return _read_alone(store, key, room)
    except FlaxError as error:
        return error


def _read_alone(store: Store, key: str, room: int) -> tuple[Entry, bytes] | None:
    fd, entry, _ = store.open_read(key)
    try:
        if entry.size > MAX_PACK:
            raise LimitError(f"{key!r} is too large for a pack", retryable=False)
        if entry.size > room:
            return None
        content = b""
        while len(content) < entry.size:
            piece = os.read(fd, entry.size - len(content))
            if not piece:
                raise ProtocolError(f"{key!r} became shorter while it was read", retryable=True)
            content += piece
    finally:
        os.close(fd)
    return entry, content
