"""Reads a tree of this machine: what is in it, without what a sync leaves alone.

Links are left out, kept as links, or followed as they are asked to be. Nothing here talks to a server.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, Literal

from flaxfile.errors import FlaxError, NotFoundError, StorageError, from_os_error
from flaxfile.paths import link_stays_inside
from flaxfile.store.hash_cache import stamp_of
from flaxfile.sync.entries import Kind, Node

if TYPE_CHECKING:
    from pathlib import Path

    from flaxfile.ignore import IgnoreRules

__all__ = ["Links", "Walked", "walk"]

Links = Literal["skip", "copy", "follow"]
KEPT_MODE: Final = 0o777


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


def walk(top: Path, rules: IgnoreRules, links: Links = "skip", *, bounded: bool = False) -> Walked:
    """Everything below a folder; when it is ``bounded``, no link is followed out of it."""
    try:
        status = top.stat()
    except OSError as error:
        raise from_os_error(error, f"reading the folder {top}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise NotFoundError(f"{top} is no folder", hint=f"for a single file: flaxfile set {top}")
    walker = _Walker(rules, links, top.resolve() if bounded else None)
    walker.folder(top, "", frozenset({(status.st_dev, status.st_ino)}))
    return walker.walked


class _Walker:
    """One walk, with what it found so far."""

    def __init__(self, rules: IgnoreRules, links: Links, bound: Path | None) -> None:
        self._rules = rules
        self._links = links
        self._bound = bound
        self.walked = Walked()

    def folder(self, folder: Path, inside: str, above: frozenset[tuple[int, int]]) -> None:
        """Take what stands in a folder; ``above`` are the folders it stands in."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda one: one.name)
        except OSError as error:
            refused = from_os_error(error, f"reading the folder {folder}")
            self.walked.failures.append((inside or ".", refused))
            return
        for entry in entries:
            path = f"{inside}/{entry.name}" if inside else entry.name
            try:
                self._take(entry, folder, path, above)
            except OSError as error:
                self.walked.failures.append((path, from_os_error(error, f"reading {path}")))

    def _take(
        self, entry: os.DirEntry[str], folder: Path, path: str, above: frozenset[tuple[int, int]]
    ) -> None:
        walked = self.walked
        is_link = entry.is_symlink()
        follow = is_link and self._links == "follow"
        if self._rules.ignored(path, entry.is_dir(follow_symlinks=follow)):
            walked.ignored += 1
            return
        if is_link and not follow:
            if self._links == "skip":
                walked.skipped_links.append(path)
            else:
                _take_link(folder / entry.name, path, walked)
            return
        bound = self._bound if follow else None
        if bound is not None and not (folder / entry.name).resolve().is_relative_to(bound):
            walked.skipped_links.append(path)
            return
        status = entry.stat(follow_symlinks=follow)
        mode = status.st_mode & KEPT_MODE
        if stat.S_ISDIR(status.st_mode):
            place = (status.st_dev, status.st_ino)
            if place in above:
                refused = StorageError(f"{path} leads back to a folder above it")
                walked.failures.append((path, refused))
                return
            walked.nodes.append(Node(path, Kind.FOLDER, mtime_ns=status.st_mtime_ns, mode=mode))
            self.folder(folder / entry.name, path, above | {place})
        elif stat.S_ISREG(status.st_mode):
            walked.nodes.append(
                Node(path, Kind.FILE, status.st_size, status.st_mtime_ns, mode, stamp=stamp_of(status))
            )
        else:
            walked.skipped_specials.append(path)


def _take_link(place: Path, path: str, walked: Walked) -> None:
    """Keep a link as a link, if it stays inside of the tree."""
    target = os.fspath(place.readlink())
    if link_stays_inside(path, target):
        walked.nodes.append(Node(path, Kind.LINK, size=len(os.fsencode(target)), target=target))
    else:
        walked.skipped_links.append(path)
