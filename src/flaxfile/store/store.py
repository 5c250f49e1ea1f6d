"""The files of a server: looking, publishing, moving, deleting. Every change is one rename, or none at all.

Knows nothing of sockets and clients; every call may take as long as the disk does.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from typing import TYPE_CHECKING, Final, Literal

from flaxfile.errors import ConflictError, NotFoundError, StorageError, UsageError, from_os_error
from flaxfile.paths import RESERVED, Folder, Place, link_stays_inside
from flaxfile.store.entries import check_kind, check_target, entry_of, naming
from flaxfile.store.hashes import Hashes
from flaxfile.store.part_folder import PartFolder
from flaxfile.store.reading_back import check_content

if TYPE_CHECKING:
    from pathlib import Path

    from flaxfile.model import Entry, HashKind
    from flaxfile.store.parts import Part

__all__ = ["DURABILITIES", "Durability", "Store"]

Durability = Literal["none", "rename", "fsync"]
DURABILITIES: Final = ("none", "rename", "fsync")


class Store:
    """A folder of files by key, with a folder of parts in it.

    Args:
        root: made if it is not there.
        durability: whether a published file is on the disk when that is said (``fsync``), or may take its
            time.
        part_ttl: seconds after which a part that nobody continues is removed.
    """

    def __init__(self, root: Path, *, durability: Durability = "rename", part_ttl: float = 86400.0) -> None:
        self.root = root
        self.durability = durability
        parts = root / RESERVED / "parts"
        try:
            parts.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StorageError(
                f"{root} is no folder that files could be kept in",
                hint="name one: flaxfile serve --storage DIR",
            ) from error
        except OSError as error:
            raise from_os_error(error, f"making the store {root}") from error
        self.parts = PartFolder(parts, part_ttl)
        self.files = Folder(root)
        self.hashes = Hashes(root)
        self.changing = threading.Lock()
        """Held while a key changes, so that whoever compares is not overtaken between look and rename."""
        mask = os.umask(0)
        os.umask(mask)
        self._file_mode = 0o666 & ~mask

    # ---- looking ----

    def stat(self, key: str, *, digest: HashKind | None = None) -> Entry:
        """One entry, with the hash of its content of the kind that is asked for."""
        with naming("looking at", key), self.files.place(key) as place:
            status = place.lstat()
            check_kind(key, status)
            if digest is None:
                return entry_of(key, status)
            return entry_of(key, status, self.hashes.of(place, status, digest), hash_kind=digest)

    def open_read(self, key: str) -> tuple[int, Entry, int]:
        """A descriptor of the file, its entry, and how many bytes of it are no holes."""
        with naming("opening", key), self.files.place(key) as place:
            fd = place.open(os.O_RDONLY)
            try:
                status = os.fstat(fd)
                check_kind(key, status, only_files=True)
            except BaseException:
                os.close(fd)
                raise
            return fd, entry_of(key, status), getattr(status, "st_blocks", status.st_size) * 512

    def read_again(self, key: str, kind: HashKind = "xxh3") -> Entry:
        """An entry with the hash of what is on the disk now, and the one that was known of this very state of
        the file; without a hash when it cannot be read.
        """
        with naming("reading", key), self.files.place(key) as place:
            status = place.lstat()
            try:
                digest, known = self.hashes.read_again(place, kind)
            except OSError:
                return entry_of(key, status)
            return entry_of(key, status, digest, hash_kind=kind)._replace(known_hash=known)

    def close(self) -> None:
        """Let go of what is open; what is asked afterwards is read."""
        self.hashes.close()

    def check(self, key: str, *, if_absent: bool, if_match: str | None) -> None:
        """Raise if a condition does not hold now; it is asked again when the file is published."""
        with naming("looking at", key):
            try:
                with self.files.place(key) as place:
                    check_target(place, key, if_absent=if_absent, if_match=if_match)
            except NotFoundError:
                if if_match is not None:
                    raise ConflictError(
                        f"{key!r} is not there any more, and it was to be {if_match}"
                    ) from None

    # ---- changing ----

    def publish(
        self,
        part: Part,
        key: str,
        *,
        mode: int | None = None,
        mtime_ns: int | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
        fsync: bool = False,
        blake3: str | None = None,
    ) -> Entry:
        """Make a whole part the file of the key, in one step, and return what it is now.

        With ``fsync`` it is on the disk then, whatever `durability` says. ``blake3`` is the hash of its
        content where that is known: it is remembered.
        """
        sync = fsync or self.durability == "fsync"
        with naming("storing", key), self.files.place(key, make=True) as place:
            _dress(part.fd, self.mode_of(mode), mtime_ns)
            if sync:
                os.fsync(part.fd)
            part.close()
            entry = self._put(part.path, place, key, if_absent=if_absent, if_match=if_match, blake3=blake3)
            if sync and place.fd is not None:
                os.fsync(place.fd)
        self.parts.drop(part)
        return entry

    def put(
        self,
        key: str,
        data: bytes | memoryview,
        *,
        mode: int | None,
        mtime_ns: int | None,
        verify_disk: bool = False,
        blake3: str | None = None,
    ) -> Entry:
        """Store a small file in one step; with ``verify_disk`` it is read again before it has the key."""
        with naming("storing", key), self.parts.scratch() as written:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            fd = os.open(written, flags, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
                _dress(fd, self.mode_of(mode), mtime_ns)
                if verify_disk:
                    check_content(fd, data, repr(key))
                elif self.durability == "fsync":
                    os.fsync(fd)
            finally:
                os.close(fd)
            with self.files.place(key, make=True) as place:
                entry = self._put(written, place, key, if_absent=False, if_match=None, blake3=blake3)
                if self.durability == "fsync" and place.fd is not None:
                    os.fsync(place.fd)
                return entry

    def mode_of(self, wish: int | None) -> int:
        """The mode of a new file."""
        return self._file_mode if wish is None else wish & 0o777

    def _put(
        self,
        written: str | Path,
        place: Place,
        key: str,
        *,
        if_absent: bool,
        if_match: str | None,
        blake3: str | None = None,
    ) -> Entry:
        """Give what was written its key; nothing is left under the name that it had."""
        ours = os.lstat(written) if blake3 is not None else None
        if if_absent and hasattr(os, "link") and place.fd is not None:
            try:
                os.link(written, place.path, dst_dir_fd=place.fd, follow_symlinks=False)
            except FileExistsError:
                raise ConflictError(f"{key!r} is there already, and it was to be new") from None
            os.unlink(written)  # noqa: PTH108
        else:
            with self.changing:
                check_target(place, key, if_absent=if_absent, if_match=if_match)
                os.replace(written, place.path, dst_dir_fd=place.fd)
        status = place.lstat()
        if ours is not None and blake3 is not None and _is_same_file(ours, status):
            self.hashes.remember_new(status, blake3)
        return entry_of(key, status, blake3, hash_kind="blake3")

    def delete(self, key: str, *, recursive: bool = False, if_match: str | None = None) -> int:
        """Remove a file, or with ``recursive`` a folder; how many files went."""
        with naming("deleting", key), self.files.place(key) as place:
            status = place.lstat()
            if stat.S_ISDIR(status.st_mode):
                if not recursive:
                    raise ConflictError(f"{key!r} is a folder", hint=f"flaxfile delete --recursive {key}")
                return _remove_tree(place)
            with self.changing:
                check_target(place, key, if_absent=False, if_match=if_match)
                os.unlink(place.path, dir_fd=place.fd)
            return 1

    def remove_folder(self, key: str) -> None:
        """Remove a folder that has nothing in it."""
        with naming("deleting", key), self.files.place(key) as place:
            os.rmdir(place.path, dir_fd=place.fd)

    def move(self, old: str, new: str, *, if_absent: bool = False) -> Entry:
        """Give a file or folder another key, in one step."""
        with (
            naming("moving", old),
            self.files.place(old) as source,
            self.files.place(new, make=True) as target,
        ):
            check_kind(old, source.lstat())
            with self.changing:
                check_target(target, new, if_absent=if_absent, if_match=None)
                os.replace(source.path, target.path, src_dir_fd=source.fd, dst_dir_fd=target.fd)
            return entry_of(new, target.lstat())

    def make_folder(self, key: str, *, mode: int | None = None) -> Entry:
        """Make a folder, those above it too; one that is there is fine."""
        with naming("making", key), self.files.place(key, make=True) as place:
            try:
                os.mkdir(place.path, 0o777, dir_fd=place.fd)
            except FileExistsError:
                if not stat.S_ISDIR(place.lstat().st_mode):
                    raise ConflictError(f"{key!r} is a file already") from None
            if mode is not None and place.fd is not None:
                os.chmod(place.path, mode & 0o777, dir_fd=place.fd)
            return entry_of(key, place.lstat())

    def make_link(self, key: str, target: str) -> Entry:
        """Put a link to another entry of the store under a key, in one step; it is never followed here."""
        if not link_stays_inside(key, target):
            raise UsageError(
                f"a link {key!r} to {target!r} would lead out of the tree",
                hint="a target is relative, and goes up at its beginning alone",
            )
        with naming("storing", key), self.parts.scratch() as made, self.files.place(key, make=True) as place:
            os.symlink(target, made)  # noqa: PTH211
            return self._put(made, place, key, if_absent=False, if_match=None)


def _is_same_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether it is the one that was written, and not what somebody else put in its place since."""
    return (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_dev,
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )


def _dress(fd: int, mode: int, mtime_ns: int | None) -> None:
    if hasattr(os, "fchmod"):
        os.fchmod(fd, mode)
    if mtime_ns is not None and os.utime in os.supports_fd:
        os.utime(fd, ns=(mtime_ns, mtime_ns))


def _remove_tree(place: Place) -> int:
    """Remove a folder and all below it, links themselves and not what they name."""
    count = 0
    if place.fd is not None:
        for _, _, files, _ in os.fwalk(place.path, dir_fd=place.fd, follow_symlinks=False):
            count += len(files)
    failed: list[OSError] = []

    def note(_function: object, _path: object, problem: tuple[object, BaseException, object]) -> None:
        error = problem[1]
        if isinstance(error, OSError) and error.errno != errno.ENOENT:
            failed.append(error)

    shutil.rmtree(place.path, onerror=note, dir_fd=place.fd)
    if failed:
        raise failed[0]
    return count
