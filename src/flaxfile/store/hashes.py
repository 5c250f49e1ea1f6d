"""The hashes of a server's files: read once and remembered, on the disk or, of files that are too young for
that, in memory. Knows nothing of keys.
"""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING, Final

from flaxfile.digests import hash_of_file
from flaxfile.store.hash_cache import HashCache, stamp_of

if TYPE_CHECKING:
    from pathlib import Path

    from flaxfile._core.small import State
    from flaxfile.model import HashKind
    from flaxfile.paths import Place
    from flaxfile.store.hash_cache import Stamp

__all__ = ["Hashes"]

KEPT: Final = 65536
"""Hashes that cannot be in the cache, as their files are too young."""


class Hashes:
    """What is known of the contents below a folder.

    Args:
        root: the folder of the store, which has the cache.
    """

    def __init__(self, root: Path) -> None:
        self._cache = HashCache(root)
        self._young: dict[tuple[Stamp, HashKind], str] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the cache; what is asked afterwards is read."""
        self._cache.close()

    def of(self, place: Place, status: os.stat_result, kind: HashKind) -> str | None:
        """The hash of a file's content; read only when the file is not the one that was read before."""
        if not stat.S_ISREG(status.st_mode):
            return None
        stamp = stamp_of(status)
        known = self._cache.get(stamp, kind)
        if known is not None:
            return known
        known, read = self._young.get((stamp, kind)), None
        if known is None:
            known, read = _read(place, kind)
            if read is None:
                return known
        self._remember(read or stamp, known, kind)
        return known

    def read_again(self, place: Place, kind: HashKind) -> tuple[str, str | None]:
        """The hash of what is on the disk now, and the one that was known of this very state of the file.

        What was known before stays known.
        """
        digest, stamp = _read(place, kind, from_disk=True)
        known = None
        if stamp is not None:
            known = self._cache.get(stamp, kind) or self._young.get((stamp, kind))
            self._remember(stamp, known or digest, kind)
        return digest, known

    def remember_new(self, status: os.stat_result | State, blake3: str) -> None:
        """Remember the hash of a file that was just put in its place, in this state."""
        with self._lock:
            self._keep(stamp_of(status), blake3, "blake3")

    def _remember(self, stamp: Stamp, digest: str, kind: HashKind) -> None:
        saved = self._cache.put([(stamp, digest)], kind)
        with self._lock:
            if saved:
                self._young.pop((stamp, kind), None)
            else:
                self._keep(stamp, digest, kind)

    def _keep(self, stamp: Stamp, digest: str, kind: HashKind) -> None:
        if len(self._young) >= KEPT:
            self._young.clear()
        self._young[stamp, kind] = digest


def _read(place: Place, kind: HashKind, *, from_disk: bool = False) -> tuple[str, Stamp | None]:
    """The hash of a file's content, and of which state; None when it changed meanwhile."""
    fd = place.open(os.O_RDONLY)
    try:
        if from_disk and hasattr(os, "posix_fadvise"):
            # What the system keeps in memory says nothing about the disk.
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        before = stamp_of(os.fstat(fd))
        digest = hash_of_file(fd, kind)
        return digest, before if stamp_of(os.fstat(fd)) == before else None
    finally:
        os.close(fd)
