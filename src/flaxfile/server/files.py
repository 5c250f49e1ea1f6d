"""Requests about files that move no chunks: listing, looking, deleting, moving, folders, packs of small
files.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flaxfile._core.hashing import cut_file
from flaxfile.digests import check_kind, hash_content
from flaxfile.errors import AuthError, FlaxError, IntegrityError, LimitError, ProtocolError
from flaxfile.paths import check_key, check_prefix
from flaxfile.protocol.delta import encode_signature
from flaxfile.protocol.messages import (
    MAX_CHUNK,
    MAX_PACK,
    PAGE_LIMIT,
    Type,
    encode_payload,
    field,
    texts,
)
from flaxfile.protocol.pack import MAX_FILES, decode_pack, encode_pack
from flaxfile.store.listing import page
from flaxfile.store.packs import NewFile, get_many, put_many
from flaxfile.store.quick_listing import quick_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flaxfile.model import Entry, HashKind
    from flaxfile.protocol.header import Header
    from flaxfile.server.service import Service
    from flaxfile.server.sessions import Handler, Session

__all__ = ["FileRequests"]

INDEX_ROOM = 384 * 1024


def _plain(entry: Entry) -> dict[str, object]:
    found: dict[str, object] = {
        "key": entry.key,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "mode": entry.mode,
        "etag": entry.etag,
        "kind": entry.kind,
    }
    if entry.hash is not None:
        found |= {"hash": entry.hash, "hash_kind": entry.hash_kind}
    if entry.known_hash is not None:
        found["known_hash"] = entry.known_hash
    if entry.target is not None:
        found["target"] = entry.target
    return found


class FileRequests:
    """Answers them.

    Args:
        service: answers and runs the work.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.requests: dict[Type, Handler] = {
            Type.LIST: self._list,
            Type.STAT: self._stat,
            Type.DELETE: self._delete,
            Type.MOVE: self._move,
            Type.MKDIR: self._make_folder,
            Type.LINK: self._make_link,
            Type.PACK_GET: self._pack_get,
            Type.SIG_GET: self._signature,
        }

    def _ok(self, peer: bytes, head: Header) -> Callable[[dict[str, object]], None]:
        return lambda answer: self._service.reply(peer, head, Type.OK, answer)

    def _list(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        prefix = _visible(session, field(payload, "prefix", str, ""))
        cursor = field(payload, "cursor", str, "") or None
        limit = field(payload, "limit", int, PAGE_LIMIT)
        digest, folders = payload.get("hash") is True, payload.get("folders") is True
        links, again = payload.get("links") is True, payload.get("again") is True
        hash_kind = _kind(payload)
        if not 1 <= limit <= PAGE_LIMIT:
            raise ProtocolError(f"a page of {limit} entries; at most {PAGE_LIMIT} are possible")

        def work() -> bytes:
            if not (digest or links or again):
                quick = quick_page(self._service.store.files, prefix, cursor, limit, folders=folders)
                if quick is not None:
                    return quick
            entries, next_cursor = page(
                self._service.store,
                prefix,
                cursor,
                limit,
                digest=digest,
                folders=folders,
                links=links,
                again=again,
                hash_kind=hash_kind,
            )
            plain = [_plain(entry) for entry in entries]
            # Long names: fewer of them go into one message.
            while sum(_room(entry) for entry in entries[: len(plain)]) > 1_000_000:
                plain = plain[: len(plain) // 2]
                last = entries[len(plain) - 1]
                next_cursor = last.key + ("/" if last.kind == "dir" else "")
            return encode_payload({"entries": plain, "cursor": next_cursor})

        self._service.jobs.run(
            peer, head, work, lambda answer: self._service.reply_bytes(peer, head, Type.ENTRIES, answer)
        )

    def _stat(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key = field(payload, "key", str)
        digest = _kind(payload) if payload.get("hash") is True else None
        check_key(key)
        session.check_key(key)
        store = self._service.store
        self._service.jobs.run(
            peer, head, lambda: _plain(store.stat(key, digest=digest)), self._ok(peer, head)
        )

    def _signature(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key = field(payload, "key", str)
        check_key(key)
        session.check_key(key)

        def work() -> bytes:
            fd, entry, _ = self._service.store.open_read(key)
            try:
                table = cut_file(fd, entry.size)
            finally:
                os.close(fd)
            if len(table) > MAX_CHUNK:
                raise LimitError(f"{key!r} has too many blocks for one message", retryable=False)
            return encode_signature(entry.etag, table)

        self._service.jobs.run(
            peer, head, work, lambda answer: self._service.reply_bytes(peer, head, Type.SIG, answer)
        )

    def _delete(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key = field(payload, "key", str)
        recursive, only_empty = payload.get("recursive") is True, payload.get("only_empty") is True
        if_match = field(payload, "if_match", str, "") or None
        check_key(key)
        session.check_write()
        session.check_key(key)
        store = self._service.store

        def work() -> dict[str, object]:
            if only_empty:
                store.remove_folder(key)
                return {"files": 0}
            return {"files": store.delete(key, recursive=recursive, if_match=if_match)}

        self._service.jobs.run(peer, head, work, self._ok(peer, head))

    def _move(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        old, new = field(payload, "key", str), field(payload, "to", str)
        if_absent = payload.get("if_absent") is True
        session.check_write()
        for key in (old, new):
            check_key(key)
            session.check_key(key)
        store = self._service.store
        self._service.jobs.run(
            peer, head, lambda: _plain(store.move(old, new, if_absent=if_absent)), self._ok(peer, head)
        )

    def _make_folder(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key, mode = field(payload, "key", str), payload.get("mode")
        check_key(key)
        session.check_write()
        session.check_key(key)
        store = self._service.store
        self._service.jobs.run(
            peer,
            head,
            lambda: _plain(store.make_folder(key, mode=mode if isinstance(mode, int) else None)),
            self._ok(peer, head),
        )

    def _make_link(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        key, target = field(payload, "key", str), field(payload, "target", str)
        check_key(key)
        session.check_write()
        session.check_key(key)
        store = self._service.store
        self._service.jobs.run(peer, head, lambda: _plain(store.make_link(key, target)), self._ok(peer, head))

    def pack_put(self, session: Session, peer: bytes, head: Header, payload: bytes) -> None:
        """Store many small files."""
        session.check_write()
        if self._service.closing:
            raise LimitError("the server is going down", retry_after=5.0)
        index, contents = decode_pack(payload)

        def work() -> dict[str, object]:
            answer: list[dict[str, object]] = [{}] * len(index)
            files: list[NewFile] = []
            places: list[int] = []
            for at, (item, content) in enumerate(zip(index, contents, strict=True)):
                try:
                    files.append(_new_file(session, item, content))
                except FlaxError as error:
                    answer[at] = {"error": error.to_wire()}
                else:
                    places.append(at)
            for at, found in zip(places, put_many(self._service.store, files), strict=True):
                answer[at] = _stored(found)
            return {"files": answer}

        def done(answer: dict[str, object]) -> None:
            self._service.counters["packed_uploads"] += len(index)
            self._service.reply(peer, head, Type.PACK_ACK, answer)

        self._service.jobs.run(peer, head, work, done)

    def _pack_get(self, session: Session, peer: bytes, head: Header, payload: dict[str, object]) -> None:
        keys = texts(payload, "keys")
        hash_kind = _kind(payload)
        if len(keys) > MAX_FILES:
            raise ProtocolError(f"a pack has at most {MAX_FILES} keys")

        def work() -> bytes:
            index: list[dict[str, object]] = []
            contents: list[bytes | memoryview] = []
            room = INDEX_ROOM
            for key, found in zip(keys, self._found(session, keys), strict=False):
                room -= len(key) * 6 + 512
                if room < 0:
                    break
                if isinstance(found, FlaxError):
                    index.append({"key": key, "error": found.to_wire()})
                    contents.append(b"")
                else:
                    entry, content = found
                    if hash_kind == "blake3":
                        entry = entry._replace(hash=hash_content(content, hash_kind), hash_kind=hash_kind)
                    index.append(_plain(entry))
                    contents.append(content)
            return encode_pack(index, contents)

        self._service.jobs.run(
            peer, head, work, lambda answer: self._service.reply_bytes(peer, head, Type.PACK, answer)
        )

    def _found(
        self, session: Session, keys: list[str]
    ) -> Iterator[tuple[Entry, bytes | memoryview] | FlaxError]:
        """The files of keys, in their order, as many as fit into a pack."""
        refused: dict[str, FlaxError] = {}
        for key in keys:
            try:
                check_key(key)
                session.check_key(key)
            except FlaxError as error:
                refused[key] = error
        found = iter(get_many(self._service.store, [key for key in keys if key not in refused], MAX_PACK))
        for key in keys:
            item = refused.get(key) or next(found, None)
            if item is None:
                return
            yield item


def _new_file(session: Session, item: dict[str, object], content: memoryview) -> NewFile:
    """What a pack says of a file that this client may store."""
    key = field(item, "key", str)
    check_key(key)
    session.check_key(key)
    mode, mtime_ns = item.get("mode"), item.get("mtime_ns")
    return NewFile(
        key,
        content,
        mode if isinstance(mode, int) else None,
        mtime_ns if isinstance(mtime_ns, int) else None,
        item.get("verify_disk") is True,
        _checked(item, key, content),
    )


def _stored(found: Entry | FlaxError) -> dict[str, object]:
    if isinstance(found, FlaxError):
        return {"error": found.to_wire()}
    return {"etag": found.etag, "hash": found.hash}


def _kind(payload: dict[str, object]) -> HashKind:
    """The kind of hashes that a request is about."""
    return check_kind(field(payload, "hash_kind", str, "xxh3"))


def _checked(item: dict[str, object], key: str, content: memoryview) -> str | None:
    """The BLAKE3 of what has arrived of a small file, when its client sent one along; raises if it is not
    that.
    """
    if _kind(item) != "blake3":
        return None
    found = hash_content(content, "blake3")
    if found != field(item, "hash", str):
        raise IntegrityError(f"{key!r} has not arrived as it was sent; it was not stored")
    return found


def _room(entry: Entry) -> int:
    """Bytes that an entry has in a message, at most."""
    return (len(entry.key) + len(entry.target or "")) * 6 + 384


def _visible(session: Session, prefix: str) -> str:
    """The part of a prefix that a client may see."""
    own = session.permission.prefix.rstrip("/")
    check_prefix(prefix)
    plain = prefix.rstrip("/")
    if not own or plain == own or plain.startswith(own + "/"):
        return plain
    if not plain or own.startswith(plain + "/"):
        return own
    raise AuthError(f"{session.permission.name!r} may only see keys below {own!r}")
