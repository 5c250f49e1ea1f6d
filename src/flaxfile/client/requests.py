"""What a client asks for without moving chunks: entries, folders, packs of small files."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from flaxfile.client.connection import Connection
from flaxfile.client.entries import entry_from
from flaxfile.client.small import SmallFile, error_of, packs
from flaxfile.digests import hash_content
from flaxfile.errors import FlaxError, IntegrityError, ProtocolError
from flaxfile.paths import check_key, check_prefix
from flaxfile.protocol.messages import MAX_CONTROL, Type, field, objects
from flaxfile.protocol.pack import MAX_FILES, decode_pack

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncIterator, Callable, Iterable
    from concurrent.futures import Future

    from flaxfile.client.asking import Answer
    from flaxfile.model import Entry

__all__ = ["Requests"]

PACKS_AT_ONCE: Final = 4


class Requests(Connection):
    """Requests that are answered by one message each, or by a few."""

    async def stat(self, key: str, *, hash: bool = False) -> Entry:  # noqa: A002 - the name of the field
        """One entry."""
        check_key(key)
        payload: dict[str, object] = {"key": key, "hash": hash, "hash_kind": self.hash_kind}
        return self._entry((await self._ask(Type.STAT, payload)).json())

    async def delete(self, key: str, recursive: bool = False, *, if_match: str | None = None) -> int:
        """Remove a file, or with ``recursive`` a folder and all in it; how many files went."""
        check_key(key)
        payload: dict[str, object] = {"key": key, "recursive": recursive, "if_match": if_match}
        return field((await self._ask(Type.DELETE, payload)).json(), "files", int)

    async def remove_folder(self, key: str) -> None:
        """Remove a folder that has nothing in it."""
        check_key(key)
        await self._ask(Type.DELETE, {"key": key, "only_empty": True})

    async def move(self, old: str, new: str, *, if_absent: bool = False) -> Entry:
        """Give a file or folder another key, in one step; a file that had it is replaced."""
        check_key(old)
        check_key(new)
        payload: dict[str, object] = {"key": old, "to": new, "if_absent": if_absent}
        return self._entry((await self._ask(Type.MOVE, payload)).json())

    async def make_folder(self, key: str, *, mode: int | None = None) -> Entry:
        """Make a folder, those above it too; one that is there is fine."""
        check_key(key)
        return self._entry((await self._ask(Type.MKDIR, {"key": key, "mode": mode})).json())

    async def make_link(self, key: str, target: str) -> Entry:
        """Put a link under a key; what it leads to is relative to the folder of the key, and in the store."""
        check_key(key)
        return self._entry((await self._ask(Type.LINK, {"key": key, "target": target})).json())

    async def list(
        self,
        prefix: str = "",
        hash: bool = False,  # noqa: A002 - the name of the field
        *,
        folders: bool = False,
        links: bool = False,
        again: bool = False,
    ) -> AsyncIterator[Entry]:
        """Every file below a folder, or the one file of a whole key, in the order of the keys' bytes.

        Args:
            prefix: a folder or a key; everything when it is empty.
            hash: with the hash of each content, which the server has to read unless it knows it.
            folders: the folders too, each before what is in it.
            links: the links too that stay inside of the store.
            again: every file is read, whatever is known of it: a `known_hash` that is not its `hash` means
                that it is damaged, no hash that it cannot be read.
        """
        check_prefix(prefix)
        wish: dict[str, object] = {
            "prefix": prefix,
            "hash": hash,
            "folders": folders,
            "links": links,
            "again": again,
            "hash_kind": self.hash_kind,
        }
        coming: asyncio.Task[Answer] | None = asyncio.create_task(self._ask(Type.LIST, wish))
        try:
            while coming is not None:
                page = (await coming).json()
                coming, cursor = None, page.get("cursor")
                if isinstance(cursor, str):
                    # The server looks for the next page while this one is read.
                    coming = asyncio.create_task(self._ask(Type.LIST, {**wish, "cursor": cursor}))
                    await asyncio.sleep(0)
                for item in objects(page, "entries"):
                    yield self._entry(item)
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def upload_small(self, files: Iterable[SmallFile]) -> builtins.list[str | FlaxError]:
        """Send many small files, packed; for each its new etag, or why it was not stored.

        A file has at most 3 MiB. Each appears whole under its key or not at all; which ones of the others are
        there when this fails as a whole is not said.
        """
        waiting: set[asyncio.Task[None]] = set()
        results: builtins.list[str | FlaxError] = []

        async def send(start: int, hashes: builtins.list[str | None], payload: bytes) -> None:
            answer = objects((await self._ask(Type.PACK_PUT, payload)).json(), "files")
            if len(answer) != len(hashes):
                raise ProtocolError(f"the server answered for {len(answer)} of {len(hashes)} files")
            for number, (item, digest) in enumerate(zip(answer, hashes, strict=True), start):
                results[number] = error_of(item) or _stored(item, digest)

        try:
            for hashes, payload in packs(files, self.hash_kind):
                start = len(results)
                results += [""] * len(hashes)
                waiting.add(asyncio.create_task(send(start, hashes, payload)))
                while len(waiting) >= PACKS_AT_ONCE:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return results

    async def download_small(
        self, keys: Iterable[str]
    ) -> AsyncIterator[tuple[str, Entry | FlaxError, memoryview]]:
        """Fetch many small files, packed: key, entry or error, content. In the order of the keys."""
        left = [key for key in keys if check_key(key)]
        while left:
            asked = left[:MAX_FILES]
            while len(asked) > 1 and sum(len(key) for key in asked) * 6 > MAX_CONTROL // 2:
                asked = asked[: len(asked) // 2]
            answer = await self._ask(Type.PACK_GET, {"keys": asked, "hash_kind": self.hash_kind})
            index, contents = decode_pack(answer.payload)
            if not index or len(index) > len(asked):
                raise ProtocolError(f"the server answered for {len(index)} of {len(asked)} files")
            for key, item, content in zip(asked, index, contents, strict=False):
                if item.get("key") != key:
                    raise ProtocolError(f"the server sent {item.get('key')!r} in place of {key!r}")
                yield key, error_of(item) or self._received(item, content), content
            left = left[len(index) :]

    def _received(self, item: dict[str, Any], content: memoryview) -> Entry | FlaxError:
        """The entry of a small file, if its content is what its hash says."""
        entry = self._entry(item)
        if self.hash_kind != "xxh3" and entry.hash != hash_content(content, self.hash_kind):
            return IntegrityError(f"{entry.key!r} has not arrived as it is stored")
        return entry

    def _entry(self, item: dict[str, Any]) -> Entry:
        return entry_from(item, self.hash_kind)

    def asker(self) -> Callable[[Type, dict[str, object]], Future[Answer]]:
        """Sends requests, as all others are sent, on behalf of another thread than that of the loop."""
        loop = asyncio.get_running_loop()
        return lambda kind, payload: asyncio.run_coroutine_threadsafe(self._ask(kind, payload), loop)


def _stored(item: dict[str, Any], digest: str | None) -> str | FlaxError:
    """The etag of a small file, if it was stored with the hash that it was sent with."""
    if digest is not None and item.get("hash") != digest:
        return IntegrityError("the server stored a file with another content than was sent")
    return field(item, "etag", str)
