"""Uploads of a server: opened, moved by the engine, copied together, committed.

Everything here happens in the reactor's thread but the work on the disk, which `Jobs.run` hands to the
pool.
"""

from __future__ import annotations

import collections
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flaxfile._core.hashing import root_hash, xxh3_64
from flaxfile._core.transfers import ROLE_RECV_ACK
from flaxfile.digests import RunningHash
from flaxfile.errors import FlaxError, IntegrityError, LimitError, ProtocolError, from_os_error
from flaxfile.protocol.chunkmap import chunk_count, runs
from flaxfile.protocol.delta import Copy, decode_copies
from flaxfile.protocol.messages import Type, field
from flaxfile.server.transfers import WINDOW, Transfer, TransferRequests
from flaxfile.server.wish import Wish
from flaxfile.store.parts import write_at
from flaxfile.store.reading_back import check_chunks, check_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile._core.engine import Engine
    from flaxfile.model import Entry
    from flaxfile.protocol.header import Header
    from flaxfile.server.service import Service
    from flaxfile.server.sessions import Handler, Session
    from flaxfile.server.transfers import Transfers
    from flaxfile.store.parts import Part
    from flaxfile.store.store import Store

__all__ = ["UploadRequests"]

MAX_RUNS: Final = 10000
"""Held runs of chunks that one answer names; what is beyond is sent again."""
DONE_KEPT: Final = 1024
"""Finished uploads whose answer is remembered, for a client that did not get it."""


@dataclass(slots=True, eq=False, kw_only=True)
class _Upload(Transfer):
    wish: Wish
    chunk: int
    store: Store
    part: Part
    base_fd: int
    """The version that chunks are copied from, -1 for none."""
    copying: int = 0
    afterwards: Callable[[], None] | None = None
    """What happens to the files once nothing is being copied any more."""
    chunks_there: int = 0
    """Chunks from the first one on, as the last look saw them."""

    def readable(self, engine: Engine, number: int) -> int:
        """What has arrived without a gap."""
        self.chunks_there = engine.first_missing(number, self.chunks_there)
        return min(self.wish.size, self.chunks_there * self.chunk)

    def put_away(self, *, keep: bool) -> None:
        """Close the files, and keep or drop the part, as soon as nothing is copied any more."""

        def now() -> None:
            self._close_base()
            if self.content is not None:
                self.content.close()
            if keep:
                self.store.parts.keep(self.part)
            else:
                self.store.parts.drop(self.part)

        if self.copying:
            self.afterwards = now
        else:
            now()

    def _close_base(self) -> None:
        if self.base_fd >= 0:
            os.close(self.base_fd)
            self.base_fd = -1

    def copied(self) -> None:
        """One request to copy is done with."""
        self.copying -= 1
        if self.copying == 0 and self.afterwards is not None:
            self.afterwards()

    def copy(self, copies: list[Copy]) -> list[Copy]:
        """Take chunks from the version that the key has; which of them were as said. Work for the pool."""
        good: list[Copy] = []
        for item in copies:
            at = item.index * self.chunk
            if sum(length for _, length in item.segments) != min(self.chunk, self.wish.size - at):
                continue  # nothing is read that no chunk could have
            data = b"".join(os.pread(self.base_fd, length, offset) for offset, length in item.segments)
            if xxh3_64(data) == item.hash:
                write_at(self.part.fd, data, at)
                good.append(item)
        return good

    def _root(self, hashes: bytes) -> str | None:
        """The root hash of what has arrived, in hexadecimal digits."""
        if self.content is None:
            return root_hash(self.wish.size, self.chunk, hashes).hex()
        try:
            return self.content.finish()
        except OSError as error:
            raise from_os_error(error, f"reading what has arrived of {self.wish.key!r}") from error
        finally:
            self.content.close()

    def _compare(self, hashes: bytes, root: str) -> None:
        if self._root(hashes) != root:
            raise IntegrityError(f"{self.wish.key!r} has not arrived as it was sent; nothing was published")

    def publish(self, hashes: bytes, root: str) -> Entry:
        """Give the key what has arrived, if that is what was sent; work for the pool."""
        wish, store = self.wish, self.store
        try:
            self._close_base()
            self._compare(hashes, root)
            if wish.verify_disk and self.content is not None:
                check_file(self.part.fd, root, repr(wish.key))
            elif wish.verify_disk:
                check_chunks(self.part.fd, wish.size, self.chunk, hashes, repr(wish.key))
            return store.publish(
                self.part,
                wish.key,
                mode=wish.mode,
                mtime_ns=wish.mtime_ns,
                if_absent=wish.if_absent,
                if_match=wish.if_match,
                fsync=wish.fsync,
                blake3=None if self.content is None else root,
            )
        except IntegrityError:
            store.parts.drop(self.part)
            raise
        except BaseException:
            store.parts.keep(self.part)
            raise


class UploadRequests(TransferRequests):
    """Answers what is asked about uploads."""

    def __init__(self, service: Service, transfers: Transfers) -> None:
        super().__init__(service, transfers)
        self._committing: set[str] = set()
        self._done: collections.OrderedDict[str, dict[str, object]] = collections.OrderedDict()
        self.requests: dict[Type, Handler] = {
            Type.PUT_OPEN: self._open,
            Type.PUT_COMMIT: self._commit,
        }

    @property
    def committing(self) -> int:
        """Uploads that are being published."""
        return len(self._committing)

    def _open(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        wish = Wish.read(payload)
        session.check_write()
        self._transfers.check_open(session, wish.key)
        if wish.size > self._service.limits.max_upload:
            raise LimitError(
                f"{wish.key!r} has {wish.size} bytes, this server takes {self._service.limits.max_upload}",
                retryable=False,
            )
        if wish.token in self._done:
            self._service.reply(peer, head, Type.PUT_READY, {"done": self._done[wish.token]})
            return
        if wish.token in self._committing:
            raise LimitError(f"{wish.key!r} is being published", retry_after=0.2)
        before = self._transfers.named(wish.token)
        if before is not None:
            # Its client comes back on new connections: what it sent on the old ones is in the part.
            self._transfers.give_up(before, keep=True)
        self._free_part(session, wish)
        chunk = self._transfers.chunk(field(payload, "chunk", int))
        store = self._service.store

        def work() -> tuple[Part, int, int]:
            if wish.if_absent or wish.if_match is not None:
                store.check(wish.key, if_absent=wish.if_absent, if_match=wish.if_match)
            part, real = store.parts.open(
                session.owner,
                wish.key,
                wish.source,
                wish.size,
                chunk,
                resume=wish.resume,
                blocks=wish.blocks,
            )
            return part, real, self._open_base(wish) if wish.base else -1

        def ready(result: tuple[Part, int, int]) -> None:
            part, real, base_fd = result
            upload = _Upload(
                session=session,
                peer=peer,
                key=wish.key,
                token=wish.token,
                wish=wish,
                chunk=real,
                store=store,
                part=part,
                base_fd=base_fd,
                content=RunningHash(wish.size, fd=part.fd) if wish.hash_kind == "blake3" else None,
            )
            try:
                number = self._begin(upload)
            except BaseException:
                upload.put_away(keep=True)
                raise
            have = [[first, len(hashes) // 8] for first, hashes in part.held[:MAX_RUNS]]
            # Little at first: the acknowledgements raise it to what each transfer may have by then.
            answer: dict[str, object] = {"chunk": real, "have": have, "window": 2 * real}
            answer |= {"base": base_fd >= 0, "hash_kind": wish.hash_kind}
            self._service.reply(peer, head, Type.PUT_READY, answer, transfer=number)
            self._service.reactor.engine.start(number)

        self._service.jobs.run(peer, head, work, ready, lambda: self._transfers.opened(session))
        self._transfers.opening(session)

    def _open_base(self, wish: Wish) -> int:
        """The version that chunks are to be copied from, if it is still the one of the key."""
        try:
            fd, entry, _ = self._service.store.open_read(wish.key)
        except FlaxError:
            return -1
        if entry.etag != wish.base:
            os.close(fd)
            return -1
        return fd

    def copy(self, session: Session, peer: bytes, head: Header, payload: bytes) -> None:
        """Take chunks of an upload from the version that the key has."""
        upload = self._transfers.find(head.transfer, session, _Upload)
        if upload is None or upload.base_fd < 0:
            raise ProtocolError("there is no upload that could copy", retryable=True)
        copies = decode_copies(payload)
        wish, chunk = upload.wish, upload.chunk
        if any(item.index >= chunk_count(wish.size, chunk) for item in copies):
            raise ProtocolError(f"{wish.key!r} does not have so many chunks")

        def done(good: list[Copy]) -> None:
            engine = self._service.reactor.engine
            if self._transfers.find(head.transfer, session, _Upload) is upload:
                for item in good:
                    engine.preset(head.transfer, item.index, item.hash.to_bytes(8, "little"))
            held = [item.index for item in good]
            self._service.counters["copied_chunks"] += len(held)
            self._service.reply(peer, head, Type.OK, {"held": runs(held)})

        self._service.jobs.run(peer, head, lambda: upload.copy(copies), done, upload.copied)
        # The files stay open, and the part its own, until this is done, whatever becomes of the upload.
        upload.copying += 1

    def _free_part(self, session: Session, wish: Wish) -> None:
        """Whoever was killed in this very upload holds its part until the server notices: look now."""
        for other in self._transfers:
            if (
                isinstance(other, _Upload)
                and other.session is not session
                and (other.wish.key, other.wish.source, other.session.owner)
                == (wish.key, wish.source, session.owner)
                and self._service.is_gone(other.session)
            ):
                self._service.end_session(other.session)

    def _begin(self, upload: _Upload) -> int:
        wish, part = upload.wish, upload.part
        if self._transfers.named(wish.token) is not None or wish.token in self._committing:
            raise ProtocolError("this upload was opened twice", retryable=True)

        def add(engine: Engine, number: int) -> None:
            engine.add(number, ROLE_RECV_ACK, wish.size, upload.chunk, WINDOW, fd=part.fd, map_fd=part.map_fd)
            for first, hashes in part.held[:MAX_RUNS]:
                engine.preset(number, first, hashes)

        return self._transfers.begin(upload, add)

    def _commit(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        upload = self._transfers.find(head.transfer, session, _Upload)
        if upload is None:
            raise ProtocolError("there is no such upload", retryable=True)
        engine = self._service.reactor.engine
        missing = engine.missing(head.transfer, 1)
        if upload.copying:
            raise ProtocolError(f"{upload.wish.key!r} is still being copied together", retryable=True)
        if missing:
            raise ProtocolError(
                f"{upload.wish.key!r} cannot be published: chunk {missing[0][0]} has not arrived",
                retryable=True,
            )
        hashes = engine.hashes(head.transfer)
        root = field(payload, "root", str)
        self._transfers.remove(head.transfer)

        def done(entry: Entry) -> None:
            answer: dict[str, object] = {
                "key": entry.key,
                "size": entry.size,
                "mtime_ns": entry.mtime_ns,
                "mode": entry.mode,
                "etag": entry.etag,
                "root": root,
            }
            self._done[upload.wish.token] = answer
            if len(self._done) > DONE_KEPT:
                self._done.popitem(last=False)
            self._service.counters["uploads"] += 1
            self._service.reply(peer, head, Type.PUT_DONE, answer)

        token = upload.wish.token
        try:
            self._service.jobs.run(
                peer,
                head,
                lambda: upload.publish(hashes, root),
                done,
                lambda: self._committing.discard(token),
            )
        except BaseException:
            upload.put_away(keep=True)
            raise
        self._committing.add(token)
