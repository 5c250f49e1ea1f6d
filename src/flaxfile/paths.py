"""Which names a key may have, and how one is found below a folder without ever leaving it.

Folders are opened in one call that goes through no link, or part by part where there is none, so that nothing
outside can be reached whatever somebody does to the tree meanwhile. Serves the store of a server and the
folders a client writes to alike.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from flaxfile._core.beneath import open_beneath
from flaxfile.errors import ConflictError, NotFoundError, UsageError, from_os_error

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = [
    "HAS_DIR_FD",
    "MAX_KEY_BYTES",
    "MAX_PART_BYTES",
    "RESERVED",
    "Folder",
    "Place",
    "check_key",
    "check_prefix",
    "link_stays_inside",
]

MAX_PART_BYTES: Final = 255
MAX_KEY_BYTES: Final = 4096
RESERVED: Final = ".flaxfile"
"""Name of the folder of a store that is not for keys."""

HAS_DIR_FD: Final = os.open in os.supports_dir_fd and os.stat in os.supports_follow_symlinks
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK | getattr(os, "O_CLOEXEC", 0)


def _refuse(key: str, why: str) -> UsageError:
    shown = key if len(key) <= 80 else key[:77] + "..."
    return UsageError(f"{shown!r} cannot be a key: {why}", hint="a key is like folder/name.ext")


def check_key(key: str) -> tuple[str, ...]:
    """The parts of a key; raises when it cannot be one."""
    if os.sep == "\\":
        key = key.replace("\\", "/")
    if not key:
        raise _refuse(key, "it is empty")
    if key.startswith("/"):
        raise _refuse(key, "it begins with a slash")
    if "\0" in key:
        raise _refuse(key, "it contains a NUL")
    try:
        size = len(key.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise _refuse(key, "it is no text that a name can hold") from None
    if size > MAX_KEY_BYTES:
        raise _refuse(key, f"it has {size} bytes, at most {MAX_KEY_BYTES} are allowed")
    parts = tuple(key.split("/"))
    for part in parts:
        if part in {"", ".", ".."}:
            raise _refuse(key, "it ends with a slash" if not parts[-1] else f"it has the part {part!r}")
        if len(part.encode("utf-8", "surrogateescape")) > MAX_PART_BYTES:
            raise _refuse(key, f"a part of it has over {MAX_PART_BYTES} bytes")
        if os.sep == "\\" and (set(part) & set('<>:"|?*') or part.endswith((".", " "))):
            raise _refuse(key, f"this system cannot store the name {part!r}")
    if parts[0] == RESERVED:
        raise _refuse(key, f"{RESERVED} is for the store itself")
    return parts


def check_prefix(prefix: str) -> tuple[str, ...]:
    """The parts of a prefix: a key, with or without a slash at its end, or nothing for everything."""
    return check_key(prefix.removesuffix("/") or prefix) if prefix else ()


def link_stays_inside(key: str, target: str) -> bool:
    """Whether a link under this key leads to something below the top, whatever other such links there are.

    It may go up at its beginning alone: up from what is a link itself would be up from where that leads to.
    """
    if os.sep == "\\":
        target = target.replace("\\", "/")
    if not target or "\0" in target or target.startswith("/") or (os.sep == "\\" and ":" in target):
        return False
    try:
        if len(target.encode("utf-8", "surrogateescape")) >= MAX_KEY_BYTES:
            return False
    except UnicodeEncodeError:
        return False
    parts = [part for part in target.split("/") if part not in {"", "."}]
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    return ups <= key.count("/") and ".." not in parts[ups:]


class Place:
    """One name in an opened folder: what the ``dir_fd`` functions of `os` need.

    Args:
        folder: path of the folder, for systems without ``dir_fd``.
        fd: the opened folder, or None there.
        name: the last part of the key.
    """

    __slots__ = ("fd", "folder", "name")

    def __init__(self, folder: str, fd: int | None, name: str) -> None:
        self.folder = folder
        self.fd = fd
        self.name = name

    @property
    def path(self) -> str:
        """What to hand to a function together with ``dir_fd=place.fd``."""
        return self.name if self.fd is not None else os.path.join(self.folder, self.name)  # noqa: PTH118

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open the name itself; a link is refused."""
        flags |= _NO_LINK | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        if self.fd is None and os.path.islink(self.path):  # noqa: PTH114
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self.path)
        # O_NONBLOCK: a pipe under this name must not hold us; files do not care.
        return os.open(self.path, flags | getattr(os, "O_NONBLOCK", 0), mode, dir_fd=self.fd)

    def lstat(self) -> os.stat_result:
        """What the name is, without following a link."""
        return os.stat(self.path, dir_fd=self.fd, follow_symlinks=False)


class Folder:
    """A folder of keys.

    Args:
        root: where it is; links on the way to it are the owner's choice and are followed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.contextmanager
    def place(self, key: str, *, make: bool = False) -> Generator[Place]:
        """The place of a key while it is worked on; ``make`` makes the folders on the way."""
        *folders, name = check_key(key)
        with self.folder(folders, make=make, key=key) as (path, fd):
            yield Place(path, fd, name)

    @contextlib.contextmanager
    def folder(
        self, parts: list[str] | tuple[str, ...], *, make: bool = False, key: str = ""
    ) -> Generator[tuple[str, int | None]]:
        """Path and descriptor of the folder of these parts; the root without any."""
        path = os.fspath(self.root)
        if not HAS_DIR_FD:
            yield self._folder_by_path(parts, make=make, key=key), None
            return
        try:
            fd = os.open(path, _FOLDER & ~_NO_LINK)
        except OSError as error:
            raise from_os_error(error, f"opening {path}") from error
        try:
            inner = _at_once(fd, parts) if parts else None
            if inner is not None:
                os.close(fd)
                fd, path = inner, os.path.join(path, *parts)  # noqa: PTH118
            else:
                for part in parts:
                    fd = _step(fd, part, make=make, key=key or "/".join(parts))
                    path = os.path.join(path, part)  # noqa: PTH118
            yield path, fd
        finally:
            os.close(fd)

    def _folder_by_path(self, parts: list[str] | tuple[str, ...], *, make: bool, key: str) -> str:
        path = os.fspath(self.root)
        for part in parts:
            path = os.path.join(path, part)  # noqa: PTH118
            if make and not os.path.lexists(path):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(path)  # noqa: PTH102
            try:
                status = os.lstat(path)
            except OSError as error:
                raise _lost(error, key) from error
            if not stat.S_ISDIR(status.st_mode):
                raise _in_the_way(key, part)
        return path


def _at_once(fd: int, parts: list[str] | tuple[str, ...]) -> int | None:
    """The folder of these parts; None when it takes a look at each of them to say what is there."""
    try:
        return open_beneath(fd, "/".join(parts))
    except OSError:
        # No such call here, or not allowed; or something is missing, to be made, or in the way.
        return None


def _step(fd: int, part: str, *, make: bool, key: str) -> int:
    """Go one folder down; the descriptor that was is closed, unless this raises."""
    try:
        inner = os.open(part, _FOLDER, dir_fd=fd)
    except FileNotFoundError as error:
        if not make:
            raise _lost(error, key) from error
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, dir_fd=fd)
        try:
            inner = os.open(part, _FOLDER, dir_fd=fd)
        except OSError as failed:
            raise _lost(failed, key) from failed
    except OSError as error:
        raise _lost(error, key) from error
    os.close(fd)
    return inner


def _in_the_way(key: str, part: str) -> ConflictError:
    return ConflictError(f"{part!r} on the way to {key!r} is no folder, and links are not followed")


def _lost(error: OSError, key: str) -> Exception:
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
        return _in_the_way(key, str(error.filename or key))
    if error.errno == errno.ENOENT:
        return NotFoundError(f"{key!r} is not there", hint="flaxfile list shows what is")
    return from_os_error(error, f"opening the folder of {key!r}")
