"""What is sent, and where what arrives goes: files, buffers, file objects. Knows nothing of the network."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from flaxfile._core.hashing import hash_chunks, xxh3_64
from flaxfile.errors import NoSpaceError, NotFoundError, StorageError, UsageError, from_os_error
from flaxfile.store.parts import Part, chunk_of, open_part

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Source", "Target", "open_source"]

LONGEST_NAME: Final = 255 - len("..flaxpart.map")
"""Bytes of a name that leave room for those of its part and its journal."""

_BINARY: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
PIECE: Final = 1 << 20


class Source:
    """Something opened for reading, of a size that is known.

    Args:
        name: for texts.
        size: in bytes.
        fd: the file, or -1.
        memory: in place of a file.
        mode: permission bits that go along.
        mtime_ns: time of modification that goes along.
        blocks: how many of the bytes are no holes.
        identity: the same for the same bytes at the same place, so that a later try can go on; empty for what
            has no place.
        status: what the file was when it was opened.
    """

    def __init__(
        self,
        name: str,
        size: int,
        *,
        fd: int = -1,
        memory: memoryview | None = None,
        mode: int | None = None,
        mtime_ns: int | None = None,
        blocks: int = 0,
        identity: str = "",
        status: os.stat_result | None = None,
    ) -> None:
        self.name = name
        self.size = size
        self.fd = fd
        self.memory = memory
        self.mode = mode
        self.mtime_ns = mtime_ns
        self.blocks = blocks
        self.identity = identity
        self.status = status

    def is_unchanged(self) -> bool:
        """Whether the file is the one that was opened, as far as the system tells."""
        if self.status is None:
            return True
        now = os.fstat(self.fd)
        return (now.st_size, now.st_mtime_ns) == (self.status.st_size, self.status.st_mtime_ns)

    def hashes(self, chunk: int, first: int, count: int) -> bytes:
        """The hashes of some chunks."""
        if self.memory is None:
            return hash_chunks(self.fd, 0, self.size, chunk, first, count)
        pieces = (self.memory[i * chunk : (i + 1) * chunk] for i in range(first, first + count))
        return b"".join(xxh3_64(piece).to_bytes(8, "little") for piece in pieces)

    def close(self) -> None:
        """Close what was opened."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        if self.memory is not None:
            self.memory.release()


def open_source(src: str | os.PathLike[str] | Buffer | IO[bytes]) -> Source:
    """Open a path, bytes, or a binary file object; one that cannot tell its size is copied to a file
    first.
    """
    if isinstance(src, (str, os.PathLike)):
        return _open_path(Path(src))
    if hasattr(src, "read"):
        return _open_object(cast("IO[bytes]", src))
    try:
        view = memoryview(cast("bytes", src)).cast("B")
    except TypeError as error:
        raise UsageError(f"a path, bytes or a binary file is needed, not {type(src).__name__}") from error
    return Source("the bytes given", len(view), memory=view, blocks=len(view))


def _open_path(path: Path) -> Source:
    try:
        # O_NONBLOCK: a pipe must not hold us; it is refused below.
        fd = os.open(path, os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0))
        status = os.fstat(fd)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise NotFoundError(f"{path} is not there") from error
        raise from_os_error(error, f"opening {path}") from error
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise StorageError(
            f"{path} is no file", hint="flaxfile push sends folders; - as a file name reads standard input"
        )
    source = _of_file(str(path), fd, status)
    with contextlib.suppress(OSError, AttributeError):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return source


def _of_file(name: str, fd: int, status: os.stat_result) -> Source:
    return Source(
        name,
        status.st_size,
        fd=fd,
        mode=stat.S_IMODE(status.st_mode),
        mtime_ns=status.st_mtime_ns,
        blocks=getattr(status, "st_blocks", -(-status.st_size // 512)) * 512,
        identity=f"{status.st_dev}.{status.st_ino}.{status.st_size}.{status.st_mtime_ns}",
        status=status,
    )


def _open_object(file: IO[bytes]) -> Source:
    """What a file object holds from its position on, copied: it may be a pipe, or somebody may go on
    reading.
    """
    import shutil  # noqa: PLC0415 - they load much, for what is rare
    import tempfile  # noqa: PLC0415

    copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed once its descriptor is doubled
    try:
        with copy:
            shutil.copyfileobj(file, copy, PIECE)
            copy.flush()
            fd = os.dup(copy.fileno())
    except OSError as error:
        raise from_os_error(error, "reading the file object") from error
    except TypeError as error:
        raise UsageError("the file object must be a binary one") from error
    status = os.fstat(fd)
    return Source(
        getattr(file, "name", None) or "the file object", status.st_size, fd=fd, blocks=status.st_size
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(f"{folder} is no folder that could be written to") from error


class Target:
    """Where a download goes. A path becomes what has arrived only when all of it is there.

    Args:
        dst: a path, a buffer or a file object.
        key: what is fetched.
        resume: whether what an earlier try has left is used.
    """

    def __init__(
        self, dst: str | os.PathLike[str] | Buffer | IO[bytes], key: str, *, resume: bool = True
    ) -> None:
        self.dst = dst
        self.key = key
        self.resume = resume
        self.path: Path | None = None
        self.part: Part | None = None
        self.memory: memoryview | None = None
        self.copy: Any = None
        self.held: list[tuple[int, bytes]] = []
        self.held_bytes = 0
        if isinstance(self.dst, (str, os.PathLike)):
            path = Path(self.dst)
            self.path = path / self.key.rpartition("/")[2] if path.is_dir() else path
        elif not hasattr(self.dst, "write"):
            try:
                view = memoryview(cast("bytes", self.dst)).cast("B")
            except TypeError as error:
                raise UsageError(
                    f"a path, a buffer or a binary file is needed, not {type(self.dst).__name__}"
                ) from error
            if view.readonly:
                raise UsageError("the buffer cannot be written to", hint="a bytearray can")
            self.memory = view

    @property
    def _part_path(self) -> Path:
        assert self.path is not None  # noqa: S101 - who asks has looked
        name = self.path.name
        if len(os.fsencode(name)) > LONGEST_NAME:
            # There is no room for an ending, so the part has a short name that the next try finds too.
            import hashlib  # noqa: PLC0415 - loads a library for few names

            name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
        return self.path.with_name(f".{name}.flaxpart")

    @property
    def _map_path(self) -> Path:
        return self._part_path.with_name(self._part_path.name + ".map")

    def chunk(self) -> int:
        """The size of chunks that an earlier try had; 0 when there was none."""
        if self.path is None or not self.resume:
            return 0
        return chunk_of(self._map_path) or 0

    def old_size(self) -> int:
        """Bytes of the file that is there, 0 when there is none."""
        try:
            return self.path.stat().st_size if self.path is not None else 0
        except OSError:
            return 0

    def may_resume(self) -> bool:
        """Whether an earlier try has left something that would have to be read."""
        return self.path is not None and self.resume and self._map_path.exists()

    def open(self, version: dict[str, object], size: int, chunk: int, blocks: int) -> None:
        """Make room, and find out what is there already of this ``version``."""
        if self.memory is not None:
            if len(self.memory) < size:
                raise UsageError(f"{self.key!r} has {size} bytes, the buffer {len(self.memory)}")
            return
        if self.path is None:
            import tempfile  # noqa: PLC0415 - it loads much, for what is rare

            self.copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the target
            return
        description = json.loads(json.dumps({**version, "size": size, "chunk": chunk}))
        try:
            _make_folder(self.path.parent)
            self.part = open_part(
                self._part_path, self._map_path, description, size, chunk, resume=self.resume, blocks=blocks
            )
        except NoSpaceError as error:
            raise NoSpaceError(
                f"{self.path} does not fit on this disk: {error}", hint="free some space and try again"
            ) from error
        except OSError as error:
            raise from_os_error(error, f"writing {self.path}") from error
        self.held, self.held_bytes = self.part.held, self.part.held_bytes

    @property
    def fd(self) -> int:
        """The descriptor that the engine writes to."""
        if self.part is not None:
            return self.part.fd
        return self.copy.fileno() if self.copy is not None else -1

    @property
    def map_fd(self) -> int:
        """The descriptor of the journal."""
        return self.part.map_fd if self.part is not None else -1

    def finish(self, size: int, mode: int | None, mtime_ns: int | None) -> None:
        """All of it is there and is what was sent: put it in its place."""
        if self.copy is not None:
            self._hand_over(size)
        if self.part is None or self.path is None:
            return
        try:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(self.part.fd, mode & 0o777)
            if mtime_ns is not None and os.utime in os.supports_fd:
                os.utime(self.part.fd, ns=(mtime_ns, mtime_ns))
            self.part.close()
            os.replace(self.part.path, self.path)  # noqa: PTH105
        except OSError as error:
            raise from_os_error(error, f"writing {self.path}") from error
        self.part.discard()
        self.part = None

    def _hand_over(self, size: int) -> None:
        self.copy.seek(0)
        try:
            while size > 0:
                piece = self.copy.read(min(PIECE, size))
                cast("IO[bytes]", self.dst).write(piece)
                size -= len(piece)
        except OSError as error:
            raise from_os_error(error, f"writing {self.key!r} to the file object") from error

    def close(self, *, keep: bool) -> None:
        """Close what is open; the part stays for a later try when ``keep`` says so."""
        if self.part is not None:
            if keep:
                self.part.close()
            else:
                self.part.discard()
            self.part = None
        if self.copy is not None:
            self.copy.close()
            self.copy = None
        self.held, self.held_bytes = [], 0
