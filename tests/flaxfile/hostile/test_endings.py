"""Transfers that end in an odd way leave nothing behind: no open file, no part that is never free again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from flaxfile._core.hashing import root_hash, xxh3_64
from flaxfile.adaptive import MANY_CHUNKS
from flaxfile.errors import LimitError
from flaxfile.protocol.delta import Copy, encode_copies
from flaxfile.protocol.header import Header, encode_header, seal
from flaxfile.protocol.messages import Type
from flaxfile.server import downloads
from flaxfile.server.server import Server

from .peers import answer, ask, dealer, hello

CHUNK = 65536
BUSY = "flaxfile.server.jobs.MAX_JOBS"


def open_files(store: Path) -> list[str]:
    found: list[Path] = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(entry.readlink())
    return [
        path.name for path in found if path.is_relative_to(store) and path.suffix in {".part", ".map", ".bin"}
    ]


def opening(key: str, size: int, **more: object) -> dict[str, object]:
    return {"key": key, "size": size, "chunk": CHUNK, "upload": "1", "source": "s", **more}


async def test_a_commit_that_is_put_off_keeps_the_part_for_the_next_try(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root: dict[str, object] = {"root": root_hash(0, CHUNK, b"").hex()}
    with dealer(server.port) as peer:
        hello(peer)
        ready, _ = ask(peer, Type.PUT_OPEN, opening("new", 0))
        monkeypatch.setattr(BUSY, 0)
        _, refused = ask(peer, Type.PUT_COMMIT, root, transfer=ready.transfer)
        monkeypatch.undo()
        left = open_files(store)
        again, _ = ask(peer, Type.PUT_OPEN, opening("new", 0))
        parts = server.stats()["parts"]
        done, _ = ask(peer, Type.PUT_COMMIT, root, transfer=again.transfer)

    assert ("LIMIT", []) == (refused["name"], left)
    assert (1, Type.PUT_DONE) == (parts, done.type)
    assert (store / "new").exists()


async def test_a_download_whose_sum_is_refused_leaves_no_open_file(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "file.bin").write_bytes(b"content")
    with dealer(server.port) as peer:
        hello(peer)
        ready, _ = ask(peer, Type.GET_OPEN, {"key": "file.bin", "chunk": CHUNK})
        assert open_files(store)
        monkeypatch.setattr(BUSY, 0)
        _, refused = ask(peer, Type.GET_DONE, {}, transfer=ready.transfer)

        assert ("LIMIT", []) == (refused["name"], open_files(store))


def copying(peer: Any, size: int, segment: tuple[int, int], digest: int) -> tuple[Header, Any]:
    """Open an upload over ``file.bin`` and ask for its first chunk to be made of a piece of that."""
    _, entry = ask(peer, Type.STAT, {"key": "file.bin"})
    ready, payload = ask(peer, Type.PUT_OPEN, opening("file.bin", size, base=entry["etag"]))
    assert payload["base"] is True
    data = encode_copies([Copy(0, digest, (segment,))])
    header = Header(Type.COPY, request=1, transfer=ready.transfer)
    peer.send_multipart([seal(header, data), data])
    _, told = answer(peer)
    return ready, told


async def test_an_answer_to_copy_that_cannot_be_given_leaves_no_open_file(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(CHUNK)
    (store / "file.bin").write_bytes(content)

    def too_long(_indexes: object) -> list[list[int]]:
        raise LimitError("the answer is too long for one message")

    monkeypatch.setattr("flaxfile.server.uploads.runs", too_long)
    with dealer(server.port) as peer:
        hello(peer)
        ready, told = copying(peer, CHUNK, (0, CHUNK), xxh3_64(content))
        header = Header(Type.ABORT, transfer=ready.transfer)
        peer.send_multipart([seal(header)])
        ask(peer, Type.PING, {}, offset=1)

        assert ("LIMIT", []) == (told["name"], open_files(store))


async def test_no_more_is_read_for_a_copied_chunk_than_a_chunk_has(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (store / "file.bin").open("wb") as file:
        file.truncate(1 << 30)
    read: list[int] = []
    real = os.pread

    def pread(fd: int, length: int, offset: int) -> bytes:
        read.append(length)
        return real(fd, min(length, CHUNK), offset)

    monkeypatch.setattr("os.pread", pread)
    with dealer(server.port) as peer:
        hello(peer)
        _, told = copying(peer, CHUNK, (0, 1 << 30), 1)

    assert [] == told["held"]
    assert max(read, default=0) <= CHUNK


@pytest.mark.parametrize("most", [3, 2])
async def test_the_sum_of_a_download_counts_every_piece_that_the_client_had_or_is_refused(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    content = os.urandom(5 * CHUNK)
    (store / "file.bin").write_bytes(content)
    monkeypatch.setattr(downloads, "MOST_PIECES", most)
    with dealer(server.port) as peer:
        hello(peer)
        ready, _ = ask(peer, Type.GET_OPEN, {"key": "file.bin", "chunk": CHUNK})
        for number in (1, 3):
            header = Header(Type.CREDIT, transfer=ready.transfer, offset=number * CHUNK, length=1)
            check = xxh3_64(encode_header(header)) & 0xFFFFFFFF
            peer.send_multipart([encode_header(header._replace(request=check))])
            assert Type.DATA == peer.recv_multipart()[0][2]
        _, told = ask(peer, Type.GET_DONE, {}, transfer=ready.transfer)

    hashes = [xxh3_64(content[at : at + CHUNK]).to_bytes(8, "little") for at in range(0, 5 * CHUNK, CHUNK)]
    root = root_hash(5 * CHUNK, CHUNK, b"".join(hashes)).hex()
    assert told.get("root") == (root if most == 3 else None)
    assert told.get("name") == (None if most == 3 else "LIMIT")


def test_all_pieces_that_a_transfer_of_a_client_can_have_are_counted() -> None:
    assert downloads.MOST_PIECES >= MANY_CHUNKS // 2


@pytest.mark.parametrize("token", ["", "x" * 65])
async def test_an_upload_has_a_name_of_a_bounded_length(server: Server, token: str) -> None:
    with dealer(server.port) as peer:
        hello(peer)
        head, _ = ask(peer, Type.PUT_OPEN, {**opening("new", 0), "upload": token})

    assert Type.ERROR == head.type
