"""What moves under each kind of hash: the hash is that of the content, and nothing wrong counts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from flaxfile import digests
from flaxfile._core.hashing import xxh3_64
from flaxfile.client import requests, small
from flaxfile.client.async_client import AsyncClient
from flaxfile.client.client import Client
from flaxfile.client.downloads import Download
from flaxfile.client.small import SmallFile
from flaxfile.digests import RunningHash
from flaxfile.errors import IntegrityError, MissingExtraError, ProtocolError, UsageError
from flaxfile.model import Entry, HashKind
from flaxfile.protocol.chunkmap import encode_description, parse_journal
from flaxfile.server import downloads, files, service, uploads, wish
from flaxfile.server.server import Server
from flaxfile.store import hashes as hashes_module
from flaxfile.store import reading_back
from tests.flaxfile.commands import wait_until
from tests.flaxfile.serving import cancelled_half_way

MIB = 1 << 20
WORDS = "correct horse battery"
KINDS: tuple[HashKind, ...] = ("xxh3", "blake3")
SIZES = (0, 1, 256 * 1024 + 1, 3 * MIB + 7, 9 * MIB + 1)


def b3(data: bytes | bytearray | memoryview) -> str:
    return str(blake3(data).hexdigest())


def client_of(server: Server, kind: str = "blake3", **options: Any) -> AsyncClient:
    return AsyncClient("127.0.0.1", server.port, hash=kind, idle_timeout=10.0, **options)


def parts(store: Path) -> list[Path]:
    return sorted((store / ".flaxfile" / "parts").iterdir())


@pytest.mark.parametrize("size", SIZES)
async def test_the_hash_of_a_transfer_is_that_of_its_content(
    server: Server, tmp_path: Path, store: Path, size: int
) -> None:
    data = os.urandom(size)
    (tmp_path / "source").write_bytes(data)
    buffer = bytearray(size)
    async with client_of(server) as client:
        up = await client.upload(tmp_path / "source", "file")
        down = await client.download("file", tmp_path / "target")
        from_memory = await client.upload(data, "other")
        into_memory = await client.download("other", buffer)
        entry = await client.stat("file", hash=True)

    assert data == (store / "file").read_bytes() == (tmp_path / "target").read_bytes() == buffer
    found = {up.hash, down.hash, from_memory.hash, into_memory.hash, entry.hash}
    assert {b3(data)} == found
    assert {"blake3"} == {up.hash_kind, down.hash_kind, entry.hash_kind}


@pytest.mark.parametrize("kind", KINDS)
async def test_many_sockets_and_encryption_change_no_hash(tmp_path: Path, kind: HashKind) -> None:
    data = os.urandom(12 * MIB + 5)
    back = bytearray(len(data))
    async with (
        Server("127.0.0.1", 0, tmp_path / "store", WORDS) as server,
        AsyncClient("127.0.0.1", server.port, WORDS, num_connections=5, hash=kind) as client,
    ):
        up = await client.upload(data, "file")
        down = await client.download("file", back)

    assert data == back
    assert 5 == up.num_sockets
    assert up.hash == down.hash
    assert (kind == "blake3") == (up.hash == b3(data))
    assert kind == up.hash_kind == down.hash_kind


async def test_a_range_has_the_hash_of_its_own_bytes(server: Server, store: Path, tmp_path: Path) -> None:
    data = os.urandom(3 * MIB)
    (store / "file").write_bytes(data)
    async with client_of(server) as client:
        result = await client.download("file", tmp_path / "part", offset=1000, length=2 * MIB)

    assert b3(data[1000 : 1000 + 2 * MIB]) == result.hash
    assert data[1000 : 1000 + 2 * MIB] == (tmp_path / "part").read_bytes()


async def test_holes_are_hashed_as_the_zeros_they_are(server: Server, tmp_path: Path) -> None:
    with (tmp_path / "source").open("wb") as file:
        file.truncate(32 * MIB)
        file.seek(20 * MIB)
        file.write(b"in the middle")
    async with client_of(server) as client:
        up = await client.upload(tmp_path / "source", "sparse")
        down = await client.download("sparse", tmp_path / "target")

    assert b3((tmp_path / "source").read_bytes()) == up.hash == down.hash
    assert up.bytes_sent <= 2 * MIB


async def test_streams_write_and_read_under_it(server: Server) -> None:
    data = os.urandom(9 * MIB)
    async with client_of(server) as client:
        async with client.open("stream", "wb") as writer:
            await writer.write(data[: 4 * MIB])
            await writer.write(data[4 * MIB :])
        async with client.open("stream") as reader:
            assert data == await reader.read()
        assert writer.result is not None

        assert b3(data) == writer.result.hash == (await client.stat("stream", hash=True)).hash


async def test_a_delta_has_the_hash_of_the_whole(server: Server, store: Path, tmp_path: Path) -> None:
    old = os.urandom(8 * MIB)
    new = old[: 4 * MIB] + b"0123456789" + old[4 * MIB :]
    (tmp_path / "source").write_bytes(new)
    (tmp_path / "target").write_bytes(old)
    (store / "file").write_bytes(old)
    async with client_of(server) as client:
        up = await client.upload(tmp_path / "source", "file", delta=True)
        down = await client.download("file", tmp_path / "target", delta=True)

    assert new == (store / "file").read_bytes() == (tmp_path / "target").read_bytes()
    assert b3(new) == up.hash == down.hash
    assert up.bytes_sent + down.bytes_sent < MIB


async def test_a_delta_that_turns_out_wrong_is_sent_whole(
    server: Server, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody has made two blocks with one short hash."""
    old = os.urandom(5 * MIB)
    (tmp_path / "source").write_bytes(old + b"more")
    (store / "file").write_bytes(old)
    plain_copy = uploads._Upload.copy

    def sly_copy(self: Any, copies: list[Any]) -> list[Any]:
        good = plain_copy(self, copies)
        os.pwrite(self.part.fd, b"wrong", 0)
        return good

    monkeypatch.setattr(uploads._Upload, "copy", sly_copy)
    async with client_of(server) as client:
        result = await client.upload(tmp_path / "source", "file", delta=True)

    assert old + b"more" == (store / "file").read_bytes()
    assert b3(old + b"more") == result.hash
    assert result.bytes_sent > len(old)


@pytest.mark.parametrize("kind", KINDS)
async def test_small_files_travel_together_under_each_kind(
    server: Server, store: Path, kind: HashKind
) -> None:
    sent = [SmallFile(f"many/{number}", os.urandom(number * 37)) for number in range(200)]
    async with client_of(server, kind) as client:
        results = await client.upload_small(sent)
        back = [found async for found in client.download_small(file.key for file in sent)]
        listed = {entry.key: entry.hash async for entry in client.list("many", hash=True)}

    assert all(isinstance(result, str) for result in results)
    assert [file.data for file in sent] == [bytes(content) for _, _, content in back]
    assert all((store / file.key).read_bytes() == file.data for file in sent)
    if kind == "blake3":
        hashes = [b3(file.data) for file in sent]
        assert hashes == [entry.hash for _, entry, _ in back if isinstance(entry, Entry)]
        assert hashes == [listed[file.key] for file in sent]


async def test_a_small_file_that_does_not_fit_its_hash_is_neither_stored_nor_taken(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that one, and its error says so."""
    (store / "there").write_bytes(b"there")

    def wrong_once(content: bytes | memoryview, kind: HashKind) -> str:
        return "00" * 32 if bytes(content) in {b"wrong", b"there"} else digests.hash_content(content, kind)

    async with client_of(server) as client:
        monkeypatch.setattr(small, "hash_content", wrong_once)
        right, wrong = await client.upload_small([SmallFile("right", b"right"), SmallFile("wrong", b"wrong")])
        monkeypatch.setattr(requests, "hash_content", wrong_once)
        found = [entry async for _, entry, _ in client.download_small(["right", "there"])]

    assert isinstance(right, str)
    assert isinstance(wrong, IntegrityError)
    assert not (store / "wrong").exists()
    assert isinstance(found[0], Entry)
    assert isinstance(found[1], IntegrityError)


@pytest.mark.parametrize(("first", "then"), [("xxh3", "blake3"), ("blake3", "xxh3"), ("blake3", "blake3")])
@pytest.mark.parametrize("verb", ["up", "down"])
async def test_what_one_kind_has_begun_another_continues_and_hashes_whole(
    server: Server, store: Path, tmp_path: Path, first: HashKind, then: HashKind, verb: str
) -> None:
    data = os.urandom(12 * MIB)
    begun, ended = (
        (tmp_path / "local", store / "file") if verb == "up" else (store / "file", tmp_path / "local")
    )
    begun.write_bytes(data)

    async with client_of(server, first, bwlimit=40 * MIB) as slow:
        await cancelled_half_way(
            lambda tell: (
                slow.upload(tmp_path / "local", "file", progress=tell)
                if verb == "up"
                else slow.download("file", tmp_path / "local", progress=tell)
            )
        )
    async with client_of(server, then) as client:
        if verb == "up":
            result = await client.upload(tmp_path / "local", "file")
        else:
            result = await client.download("file", tmp_path / "local")

    assert data == ended.read_bytes()
    assert result.resumed_from >= len(data) // 2
    assert (then == "blake3") == (result.hash == b3(data))


async def test_a_part_whose_journal_agrees_with_its_damage_is_thrown_away(
    server: Server, store: Path, tmp_path: Path
) -> None:
    data = os.urandom(6 * MIB)
    (tmp_path / "source").write_bytes(data)
    async with client_of(server, bwlimit=20 * MIB) as slow:
        await cancelled_half_way(lambda tell: slow.upload(tmp_path / "source", "file", progress=tell))
    async with client_of(server) as client:
        await client.ping()
        await asyncio.to_thread(wait_until, lambda: not server.stats()["transfers"])
        _forge(parts(store), b"forged")
        result = await client.upload(tmp_path / "source", "file")

    assert data == (store / "file").read_bytes()
    assert b3(data) == result.hash
    assert result.bytes_sent >= len(data)
    assert [] == parts(store)


def _forge(left: list[Path], text: bytes) -> None:
    """Change the first chunk of a part and what its journal says of it."""
    (map_path,) = [path for path in left if path.suffix == ".map"]
    part = map_path.with_suffix(".part")
    journal = parse_journal(map_path.read_bytes())
    assert journal is not None
    description, hashes = journal
    assert 0 in hashes
    with part.open("r+b") as file:
        file.write(text)
        file.seek(0)
        chunk = description["chunk"]
        assert isinstance(chunk, int)
        hashes[0] = xxh3_64(file.read(chunk))
    records = b"".join(
        index.to_bytes(8, "little") + value.to_bytes(8, "little") for index, value in hashes.items()
    )
    map_path.write_bytes(encode_description(description) + records)


def harming(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """The first bytes of a part change between the last chunk and the commit, so often."""
    left = [times]
    plain = uploads._Upload.publish

    def publish(self: Any, hashes: bytes, root: str) -> Entry:
        if left[0] > 0:
            left[0] -= 1
            os.pwrite(self.part.fd, b"harmed", 0)
        return plain(self, hashes, root)

    monkeypatch.setattr(uploads._Upload, "publish", publish)
    return left


async def test_a_part_that_changes_between_write_and_commit_is_not_published(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "file").write_bytes(b"the old version")
    data = os.urandom(600_000)
    async with client_of(server) as client:
        harming(monkeypatch, 1 << 30)
        with pytest.raises(IntegrityError, match="not arrived as it was sent"):
            await client.upload(data, "file")
        assert b"the old version" == (store / "file").read_bytes()
        assert [] == parts(store)
        monkeypatch.undo()
        left = harming(monkeypatch, 1)
        await client.upload(data, "file")

    assert [0] == left
    assert data == (store / "file").read_bytes()


async def test_a_target_that_changes_before_it_is_whole_is_not_put_in_its_place(
    server: Server, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(600_000)
    (store / "file").write_bytes(data)
    (tmp_path / "target").write_bytes(b"the old version")
    plain = RunningHash.finish
    left = [1 << 30]

    def finish(self: RunningHash) -> str | None:
        # The server's own one reads the store's file.
        part = tmp_path / ".target.flaxpart"
        if left[0] > 0 and os.fstat(self._fd).st_ino == part.stat().st_ino:
            left[0] -= 1
            os.pwrite(self._fd, b"harmed", 0)
        return plain(self)

    monkeypatch.setattr(RunningHash, "finish", finish)
    async with client_of(server) as client:
        with pytest.raises(IntegrityError, match="not arrived as it is stored"):
            await client.download("file", tmp_path / "target")
        assert b"the old version" == (tmp_path / "target").read_bytes()
        left[0] = 1
        await client.download("file", tmp_path / "target")

    assert data == (tmp_path / "target").read_bytes()


@pytest.mark.parametrize("verb", ["up", "down"])
async def test_a_disk_that_keeps_something_else_is_found_under_it_too(
    server: Server, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    data = os.urandom(600_000)
    (store / "there").write_bytes(data)
    monkeypatch.setattr(reading_back, "_let_go", lambda fd: os.pwrite(fd, b"harmed", 0))
    async with client_of(server) as client:
        if verb == "up":
            work = client.upload(data, "file", verify_disk=True)
        else:
            work = client.download("there", tmp_path / "target", verify_disk=True)
        with pytest.raises(IntegrityError, match="not on the disk"):
            await work
        assert not (store / "file").exists()
        assert not (tmp_path / "target").exists()
        monkeypatch.undo()
        await client.upload(data, "file", verify_disk=True)
        await client.download("file", tmp_path / "target", verify_disk=True)

    assert data == (tmp_path / "target").read_bytes()


async def test_an_upload_is_hashed_while_it_moves(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """On both sides."""
    early: list[int] = []
    plain = RunningHash.finish

    def finish(self: RunningHash) -> str | None:
        early.append(self.done)
        return plain(self)

    monkeypatch.setattr(RunningHash, "finish", finish)
    async with client_of(server, bwlimit=10 * MIB) as client:
        await client.upload(os.urandom(8 * MIB), "file")

    assert 2 == len(early)
    assert min(early) > 0


async def test_a_server_hashes_what_it_has_sent_before_it_is_asked(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 4 * MIB
    (store / "file").write_bytes(os.urandom(size))
    plain = Download._fetch

    async def fetch(self: Download, *arguments: Any) -> bytes:
        hashes = await plain(self, *arguments)
        assert server._service is not None
        (transfer,) = server._service.transfers
        content = transfer.content
        assert content is not None
        await asyncio.to_thread(wait_until, lambda: content.done == size)
        return hashes

    monkeypatch.setattr(Download, "_fetch", fetch)
    async with client_of(server) as client:
        result = await client.download("file", bytearray(size))

    assert b3((store / "file").read_bytes()) == result.hash


async def test_a_server_without_the_package_is_named_before_anything_is_sent(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "is_available", lambda kind: kind == "xxh3")
    calls: list[Callable[[AsyncClient], Any]] = [
        lambda client: client.upload(b"content", "file"),
        lambda client: client.upload_small([SmallFile("file", b"content")]),
        lambda client: client.stat("file"),
    ]
    for call in calls:
        client = client_of(server)
        with pytest.raises(UsageError, match="does not offer BLAKE3; nothing was sent") as caught:
            await call(client)
        assert "pyrocketmq-turbo[files,blake3]" in str(caught.value.hint)
        await client.close()
    async with client_of(server, "xxh3") as plain:
        assert "blake3" not in plain.server["capabilities"]
        await plain.upload(b"content", "other")

    assert not (store / "file").exists()
    assert b"content" == (store / "other").read_bytes()


async def test_a_client_without_the_package_says_how_to_get_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_blake3", lambda: None)
    with pytest.raises(MissingExtraError, match="not installed") as caught:
        AsyncClient("127.0.0.1", server.port, hash="blake3")
    with pytest.raises(MissingExtraError):
        Client("127.0.0.1", server.port, hash="blake3")
    with pytest.raises(UsageError, match="'md5' is no kind of hash"):
        AsyncClient("127.0.0.1", server.port, hash="md5")

    assert "pip install 'pyrocketmq-turbo[files,blake3]'" in str(caught.value.hint)


async def test_a_server_that_compares_by_less_than_it_offered_gets_nothing(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (wish, downloads, files):
        monkeypatch.setattr(module, "check_kind", lambda _: "xxh3")
    (store / "there").write_bytes(b"content")
    async with client_of(server) as client:
        with pytest.raises(ProtocolError, match="does not compare by BLAKE3"):
            await client.upload(b"content", "file")
        with pytest.raises(ProtocolError, match="does not compare by BLAKE3"):
            await client.download("there", bytearray(7))
        with pytest.raises(ProtocolError, match="hash of 'xxh3'"):
            await client.stat("there", hash=True)
        (result,) = await client.upload_small([SmallFile("small", b"content")])

    assert isinstance(result, IntegrityError)
    assert not (store / "file").exists()


async def test_what_was_stored_under_it_needs_no_reading_to_be_listed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(600_000)

    def no_reading(*_: object) -> str:
        raise AssertionError("a file was read")

    async with client_of(server) as client:
        await client.upload(data, "file")
        await client.upload_small([SmallFile("small", b"small")])
        monkeypatch.setattr(hashes_module, "hash_of_file", no_reading)
        found = {entry.key: entry.hash async for entry in client.list("", hash=True)}

    assert {"file": b3(data), "small": b3(b"small")} == found


async def test_hashes_of_different_kinds_are_kept_apart(server: Server, store: Path) -> None:
    (store / "file").write_bytes(b"content")
    os.utime(store / "file", ns=(10**18, 10**18))
    for _ in range(2):
        async with client_of(server) as strong, client_of(server, "xxh3") as quick:
            assert b3(b"content") == (await strong.stat("file", hash=True)).hash
            entry = await quick.stat("file", hash=True)
            assert (32, "xxh3") == (len(entry.hash or ""), entry.hash_kind)
