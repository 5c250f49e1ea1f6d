"""One download: from the opening to the verified end, over one link, once. Knows nothing of retries."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from flaxfile._core.transfers import ROLE_RECV_DRIVE
from flaxfile.adaptive import WindowControl
from flaxfile.client.transfers import Transfer
from flaxfile.errors import ConflictError, IntegrityError, ProtocolError
from flaxfile.protocol.messages import MAX_CHUNK, Type, field
from flaxfile.result import TransferResult
from flaxfile.store.reading_back import check_chunks, check_file

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from flaxfile._core.engine import Engine
    from flaxfile.adaptive import Plan
    from flaxfile.client.difference import OldVersion
    from flaxfile.client.link import Link
    from flaxfile.client.settings import Settings
    from flaxfile.client.sources import Target
    from flaxfile.client.transfers import Progress

__all__ = ["Download"]

_T = TypeVar("_T")


class Download(Transfer):
    """One file, or a range of it, from the server.

    Args:
        settings: of the client.
        target: where to; closed by the caller.
        key: which.
        options: further fields of the opening.
        server: names the server in the journal of the part.
        progress: told about what has arrived.
        moved: called at each progress.
        verify_disk: whether what was written is read once more.
        delta: whether what the file that is there has already is copied from it.
        if_none_match: the version that is not fetched; empty for none.
    """

    def __init__(
        self,
        settings: Settings,
        target: Target,
        key: str,
        *,
        options: dict[str, object],
        server: str,
        progress: Progress | None,
        moved: Callable[[], None],
        verify_disk: bool,
        delta: bool,
        if_none_match: str,
    ) -> None:
        super().__init__(settings, progress, moved)
        self._delta = delta
        self._verify_disk = verify_disk
        self._target = target
        self._key = key
        self._options = options
        self._server = server
        self._if_none_match = if_none_match

    async def run(self, link: Link) -> TransferResult:
        """Fetch it over this link."""
        old = await self._old_version(link)
        try:
            return await self._run(link, old)
        finally:
            await self._end_hash()
            if old is not None:
                old.close()

    async def _old_version(self, link: Link) -> OldVersion | None:
        if not self._delta or self._target.path is None:
            return None
        if self._if_none_match:
            # Both sides would read all of it for nothing.
            entry = (await asyncio.wrap_future(link.request(Type.STAT, {"key": self._key}))).json()
            if entry.get("etag") == self._if_none_match:
                return None
        from flaxfile.client.difference import OldVersion  # noqa: PLC0415

        return await OldVersion.find(link, self._target.path, self._key)

    async def _run(self, link: Link, old: OldVersion | None) -> TransferResult:
        wish = {
            "key": self._key,
            "chunk": self._target.chunk() or (old.chunk if old is not None else 0),
            "round_trip_us": int(link.distance * 1e6),
            "if_none_match": self._if_none_match,
        }
        number, ready = await self._open(link, Type.GET_OPEN, {**wish, **self._options})
        opened = number != 0
        try:
            size, etag = field(ready, "length", int), field(ready, "etag", str)
            if etag == self._if_none_match and size >= 0:
                # A server that does not know this condition has opened a transfer; it is given up.
                return self._result(size, etag, not_modified=True)
            chunk = field(ready, "chunk", int)
            if not 1 <= chunk <= MAX_CHUNK or size < 0 or number == 0:
                raise ProtocolError(f"the server answers with {size} bytes in chunks of {chunk}")
            plan = self._settings.plan(size, link)
            if plan.sockets > link.sockets:
                await asyncio.wrap_future(link.grow(plan.sockets))
            hashes = await self._fetch(link, number, ready, plan, old)
            opened = False
            asked = link.request(Type.GET_DONE, {}, transfer=number)
            root = await self._root(size, chunk, hashes) or ""
            answer = await asyncio.wrap_future(asked)
        finally:
            if opened:
                link.tell(Type.ABORT, transfer=number)
        self._compare(root, answer.json())
        if self._verify_disk and self._target.part is not None:
            await asyncio.to_thread(self._check_disk, self._target.part.fd, size, chunk, hashes, root)
        whole = size == field(ready, "size", int)
        mode = field(ready, "mode", int) if whole else None
        mtime_ns = field(ready, "mtime_ns", int) if whole else None
        if self._target.path is None:
            await asyncio.to_thread(self._target.finish, size, mode, mtime_ns)
        else:
            self._target.finish(size, mode, mtime_ns)
        await self.tell(size, size)
        return self._result(size, etag, root, plan.sockets, max(1, plan.window // chunk))

    def _result(
        self,
        size: int,
        etag: str,
        root: str = "",
        sockets: int = 0,
        window: int = 0,
        *,
        not_modified: bool = False,
    ) -> TransferResult:
        return TransferResult(
            op="get",
            key=self._key,
            size=size,
            seconds=time.monotonic() - self.begun,
            bytes_sent=self.wire_bytes,
            resumed_from=self.held_bytes,
            hash=root,
            etag=etag,
            num_sockets=sockets,
            window_size=window,
            hash_kind=self._settings.hash_kind,
            not_modified=not_modified,
        )

    def _check_disk(self, fd: int, size: int, chunk: int, hashes: bytes, root: str) -> None:
        """Raise unless what was written is on the disk."""
        if self._content is not None:
            check_file(fd, root, str(self._target.path))
        else:
            check_chunks(fd, size, chunk, hashes, str(self._target.path))

    async def _fetch(
        self, link: Link, number: int, ready: dict[str, Any], plan: Plan, old: OldVersion | None
    ) -> bytes:
        target, size, chunk = self._target, field(ready, "length", int), field(ready, "chunk", int)
        version: dict[str, object] = {
            "server": self._server,
            "key": self._key,
            "etag": ready["etag"],
            "offset": ready.get("offset", 0),
        }
        blocks = field(ready, "blocks", int, size)
        if target.may_resume():
            await asyncio.to_thread(target.open, version, size, chunk, blocks)
        else:
            # A file is made, nothing is read: quicker than the way to another thread.
            target.open(version, size, chunk, blocks)
        self.held_bytes = target.held_bytes
        held = list(target.held)
        if old is not None and target.part is not None and (old.etag, old.size) == (ready["etag"], size):
            copying = asyncio.to_thread(old.copy, target.part.fd, chunk, target.held)
            held += await _ended(copying, old.stop)
        control = WindowControl(max(plan.window, 2 * chunk), 2 * chunk, self._settings.window)
        granted = field(ready, "window", int, control.window)
        self._begin_hash(size, target.fd, target.memory)

        def setup(engine: Engine) -> None:
            window = max(chunk, min(control.window, granted))
            engine.add(
                number,
                ROLE_RECV_DRIVE,
                size,
                chunk,
                window,
                fd=target.fd,
                memory=target.memory,
                map_fd=target.map_fd,
            )
            for first, hashes in held:
                engine.preset(number, first, hashes)

        moving = link.move(number, repr(self._key), control, setup)
        complete = False
        try:
            await self._move(moving, size, chunk)
            complete = True
        finally:
            hashes = await self._finish(link, moving, hashes=complete)
        return hashes

    def _compare(self, root: str, summed: dict[str, Any]) -> None:
        if summed.get("unchanged") is not True:
            raise ConflictError(
                f"{self._key!r} changed in the store while it was fetched", hint="try again", retryable=True
            )
        if summed.get("root") != root:
            raise IntegrityError(f"{self._key!r} has not arrived as it is stored")


async def _ended(work: Coroutine[Any, Any, _T], stop: Callable[[], None]) -> _T:
    """Wait for what uses files, which must not be closed before it has ended; who cancels has it stopped."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait((task,))
        raise
