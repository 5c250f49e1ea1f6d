"""The client that users make: files up and down, whole folders, and what else can be asked for."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Literal, overload

from flaxfile.client.requests import Requests
from flaxfile.client.streams import ReadStream, WriteStream
from flaxfile.errors import FlaxError, UsageError
from flaxfile.paths import check_key

if TYPE_CHECKING:
    from typing import IO, Unpack

    from typing_extensions import Buffer

    from flaxfile.client.link import Link
    from flaxfile.client.retry import RetryPlan
    from flaxfile.client.sources import Source
    from flaxfile.client.transfers import Progress
    from flaxfile.result import TransferResult
    from flaxfile.sync.options import SyncKeywords
    from flaxfile.sync.report import SyncReport

__all__ = ["AsyncClient"]


class AsyncClient(Requests):
    """A client, for one event loop at a time.

    Args:
        host: of the server.
        port: of the server.
        password: the same as the server's; all is encrypted then.
        identity: keys in place of a password, or the key file that has them.
        fingerprint: the server's key must have it.
        realm: mixed into what is derived from the password.
        num_connections: connections of each transfer; None lets the size and the round trip decide.
        window: bytes on their way at a time, of one transfer.
        connect_timeout: seconds until the server has answered.
        idle_timeout: seconds that may pass without any progress, reconnects included.
        retries: reconnects in a row without any progress.
        bwlimit: bytes a second of all transfers together; None for no limit.
        hash: what content is compared by on both sides: ``xxh3``, or ``blake3``, which is cryptographic
            and needs the extra of that name here and at the server.
    """

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
        # What moves a single file is loaded by who does that: a sync of small files needs none of it.
        from flaxfile.client.sources import open_source  # noqa: PLC0415
        from flaxfile.client.uploads import Upload  # noqa: PLC0415

        check_key(key)
        token = os.urandom(16).hex()
        begun = time.monotonic()
        wire = tries = 0

        async def attempt(link: Link, plan: RetryPlan) -> TransferResult:
            nonlocal wire, tries
            tries += 1
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
                # Whoever changes the stored file meanwhile must not spoil the next try too.
                delta=tries == 1 and self._wants_delta(delta, link, source.size),
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
            from flaxfile.client.difference import LEAST  # noqa: PLC0415

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
        if_none_match: str | None = None,
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
            if_none_match: only if what is there has another etag; if not, ``dst`` is left alone, and the
                result says `not_modified`.
            verify_disk: what was written to a path is read once more, from the disk, before it is there.
            delta: fetch only what the file that is there does not have; for links slower than disks.
                "auto": of 4 MiB and more, unless the link is faster than 500 MB/s.
        """
        from flaxfile.client.downloads import Download  # noqa: PLC0415
        from flaxfile.client.sources import Target  # noqa: PLC0415

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
                if_none_match=if_none_match or "",
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

    # ---- whole folders ----

    async def push(
        self, folder: str | os.PathLike[str], remote: str, **options: Unpack[SyncKeywords]
    ) -> SyncReport:
        """Make a folder of the server like one of this machine; options are those of `SyncOptions`.

        A file that fails is in the report, and the others go on; what concerns the connection is raised.
        """
        from flaxfile.sync import SyncOptions, push  # noqa: PLC0415 - who moves one file does without

        return await push(self, folder, remote, SyncOptions(**options))

    async def pull(
        self, remote: str, folder: str | os.PathLike[str], **options: Unpack[SyncKeywords]
    ) -> SyncReport:
        """Make a folder of this machine like one of the server; options are those of `SyncOptions`."""
        from flaxfile.sync import SyncOptions, pull  # noqa: PLC0415

        return await pull(self, remote, folder, SyncOptions(**options))


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
            if isinstance(result, Awaitable):
                await result

    return tell
