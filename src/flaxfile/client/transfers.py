"""What an upload and a download have in common: the opening, the wait while chunks move, the hash."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from flaxfile._core.hashing import root_hash
from flaxfile.digests import PIECE, RunningHash
from flaxfile.errors import ProtocolError, from_os_error
from flaxfile.protocol.messages import FLAG_KEEP, Type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flaxfile.client.link import Link
    from flaxfile.client.moving import Moving
    from flaxfile.client.settings import Settings

    Progress = Callable[[int, int], Awaitable[None] | None]

__all__ = ["Transfer"]


class Transfer:
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

    async def _move(self, moving: Moving, total: int, chunk: int) -> None:
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
