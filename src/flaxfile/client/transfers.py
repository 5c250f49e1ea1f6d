"""One upload, one download: from the opening to the verified end, over one link, once. Knows nothing of
retries.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from flaxfile._core import engine as core
from flaxfile._core.hashing import root_hash
from flaxfile.adaptive import WindowControl
from flaxfile.digests import PIECE, RunningHash
from flaxfile.errors import ConflictError, IntegrityError, ProtocolError, from_os_error
from flaxfile.protocol.chunkmap import chunk_count, ranges
from flaxfile.protocol.messages import FLAG_KEEP, MAX_CHUNK, Type, field
from flaxfile.result import TransferResult
from flaxfile.store.reading_back import check_chunks, check_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from flaxfile._core.engine import Engine
    from flaxfile.adaptive import Plan
    from flaxfile.client.difference import Difference, OldVersion
    from flaxfile.client.link import Link
    from flaxfile.client.moving import Moving
    from flaxfile.client.settings import Settings
    from flaxfile.client.sources import Source, Target

    Progress = Callable[[int, int], Awaitable[None] | None]

__all__ = ["Download", "Upload"]

_T = TypeVar("_T")


class _Transfer:
    """What both directions share."""

    def __init__(self, settings: Settings, progress: Progress | None, moved: Callable[[], None]) -> None:
        self._settings = settings
        self._progress = progress
        self._moved = moved
        self._told = -1
        self.begun = time.monotonic()
        self.wire_bytes = 0
        self.held_bytes = 0
        self._content: RunningHash | None = None
        self._hashing: asyncio.Future[None] | None = None

    async def _open(self, link: Link, kind: Type, payload: dict[str, object]) -> tuple[int, dict[str, Any]]:
        hash_kind = self._settings.hash_kind
        answer = await asyncio.wrap_future(link.request(kind, {**payload, "hash_kind": hash_kind}))
        ready = answer.json()
        if "done" not in ready and ready.get("hash_kind", "xxh3") != hash_kind:
            link.tell(Type.ABORT, transfer=answer.head.transfer, flags=FLAG_KEEP)
            raise ProtocolError(f"the server does not compare by {hash_kind.upper()}, which it offered")
        return answer.head.transfer, ready

    def _begin_hash(self, size: int, fd: int, memory: memoryview | None) -> None:
        """Hash the content too, where the chunks' hashes are not enough."""
        if self._settings.hash_kind == "blake3":
            self._content = RunningHash(size, fd=fd, memory=memory)

    def _hash_along(self, upto: int) -> None:
        """Have hashed what is there, so that little is left for the end."""
        content = self._content
        if content is None or upto - content.done < PIECE:
            return
        if self._hashing is None or self._hashing.done():
            loop = asyncio.get_running_loop()
            self._hashing = loop.run_in_executor(None, content.advance, upto)

    async def _root(self, size: int, chunk: int, hashes: bytes) -> str | None:
        """The root hash in hexadecimal digits; None when there are not as many bytes as there were."""
        if self._content is None:
            return root_hash(size, chunk, hashes).hex()
        try:
            return await asyncio.to_thread(self._content.finish)
        except OSError as error:
            raise from_os_error(error, "reading what was moved") from error

    async def _end_hash(self) -> None:
        """Afterwards nothing is read any more, whoever cancels."""
        if self._content is not None:
            self._content.close()
        if self._hashing is not None:
            # It ends by itself now; what it could not read fails where the hash is needed.
            await asyncio.gather(self._hashing, return_exceptions=True)

    async def _move(self, link: Link, moving: Moving, total: int, chunk: int) -> None:
        """Wait until all has moved; tell how far it is now and then."""
        future = asyncio.wrap_future(moving.future)
        seen = -1
        try:
            while not future.done():
                await asyncio.wait((future,), timeout=0.05)
                if moving.done_bytes != seen:
                    if seen >= 0:
                        self._moved()
                    seen = moving.done_bytes
                    self._hash_along(min(total, moving.chunks_there * chunk))
                    await self.tell(seen, total)
            await future
        finally:
            if not future.done():
                future.cancel()
            del link

    async def tell(self, done: int, total: int) -> None:
        """Report progress; what is told never goes back."""
        if self._progress is not None and done > self._told:
            self._told = done
            result = self._progress(done, total)
            if result is not None:
                await result

    async def _finish(self, link: Link, moving: Moving, *, hashes: bool) -> bytes:
        """Take the transfer out; not to be interrupted, because its file must not be closed before."""
        found = await asyncio.shield(asyncio.wrap_future(link.finish(moving, hashes=hashes)))
        self.wire_bytes += moving.wire_bytes
        return found


class Upload(_Transfer):
    """One file to the server.

    Args:
        settings: of the client.
        source: what is sent; opened and closed by the caller.
        key: where to.
        options: further fields of the opening.
        delta: whether what the old version has already is copied there.
        progress: told about what has arrived.
        moved: called at each progress.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source,
        key: str,
        *,
        options: dict[str, object],
        delta: bool,
        progress: Progress | None,
        moved: Callable[[], None],
    ) -> None:
        super().__init__(settings, progress, moved)
        self._delta = delta
        self._source = source
        self._key = key
        self._options = options

    async def _difference(self, link: Link) -> Difference | None:
        if not self._delta:
            return None
        from flaxfile.client.difference import Difference  # noqa: PLC0415 - most transfers have none

        return await Difference.find(link, self._source, self._key)

    async def run(self, link: Link) -> TransferResult:
        """Send it over this link."""
        try:
            return await self._run(link)
        finally:
            await self._end_hash()

    async def _run(self, link: Link) -> TransferResult:
        source = self._source
        plan = self._settings.plan(source.size, link)
        if plan.sockets > link.sockets:
            await asyncio.wrap_future(link.grow(plan.sockets))
        payload = {"key": self._key, "size": source.size, "chunk": plan.chunk, "blocks": source.blocks}
        difference = await self._difference(link)
        if difference is not None:
            payload |= {"chunk": difference.chunk, "base": difference.etag}
        number, ready = await self._open(link, Type.PUT_OPEN, {**payload, **self._options})
        if isinstance(ready.get("done"), dict):
            return self._result(plan, ready["done"])
        chunk = field(ready, "chunk", int)
        if not 1 <= chunk <= MAX_CHUNK or number == 0:
            raise ProtocolError(f"the server wants chunks of {chunk} bytes")
        have = ranges(ready.get("have"), chunk_count(source.size, chunk))
        held = [(first, await asyncio.to_thread(source.hashes, chunk, first, count)) for first, count in have]
        if any(len(hashes) != 8 * count for (_, hashes), (_, count) in zip(held, have, strict=True)):
            raise ConflictError(f"{source.name} became shorter while it was sent", retryable=True)
        if difference is not None and ready.get("base") is True:
            held += await difference.copy(link, number, chunk, have)
        self.held_bytes = sum(_bytes_of(first, count, source.size, chunk) for first, count in have)
        control = WindowControl(plan.window, 2 * chunk, self._settings.window)
        granted = field(ready, "window", int, control.window)
        self._begin_hash(source.size, source.fd, source.memory)

        def setup(engine: Engine) -> None:
            engine.add(
                number,
                core.ROLE_SEND_DRIVE,
                source.size,
                chunk,
                control.window,
                fd=source.fd,
                memory=source.memory,
                granted=granted,
            )
            for first, hashes in held:
                engine.preset(number, first, hashes)

        moving = link.move(number, source.name, control, setup)
        complete = False
        try:
            await self._move(link, moving, source.size, chunk)
            complete = True
        finally:
            hashes = await self._finish(link, moving, hashes=complete)
            if not complete:
                link.tell(Type.ABORT, transfer=number, flags=FLAG_KEEP)
        root = await self._sum_up(link, number, chunk, hashes)
        if root is None or not source.is_unchanged():
            link.tell(Type.ABORT, transfer=number)
            raise ConflictError(
                f"{source.name} changed while it was sent",
                hint="try again when nobody writes to it",
                retryable=True,
            )
        answer = await asyncio.wrap_future(link.request(Type.PUT_COMMIT, {"root": root}, transfer=number))
        done = answer.json()
        if done.get("root") != root:
            raise IntegrityError(f"the server stored {self._key!r} with another content than was sent")
        await self.tell(source.size, source.size)
        return self._result(plan, done)

    async def _sum_up(self, link: Link, number: int, chunk: int, hashes: bytes) -> str | None:
        """The root of what was sent; when that fails or is cancelled, what has arrived is kept."""
        try:
            return await self._root(self._source.size, chunk, hashes)
        except BaseException:
            link.tell(Type.ABORT, transfer=number, flags=FLAG_KEEP)
            raise

    def _result(self, plan: Plan, done: dict[str, Any]) -> TransferResult:
        return TransferResult(
            op="put",
            key=self._key,
            size=self._source.size,
            seconds=time.monotonic() - self.begun,
            bytes_sent=self.wire_bytes,
            resumed_from=self.held_bytes,
            hash=field(done, "root", str),
            etag=field(done, "etag", str),
            num_sockets=plan.sockets,
            window_size=max(1, plan.window // plan.chunk),
            hash_kind=self._settings.hash_kind,
        )


class Download(_Transfer):
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
    ) -> None:
        super().__init__(settings, progress, moved)
        self._delta = delta
        self._verify_disk = verify_disk
        self._target = target
        self._key = key
        self._options = options
        self._server = server

    async def run(self, link: Link) -> TransferResult:
        """Fetch it over this link."""
        old = None
        if self._delta and self._target.path is not None:
            from flaxfile.client.difference import OldVersion  # noqa: PLC0415

            old = await OldVersion.find(link, self._target.path, self._key)
        try:
            return await self._run(link, old)
        finally:
            await self._end_hash()
            if old is not None:
                old.close()

    async def _run(self, link: Link, old: OldVersion | None) -> TransferResult:
        wish = {
            "key": self._key,
            "chunk": self._target.chunk() or (old.chunk if old is not None else 0),
            "round_trip_us": int(link.distance * 1e6),
        }
        number, ready = await self._open(link, Type.GET_OPEN, {**wish, **self._options})
        opened = True
        try:
            size, chunk = field(ready, "length", int), field(ready, "chunk", int)
            etag = field(ready, "etag", str)
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
        return TransferResult(
            op="get",
            key=self._key,
            size=size,
            seconds=time.monotonic() - self.begun,
            bytes_sent=self.wire_bytes,
            resumed_from=self.held_bytes,
            hash=root,
            etag=etag,
            num_sockets=plan.sockets,
            window_size=max(1, plan.window // chunk),
            hash_kind=self._settings.hash_kind,
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
            held += await _uninterrupted(asyncio.to_thread(old.copy, target.part.fd, chunk, target.held))
        control = WindowControl(max(plan.window, 2 * chunk), 2 * chunk, self._settings.window)
        granted = field(ready, "window", int, control.window)
        self._begin_hash(size, target.fd, target.memory)

        def setup(engine: Engine) -> None:
            window = max(chunk, min(control.window, granted))
            engine.add(
                number,
                core.ROLE_RECV_DRIVE,
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
            await self._move(link, moving, size, chunk)
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


async def _uninterrupted(work: Coroutine[Any, Any, _T]) -> _T:
    """Wait for what uses files; they must not be closed before it is done, whoever cancels."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def _bytes_of(first: int, count: int, size: int, chunk: int) -> int:
    return min(size, (first + count) * chunk) - first * chunk
