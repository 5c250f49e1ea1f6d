"""The files of a server: looking, publishing, moving, deleting. Every change is one rename, or none at all.

Knows nothing of sockets and clients; every call may take as long as the disk does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from flaxfile._core.hashing import hash_file, xxh3_64
from flaxfile.errors import ConflictError, FlaxError, NotFoundError, StorageError, UsageError, from_os_error
from flaxfile.model import Entry
from flaxfile.paths import RESERVED, Folder, Place, link_stays_inside
from flaxfile.store.hash_cache import HashCache, Stamp, stamp_of
from flaxfile.store.parts import MAP_SUFFIX, PART_SUFFIX, Part, chunk_of, open_part, part_name
from flaxfile.store.reading_back import check_content

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from flaxfile._core.small import State

__all__ = ["DURABILITIES", "Durability", "Store", "entry_of"]

Durability = Literal["none", "rename", "fsync"]
DURABILITIES: Final = ("none", "rename", "fsync")
MAX_SAME_SOURCE: Final = 64
"""Uploads of the same file to the same key at a time."""
HASHES_KEPT: Final = 65536
"""Hashes that cannot be in the cache, as their files are too young."""
HASH_KIND: Final = "xxh3"


def _etag(status: os.stat_result | State) -> str:
    text = f"{status.st_dev}.{status.st_ino}.{status.st_size}.{status.st_mtime_ns}.{status.st_ctime_ns}"
    return f"{xxh3_64(text.encode()):016x}"


def entry_of(
    key: str, status: os.stat_result | State, digest: str | None = None, target: str | None = None
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
    )


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
        self.part_ttl = part_ttl
        self._parts = root / RESERVED / "parts"
        try:
            self._parts.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StorageError(
                f"{root} is no folder that files could be kept in",
                hint="name one: flaxfile serve --storage DIR",
            ) from error
        except OSError as error:
            raise from_os_error(error, f"making the store {root}") from error
        self.files = Folder(root)
        self.changing = self._lock = threading.Lock()
        """Held while a key changes, so that whoever compares is not overtaken between look and rename."""
        self._in_use: set[str] = set()
        self._hashes: dict[Stamp, str] = {}
        self._cache = HashCache(root)
        mask = os.umask(0)
        os.umask(mask)
        self._file_mode = 0o666 & ~mask

    # ---- looking ----

    def stat(self, key: str, *, digest: bool = False) -> Entry:
        """One entry."""
        with _gate("looking at", key), self.files.place(key) as place:
            status = place.lstat()
            _check_kind(key, status)
            return entry_of(key, status, self.digest(place, status) if digest else None)

    def open_read(self, key: str) -> tuple[int, Entry, int]:
        """A descriptor of the file, its entry, and how many bytes of it are no holes."""
        with _gate("opening", key), self.files.place(key) as place:
            fd = place.open(os.O_RDONLY)
            try:
                status = os.fstat(fd)
                _check_kind(key, status, only_files=True)
            except BaseException:
                os.close(fd)
                raise
            return fd, entry_of(key, status), getattr(status, "st_blocks", status.st_size) * 512

    def digest(self, place: Place, status: os.stat_result) -> str | None:
        """The hash of a file's content; read only when the file is not the one that was read before."""
        if not stat.S_ISREG(status.st_mode):
            return None
        stamp = stamp_of(status)
        known = self._cache.get(stamp, HASH_KIND)
        if known is not None:
            return known
        known, read = self._hashes.get(stamp), None
        if known is None:
            known, read = _read_hash(place)
            if read is None:
                return known
        self._remember(read or stamp, known)
        return known

    def _remember(self, stamp: Stamp, digest: str) -> None:
        saved = self._cache.put([(stamp, digest)], HASH_KIND)
        with self._lock:
            if saved:
                self._hashes.pop(stamp, None)
                return
            if len(self._hashes) >= HASHES_KEPT:
                self._hashes.clear()
            self._hashes[stamp] = digest

    def read_again(self, key: str) -> Entry:
        """An entry with the hash of what is on the disk now, and the one that was known of this very state of
        the file.

        Without a hash when it cannot be read. What was known before stays known.
        """
        with _gate("reading", key), self.files.place(key) as place:
            status = place.lstat()
            try:
                digest, stamp = _read_hash(place, from_disk=True)
            except OSError:
                return entry_of(key, status)
            known = None
            if stamp is not None:
                known = self._cache.get(stamp, HASH_KIND) or self._hashes.get(stamp)
                self._remember(stamp, known or digest)
            return replace(entry_of(key, status, digest), known_hash=known)

    def close(self) -> None:
        """Let go of what is open; what is asked afterwards is read."""
        self._cache.close()

    def check(self, key: str, *, if_absent: bool, if_match: str | None) -> None:
        """Raise if a condition does not hold now; it is asked again when the file is published."""
        with _gate("looking at", key):
            try:
                with self.files.place(key) as place:
                    _check_target(place, key, if_absent=if_absent, if_match=if_match)
            except NotFoundError:
                if if_match is not None:
                    raise ConflictError(
                        f"{key!r} is not there any more, and it was to be {if_match}"
                    ) from None

    # ---- changing ----

    def open_part(
        self,
        owner: str,
        key: str,
        source: str,
        size: int,
        chunk: int,
        *,
        resume: bool,
        blocks: int,
        tell: Callable[[], None] | None = None,
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
        description: dict[str, object] = {
            "owner": owner,
            "key": key,
            "source": source,
            "size": size,
        }
        path, map_path = self._parts / (used + PART_SUFFIX), self._parts / (used + MAP_SUFFIX)
        again = resume and bool(source)
        try:
            with _gate("storing", key):
                chunk = (chunk_of(map_path) if again else None) or chunk
                description["chunk"] = chunk
                part = open_part(
                    path, map_path, description, size, chunk, resume=again, blocks=blocks, tell=tell
                )
                return part, chunk
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
    ) -> Entry:
        """Make a whole part the file of the key, in one step, and return what it is now.

        With ``fsync`` it is on the disk then, whatever `durability` says.
        """
        sync = fsync or self.durability == "fsync"
        with _gate("storing", key), self.files.place(key, make=True) as place:
            _dress(part.fd, self.mode_of(mode), mtime_ns)
            if sync:
                os.fsync(part.fd)
            part.close()
            entry = self._put(part.path, place, key, if_absent=if_absent, if_match=if_match)
            if sync and place.fd is not None:
                os.fsync(place.fd)
        self.drop(part)
        return entry

    def put(
        self,
        key: str,
        data: bytes | memoryview,
        *,
        mode: int | None,
        mtime_ns: int | None,
        sync: bool = True,
        verify_disk: bool = False,
    ) -> Entry:
        """Store a small file in one step; with ``verify_disk`` it is read again before it has the key."""
        with _gate("storing", key), self._scratch() as written:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            fd = os.open(written, flags, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
                _dress(fd, self.mode_of(mode), mtime_ns)
                if verify_disk:
                    check_content(fd, data, repr(key))
                elif self.durability == "fsync" and sync:
                    os.fsync(fd)
            finally:
                os.close(fd)
            with self.files.place(key, make=True) as place:
                entry = self._put(written, place, key, if_absent=False, if_match=None)
                if self.durability == "fsync" and place.fd is not None:
                    os.fsync(place.fd)
                return entry

    @contextlib.contextmanager
    def _scratch(self) -> Generator[str]:
        """A name beside the parts, for what is put in its place in one step; a failure leaves nothing."""
        name = os.urandom(16).hex()
        with self._lock:
            # A file may have an old time before it is in its place: it is none that was left behind.
            self._in_use.add(name)
        # Thousands of files come at a time: a path in pieces would be a tenth of what each one takes.
        written = os.path.join(self._parts, name + PART_SUFFIX)  # noqa: PTH118
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
            fd = os.open(self._parts, os.O_RDONLY)
            try:
                yield fd, [os.fsencode(name + PART_SUFFIX) for name in names]
            finally:
                os.close(fd)
        finally:
            with self._lock:
                self._in_use.difference_update(names)

    def mode_of(self, wish: int | None) -> int:
        """The mode of a new file."""
        return self._file_mode if wish is None else wish & 0o777

    def _put(
        self, written: str | Path, place: Place, key: str, *, if_absent: bool, if_match: str | None
    ) -> Entry:
        """Give what was written its key; nothing is left under the name that it had."""
        if if_absent and hasattr(os, "link") and place.fd is not None:
            try:
                os.link(written, place.path, dst_dir_fd=place.fd, follow_symlinks=False)
            except FileExistsError:
                raise ConflictError(f"{key!r} is there already, and it was to be new") from None
            os.unlink(written)  # noqa: PTH108
        else:
            # Whoever compares must not be overtaken between the look and the rename.
            with self._lock:
                _check_target(place, key, if_absent=if_absent, if_match=if_match)
                os.replace(written, place.path, dst_dir_fd=place.fd)
        return entry_of(key, place.lstat())

    def delete(self, key: str, *, recursive: bool = False, if_match: str | None = None) -> int:
        """Remove a file, or with ``recursive`` a folder; how many files went."""
        with _gate("deleting", key), self.files.place(key) as place:
            status = place.lstat()
            if stat.S_ISDIR(status.st_mode):
                if not recursive:
                    raise ConflictError(f"{key!r} is a folder", hint=f"flaxfile delete --recursive {key}")
                return _remove_tree(place)
            with self._lock:
                _check_target(place, key, if_absent=False, if_match=if_match)
                os.unlink(place.path, dir_fd=place.fd)
            return 1

    def remove_folder(self, key: str) -> None:
        """Remove a folder that has nothing in it."""
        with _gate("deleting", key), self.files.place(key) as place:
            os.rmdir(place.path, dir_fd=place.fd)

    def move(self, old: str, new: str, *, if_absent: bool = False) -> Entry:
        """Give a file or folder another key, in one step."""
        with (
            _gate("moving", old),
            self.files.place(old) as source,
            self.files.place(new, make=True) as target,
        ):
            _check_kind(old, source.lstat())
            with self._lock:
                _check_target(target, new, if_absent=if_absent, if_match=None)
                os.replace(source.path, target.path, src_dir_fd=source.fd, dst_dir_fd=target.fd)
            return entry_of(new, target.lstat())

    def make_folder(self, key: str, *, mode: int | None = None) -> Entry:
        """Make a folder, those above it too; one that is there is fine."""
        with _gate("making", key), self.files.place(key, make=True) as place:
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
        with _gate("storing", key), self._scratch() as made, self.files.place(key, make=True) as place:
            os.symlink(target, made)  # noqa: PTH211
            return self._put(made, place, key, if_absent=False, if_match=None)

    def sweep(self) -> int:
        """Remove parts that nobody has touched for `part_ttl`; how many."""
        limit = time.time() - self.part_ttl
        removed = 0
        for path in list(self._parts.glob(f"*{PART_SUFFIX}")) + list(self._parts.glob(f"*{MAP_SUFFIX}")):
            with self._lock:
                if path.stem in self._in_use:
                    continue
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < limit:
                        path.unlink()
                        removed += 1
        return removed

    def parts(self) -> int:
        """How many parts wait for their next try, or are being written."""
        return sum(1 for _ in self._parts.glob(f"*{PART_SUFFIX}"))


@contextlib.contextmanager
def _gate(doing: str, key: str) -> Generator[None]:
    try:
        yield
    except FlaxError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"{key!r} is not there", hint="flaxfile list shows what is") from error
    except OSError as error:
        raise from_os_error(error, f"{doing} {key!r}") from error


def _check_kind(key: str, status: os.stat_result, *, only_files: bool = False) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        if only_files:
            raise ConflictError(f"{key!r} is a folder", hint=f"flaxfile pull {key}")
        return
    raise StorageError(f"{key!r} is neither a file nor a folder")


def _check_target(place: Place, key: str, *, if_absent: bool, if_match: str | None) -> None:
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


def _read_hash(place: Place, *, from_disk: bool = False) -> tuple[str, Stamp | None]:
    """The hash of a file's content, and of which state; None when it changed meanwhile."""
    fd = place.open(os.O_RDONLY)
    try:
        if from_disk and hasattr(os, "posix_fadvise"):
            # What the system keeps in memory says nothing about the disk.
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        before = stamp_of(os.fstat(fd))
        digest = hash_file(fd).hex()
        return digest, before if stamp_of(os.fstat(fd)) == before else None
    finally:
        os.close(fd)


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
