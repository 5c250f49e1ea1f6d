"""Uploads and downloads of a server: opened, moved by the engine, committed or summed up, or given up.

Everything here happens in the reactor's thread but the work on the disk, which `Service.run` hands to the
pool.
"""

from __future__ import annotations

import collections
import errno
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flaxfile._core import engine as core
from flaxfile._core.hashing import hash_chunks, root_hash, xxh3_64
from flaxfile.adaptive import chunk_for
from flaxfile.causes import cause_error
from flaxfile.errors import (
    ConflictError,
    FlaxError,
    IntegrityError,
    LimitError,
    ProtocolError,
    UsageError,
)
from flaxfile.paths import check_key
from flaxfile.protocol.chunkmap import chunk_count, runs
from flaxfile.protocol.delta import Copy, decode_copies
from flaxfile.protocol.header import Header
from flaxfile.protocol.messages import FLAG_KEEP, MAX_CHUNK, MAX_SIZE, MIN_CHUNK, Type, field
from flaxfile.store.parts import write_at
from flaxfile.store.reading_back import check_chunks

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile.model import Entry
    from flaxfile.server.service import Service
    from flaxfile.server.sessions import Session
    from flaxfile.store.parts import Part

__all__ = ["Transfers"]

DONE_KEPT: Final = 1024
"""Finished uploads whose answer is remembered, for a client that did not get it."""
MAX_RUNS: Final = 10000
"""Held runs of chunks that one answer names; what is beyond is sent again."""
WINDOW: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class _Wish:
    """What PUT_OPEN asks for."""

    key: str
    size: int
    token: str
    source: str
    blocks: int
    resume: bool
    mode: int | None
    mtime_ns: int | None
    if_absent: bool
    if_match: str | None
    base: str
    """Version of the key that chunks may be copied from; empty for none."""
    fsync: bool
    verify_disk: bool

    @classmethod
    def read(cls, payload: dict[str, object]) -> _Wish:
        size = field(payload, "size", int)
        if not 0 <= size <= MAX_SIZE:
            raise ProtocolError(f"a file of {size} bytes")
        mode, mtime_ns = payload.get("mode"), payload.get("mtime_ns")
        return cls(
            key=field(payload, "key", str),
            size=size,
            token=field(payload, "upload", str),
            source=field(payload, "source", str, ""),
            blocks=field(payload, "blocks", int, size),
            resume=payload.get("resume") is not False,
            mode=mode if isinstance(mode, int) else None,
            mtime_ns=mtime_ns if isinstance(mtime_ns, int) and abs(mtime_ns) < 1 << 62 else None,
            if_absent=payload.get("if_absent") is True,
            if_match=field(payload, "if_match", str, "") or None,
            base=field(payload, "base", str, ""),
            fsync=payload.get("fsync") is True,
            verify_disk=payload.get("verify_disk") is True,
        )


@dataclass(slots=True, eq=False)
class _Upload:
    session: Session
    peer: bytes
    wish: _Wish
    chunk: int
    part: Part
    base_fd: int
    """The version that chunks are copied from, -1 for none."""
    copying: int = 0
    afterwards: Callable[[], None] | None = None
    """What happens to the files once nothing is being copied any more."""


@dataclass(slots=True, eq=False)
class _Download:
    session: Session
    peer: bytes
    entry: Entry
    fd: int
    offset: int
    length: int
    chunk: int


class Transfers:
    """All transfers of a server.

    Args:
        service: answers and runs the work.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._all: dict[int, _Upload | _Download] = {}
        self._uploads: dict[str, int] = {}
        self._opening = 0
        self._committing: set[str] = set()
        self._done: collections.OrderedDict[str, dict[str, object]] = collections.OrderedDict()
        self.requests: dict[Type, Callable[[Session, bytes, Header, dict[str, object]], None]] = {
            Type.PUT_OPEN: self._put_open,
            Type.PUT_COMMIT: self._put_commit,
            Type.GET_OPEN: self._get_open,
            Type.GET_DONE: self._get_done,
        }

    def __len__(self) -> int:
        return len(self._all) + self._opening

    @property
    def committing(self) -> int:
        """Uploads that are being published."""
        return len(self._committing)

    # ---- memory ----

    def _share(self, more: int = 0) -> int:
        """Bytes that each transfer may have on its way."""
        return self._service.limits.each_way // max(1, len(self) + more)

    def _spread(self) -> None:
        self._service.reactor.engine.set_share(max(2 * MIN_CHUNK, self._share()))
        if not self._all:
            self._service.reactor.engine.trim()

    def _chunk(self, asked: int) -> int:
        """The chunk a new transfer gets: what is asked for, less when memory is short."""
        if not 1 <= asked <= MAX_CHUNK:
            raise ProtocolError(f"a chunk of {asked} bytes; at most {MAX_CHUNK} are possible")
        share = self._share(more=1)
        if share < 2 * MIN_CHUNK:
            raise LimitError("all memory that this server may use is taken", retry_after=1.0)
        chunk = max(asked, MIN_CHUNK)
        while 2 * chunk > share:
            chunk = max(MIN_CHUNK, chunk // 2)
        return chunk

    def _check_open(self, session: Session, key: str) -> None:
        if self._service.closing:
            raise LimitError("the server is going down", retry_after=5.0)
        check_key(key)
        session.check_key(key)
        session.check_room()

    def _new_id(self) -> int:
        while True:
            number = secrets.randbits(63)
            if number and number not in self._all:
                return number

    def _open(self, session: Session) -> None:
        """Count a transfer that is being prepared: it takes room already."""
        session.opening += 1
        self._opening += 1

    def _opened(self, session: Session) -> None:
        session.opening -= 1
        self._opening -= 1
        self._spread()

    def _begin(self, number: int, transfer: _Upload | _Download) -> None:
        """Put a transfer on all connections of its client."""
        session = transfer.session
        if not session.peers:
            raise ProtocolError("the client has gone meanwhile")
        for peer in session.peers:
            self._service.reactor.engine.add_route(number, 0, peer)
        self._all[number] = transfer
        session.transfers.add(number)

    # ---- uploads ----

    def _put_open(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        wish = _Wish.read(payload)
        session.check_write()
        self._check_open(session, wish.key)
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
        if wish.token in self._uploads:
            # Its client comes back on new connections: what it sent on the old ones is in the part.
            self._give_up(self._uploads[wish.token], keep=True)
        self._free_part(session, wish)
        chunk = self._chunk(field(payload, "chunk", int))
        store = self._service.store

        def work(tell: Callable[[], None]) -> tuple[Part, int, int]:
            if wish.if_absent or wish.if_match is not None:
                store.check(wish.key, if_absent=wish.if_absent, if_match=wish.if_match)
            part, real = store.open_part(
                session.owner,
                wish.key,
                wish.source,
                wish.size,
                chunk,
                resume=wish.resume,
                blocks=wish.blocks,
                tell=tell,
            )
            return part, real, self._open_base(wish) if wish.base else -1

        def ready(result: tuple[Part, int, int]) -> None:
            part, real, base_fd = result
            upload = _Upload(session, peer, wish, real, part, base_fd)
            try:
                number = self._begin_upload(upload)
            except BaseException:
                self._put_away(upload, keep=True)
                raise
            self._opened(session)
            have = [[first, len(hashes) // 8] for first, hashes in part.held[:MAX_RUNS]]
            # Little at first: the acknowledgements raise it to what each transfer may have by then.
            answer: dict[str, object] = {"chunk": real, "have": have, "window": 2 * real}
            answer["base"] = base_fd >= 0
            self._service.reply(peer, head, Type.PUT_READY, answer, transfer=number)
            self._service.reactor.engine.start(number)

        self._open(session)
        self._service.run(peer, head, work, ready, lambda: self._opened(session))

    def _open_base(self, wish: _Wish) -> int:
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
        upload = self._all.get(head.transfer)
        if not isinstance(upload, _Upload) or upload.session is not session or upload.base_fd < 0:
            raise ProtocolError("there is no upload that could copy", retryable=True)
        copies = decode_copies(payload)
        wish, chunk = upload.wish, upload.chunk
        if any(item.index >= chunk_count(wish.size, chunk) for item in copies):
            raise ProtocolError(f"{wish.key!r} does not have so many chunks")
        # The files stay open, and the part its own, until this is done, whatever becomes of the upload.
        upload.copying += 1

        def work(_tell: Callable[[], None]) -> list[Copy]:
            good: list[Copy] = []
            for item in copies:
                at = item.index * chunk
                data = b"".join(os.pread(upload.base_fd, length, offset) for offset, length in item.segments)
                if len(data) == min(chunk, wish.size - at) and xxh3_64(data) == item.hash:
                    write_at(upload.part.fd, data, at)
                    good.append(item)
            return good

        def settled() -> None:
            upload.copying -= 1
            if upload.copying == 0 and upload.afterwards is not None:
                upload.afterwards()

        def done(good: list[Copy]) -> None:
            engine = self._service.reactor.engine
            if self._all.get(head.transfer) is upload:
                for item in good:
                    engine.preset(head.transfer, item.index, item.hash.to_bytes(8, "little"))
            settled()
            held = [item.index for item in good]
            self._service.counters["copied_chunks"] += len(held)
            self._service.reply(peer, head, Type.OK, {"held": runs(held)})

        self._service.run(peer, head, work, done, settled)

    def _put_away(self, upload: _Upload, *, keep: bool) -> None:
        """Close the files of an upload, and keep or drop its part, as soon as nothing is copied any more."""

        def now() -> None:
            if upload.base_fd >= 0:
                os.close(upload.base_fd)
                upload.base_fd = -1
            if keep:
                self._service.store.keep(upload.part)
            else:
                self._service.store.drop(upload.part)

        if upload.copying:
            upload.afterwards = now
        else:
            now()

    def _free_part(self, session: Session, wish: _Wish) -> None:
        """Whoever was killed in this very upload holds its part until the server notices: look now."""
        for other in list(self._all.values()):
            if (
                isinstance(other, _Upload)
                and other.session is not session
                and (other.wish.key, other.wish.source, other.session.owner)
                == (wish.key, wish.source, session.owner)
                and self._service.is_gone(other.session)
            ):
                self._service.end_session(other.session)

    def _begin_upload(self, upload: _Upload) -> int:
        wish, part, engine = upload.wish, upload.part, self._service.reactor.engine
        if wish.token in self._uploads or wish.token in self._committing:
            raise ProtocolError("this upload was opened twice", retryable=True)
        number = self._new_id()
        engine.add(
            number, core.ROLE_RECV_ACK, wish.size, upload.chunk, WINDOW, fd=part.fd, map_fd=part.map_fd
        )
        try:
            for first, hashes in part.held[:MAX_RUNS]:
                engine.preset(number, first, hashes)
            self._begin(number, upload)
        except BaseException:
            engine.remove(number)
            raise
        self._uploads[wish.token] = number
        return number

    def _put_commit(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        upload = self._all.get(head.transfer)
        if not isinstance(upload, _Upload) or upload.session is not session:
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
        root = root_hash(upload.wish.size, upload.chunk, hashes)
        wanted = field(payload, "root", str)
        number = head.transfer
        if root.hex() != wanted:
            self._give_up(number, keep=False)
            raise IntegrityError(f"{upload.wish.key!r} has not arrived as it was sent; nothing was published")
        self._forget(number)
        engine.remove(number)
        self._committing.add(upload.wish.token)

        def failed() -> None:
            self._committing.discard(upload.wish.token)

        def done(entry: Entry) -> None:
            failed()
            answer: dict[str, object] = {
                "key": entry.key,
                "size": entry.size,
                "mtime_ns": entry.mtime_ns,
                "mode": entry.mode,
                "etag": entry.etag,
                "root": root.hex(),
            }
            self._done[upload.wish.token] = answer
            if len(self._done) > DONE_KEPT:
                self._done.popitem(last=False)
            self._service.counters["uploads"] += 1
            self._service.reply(peer, head, Type.PUT_DONE, answer)

        self._service.run(peer, head, lambda _tell: self._publish(upload, hashes), done, failed)

    def _publish(self, upload: _Upload, hashes: bytes) -> Entry:
        """Give the key what has arrived; work for the pool."""
        wish, store = upload.wish, self._service.store
        try:
            if upload.base_fd >= 0:
                os.close(upload.base_fd)
                upload.base_fd = -1
            if wish.verify_disk:
                check_chunks(upload.part.fd, wish.size, upload.chunk, hashes, repr(wish.key))
            return store.publish(
                upload.part,
                wish.key,
                mode=wish.mode,
                mtime_ns=wish.mtime_ns,
                if_absent=wish.if_absent,
                if_match=wish.if_match,
                fsync=wish.fsync,
            )
        except IntegrityError:
            store.drop(upload.part)
            raise
        except BaseException:
            store.keep(upload.part)
            raise

    # ---- downloads ----

    def _get_open(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key = field(payload, "key", str)
        self._check_open(session, key)
        offset = field(payload, "offset", int, 0)
        length = payload.get("length")
        if offset < 0 or (length is not None and (not isinstance(length, int) or length < 0)):
            raise UsageError(f"a range of {key!r} begins at {offset} and has {length} bytes")
        if_match = field(payload, "if_match", str, "")
        # Without a wish the size decides, which the client does not know yet.
        asked = field(payload, "chunk", int, 0)
        round_trip = field(payload, "round_trip_us", int, 0) / 1e6
        most = self._chunk(asked or MAX_CHUNK)
        store = self._service.store

        def work(_tell: Callable[[], None]) -> tuple[int, Entry, int]:
            return store.open_read(key)

        def ready(result: tuple[int, Entry, int]) -> None:
            fd, entry, blocks = result
            size = max(0, entry.size - offset)
            if isinstance(length, int):
                size = min(size, length)
            chunk = min(most, asked or chunk_for(size, round_trip))
            try:
                if if_match:
                    _check_match(entry, if_match)
                number = self._begin_download(_Download(session, peer, entry, fd, offset, size, chunk))
            except BaseException:
                os.close(fd)
                raise
            self._opened(session)
            answer: dict[str, object] = {
                "size": entry.size,
                "offset": offset,
                "length": size,
                "mode": entry.mode,
                "mtime_ns": entry.mtime_ns,
                "etag": entry.etag,
                "chunk": chunk,
                "blocks": blocks,
                "window": min(WINDOW, self._share()),
            }
            self._service.reply(peer, head, Type.GET_READY, answer, transfer=number)
            self._service.reactor.engine.start(number)

        self._open(session)
        self._service.run(peer, head, work, ready, lambda: self._opened(session))

    def _begin_download(self, download: _Download) -> int:
        number, engine = self._new_id(), self._service.reactor.engine
        engine.add(
            number,
            core.ROLE_SEND_ASKED,
            download.length,
            download.chunk,
            WINDOW,
            fd=download.fd,
            base=download.offset,
        )
        try:
            self._begin(number, download)
        except BaseException:
            engine.remove(number)
            raise
        return number

    def _get_done(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        del payload
        download = self._all.get(head.transfer)
        if not isinstance(download, _Download) or download.session is not session:
            raise ProtocolError("there is no such download", retryable=True)
        engine = self._service.reactor.engine
        hashes = bytearray(engine.hashes(head.transfer))
        # What the client had already was not sent, so it was not hashed either.
        missing = engine.missing(head.transfer, MAX_RUNS)
        self._forget(head.transfer)
        engine.remove(head.transfer)

        def work(_tell: Callable[[], None]) -> tuple[bytes, bool]:
            try:
                for first, count in missing:
                    part = hash_chunks(
                        download.fd, download.offset, download.length, download.chunk, first, count
                    )
                    if len(part) != 8 * count:
                        return b"", False
                    hashes[8 * first : 8 * (first + count)] = part
                root = root_hash(download.length, download.chunk, bytes(hashes))
                return root, _unchanged(download.fd, download.entry)
            finally:
                os.close(download.fd)

        def done(result: tuple[bytes, bool]) -> None:
            self._service.counters["downloads"] += 1
            answer: dict[str, object] = {"root": result[0].hex(), "unchanged": result[1]}
            self._service.reply(peer, head, Type.GET_SUM, answer)

        self._service.run(peer, head, work, done)

    # ---- the end of transfers ----

    def on_event(self, number: int, cause: int) -> None:
        """The engine has all chunks of a transfer (0), or cannot go on with it."""
        transfer = self._all.get(number)
        if transfer is None or cause == 0:
            return
        if isinstance(transfer, _Upload):
            what, peer = repr(transfer.wish.key), transfer.peer
            keep = cause not in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
        else:
            what, peer, keep = repr(transfer.entry.key), transfer.peer, True
        self._give_up(number, keep=keep)
        self._service.refuse(peer, Header(Type.ERROR, transfer=number), cause_error(cause, what))

    def abort(self, session: Session, head: Header) -> None:
        """A client gives a transfer up."""
        transfer = self._all.get(head.transfer)
        if transfer is not None and transfer.session is session:
            self._give_up(head.transfer, keep=bool(head.flags & FLAG_KEEP))

    def end_session(self, session: Session) -> None:
        """A client is gone."""
        for number in list(session.transfers):
            self._give_up(number, keep=True)

    def close(self) -> None:
        """The server ends: parts stay."""
        for number in list(self._all):
            self._give_up(number, keep=True)

    def _forget(self, number: int) -> None:
        transfer = self._all.pop(number)
        transfer.session.transfers.discard(number)
        if isinstance(transfer, _Upload):
            self._uploads.pop(transfer.wish.token, None)
        self._service.reactor.post(self._spread)

    def _give_up(self, number: int, *, keep: bool) -> None:
        transfer = self._all[number]
        self._forget(number)
        self._service.reactor.engine.remove(number)
        if isinstance(transfer, _Download):
            os.close(transfer.fd)
        else:
            self._put_away(transfer, keep=keep)


def _unchanged(fd: int, entry: Entry) -> bool:
    """Whether nobody wrote into the file since it was opened; that another took its key does not matter."""
    status = os.fstat(fd)
    return status.st_size == entry.size and status.st_mtime_ns == entry.mtime_ns


def _check_match(entry: Entry, etag: str) -> None:
    if entry.etag != etag:
        raise ConflictError(f"{entry.key!r} has changed: it is {entry.etag} now, not {etag}")
