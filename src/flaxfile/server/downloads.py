"""Downloads of a server: opened, moved by the engine, summed up.

Everything here happens in the reactor's thread but the work on the disk, which `Jobs.run` hands to the
pool.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flaxfile._core.hashing import hash_chunks, root_hash
from flaxfile._core.transfers import ROLE_SEND_ASKED
from flaxfile.adaptive import chunk_for
from flaxfile.digests import RunningHash, check_kind
from flaxfile.errors import ConflictError, LimitError, ProtocolError, UsageError, from_os_error
from flaxfile.protocol.messages import MAX_CHUNK, Type, field
from flaxfile.server.transfers import WINDOW, Transfer, TransferRequests

if TYPE_CHECKING:
    from flaxfile._core.engine import Engine
    from flaxfile.model import Entry
    from flaxfile.protocol.header import Header
    from flaxfile.server.service import Service
    from flaxfile.server.sessions import Handler, Session
    from flaxfile.server.transfers import Transfers

__all__ = ["DownloadRequests"]

MOST_PIECES: Final = 1 << 19
"""Runs of chunks that a client may have had already: every second one of as many as its transfers have."""


@dataclass(slots=True, eq=False, kw_only=True)
class _Download(Transfer):
    entry: Entry
    fd: int
    offset: int
    length: int
    chunk: int
    chunks_there: int = 0
    """Chunks from the first one on that were sent, as the last look saw them."""

    def readable(self, engine: Engine, number: int) -> int:
        """All is there; but what is read soon after it was sent is read from the disk once."""
        self.chunks_there = engine.first_missing(number, self.chunks_there)
        # What a resume does not send leaves a gap: it is made up for by as much as was sent behind it.
        sent = engine.progress(number)[1]
        return min(self.length, max(self.chunks_there * self.chunk, sent))

    def put_away(self, *, keep: bool) -> None:
        """Close the file; there is nothing to keep."""
        del keep
        if self.content is not None:
            self.content.close()
        os.close(self.fd)

    def sum_up(self, hashes: bytearray, missing: list[tuple[int, int]]) -> tuple[str, bool]:
        """The root hash, and whether nobody wrote into the file meanwhile; work for the pool.

        Args:
            hashes: of all chunks.
            missing: runs of those that the client had already; they were not sent, so not hashed either.
        """
        try:
            root = self._root(hashes, missing) if self.content is None else self.content.finish()
            if root is None:
                return "", False
            # That another file took its key does not matter.
            status = os.fstat(self.fd)
        except OSError as error:
            raise from_os_error(error, f"reading {self.key!r}") from error
        else:
            return root, status.st_size == self.entry.size and status.st_mtime_ns == self.entry.mtime_ns
        finally:
            self.put_away(keep=False)

    def _root(self, hashes: bytearray, missing: list[tuple[int, int]]) -> str | None:
        for first, count in missing:
            part = hash_chunks(self.fd, self.offset, self.length, self.chunk, first, count)
            if len(part) != 8 * count:
                return None
            hashes[8 * first : 8 * (first + count)] = part
        return root_hash(self.length, self.chunk, bytes(hashes)).hex()


class DownloadRequests(TransferRequests):
    """Answers what is asked about downloads."""

    def __init__(self, service: Service, transfers: Transfers) -> None:
        super().__init__(service, transfers)
        self.requests: dict[Type, Handler] = {
            Type.GET_OPEN: self._open,
            Type.GET_DONE: self._done,
        }

    def _open(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key = field(payload, "key", str)
        self._transfers.check_open(session, key)
        offset = field(payload, "offset", int, 0)
        length = payload.get("length")
        if offset < 0 or (length is not None and (not isinstance(length, int) or length < 0)):
            raise UsageError(f"a range of {key!r} begins at {offset} and has {length} bytes")
        if_match = field(payload, "if_match", str, "")
        if_none_match = field(payload, "if_none_match", str, "")
        # Without a wish the size decides, which the client does not know yet.
        asked = field(payload, "chunk", int, 0)
        round_trip = field(payload, "round_trip_us", int, 0) / 1e6
        most = self._transfers.chunk(asked or MAX_CHUNK)
        hash_kind = check_kind(field(payload, "hash_kind", str, "xxh3"))
        store = self._service.store

        def work() -> tuple[int, Entry, int]:
            return store.open_read(key)

        def ready(result: tuple[int, Entry, int]) -> None:
            fd, entry, blocks = result
            size = max(0, entry.size - offset)
            if isinstance(length, int):
                size = min(size, length)
            chunk = min(most, asked or chunk_for(size, round_trip))
            answer: dict[str, object] = {
                "size": entry.size,
                "offset": offset,
                "length": size,
                "mode": entry.mode,
                "mtime_ns": entry.mtime_ns,
                "etag": entry.etag,
                "hash_kind": hash_kind,
            }
            if if_none_match == entry.etag and if_match in {"", entry.etag}:
                os.close(fd)
                self._service.counters["not_modified"] += 1
                self._service.reply(peer, head, Type.GET_READY, answer | {"not_modified": True})
                return
            try:
                if if_match:
                    _check_match(entry, if_match)
                number = self._begin(
                    _Download(
                        session=session,
                        peer=peer,
                        key=key,
                        entry=entry,
                        fd=fd,
                        offset=offset,
                        length=size,
                        chunk=chunk,
                        content=None if hash_kind == "xxh3" else RunningHash(size, fd=fd, base=offset),
                    )
                )
            except BaseException:
                os.close(fd)
                raise
            answer |= {"chunk": chunk, "blocks": blocks, "window": min(WINDOW, self._transfers.share())}
            self._service.reply(peer, head, Type.GET_READY, answer, transfer=number)
            self._service.reactor.engine.start(number)

        self._service.jobs.run(peer, head, work, ready, lambda: self._transfers.opened(session))
        self._transfers.opening(session)

    def _begin(self, download: _Download) -> int:
        def add(engine: Engine, number: int) -> None:
            engine.add(
                number,
                ROLE_SEND_ASKED,
                download.length,
                download.chunk,
                WINDOW,
                fd=download.fd,
                base=download.offset,
            )

        return self._transfers.begin(download, add)

    def _done(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        del payload
        download = self._transfers.find(head.transfer, session, _Download)
        if download is None:
            raise ProtocolError("there is no such download", retryable=True)
        engine = self._service.reactor.engine
        hashes = bytearray(engine.hashes(head.transfer))
        missing = engine.missing(head.transfer, MOST_PIECES + 1)
        if len(missing) > MOST_PIECES:
            raise LimitError(f"{download.key!r} was fetched in too many pieces", retryable=False)
        self._transfers.remove(head.transfer)

        def done(result: tuple[str, bool]) -> None:
            self._service.counters["downloads"] += 1
            answer: dict[str, object] = {"root": result[0], "unchanged": result[1]}
            self._service.reply(peer, head, Type.GET_SUM, answer)

        try:
            self._service.jobs.run(peer, head, lambda: download.sum_up(hashes, missing), done)
        except BaseException:
            download.put_away(keep=True)
            raise


def _check_match(entry: Entry, etag: str) -> None:
    if entry.etag != etag:
        raise ConflictError(f"{entry.key!r} has changed: it is {entry.etag} now, not {etag}")
