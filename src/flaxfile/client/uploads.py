"""One upload: from the opening to the verified end, over one link, once. Knows nothing of retries."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from flaxfile._core.transfers import ROLE_SEND_DRIVE
from flaxfile.adaptive import WindowControl
from flaxfile.client.transfers import Transfer
from flaxfile.errors import ConflictError, IntegrityError, ProtocolError
from flaxfile.protocol.chunkmap import chunk_count, ranges
from flaxfile.protocol.messages import FLAG_KEEP, MAX_CHUNK, Type, field
from flaxfile.result import TransferResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile._core.engine import Engine
    from flaxfile.adaptive import Plan
    from flaxfile.client.difference import Difference
    from flaxfile.client.link import Link
    from flaxfile.client.settings import Settings
    from flaxfile.client.sources import Source
    from flaxfile.client.transfers import Progress

__all__ = ["Upload"]


class Upload(Transfer):
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
                ROLE_SEND_DRIVE,
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
            await self._move(moving, source.size, chunk)
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


def _bytes_of(first: int, count: int, size: int, chunk: int) -> int:
    return min(size, (first + count) * chunk) - first * chunk
