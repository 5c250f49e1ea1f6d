"""The client without ``await``: one thread with an event loop for its whole life, on which an `AsyncClient`
works.

Usable from any thread, also from within a running event loop. Forwards, and decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from flaxfile.client.async_client import AsyncClient
from flaxfile.client.streams import ReadStream, WriteStream

if TYPE_CHECKING:
    import builtins
    import os
    from collections.abc import AsyncIterator, Coroutine, Generator, Iterable, Iterator
    from types import TracebackType
    from typing import IO, Self, Unpack

    from typing_extensions import Buffer

    from flaxfile.client.small import SmallFile
    from flaxfile.client.transfers import Progress
    from flaxfile.errors import FlaxError
    from flaxfile.model import Entry
    from flaxfile.result import TransferResult
    from flaxfile.security.crypto import Identity
    from flaxfile.sync.options import SyncKeywords
    from flaxfile.sync.report import SyncReport

__all__ = ["Client"]

_T = TypeVar("_T")


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


class Client:
    """A client that blocks. Takes the arguments of `AsyncClient`."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 25555,
        password: str | None = None,
        *,
        identity: Identity | str | os.PathLike[str] | None = None,
        fingerprint: str | None = None,
        realm: str = "",
        num_connections: int | None = None,
        window: int = 32 << 20,
        connect_timeout: float = 10.0,
        idle_timeout: float = 30.0,
        retries: int = 5,
        bwlimit: float | None = None,
        hash: str = "xxh3",  # noqa: A002 - as in AsyncClient
    ) -> None:
        self.async_client = AsyncClient(
            host,
            port,
            password,
            identity=identity,
            fingerprint=fingerprint,
            realm=realm,
            num_connections=num_connections,
            window=window,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
            retries=retries,
            bwlimit=bwlimit,
            hash=hash,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_run, args=(self._loop,), name="flaxfile-client", daemon=True)
        self._thread.start()
        # Who forgets to close leaves no thread behind.
        self._stop = weakref.finalize(self, _stop, self._loop)

    def call(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine of `async_client` on the loop of this client, and wait for it; Ctrl-C cancels
        it.
        """
        if self._loop.is_closed() or not self._stop.alive:
            work.close()
            raise RuntimeError("this client is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                # What has arrived is being put away; that takes a moment.
                future.cancel()
                with contextlib.suppress(BaseException):
                    future.exception(5.0)
            raise

    def connect(self) -> None:
        """Connect now rather than with the first request."""
        self.call(self.async_client.connect())

    def close(self) -> None:
        """End the connection and the thread."""
        if self._stop.alive:
            self.call(self.async_client.close())
            self._stop()
            self._thread.join(10.0)

    def __enter__(self) -> Self:
        """Connect."""
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def upload(
        self,
        src: str | os.PathLike[str] | Buffer | IO[bytes],
        key: str,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        resume: bool = True,
        progress: Progress | None = None,
        mode: bool = True,
        mtime: bool = True,
        fsync: bool = False,
        delta: bool | Literal["auto"] = False,
        verify_disk: bool = False,
    ) -> TransferResult:
        """Send a file, see `AsyncClient.upload`; ``progress`` is called on the thread of this client."""
        return self.call(
            self.async_client.upload(
                src,
                key,
                if_absent=if_absent,
                if_match=if_match,
                resume=resume,
                progress=progress,
                mode=mode,
                mtime=mtime,
                fsync=fsync,
                delta=delta,
                verify_disk=verify_disk,
            )
        )

    def download(
        self,
        key: str,
        dst: str | os.PathLike[str] | Buffer | IO[bytes],
        *,
        offset: int = 0,
        length: int | None = None,
        resume: bool = True,
        progress: Progress | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        verify_disk: bool = False,
        delta: bool | Literal["auto"] = False,
    ) -> TransferResult:
        """Fetch a file, see `AsyncClient.download`; ``progress`` is called on the thread of this client."""
        return self.call(
            self.async_client.download(
                key,
                dst,
                offset=offset,
                length=length,
                resume=resume,
                progress=progress,
                if_match=if_match,
                if_none_match=if_none_match,
                verify_disk=verify_disk,
                delta=delta,
            )
        )

    def upload_small(self, files: Iterable[SmallFile]) -> builtins.list[str | FlaxError]:
        """Send many small files, packed, see `AsyncClient.upload_small`."""
        return self.call(self.async_client.upload_small(files))

    def download_small(self, keys: Iterable[str]) -> Iterator[tuple[str, Entry | FlaxError, memoryview]]:
        """Fetch many small files, packed, see `AsyncClient.download_small`."""
        return self._each(self.async_client.download_small(keys))

    def stat(self, key: str, *, hash: bool = False) -> Entry:  # noqa: A002 - the name of the field
        """One entry."""
        return self.call(self.async_client.stat(key, hash=hash))

    def delete(self, key: str, recursive: bool = False, *, if_match: str | None = None) -> int:
        """Remove a file, or with ``recursive`` a folder and all in it; how many files went."""
        return self.call(self.async_client.delete(key, recursive, if_match=if_match))

    def remove_folder(self, key: str) -> None:
        """Remove a folder that has nothing in it."""
        self.call(self.async_client.remove_folder(key))

    def push(
        self, folder: str | os.PathLike[str], remote: str, **options: Unpack[SyncKeywords]
    ) -> SyncReport:
        """Make a folder of the server like one of this machine, see `AsyncClient.push`."""
        return self.call(self.async_client.push(folder, remote, **options))

    def pull(
        self, remote: str, folder: str | os.PathLike[str], **options: Unpack[SyncKeywords]
    ) -> SyncReport:
        """Make a folder of this machine like one of the server, see `AsyncClient.pull`."""
        return self.call(self.async_client.pull(remote, folder, **options))

    def move(self, old: str, new: str, *, if_absent: bool = False) -> Entry:
        """Give a file or folder another key, in one step; a file that had it is replaced."""
        return self.call(self.async_client.move(old, new, if_absent=if_absent))

    def make_folder(self, key: str, *, mode: int | None = None) -> Entry:
        """Make a folder, those above it too; one that is there is fine."""
        return self.call(self.async_client.make_folder(key, mode=mode))

    def make_link(self, key: str, target: str) -> Entry:
        """Put a link under a key, see `AsyncClient.make_link`."""
        return self.call(self.async_client.make_link(key, target))

    def list(
        self,
        prefix: str = "",
        hash: bool = False,  # noqa: A002 - as in AsyncClient
        *,
        folders: bool = False,
        links: bool = False,
        again: bool = False,
    ) -> Iterator[Entry]:
        """Every file below a folder, or the one file of a whole key, see `AsyncClient.list`."""
        return self._each(self.async_client.list(prefix, hash, folders=folders, links=links, again=again))

    def ping(self) -> float:
        """Seconds of one round trip."""
        return self.call(self.async_client.ping())

    @property
    def server(self) -> dict[str, Any]:
        """What the server said about itself when it was connected to."""
        return self.async_client.server

    @contextlib.contextmanager
    def open(
        self, key: str, mode: str = "rb", *, if_absent: bool = False, if_match: str | None = None
    ) -> Generator[Stream]:
        """A stream, for ``with``: ``rb`` reads one version of a file, ``wb`` stores one at its end."""
        stream = self.async_client.open(key, mode, if_absent=if_absent, if_match=if_match)
        self.call(stream.__aenter__())
        try:
            yield Stream(self, stream)
        except BaseException as error:
            self.call(stream.__aexit__(type(error), error, None))
            raise
        self.call(stream.__aexit__(None, None, None))

    def _each(self, items: AsyncIterator[_T]) -> Iterator[_T]:
        async def take() -> tuple[bool, _T | None]:
            try:
                return True, await anext(items)
            except StopAsyncIteration:
                return False, None

        while True:
            there, item = self.call(take())
            if not there:
                return
            yield item  # type: ignore[misc]  # an item that is there is no None


class Stream:
    """A stream of `Client.open`.

    Args:
        client: on whose loop it works.
        stream: of the async client.
    """

    def __init__(self, client: Client, stream: ReadStream | WriteStream) -> None:
        self._client = client
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, all that follow when it is negative; nothing at the end of the file."""
        if not isinstance(self._stream, ReadStream):
            raise OSError("this stream is for writing")
        return self._client.call(self._stream.read(size))

    def seek(self, at: int) -> None:
        """Read on from another place."""
        if not isinstance(self._stream, ReadStream):
            raise OSError("this stream is for writing")
        self._client.call(self._stream.seek(at))

    def write(self, data: Buffer) -> int:
        """Append bytes; how many."""
        if not isinstance(self._stream, WriteStream):
            raise OSError("this stream is for reading")
        return self._client.call(self._stream.write(data))


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(loop.stop)
