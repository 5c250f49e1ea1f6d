"""Files of the store as streams: read block by block ahead of the reader, written to the side and stored at
the end.

Both go through uploads and downloads of the client, so they resume, verify and publish as those do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flaxfile.errors import UsageError, from_os_error

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from typing_extensions import Buffer

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.model import Entry
    from flaxfile.result import TransferResult

__all__ = ["ReadStream", "WriteStream"]

BLOCK: Final = 4 << 20


class ReadStream:
    """Reads one version of a file: when the key gets another one meanwhile, reading ends with a conflict.

    Args:
        client: fetches the blocks.
        key: which file.
    """

    def __init__(self, client: AsyncClient, key: str) -> None:
        self._client = client
        self._key = key
        self._entry: Entry | None = None
        self._at = 0
        self._block = b""
        self._block_at = 0
        self._ahead: tuple[int, asyncio.Task[bytes]] | None = None

    async def __aenter__(self) -> Self:
        """Look at the file."""
        self._entry = await self._client.stat(self._key)
        if self._entry.kind != "file":
            raise UsageError(f"{self._key!r} is a folder", hint=f"flaxfile pull {self._key}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading ahead."""
        await self._stop()

    async def _stop(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead[1].cancel()
            await asyncio.gather(ahead[1], return_exceptions=True)

    @property
    def entry(self) -> Entry:
        """The file."""
        if self._entry is None:
            raise UsageError("the stream is not open", hint="async with client.open(key) as stream")
        return self._entry

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    async def seek(self, at: int) -> None:
        """Read on from another place."""
        if at < 0:
            raise UsageError(f"there is no place {at} in a file")
        self._at = at

    async def _fetch(self, at: int) -> bytes:
        entry = self.entry
        room = bytearray(min(BLOCK, entry.size - at))
        await self._client.download(self._key, room, offset=at, length=len(room), if_match=entry.etag)
        return bytes(room)

    async def _load(self, at: int) -> None:
        """Make the block at a place the current one, and begin with the one behind it."""
        ahead = self._ahead
        if ahead is not None and ahead[0] == at:
            self._ahead = None
            block = await ahead[1]
        else:
            await self._stop()
            block = await self._fetch(at)
        self._block, self._block_at = block, at
        behind = at + len(block)
        if behind < self.entry.size:
            self._ahead = behind, asyncio.create_task(self._fetch(behind))

    async def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, all that follow when it is negative; nothing at the end of the file."""
        end = self.entry.size if size < 0 else min(self.entry.size, self._at + size)
        pieces: list[bytes] = []
        while self._at < end:
            if not self._block_at <= self._at < self._block_at + len(self._block):
                await self._load(self._at)
            start = self._at - self._block_at
            piece = self._block[start : start + end - self._at]
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)


class WriteStream:
    """Collects what is written and stores it at the end, in one step; after an error nothing is stored.

    Args:
        client: sends it.
        key: where to.
        if_absent: only if there is nothing under the key.
        if_match: only if what is there has this etag.
    """

    def __init__(
        self, client: AsyncClient, key: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> None:
        self._client = client
        self._key = key
        self._if_absent = if_absent
        self._if_match = if_match
        import tempfile  # noqa: PLC0415 - it loads much, and most clients write no streams

        self._file = tempfile.SpooledTemporaryFile(max_size=BLOCK)  # noqa: SIM115 - closed at the end
        self.result: TransferResult | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def write(self, data: Buffer) -> int:
        """Append bytes; how many."""
        try:
            return await asyncio.to_thread(self._file.write, data)
        except OSError as error:
            raise from_os_error(error, f"collecting {self._key!r}") from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store what was written."""
        with self._file as file:
            if error is None:
                file.seek(0)
                self.result = await self._client.upload(
                    file, self._key, if_absent=self._if_absent, if_match=self._if_match
                )
