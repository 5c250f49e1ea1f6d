"""The client that users make: what it can be asked for, over a link that is made anew when it is lost."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import secrets
import socket
import time
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from flaxfile.client.difference import LEAST
from flaxfile.client.link import Answer, Link
from flaxfile.client.retry import RetryPlan
from flaxfile.client.small import SmallFile, error_of, packs
from flaxfile.client.sources import Source, Target, open_source
from flaxfile.client.speed import LinkSpeed
from flaxfile.client.streams import ReadStream, WriteStream
from flaxfile.client.transfers import Download, Settings, Upload, cores
from flaxfile.errors import ConnectError, FlaxError, ProtocolError, StalledError, UsageError
from flaxfile.model import Entry
from flaxfile.paths import check_key, check_prefix
from flaxfile.protocol.messages import MAX_CONTROL, MAX_SOCKETS, Type, field, objects
from flaxfile.protocol.pack import MAX_FILES, decode_pack

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import IO, Self, Unpack

    from typing_extensions import Buffer

    from flaxfile.client.transfers import Progress
    from flaxfile.model import TransferResult
    from flaxfile.security import Identity
    from flaxfile.sync.report import SyncReport
    from flaxfile.sync.running import SyncKeywords

__all__ = ["AsyncClient"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
LEAST_WINDOW: Final = 128 * 1024
BUFFERS_BEYOND: Final = 8 << 20
"""Bytes of buffers beyond the window: what libzmq has sent, but not yet given back."""

PACKS_AT_ONCE: Final = 4


class AsyncClient:
    """A client, for one event loop at a time.

    Args:
        host: of the server.
        port: of the server.
        password: the same as the server's; all is encrypted then.
        identity: keys in place of a password.
        fingerprint: the server's key must have it.
        realm: mixed into what is derived from the password.
        num_connections: connections of each transfer; None lets the size and the round trip decide.
        window: bytes on their way at a time, of one transfer.
        connect_timeout: seconds until the server has answered.
        idle_timeout: seconds that may pass without any progress, reconnects included.
        retries: reconnects in a row without any progress.
        bwlimit: bytes a second of all transfers together; None for no limit.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 25555,
        password: str | None = None,
        *,
        identity: Identity | None = None,
        fingerprint: str | None = None,
        realm: str = "",
        num_connections: int | None = None,
        window: int = 32 << 20,
        connect_timeout: float = 10.0,
        idle_timeout: float = 30.0,
        retries: int = 5,
        bwlimit: float | None = None,
    ) -> None:
        if not 1 <= port <= 65535:
            raise UsageError(f"port is {port}; it must be between 1 and 65535")
        if password is not None and identity is not None:
            raise UsageError("a client has either a password or an identity", hint="leave one of them out")
        if window < LEAST_WINDOW:
            raise UsageError(f"window is {window} bytes; at least {LEAST_WINDOW} are needed")
        if num_connections is not None and not 1 <= num_connections <= MAX_SOCKETS:
            raise UsageError(f"num_connections is {num_connections}; it must be between 1 and {MAX_SOCKETS}")
        for name, value in (("connect_timeout", connect_timeout), ("idle_timeout", idle_timeout)):
            if not 0 < value <= 86400:
                raise UsageError(f"{name} is {value}; it must be above 0 and at most 86400 seconds")
        if retries < 0 or (bwlimit is not None and bwlimit <= 0):
            raise UsageError(
                f"retries is {retries} and bwlimit {bwlimit}; they cannot be negative, bwlimit not 0"
            )
        self.host = host
        self.port = port
        self._password = password or None
        self._identity = identity
        self._fingerprint = fingerprint
        self._realm = realm
        self._settings = Settings(window, num_connections, cores())
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._retries = retries
        self._rate = int(bwlimit or 0)
        self._speed = LinkSpeed()
        self._link: Link | None = None
        self._connecting: asyncio.Lock | None = None
        self._name = secrets.token_hex(8)

    # ---- the link ----

    @property
    def address(self) -> str:
        """Host and port of the server."""
        return f"{self.host}:{self.port}"

    async def connect(self) -> None:
        """Connect now rather than with the first request."""
        await self._linked(self._connect_timeout)

    async def close(self) -> None:
        """End the connection. The client can be used again, it connects anew then."""
        link, self._link = self._link, None
        if link is not None:
            await asyncio.shield(asyncio.wrap_future(link.close()))

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    async def _keys(self) -> Identity | None:
        if self._identity is None and self._password is not None:
            from flaxfile.security import identity_from_password  # noqa: PLC0415 - costs a library only then

            self._identity = await asyncio.to_thread(identity_from_password, self._password, self._realm)
        if self._fingerprint is not None:
            from flaxfile.security.pins import check_fingerprint  # noqa: PLC0415 - only when asked for

            if self._identity is None:
                raise UsageError(
                    "a fingerprint needs a server with keys", hint="give a password or an identity"
                )
            check_fingerprint(self.address, self._identity.server_public, self._fingerprint, "the settings")
        return self._identity

    async def _linked(self, timeout: float) -> Link:
        """The link, a new one if there is none or the last one was lost."""
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._link is not None and self._link.alive:
                return self._link
            identity = await self._keys()
            host = await self._resolve()
            link = Link(
                host,
                self.port,
                identity,
                memory=self._settings.window + BUFFERS_BEYOND,
                connect_timeout=timeout,
                idle_timeout=self._idle_timeout,
                rate=self._rate,
            )
            try:
                await asyncio.wrap_future(link.connected)
            except BaseException:
                link.reactor.stop()
                raise
            self._link = link
            return link

    async def _resolve(self) -> str:
        """The address of the host; libzmq would try for ever to resolve what has none."""
        host = self.host.strip("[]")
        if host.replace(".", "").isdigit() or ":" in host:
            return host
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(
                f"the name {host!r} has no address: {error.strerror}",
                hint="is it spelled right? a server is a name of flaxfile.toml, HOST or HOST:PORT",
                retryable=False,
            ) from error
        # An IPv4 address first: that is what servers listen on unless they are told otherwise.
        found.sort(key=lambda item: item[0] != socket.AF_INET)
        return str(found[0][4][0])

    async def _retry(self, attempt: Callable[[Link, RetryPlan], Awaitable[_T]]) -> _T:
        """Do something, on new links and after pauses as the plan allows."""
        plan = RetryPlan(self._retries, self._idle_timeout, time.monotonic())
        while True:
            link = None
            try:
                left = plan.left(time.monotonic())
                link = await self._linked(
                    max(0.1, min(self._connect_timeout, left))
                    if plan.was_connected
                    else self._connect_timeout
                )
                plan.was_connected = True
                return await attempt(link, plan)
            except FlaxError as error:
                if isinstance(error, StalledError) and link is not None and self._link is link:
                    # It answers, or not: on new connections what is missing is asked for again.
                    await self.close()
                pause = plan.pause_after(error, time.monotonic())
                logger.info("trying again in %.1f s: %s", pause, error)
            await asyncio.sleep(pause)

    async def _ask(self, kind: Type, payload: dict[str, object] | bytes) -> Answer:
        async def attempt(link: Link, _plan: RetryPlan) -> Answer:
            return await asyncio.wrap_future(link.request(kind, payload))

        return await self._retry(attempt)

    # ---- transfers ----

    async def upload(
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
        """Send a file; the key has the new content when this returns, and the old one until then.

        Args:
            src: a path, bytes, or a binary file object.
            key: where to.
            if_absent: only if there is nothing under the key.
            if_match: only if what is there has this etag.
            resume: go on where an earlier try was interrupted.
            progress: called with bytes done and bytes in all, at most 20 times a second.
            mode: keep the permission bits of the file.
            mtime: keep its time of modification.
            delta: send only what the version that is there does not have; for links slower than disks.
                "auto": of 4 MiB and more, unless the link is faster than 500 MB/s.
            verify_disk: the server reads what it wrote once more, from the disk, before the key has it.
            fsync: return when it is on the disk of the server, whatever that does otherwise.
        """
        check_key(key)
        token = secrets.token_hex(16)
        begun = time.monotonic()
        wire = 0

        async def attempt(link: Link, plan: RetryPlan) -> TransferResult:
            nonlocal wire
            source = shared or open_source(src)
            upload = Upload(
                self._settings,
                source,
                key,
                options={
                    "upload": token,
                    "source": self._source_name(source, token, resume=resume),
                    "mode": source.mode if mode else None,
                    "mtime_ns": source.mtime_ns if mtime else None,
                    "if_absent": if_absent,
                    "if_match": if_match,
                    "fsync": fsync,
                    "verify_disk": verify_disk,
                },
                delta=self._wants_delta(delta, link, source.size),
                progress=_limited(progress),
                moved=lambda: plan.moved(time.monotonic()),
            )
            upload.begun = begun
            upload.wire_bytes = wire
            try:
                return await upload.run(link)
            finally:
                wire = upload.wire_bytes
                if shared is None:
                    source.close()

        # A path is opened for each try, so that one that changed is read anew; the rest can be read once
        # only.
        shared = None
        if hasattr(src, "read"):
            shared = await asyncio.to_thread(open_source, src)
        elif not isinstance(src, (str, os.PathLike)):
            shared = open_source(src)
        try:
            result = await self._retry(attempt)
        finally:
            if shared is not None:
                shared.close()
        self._speed.note(result.bytes_sent, result.seconds)
        return result

    def _wants_delta(self, delta: bool | Literal["auto"], link: Link, size: int) -> bool:
        if delta == "auto":
            return size >= LEAST and self._speed.delta_pays(link.least_round_trip)
        return delta

    def _source_name(self, source: Source, token: str, *, resume: bool) -> str:
        if not resume or not source.identity:
            return token
        return f"{socket.gethostname()}.{source.identity}"

    async def download(
        self,
        key: str,
        dst: str | os.PathLike[str] | Buffer | IO[bytes],
        *,
        offset: int = 0,
        length: int | None = None,
        resume: bool = True,
        progress: Progress | None = None,
        if_match: str | None = None,
        verify_disk: bool = False,
        delta: bool | Literal["auto"] = False,
    ) -> TransferResult:
        """Fetch a file; a path has the new content when this returns, and what it had until then.

        Args:
            key: which.
            dst: a path (a folder gets the last part of the key), a writable buffer, or a binary file object.
            offset: first byte that is wanted.
            length: how many bytes; None for all that follow.
            resume: go on where an earlier try was interrupted.
            progress: called with bytes done and bytes in all, at most 20 times a second.
            if_match: only if what is there has this etag.
            verify_disk: what was written to a path is read once more, from the disk, before it is there.
            delta: fetch only what the file that is there does not have; for links slower than disks.
                "auto": of 4 MiB and more, unless the link is faster than 500 MB/s.
        """
        check_key(key)
        if offset < 0 or (length is not None and length < 0):
            raise UsageError(f"a range begins at {offset} and has {length} bytes")
        options: dict[str, object] = {"offset": offset, "length": length, "if_match": if_match}
        begun = time.monotonic()
        wire = tries = 0
        whole = offset == 0 and length is None

        async def attempt(link: Link, plan: RetryPlan) -> TransferResult:
            nonlocal wire, tries
            tries += 1
            target = Target(dst, key, resume=resume or wire > 0)
            download = Download(
                self._settings,
                target,
                key,
                options=options,
                server=self.address,
                progress=_limited(progress),
                moved=lambda: plan.moved(time.monotonic()),
                verify_disk=verify_disk,
                # A file that somebody writes to meanwhile must not spoil the next try too.
                delta=whole and tries == 1 and self._wants_delta(delta, link, target.old_size()),
            )
            download.begun = begun
            download.wire_bytes = wire
            keep = True
            try:
                return await download.run(link)
            except FlaxError as error:
                # What turned out to be wrong must not be built upon.
                keep = not (error.name in {"INTEGRITY", "CONFLICT"} and error.retryable)
                raise
            finally:
                wire = download.wire_bytes
                target.close(keep=keep)

        result = await self._retry(attempt)
        self._speed.note(result.bytes_sent, result.seconds)
        return result

    @overload
    def open(self, key: str, mode: Literal["rb"] = "rb") -> ReadStream: ...

    @overload
    def open(
        self, key: str, mode: Literal["wb"], *, if_absent: bool = False, if_match: str | None = None
    ) -> WriteStream: ...

    @overload
    def open(
        self, key: str, mode: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> ReadStream | WriteStream: ...

    def open(
        self, key: str, mode: str = "rb", *, if_absent: bool = False, if_match: str | None = None
    ) -> ReadStream | WriteStream:
        """A stream, for ``async with``: ``rb`` reads one version of a file, ``wb`` stores one at its end."""
        check_key(key)
        if mode == "rb":
            return ReadStream(self, key)
        if mode == "wb":
            return WriteStream(self, key, if_absent=if_absent, if_match=if_match)
        raise UsageError(f"the mode {mode!r} is not known", hint="rb reads, wb writes")

    async def upload_small(self, files: Iterable[SmallFile]) -> builtins.list[str | FlaxError]:
        """Send many small files, packed; for each its new etag, or why it was not stored.

        A file has at most 3 MiB. Each appears whole under its key or not at all; which ones of the others are
        there when this fails as a whole is not said.
        """
        waiting: set[asyncio.Task[None]] = set()
        results: builtins.list[str | FlaxError] = []

        async def send(start: int, count: int, payload: bytes) -> None:
            answer = objects((await self._ask(Type.PACK_PUT, payload)).json(), "files")
            if len(answer) != count:
                raise ProtocolError(f"the server answered for {len(answer)} of {count} files")
            for number, item in enumerate(answer, start):
                results[number] = error_of(item) or field(item, "etag", str)

        try:
            for group, payload in packs(files):
                start = len(results)
                results += [""] * len(group)
                waiting.add(asyncio.create_task(send(start, len(group), payload)))
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
            answer = await self._ask(Type.PACK_GET, {"keys": asked})
            index, contents = decode_pack(answer.payload)
            if not index or len(index) > len(asked):
                raise ProtocolError(f"the server answered for {len(index)} of {len(asked)} files")
            for key, item, content in zip(asked, index, contents, strict=False):
                if item.get("key") != key:
                    raise ProtocolError(f"the server sent {item.get('key')!r} in place of {key!r}")
                yield key, error_of(item) or _entry(item), content
            left = left[len(index) :]

    # ---- whole folders ----

    async def push(
        self, folder: str | os.PathLike[str], remote: str, **options: Unpack[SyncKeywords]
    ) -> SyncReport:
        """Make a folder of the server like one of this machine; options are those of `SyncOptions`.

        A file that fails is in the report, and the others go on; what concerns the connection is raised.
        """
        from flaxfile.sync.running import SyncOptions, push  # noqa: PLC0415 - who moves one file does without

        return await push(self, folder, remote, SyncOptions(**options))

    async def pull(
        self, remote: str, folder: str | os.PathLike[str], **options: Unpack[SyncKeywords]
    ) -> SyncReport:
        """Make a folder of this machine like one of the server; options are those of `SyncOptions`."""
        from flaxfile.sync.running import SyncOptions, pull  # noqa: PLC0415

        return await pull(self, remote, folder, SyncOptions(**options))

    # ---- everything else ----

    async def stat(self, key: str, *, hash: bool = False) -> Entry:  # noqa: A002 - the name of the field
        """One entry."""
        check_key(key)
        return _entry((await self._ask(Type.STAT, {"key": key, "hash": hash})).json())

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
        return _entry((await self._ask(Type.MOVE, payload)).json())

    async def make_folder(self, key: str, *, mode: int | None = None) -> Entry:
        """Make a folder, those above it too; one that is there is fine."""
        check_key(key)
        return _entry((await self._ask(Type.MKDIR, {"key": key, "mode": mode})).json())

    async def make_link(self, key: str, target: str) -> Entry:
        """Put a link under a key; what it leads to is relative to the folder of the key, and in the store."""
        check_key(key)
        return _entry((await self._ask(Type.LINK, {"key": key, "target": target})).json())

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
        cursor: str | None = None
        while True:
            payload: dict[str, object] = {
                "prefix": prefix,
                "cursor": cursor,
                "hash": hash,
                "folders": folders,
                "links": links,
                "again": again,
            }
            page = (await self._ask(Type.LIST, payload)).json()
            for item in objects(page, "entries"):
                yield _entry(item)
            cursor = page.get("cursor")
            if not isinstance(cursor, str):
                return

    async def ping(self) -> float:
        """Seconds of one round trip."""

        async def attempt(link: Link, _plan: RetryPlan) -> float:
            await asyncio.wrap_future(link.request(Type.PING, b"", offset=time.monotonic_ns()))
            return link.round_trip

        return await self._retry(attempt)

    @property
    def server(self) -> dict[str, Any]:
        """What the server said about itself when it was connected to: limits, capabilities, ``read_only``."""
        return dict(self._link.welcome) if self._link is not None else {}


def _entry(item: dict[str, Any]) -> Entry:
    key = field(item, "key", str)
    check_key(key)
    digest, known, target = item.get("hash"), item.get("known_hash"), item.get("target")
    return Entry(
        key=key,
        size=field(item, "size", int),
        mtime_ns=field(item, "mtime_ns", int),
        mode=field(item, "mode", int),
        etag=field(item, "etag", str),
        hash=digest if isinstance(digest, str) else None,
        kind=field(item, "kind", str, "file"),
        known_hash=known if isinstance(known, str) else None,
        target=target if isinstance(target, str) else None,
    )


def _limited(progress: Progress | None) -> Progress | None:
    """The same function, called at most 20 times a second, and at the end."""
    if progress is None:
        return None
    last = 0.0

    async def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.05 or done == total:
            last = now
            result = progress(done, total)
            if inspect.isawaitable(result):
                await result

    return tell
