"""Reads a tree of this machine: what is in it, without what a sync leaves alone.

Links are left out, kept as links, or followed as they are asked to be. Nothing here talks to a server.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flaxfile._core.names import AVAILABLE, Names
from flaxfile.errors import FlaxError, NotFoundError, StorageError, from_os_error
from flaxfile.ignore import OWN_ENDINGS
from flaxfile.paths import link_stays_inside
from flaxfile.sync.entries import Kind, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile.ignore import IgnoreRules

__all__ = ["Links", "Walked", "walk"]

Links = Literal["skip", "copy", "follow"]
KEPT_MODE: Final = 0o777
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


class Walked:
    """A tree as it was found."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.failures: list[tuple[str, FlaxError]] = []
        """Paths that could not be read."""
        self.skipped_links: list[str] = []
        self.skipped_specials: list[str] = []
        """Sockets, pipes and devices."""
        self.ignored = 0


def walk(
    top: Path,
    rules: IgnoreRules,
    links: Links = "skip",
    *,
    bounded: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Walked:
    """Everything below a folder; when it is ``bounded``, no link is followed out of it. ``check`` is called
    before each folder, and ends the walk when it raises.
    """
    try:
        status = top.stat()
    except OSError as error:
        raise from_os_error(error, f"reading the folder {top}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise NotFoundError(f"{top} is no folder", hint=f"for a single file: flaxfile set {top}")
    walker = _Walker(rules, links, top.resolve() if bounded else None, check)
    walker.folder(os.fspath(top), "", frozenset({(status.st_dev, status.st_ino)}))
    return walker.walked


_Found = tuple[str, int, int, int]
"""Name, mode, size and time of what stands in a folder; the mode of what may not be looked at is 0."""


def _names_of(folder: str) -> list[_Found]:
    if AVAILABLE:
        fd = os.open(folder, _FOLDER)
        try:
            return Names(fd).states()
        finally:
            os.close(fd)
    found: list[_Found] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # removed while we look
            except OSError:
                found.append((entry.name, 0, 0, 0))
            else:
                found.append((entry.name, status.st_mode, status.st_size, status.st_mtime_ns))
    return found


class _Walker:
    """One walk, with what it found so far."""

    def __init__(
        self, rules: IgnoreRules, links: Links, bound: Path | None, check: Callable[[], None]
    ) -> None:
        self._rules = rules
        self._check = check
        self._links = links
        self._bound = bound
        self.walked = Walked()

    def folder(self, folder: str, inside: str, above: frozenset[tuple[int, int]]) -> None:
        """Take what stands in a folder; ``above`` are the folders it stands in."""
        self._check()
        try:
            found = _names_of(folder)
        except OSError as error:
            refused = from_os_error(error, f"reading the folder {folder}")
            self.walked.failures.append((inside or ".", refused))
            return
        take = self.walked.nodes.append
        start = f"{inside}/" if inside else ""
        free = self._rules.free(inside)
        for name, mode, size, mtime_ns in found:
            path = start + name
            # Nearly all of what there is, so that it is asked for first.
            if free and stat.S_ISREG(mode) and not name.endswith(OWN_ENDINGS):
                take(Node(path, Kind.FILE, size, mtime_ns, mode & KEPT_MODE))
                continue
            try:
                self._take((name, mode, size, mtime_ns), f"{folder}/{name}", path, above)
            except OSError as error:
                self.walked.failures.append((path, from_os_error(error, f"reading {path}")))

    def _take(self, found: _Found, place: str, path: str, above: frozenset[tuple[int, int]]) -> None:
        walked = self.walked
        _, mode, size, mtime_ns = found
        if not mode:
            status = os.lstat(place)  # says why, or is allowed to by now
            mode, size, mtime_ns = status.st_mode, status.st_size, status.st_mtime_ns
        is_link = stat.S_ISLNK(mode)
        follow = is_link and self._links == "follow"
        is_folder = os.path.isdir(place) if follow else stat.S_ISDIR(mode)  # noqa: PTH112
        if self._rules.ignored(path, is_folder):
            walked.ignored += 1
            return
        if is_link and not follow:
            if self._links == "skip":
                walked.skipped_links.append(path)
            else:
                _take_link(place, path, walked)
            return
        if follow:
            if self._bound is not None and not Path(place).resolve().is_relative_to(self._bound):
                walked.skipped_links.append(path)
                return
            status = os.stat(place)  # noqa: PTH116
            mode, size, mtime_ns = status.st_mode, status.st_size, status.st_mtime_ns
        if stat.S_ISDIR(mode):
            if self._links == "follow":
                above = self._deeper(place, path, above)
                if not above:
                    return
            walked.nodes.append(Node(path, Kind.FOLDER, mtime_ns=mtime_ns, mode=mode & KEPT_MODE))
            self.folder(place, path, above)
        elif stat.S_ISREG(mode):
            walked.nodes.append(Node(path, Kind.FILE, size, mtime_ns, mode & KEPT_MODE))
        else:
            walked.skipped_specials.append(path)

    def _deeper(self, place: str, path: str, above: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        """The folders that this one and what is in it stand in; none if it is one of them itself."""
        status = os.stat(place)  # noqa: PTH116
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            refused = StorageError(f"{path} leads back to a folder above it")
            self.walked.failures.append((path, refused))
            return frozenset()
        return above | {identity}


def _take_link(place: str, path: str, walked: Walked) -> None:
    """Keep a link as a link, if it stays inside of the tree."""
    target = os.readlink(place)  # noqa: PTH115
    if link_stays_inside(path, target):
        walked.nodes.append(Node(path, Kind.LINK, size=len(os.fsencode(target)), target=target))
    else:
        walked.skipped_links.append(path)
