"""What goes wrong on the way, at the other end, or on the disk: nothing false is stored, nothing hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from flaxfile.client.async_client import AsyncClient
from flaxfile.errors import ConflictError, ConnectError, FlaxError, NoSpaceError, StalledError
from flaxfile.model import Entry, HashKind
from flaxfile.server.server import Server
from flaxfile.store.store import Store
from tests.flaxfile.faults.proxy import Proxy
from tests.flaxfile.serving import cancelled_half_way

MIB = 1 << 20
SERVER = """
import asyncio, resource, sys
from flaxfile.server.server import Server

async def main():
    folder, port, largest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    async with Server("127.0.0.1", port, folder) as server:
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@contextmanager
def server_process(
    store: Path, port: int = 0, largest: int = 0
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-c", SERVER, str(store), str(port), str(largest)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@asynccontextmanager
async def client_of(port: int, idle_timeout: float = 20.0, retries: int = 30) -> AsyncIterator[AsyncClient]:
    async with AsyncClient("127.0.0.1", port, idle_timeout=idle_timeout, retries=retries) as made:
        yield made


async def test_damaged_chunks_are_sent_again(server: Server, store: Path, tmp_path: Path) -> None:
    data = os.urandom(24 * MIB)
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port) as client:
            proxy.damage = 0.02
            await client.upload(data, "file")
            await client.download("file", tmp_path / "file")
            harmed = proxy.harmed

    assert harmed > 0
    assert data == (store / "file").read_bytes()
    assert data == (tmp_path / "file").read_bytes()


async def test_connections_that_are_cut_cost_little(server: Server, store: Path, tmp_path: Path) -> None:
    data = os.urandom(32 * MIB)
    (tmp_path / "source").write_bytes(data)
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port) as client:
            proxy.cut = 0.002
            proxy.spare = 4 * MIB
            up = await client.upload(tmp_path / "source", "file")
            down = await client.download("file", tmp_path / "file")
            harmed = proxy.harmed

    assert harmed > 0
    assert data == (store / "file").read_bytes()
    assert data == (tmp_path / "file").read_bytes()
    assert up.bytes_sent + down.bytes_sent < 2 * len(data) + (harmed + 1) * 16 * MIB


async def test_bytes_that_vanish_stop_nothing_for_good(server: Server, store: Path) -> None:
    data = os.urandom(12 * MIB)
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port, idle_timeout=6.0) as client:
            proxy.swallow = 0.004
            proxy.spare = MIB
            await client.upload(data, "file")

    assert data == (store / "file").read_bytes()


async def test_a_slow_link_is_waited_for(server: Server, store: Path) -> None:
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port) as client:
            proxy.delay = 0.02
            await client.upload(bytes(range(256)) * 8192, "file")

    assert bytes(range(256)) * 8192 == (store / "file").read_bytes()


async def test_an_upload_goes_on_after_the_server_was_killed(store: Path, tmp_path: Path) -> None:
    data = os.urandom(48 * MIB)
    (tmp_path / "source").write_bytes(data)
    with server_process(store) as (first, port):
        killed = asyncio.Event()

        def kill(done: int, total: int) -> None:
            if done > total // 2 and not killed.is_set():
                first.kill()
                killed.set()

        async with AsyncClient("127.0.0.1", port, bwlimit=100 * MIB, retries=20) as client:
            sending = asyncio.create_task(client.upload(tmp_path / "source", "file", progress=kill))
            await killed.wait()
            await asyncio.to_thread(first.wait)
            with server_process(store, port):
                result = await sending

    assert data == (store / "file").read_bytes()
    assert result.resumed_from > len(data) // 3
    assert result.bytes_sent < len(data) + 16 * MIB


async def test_a_cancelled_upload_is_continued_by_the_next_one(
    server: Server, store: Path, tmp_path: Path
) -> None:
    data = os.urandom(20 * MIB)
    (tmp_path / "source").write_bytes(data)
    (store / "file").write_bytes(b"the old version")
    async with AsyncClient("127.0.0.1", server.port, bwlimit=50 * MIB) as slow:
        await cancelled_half_way(lambda tell: slow.upload(tmp_path / "source", "file", progress=tell))
        assert b"the old version" == (store / "file").read_bytes()
    async with client_of(server.port) as client:
        result = await client.upload(tmp_path / "source", "file")

    assert data == (store / "file").read_bytes()
    assert result.resumed_from >= len(data) // 2
    assert result.bytes_sent + result.resumed_from == len(data)


async def test_a_cancelled_download_is_continued_by_the_next_one(
    server: Server, store: Path, tmp_path: Path
) -> None:
    data = os.urandom(20 * MIB)
    (store / "file").write_bytes(data)
    (tmp_path / "target").write_bytes(b"the old version")
    async with AsyncClient("127.0.0.1", server.port, bwlimit=50 * MIB) as slow:
        await cancelled_half_way(lambda tell: slow.download("file", tmp_path / "target", progress=tell))
        assert b"the old version" == (tmp_path / "target").read_bytes()
    async with client_of(server.port) as client:
        result = await client.download("file", tmp_path / "target")

    assert data == (tmp_path / "target").read_bytes()
    assert result.resumed_from >= len(data) // 2


async def test_a_part_that_was_damaged_on_the_disk_is_mended(
    server: Server, store: Path, tmp_path: Path
) -> None:
    data = os.urandom(20 * MIB)
    (tmp_path / "source").write_bytes(data)
    async with AsyncClient("127.0.0.1", server.port, bwlimit=50 * MIB) as slow:
        await cancelled_half_way(lambda tell: slow.upload(tmp_path / "source", "file", progress=tell))
    await asyncio.sleep(0.1)
    (part,) = (store / ".flaxfile" / "parts").glob("*.part")
    with part.open("r+b") as file:
        file.seek(2 * MIB + 5)
        file.write(b"damage")
    async with client_of(server.port) as client:
        await client.upload(tmp_path / "source", "file")

    assert data == (store / "file").read_bytes()


async def test_another_source_does_not_continue_the_part_of_the_first(
    server: Server, store: Path, tmp_path: Path
) -> None:
    first, second = os.urandom(20 * MIB), os.urandom(20 * MIB)
    (tmp_path / "source").write_bytes(first)
    async with AsyncClient("127.0.0.1", server.port, bwlimit=50 * MIB) as slow:
        await cancelled_half_way(lambda tell: slow.upload(tmp_path / "source", "file", progress=tell))
    (tmp_path / "source").write_bytes(second)
    async with client_of(server.port) as client:
        result = await client.upload(tmp_path / "source", "file")

    assert second == (store / "file").read_bytes()
    assert 0 == result.resumed_from


async def test_a_source_that_keeps_changing_is_not_stored(
    server: Server, store: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(8 * MIB))
    version = 0

    def change(done: int, total: int) -> None:
        nonlocal version
        del done, total
        version += 1
        with source.open("r+b") as file:
            file.write(str(version).encode())

    async with AsyncClient("127.0.0.1", server.port, bwlimit=40 * MIB) as client:
        source.write_bytes(os.urandom(8 * MIB))
        with pytest.raises(ConflictError, match="changed while it was sent"):
            await client.upload(source, "file", progress=change)

    assert not (store / "file").exists()


async def test_a_source_that_shrinks_is_not_stored(server: Server, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(8 * MIB))
    sizes = iter(range(8 * MIB - 4096, 0, -4096))

    def shrink(done: int, total: int) -> None:
        del done, total
        os.truncate(source, next(sizes))

    async with AsyncClient("127.0.0.1", server.port, bwlimit=40 * MIB) as client:
        with pytest.raises(ConflictError):
            await client.upload(source, "file", progress=shrink)

    assert not (store / "file").exists()


async def test_a_key_that_gets_a_new_version_is_still_fetched_whole(server: Server, tmp_path: Path) -> None:
    old, new = os.urandom(8 * MIB), os.urandom(8 * MIB)
    async with client_of(server.port) as writer:
        await writer.upload(old, "file")

        replaced = False

        async def replace(done: int, total: int) -> None:
            nonlocal replaced
            if not replaced and done < total:
                replaced = True
                await writer.upload(new, "file")

        async with AsyncClient("127.0.0.1", server.port, bwlimit=20 * MIB) as reader:
            await reader.download("file", tmp_path / "file", progress=replace)
        await writer.download("file", tmp_path / "again")

    assert old == (tmp_path / "file").read_bytes()
    assert new == (tmp_path / "again").read_bytes()


async def test_a_stopped_server_is_noticed_within_the_idle_timeout(store: Path) -> None:
    with server_process(store) as (process, port):
        async with client_of(port, idle_timeout=3.0) as client:
            await client.upload(b"before", "file")
            process.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(os.waitpid, process.pid, os.WUNTRACED)
            begun = time.monotonic()
            try:
                with pytest.raises(StalledError):
                    await client.upload(os.urandom(MIB), "file")
            finally:
                process.send_signal(signal.SIGCONT)

    assert time.monotonic() - begun < 8.0
    assert b"before" == (store / "file").read_bytes()


async def test_connections_that_never_come_to_be_are_not_waited_for_without_end(server: Server) -> None:
    with Proxy(server.port) as proxy:
        proxy.most = 1
        async with AsyncClient(
            "127.0.0.1", proxy.port, num_connections=3, idle_timeout=2.0, retries=0
        ) as client:
            with pytest.raises(StalledError, match="1 of the 3 connections"):
                await asyncio.wait_for(client.upload(os.urandom(MIB), "file"), 20)


async def test_a_client_that_was_idle_waits_for_its_next_answer_as_long_as_for_any_other(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "file").write_bytes(b"content")
    real = Store.stat

    def slow(self: Store, key: str, *, digest: HashKind | None = None) -> Entry:
        time.sleep(0.3)
        return real(self, key, digest=digest)

    monkeypatch.setattr(Store, "stat", slow)
    async with client_of(server.port, retries=0) as client:
        assert client._link is not None
        await client.ping()
        await asyncio.sleep(0.1)
        client._link._heard -= 60  # as after a minute of nothing
        await asyncio.sleep(0.1)

        assert 7 == (await client.stat("file")).size


async def test_a_name_server_that_says_nothing_is_waited_for_no_longer_than_for_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()

    def getaddrinfo(*_arguments: object, **_more: object) -> list[object]:
        told.wait(20)
        return []

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    try:
        with pytest.raises(ConnectError, match=r"nobody told the address of 'files\.example'"):
            await AsyncClient("files.example", 1, connect_timeout=0.2, retries=0).connect()
    finally:
        told.set()


async def test_nobody_listening_is_said_soon(tmp_path: Path) -> None:
    del tmp_path
    with pytest.raises(ConnectError, match="nobody listens"):
        await AsyncClient("127.0.0.1", 1, connect_timeout=1.0).connect()


async def test_a_disk_that_fills_up_ends_the_upload_and_leaves_nothing(store: Path) -> None:
    with server_process(store, largest=4 * MIB) as (_, port):
        async with client_of(port) as client:
            await client.upload(b"the old version", "file")
            with pytest.raises(NoSpaceError):
                await client.upload(os.urandom(12 * MIB), "file")
            await client.upload(os.urandom(MIB), "smaller")

            parts = list((store / ".flaxfile" / "parts").iterdir())
    assert [] == parts
    assert b"the old version" == (store / "file").read_bytes()


async def test_a_target_that_cannot_be_written_is_an_error_with_its_name(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.upload(b"x", "file")
    (tmp_path / "in the way").write_bytes(b"")
    with pytest.raises(FlaxError, match="in the way"):
        await client.download("file", tmp_path / "in the way" / "file")


async def test_a_store_with_links_to_elsewhere_gives_nothing_away(
    client: AsyncClient, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_bytes(b"secret")
    (store / "link").symlink_to(tmp_path / "secret")
    (store / "way").symlink_to(tmp_path / "folder")
    for key in ("link", "way/inside"):
        with pytest.raises(FlaxError):
            await client.download(key, bytearray(100))
        with pytest.raises(FlaxError):
            await client.upload(b"changed", key if key != "link" else "way/new")

    assert [] == [entry async for entry in client.list("", folders=True)]
    assert b"secret" == (tmp_path / "folder" / "inside").read_bytes()
    await client.upload(b"a file of its own", "link")
    assert b"secret" == (tmp_path / "secret").read_bytes()
