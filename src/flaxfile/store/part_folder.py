"""The parts of a server's uploads: which are in use, which wait for their next try, which nobody continues.

Knows nothing of the places that keys have.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Final

from flaxfile.errors import ConflictError, NoSpaceError
from flaxfile.store.entries import naming
from flaxfile.store.parts import MAP_SUFFIX, PART_SUFFIX, Part, chunk_of, open_part, part_name

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["PartFolder"]

MAX_SAME_SOURCE: Final = 64
"""Uploads of the same file to the same key at a time."""


class PartFolder:
    """All of them.

    Args:
        folder: where they are.
        ttl: seconds after which a part that nobody continues is removed.
    """

    def __init__(self, folder: Path, ttl: float) -> None:
        self._folder = folder
        self._ttl = ttl
        self._lock = threading.Lock()
        self._in_use: set[str] = set()

    def __len__(self) -> int:
        """How many parts wait for their next try, or are being written."""
        return sum(1 for _ in self._folder.glob(f"*{PART_SUFFIX}"))

    def open(
        self,
        owner: str,
        key: str,
        source: str,
        size: int,
        chunk: int,
        *,
        resume: bool,
        blocks: int,
    ) -> tuple[Part, int]:
        """The part of an upload and the size of its chunks.

        It is continued, with the chunks it was begun with, when the same owner has begun the same source
        before.
        """
        name = part_name(owner, key, source, str(size)) if source else os.urandom(16).hex()
        with self._lock:
            for number in range(MAX_SAME_SOURCE):
                used = f"{name}-{number}"
                if used not in self._in_use:
                    self._in_use.add(used)
                    break
            else:
                raise ConflictError(f"{MAX_SAME_SOURCE} uploads of the same file to {key!r} are under way")
        path, map_path = self._folder / (used + PART_SUFFIX), self._folder / (used + MAP_SUFFIX)
        again = resume and bool(source)
        try:
            with naming("storing", key):
                chunk = (chunk_of(map_path) if again else None) or chunk
                description: dict[str, object] = {
                    "owner": owner,
                    "key": key,
                    "source": source,
                    "size": size,
                    "chunk": chunk,
                }
                part = open_part(path, map_path, description, size, chunk, resume=again, blocks=blocks)
                return part, chunk
        except NoSpaceError as error:
            self._free(used)
            raise NoSpaceError(
                f"{key!r} does not fit on the disk of the server: {error}", hint="free some space there"
            ) from error
        except BaseException:
            self._free(used)
            raise

    def _free(self, used: str) -> None:
        with self._lock:
            self._in_use.discard(used)

    def keep(self, part: Part) -> None:
        """Close a part for a later try."""
        part.close()
        self._free(part.path.stem)

    def drop(self, part: Part) -> None:
        """Remove a part."""
        part.discard()
        self._free(part.path.stem)

    @contextlib.contextmanager
    def scratch(self) -> Generator[str]:
        """A name beside the parts, for what is put in its place in one step; a failure leaves nothing."""
        name = os.urandom(16).hex()
        with self._lock:
            # A file may have an old time before it is in its place: it is none that was left behind.
            self._in_use.add(name)
        # Thousands of files come at a time: a path in pieces would be a tenth of what each one takes.
        written = os.path.join(self._folder, name + PART_SUFFIX)  # noqa: PTH118
        try:
            yield written
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(written)  # noqa: PTH108
            raise
        finally:
            self._free(name)

    @contextlib.contextmanager
    def scratch_names(self, count: int) -> Generator[tuple[int, list[bytes]]]:
        """The opened folder of the parts, and names in it that are nobody else's meanwhile."""
        start = os.urandom(12).hex()
        names = [f"{start}{number:08x}" for number in range(count)]
        with self._lock:
            self._in_use.update(names)
        try:
            fd = os.open(self._folder, os.O_RDONLY)
            try:
                yield fd, [os.fsencode(name + PART_SUFFIX) for name in names]
            finally:
                os.close(fd)
        finally:
            with self._lock:
                self._in_use.difference_update(names)

    def sweep(self) -> int:
        """Remove parts that nobody has touched for too long; how many files."""
        limit = time.time() - self._ttl
        removed = 0
        for path in list(self._folder.glob(f"*{PART_SUFFIX}")) + list(self._folder.glob(f"*{MAP_SUFFIX}")):
            with self._lock:
                if path.stem in self._in_use:
                    continue
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < limit:
                        path.unlink()
                        removed += 1
        return removed
