"""The two sides of a sync: a folder of this machine and a part of a store, behind the same few questions.

Names that come from a server are checked as its own keys are, and nothing is written through a link, so that
a hostile server can reach nothing outside of the folder.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from flaxfile.digests import hash_of_file
from flaxfile.errors import (
    ConflictError,
    NotFoundError,
    StorageError,
    from_os_error,
)
from flaxfile.paths import check_key, link_stays_inside
from flaxfile.store.hash_cache import HashCache, stamp_of
from flaxfile.sync.entries import Kind, Node
from flaxfile.sync.looking import Part
from flaxfile.sync.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.model import HashKind
    from flaxfile.store.hash_cache import Stamp

__all__ = ["LocalSide", "RemoteSide"]


class LocalSide:
    """A folder of this machine.

    Args:
        top: the folder.
        follow: whether links inside of it may be gone through, as long as they stay inside.
    """

    def __init__(self, top: Path, *, follow: bool = False) -> None:
        self.top = top
        self._follow = follow
        self._safe: set[str] = {""}

    def path(self, inside: str) -> Path:
        """Where an entry is, without a check."""
        return self.top / inside

    def target(self, inside: str) -> Path:
        """Where an entry may be written: below the top, and not behind a link."""
        check_key(inside)
        parent = inside.rpartition("/")[0]
        if parent not in self._safe:
            self._check_folders(parent)
        return self.top / inside

    def _check_folders(self, parent: str) -> None:
        known = ""
        for part in parent.split("/"):
            known = f"{known}/{part}" if known else part
            if known in self._safe:
                continue
            try:
                status = os.lstat(self.top / known)
            except FileNotFoundError:
                return
            except OSError as error:
                raise from_os_error(error, f"looking at {known}") from error
            if stat.S_ISLNK(status.st_mode) and not self._follow:
                raise ConflictError(
                    f"{known} is a link here, and nothing is written through one",
                    hint="remove it, or use --links follow",
                )
            if self._follow and not (self.top / known).resolve().is_relative_to(self.top.resolve()):
                raise ConflictError(
                    f"{known} leads out of the folder, and nothing is written there",
                    hint="remove the link, or pull into the folder that it leads to",
                )
            self._safe.add(known)

    def make_folder(self, inside: str) -> None:
        """Make a folder and those above it."""
        target = self.target(f"{inside}/x").parent
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"making the folder {inside}") from error

    def make_link(self, node: Node) -> None:
        """Make a link in one step; one that leads out of the folder is refused."""
        place, target = self.target(node.path), node.target or ""
        if not link_stays_inside(node.path, target):
            raise ConflictError(f"{node.path} is a link to {target!r}, which leads out of the folder")
        made = place.with_name(f".{os.urandom(8).hex()}.flaxpart")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            made.symlink_to(target)
            try:
                made.replace(place)
            finally:
                made.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, f"making the link {node.path}") from error

    def remove(self, node: Node) -> bool:
        """Delete an entry; False for a folder that still holds something that was left alone."""
        target = self.target(node.path)
        try:
            if node.kind is Kind.FOLDER:
                target.rmdir()
            else:
                target.unlink()
        except FileNotFoundError:
            return True
        except OSError as error:
            if node.kind is Kind.FOLDER and target.is_dir() and any(target.iterdir()):
                return False
            raise from_os_error(error, f"deleting {node.path}") from error
        return True

    def hashes(self, nodes: Iterable[Node], failures: list[Failure], kind: HashKind) -> dict[str, str]:
        """The hashes of files, from the cache where they have not changed since."""
        cache = HashCache(self.top)
        found: dict[str, str] = {}
        fresh: list[tuple[Stamp, str]] = []
        try:
            for node in nodes:
                path = self.path(node.path)
                try:
                    known = cache.get(stamp_of(path.stat()), kind)
                    if known is not None:
                        found[node.path] = known
                        continue
                    with path.open("rb", buffering=0) as file:
                        before = stamp_of(os.fstat(file.fileno()))
                        text = hash_of_file(file.fileno(), kind)
                        if stamp_of(os.fstat(file.fileno())) == before:
                            fresh.append((before, text))
                except OSError as error:
                    failures.append(Failure(node.path, from_os_error(error, f"reading {node.path}")))
                    continue
                found[node.path] = text
            cache.put(fresh, kind)
        finally:
            cache.close()
        return found


class RemoteSide:
    """The part of a store below a prefix.

    Args:
        client: a connected client.
        prefix: a folder of the store; empty for all of it.
    """

    def __init__(self, client: AsyncClient, prefix: str) -> None:
        self.client = client
        self.part = Part(prefix)
        self.prefix = self.part.prefix

    def key(self, inside: str) -> str:
        """The key of an entry."""
        return self.part.start + inside

    async def nodes(self, *, digest: bool = False, links: bool = False) -> dict[str, Node]:
        """Everything below the prefix; raises when there is nothing of that name."""
        found: dict[str, Node] = {}
        async for entry in self.client.list(self.prefix, hash=digest, folders=True, links=links):
            node = self.part.node(entry)
            if node is not None:
                found[node.path] = node
        return found

    async def exists(self) -> bool:
        """Whether there is a folder, empty or not, under the prefix."""
        if not self.prefix:
            return True
        try:
            return (await self.client.stat(self.prefix)).kind == "dir"
        except NotFoundError:
            return False

    async def remove(self, node: Node) -> bool:
        """Delete an entry; False for a folder that still holds something that was left alone."""
        try:
            if node.kind is Kind.FOLDER:
                await self.client.remove_folder(self.key(node.path))
            else:
                await self.client.delete(self.key(node.path))
        except NotFoundError:
            return True
        except (ConflictError, StorageError):
            if node.kind is Kind.FOLDER:
                return False
            raise
        return True
