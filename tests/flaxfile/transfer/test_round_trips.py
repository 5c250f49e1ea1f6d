"""What goes up comes down as it was, whatever it is and however it is handed over."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path

import pytest

from flaxfile.client.async_client import AsyncClient
from flaxfile.client.client import Client
from flaxfile.client.small import SmallFile
from flaxfile.errors import ConflictError, FlaxError, LimitError, NotFoundError, ProtocolError, UsageError
from flaxfile.model import Entry
from flaxfile.server.server import Server
from flaxfile.store.parts import write_at

MIB = 1 << 20
WORDS = "correct horse battery"
SIZES = (0, 1, 255 * 1024, 256 * 1024, 256 * 1024 + 1, 3 * MIB + 7, 9 * MIB + 1)


def data_of(size: int) -> bytes:
    return os.urandom(size)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_comes_back_as_it_was(client: AsyncClient, tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data_of(size))

    up = await client.upload(source, "folder/file")
    down = await client.download("folder/file", target)

    assert source.read_bytes() == target.read_bytes()
    assert (size, size) == (up.size, down.size)
    assert up.hash == down.hash
    assert up.etag == down.etag


async def test_many_sockets_carry_one_file(server: Server, tmp_path: Path) -> None:
    data = data_of(12 * MIB + 5)
    async with AsyncClient("127.0.0.1", server.port, num_connections=5) as client:
        up = await client.upload(data, "file")
        target = bytearray(len(data))
        await client.download("file", target)

    assert data == target
    assert 5 == up.num_sockets
    del tmp_path


async def test_a_password_encrypts_and_changes_nothing_else(store: Path, tmp_path: Path) -> None:
    data = data_of(2 * MIB)
    async with (
        Server("127.0.0.1", 0, store, WORDS) as server,
        AsyncClient("127.0.0.1", server.port, WORDS) as client,
    ):
        await client.upload(data, "file")
        await client.download("file", tmp_path / "file")

    assert data == (tmp_path / "file").read_bytes()


async def test_an_empty_file_replaces_what_was_there(client: AsyncClient, store: Path) -> None:
    await client.upload(b"old", "file")
    await client.upload(b"", "file")

    assert b"" == (store / "file").read_bytes()


async def test_a_file_object_is_sent_from_where_it_stands(client: AsyncClient) -> None:
    file = io.BytesIO(b"skipped, sent")
    file.seek(9)
    await client.upload(file, "file")
    back = io.BytesIO()
    await client.download("file", back)

    assert b"sent" == back.getvalue()


async def test_a_pipe_can_be_sent(client: AsyncClient, store: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"through a pipe")
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        await client.upload(pipe, "piped")

    assert b"through a pipe" == (store / "piped").read_bytes()


async def test_mode_and_time_are_kept(client: AsyncClient, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"#!/bin/sh\n")
    source.chmod(0o751)
    os.utime(source, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))

    await client.upload(source, "script")
    await client.download("script", target)

    assert 0o751 == target.stat().st_mode & 0o7777
    assert 1_600_000_000_123_456_789 == target.stat().st_mtime_ns


async def test_holes_are_not_read(client: AsyncClient, server: Server, store: Path, tmp_path: Path) -> None:
    """Not even at the edges of data, and in no file that has none."""
    target = tmp_path / "target"
    with (store / "large").open("wb") as file:
        file.truncate(1024 * MIB + 5)
        file.seek(400 * MIB + 17)
        file.write(b"in the middle")
        file.seek(900 * MIB - 3)
        file.write(b"over an edge")
    (store / "dense").write_bytes(bytes(3 * MIB))

    down = await client.download("large", target)
    skipped = server.stats()["unread_holes"]
    await client.download("dense", tmp_path / "dense")

    assert down.bytes_sent <= 4 * MIB
    assert skipped >= 1000
    assert server.stats()["unread_holes"] == skipped
    await client.upload(target, "again")
    for path in (target, store / "again"):
        assert 1024 * MIB + 5 == path.stat().st_size
        assert path.stat().st_blocks * 512 <= 16 * MIB
        with path.open("rb") as file:
            for at, data in ((400 * MIB + 17, b"in the middle"), (900 * MIB - 3, b"over an edge")):
                file.seek(at - 1)
                assert b"\0" + data + b"\0" == file.read(len(data) + 2)


async def test_holes_stay_holes(client: AsyncClient, store: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.truncate(64 * MIB)
        file.seek(40 * MIB)
        file.write(b"in the middle")

    up = await client.upload(source, "sparse")
    await client.download("sparse", target)

    assert source.read_bytes() == target.read_bytes()
    assert up.bytes_sent <= 2 * MIB
    assert (store / "sparse").stat().st_blocks * 512 < 4 * MIB
    assert target.stat().st_blocks * 512 < 4 * MIB


async def test_a_range_is_fetched(client: AsyncClient, tmp_path: Path) -> None:
    data = data_of(MIB)
    await client.upload(data, "file")
    await client.download("file", tmp_path / "part", offset=1000, length=300_000)
    await client.download("file", tmp_path / "tail", offset=MIB - 10)

    assert data[1000:301_000] == (tmp_path / "part").read_bytes()
    assert data[-10:] == (tmp_path / "tail").read_bytes()


async def test_a_key_may_have_any_name_that_a_file_may(client: AsyncClient, tmp_path: Path) -> None:
    names = [
        "2024",
        "1e5",
        "[1]",
        "ein Name mit \u00e4",
        "\u4e2d\u6587",
        "a\nb",
        "undecodable\udcff",
        "-rf",
        "~",
    ]
    for name in names:
        await client.upload(name.encode("utf-8", "surrogateescape"), f"odd/{name}")
    found = [entry.key async for entry in client.list("odd")]
    target = tmp_path / "target"
    await client.download("odd/undecodable\udcff", target)

    assert sorted((f"odd/{name}" for name in names), key=os.fsencode) == found
    assert b"undecodable\xff" == target.read_bytes()


async def test_what_is_not_there_is_named(client: AsyncClient, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'nothing'"):
        await client.download("nothing", tmp_path / "target")
    with pytest.raises(NotFoundError, match="not there"):
        await client.upload(tmp_path / "nothing", "key")

    assert ["store"] == names_in(tmp_path)


async def test_conditions_hold_at_the_moment_of_storing(client: AsyncClient) -> None:
    first = await client.upload(b"one", "file", if_absent=True)
    with pytest.raises(ConflictError, match="there already"):
        await client.upload(b"two", "file", if_absent=True)
    second = await client.upload(b"three", "file", if_match=first.etag)
    with pytest.raises(ConflictError, match="changed"):
        await client.upload(b"four", "file", if_match=first.etag)
    back = io.BytesIO()
    await client.download("file", back, if_match=second.etag)

    assert b"three" == back.getvalue()


async def test_two_writers_leave_one_whole_file(server: Server, store: Path) -> None:
    versions = [bytes([number]) * (3 * MIB) for number in range(4)]
    clients = [AsyncClient("127.0.0.1", server.port) for _ in versions]
    await asyncio.gather(*(one.upload(data, "file") for one, data in zip(clients, versions, strict=True)))
    await asyncio.gather(*(one.close() for one in clients))

    assert (store / "file").read_bytes() in versions


async def test_listing_is_in_order_over_folders_and_pages(client: AsyncClient) -> None:
    names = [f"a/{number:04}" for number in range(1100)] + ["a.b", "a/b/c", "a0", "b"]
    await client.upload_small([SmallFile(name, b"x") for name in names])
    await client.make_folder("empty/inside")

    plain = [entry.key async for entry in client.list()]
    with_folders = [entry.key async for entry in client.list("", folders=True) if entry.kind == "dir"]

    assert sorted(names, key=os.fsencode) == plain
    assert ["a", "a/b", "empty", "empty/inside"] == with_folders
    assert ["a0"] == [entry.key async for entry in client.list("a0")]
    assert [] == [entry.key async for entry in client.list("a00")]


async def test_hashes_are_those_of_the_content(client: AsyncClient) -> None:
    await client.upload(b"same", "one")
    await client.upload(b"same", "two")
    await client.upload(b"other", "three")
    found = {entry.key: entry.hash async for entry in client.list("", hash=True)}

    assert found["one"] == found["two"] != found["three"]
    assert found["one"] == (await client.stat("one", hash=True)).hash


async def test_files_are_moved_and_removed(client: AsyncClient) -> None:
    await client.upload(b"x", "a/b/file")
    await client.move("a/b/file", "c/d/file")
    with pytest.raises(ConflictError, match="folder"):
        await client.delete("c")
    removed = await client.delete("c", recursive=True)

    assert 1 == removed
    assert [] == [entry async for entry in client.list()]


@pytest.mark.parametrize(
    "key", [".", "..", "a/..", "../a", "/abs", "a//b", "a/", "", ".flaxfile/parts", "a\0b"]
)
async def test_keys_that_lead_elsewhere_are_refused(client: AsyncClient, store: Path, key: str) -> None:
    await client.upload(b"kept", "kept")
    with pytest.raises(UsageError, match="cannot be a key"):
        await client.delete(key, recursive=True)
    with pytest.raises(UsageError, match="cannot be a key"):
        await client.upload(b"", key)

    assert b"kept" == (store / "kept").read_bytes()


async def test_small_files_travel_together(client: AsyncClient, store: Path) -> None:
    files = [SmallFile(f"many/{number}", data_of(number * 37), 0o640, 10**18) for number in range(300)]
    files.append(SmallFile("many/0/below a file", b""))
    results = await client.upload_small(files)
    back = {
        key: bytes(data) async for key, _, data in client.download_small(file.key for file in files[:300])
    }

    assert all(isinstance(result, str) for result in results[:300])
    assert isinstance(results[300], FlaxError)
    assert {file.key: file.data for file in files[:300]} == back
    assert 0o640 == (store / "many" / "7").stat().st_mode & 0o777
    assert 10**18 == (store / "many" / "7").stat().st_mtime_ns
    answers = [entry async for _, entry, _ in client.download_small(["many/1", "nothing"])]
    assert isinstance(answers[0], Entry)
    assert isinstance(answers[1], NotFoundError)


async def test_streams_read_and_write(client: AsyncClient) -> None:
    data = data_of(9 * MIB)
    async with client.open("stream", "wb") as writer:
        for at in range(0, len(data), 700_000):
            await writer.write(data[at : at + 700_000])
    async with client.open("stream") as reader:
        start = await reader.read(10)
        await reader.seek(5 * MIB)
        tail = await reader.read()
        end = await reader.read(10)

    assert data[:10] == start
    assert data[5 * MIB :] == tail
    assert b"" == end


async def test_a_stream_that_fails_stores_nothing(client: AsyncClient) -> None:
    async def fail() -> None:
        async with client.open("stream", "wb") as writer:
            await writer.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    with pytest.raises(NotFoundError):
        await client.stat("stream")


async def test_progress_only_grows_and_ends_at_the_end(client: AsyncClient) -> None:
    told: list[tuple[int, int]] = []
    await client.upload(data_of(6 * MIB), "file", progress=lambda done, total: told.append((done, total)))

    assert sorted(told) == told
    assert (6 * MIB, 6 * MIB) == told[-1]


async def test_the_blocking_client_works_inside_a_running_loop(server: Server, tmp_path: Path) -> None:
    with Client("127.0.0.1", server.port) as client:
        client.upload(b"from a thread", "file")
        keys = [entry.key for entry in client.list()]
        client.download("file", tmp_path / "file")
        with client.open("file") as stream:
            text = stream.read(6)
        with client.open("written", "wb") as stream:
            stream.write(b"by hand")

        assert 7 == client.stat("written").size
    assert ["file"] == keys
    assert b"from a thread" == (tmp_path / "file").read_bytes()
    assert b"from a" == text


async def test_a_read_only_server_stays_as_it_is(store: Path) -> None:
    async with (
        Server("127.0.0.1", 0, store, read_only=True) as server,
        AsyncClient("127.0.0.1", server.port) as client,
    ):
        for work in (
            client.upload(b"", "a"),
            client.delete("a"),
            client.move("a", "b"),
            client.make_folder("a"),
        ):
            with pytest.raises(PermissionError, match="only read"):
                await work


async def test_a_file_over_the_limit_is_refused_before_it_is_sent(store: Path) -> None:
    async with (
        Server("127.0.0.1", 0, store, max_upload=1000) as server,
        AsyncClient("127.0.0.1", server.port) as client,
    ):
        await client.upload(bytes(1000), "fits")
        with pytest.raises(LimitError, match="1001 bytes"):
            await client.upload(bytes(1001), "too large")


async def test_what_fails_inside_the_thread_of_a_client_ends_the_call(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.ping()
    link = client._link
    assert link is not None

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a flaw of ours")

    monkeypatch.setattr(link, "_send", broken)
    with pytest.raises(ProtocolError, match="failed inside: RuntimeError\\('a flaw of ours'\\)"):
        async with asyncio.timeout(20):
            await client.stat("anything")
    monkeypatch.undo()

    assert await client.ping() > 0  # on a connection of its own


async def test_no_part_is_left_by_what_succeeded(client: AsyncClient, server: Server, tmp_path: Path) -> None:
    await client.upload(data_of(MIB), "file")
    await client.download("file", tmp_path / "file")

    assert 0 == server.stats()["parts"]
    assert ["file", "store"] == names_in(tmp_path)


@pytest.mark.parametrize("change", ["overwritten", "inserted", "removed", "appended", "nothing"])
async def test_a_changed_file_costs_what_has_changed(
    client: AsyncClient, store: Path, tmp_path: Path, change: str
) -> None:
    old = data_of(16 * MIB)
    middle = len(old) // 2
    new = {
        "overwritten": old[:middle] + b"0123456789" + old[middle + 10 :],
        "inserted": old[:middle] + b"0123456789" + old[middle:],
        "removed": old[:middle] + old[middle + 10 :],
        "appended": old + b"0123456789",
        "nothing": old,
    }[change]
    source = tmp_path / "source"
    source.write_bytes(old)
    await client.upload(source, "file")
    source.write_bytes(new)
    result = await client.upload(source, "file", delta=True)

    assert new == (store / "file").read_bytes()
    assert result.bytes_sent <= 400_000


async def test_a_file_that_has_nothing_of_the_old_one_is_sent_whole(
    client: AsyncClient, store: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(data_of(5 * MIB))
    await client.upload(source, "file", delta=True)
    source.write_bytes(data_of(6 * MIB))
    result = await client.upload(source, "file", delta=True)

    assert source.read_bytes() == (store / "file").read_bytes()
    assert 6 * MIB == result.bytes_sent


async def test_a_local_copy_that_nobody_wants_any_more_ends_after_a_chunk(
    client: AsyncClient, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = data_of(8 * MIB)
    new = old[: 4 * MIB] + b"new" + old[4 * MIB :]
    (store / "file").write_bytes(new)
    target = tmp_path / "target"
    target.write_bytes(old)
    begun, go_on = threading.Event(), threading.Event()
    copied: list[int] = []

    def slow(fd: int, data: bytes, offset: int) -> None:
        begun.set()
        assert go_on.wait(10)
        copied.append(offset)
        write_at(fd, data, offset)

    monkeypatch.setattr("flaxfile.client.difference.write_at", slow)
    fetching = asyncio.create_task(client.download("file", target, delta=True))
    await asyncio.to_thread(begun.wait, 10)
    fetching.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(fetching, 10)

    assert len(copied) == 1
    assert target.read_bytes() == old
    monkeypatch.undo()
    result = await client.download("file", target, delta=True)
    assert target.read_bytes() == new
    assert result.bytes_sent < MIB
