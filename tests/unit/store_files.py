"""A file layer in memory: it records every change, can be full, and can show what a power cut would leave."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass, field
from pathlib import Path


class NoLock:
    def release(self) -> None:
        pass


@dataclass
class Inode:
    """Content as a program sees it, the content that was synced, and the changes since."""

    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def apply(self, position: int, data: bytes | None, content: bytearray) -> None:
        if data is None:
            del content[position:]
            content.extend(bytes(position - len(content)))
        else:
            content.extend(bytes(max(0, position - len(content))))
            content[position : position + len(data)] = data

    def change(self, position: int, data: bytes | None) -> None:
        self.apply(position, data, self.content)
        self.pending.append((position, data))

    def after_power_cut(self, rng: random.Random) -> bytes:
        """The synced content with each later change kept, lost, or kept in part."""
        content = bytearray(self.durable)
        for position, data in self.pending:
            fate = rng.choice(("kept", "lost", "torn"))
            if fate == "kept":
                self.apply(position, data, content)
            elif fate == "torn" and data:
                begin = rng.randrange(len(data))
                end = rng.randrange(begin, len(data))
                if rng.random() < 0.5:
                    begin = 0
                self.apply(position + begin, data[begin:end], content)
        return bytes(content)


class FileDouble:
    def __init__(self, files: FilesDouble, inode: Inode) -> None:
        self._files = files
        self._inode = inode
        self.closed = False

    def write_at(self, position: int, data: memoryview | bytes) -> None:
        assert not self.closed
        data = bytes(data)
        growth = max(0, position + len(data) - len(self._inode.content))
        if self._files.space is not None and growth > self._files.space:
            data = data[: max(0, len(data) - growth + self._files.space)]
            self._inode.change(position, data)
            self._files.space = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        if self._files.space is not None:
            self._files.space -= growth
        self._inode.change(position, data)
        self._files.count_step()

    def truncate(self, size: int) -> None:
        assert not self.closed
        if self._files.space is not None:
            self._files.space += max(0, len(self._inode.content) - size)
        self._inode.change(size, None)
        self._files.count_step()

    def sync(self) -> None:
        assert not self.closed
        if self._files.broken_sync:
            raise OSError(errno.EIO, "Input/output error")
        self._files.count_step()
        self._inode.durable = bytes(self._inode.content)
        self._inode.pending.clear()
        self._files.count_step()

    def close(self) -> None:
        self.closed = True


class FilesDouble:
    """One folder.

    ``space`` is how many bytes can still be written, None for any number. ``photos`` takes a picture of
    what a power cut would leave after every step, if it is a list.
    """

    def __init__(self, content: dict[str, bytes] | None = None) -> None:
        self.names_now: dict[str, Inode] = {}
        self.names_durable: dict[str, Inode] = {}
        self.pending_names: list[dict[str, Inode]] = []
        self.space: int | None = None
        self.broken_sync = False
        self.photos: list[tuple[int, dict[str, bytes]]] | None = None
        self.acknowledged = 0
        self.rng = random.Random(0)
        for name, data in (content or {}).items():
            self.names_now[name] = Inode(bytearray(data), data)
        self.names_durable = dict(self.names_now)

    def content(self) -> dict[str, bytes]:
        return {name: bytes(inode.content) for name, inode in self.names_now.items()}

    def after_power_cut(self) -> dict[str, bytes]:
        """Names change in order, as in a journal, so some first part of the changes is there."""
        states = [self.names_durable, *self.pending_names]
        names = self.rng.choice(states)
        return {name: inode.after_power_cut(self.rng) for name, inode in names.items()}

    def count_step(self) -> None:
        if self.photos is not None:
            self.photos.append((self.acknowledged, self.after_power_cut()))

    def _renamed(self) -> None:
        self.pending_names.append(dict(self.names_now))
        self.count_step()

    # ---- the interface ----

    def lock(self, folder: Path) -> NoLock:  # noqa: ARG002
        return NoLock()

    def make_folder(self, path: Path) -> None:
        pass

    def names(self, path: Path) -> list[str]:  # noqa: ARG002
        return list(self.names_now)

    def open(self, path: Path) -> FileDouble:
        if path.name not in self.names_now:
            if self.space is not None and self.space <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.names_now[path.name] = Inode()
            self._renamed()
        return FileDouble(self, self.names_now[path.name])

    def read(self, path: Path) -> bytes:
        if path.name not in self.names_now:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return bytes(self.names_now[path.name].content)

    def map(self, path: Path) -> bytes:
        return self.read(path)

    def replace(self, source: Path, target: Path) -> None:
        self.names_now[target.name] = self.names_now.pop(source.name)
        self._renamed()

    def remove(self, path: Path) -> None:
        inode = self.names_now.pop(path.name, None)
        if inode is not None:
            if self.space is not None:
                self.space += len(inode.content)
            self._renamed()

    def sync_folder(self, path: Path) -> None:  # noqa: ARG002
        self.names_durable = dict(self.names_now)
        self.pending_names.clear()
        self.count_step()
