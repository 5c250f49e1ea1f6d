"""Programs written for FlaxFile 1.7.1 do what they did."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import flaxfile
from flaxfile import FlaxFileServer, MultiSocketFlaxFileClient, MultiSocketFlaxFileClientSync
from flaxfile.compat import pull_directory, push_directory
from flaxfile.errors import UsageError

from .commands import noise, wait_until

UPLOAD_KEYS = {"file_key", "size", "transfer_time", "prepare_time", "total_time", "throughput"} | {
    "num_sockets",
    "window_size",
    "total_concurrency",
}


async def test_the_coroutines_of_the_client_take_the_old_arguments(port: int, here: Path) -> None:
    (here / "f").write_bytes(noise(300_000))
    seen: list[tuple[int, int]] = []

    async with MultiSocketFlaxFileClient("127.0.0.1", port, None, num_connections=2, silent=True) as client:
        up = await client.upload_file(
            "f", "old/f", 4 << 20, progress_callback=lambda *both: seen.append(both)
        )
        down = await client.download_file("old/f", "out", chunk_size=1 << 20, show_progress=False)
        listed = await client.list_files("old", compute_hash=True)
        gone = [await client.delete_file("old/f"), await client.delete_file("old/f")]

    assert (here / "out").read_bytes() == noise(300_000)
    assert all(up[key] is not None for key in UPLOAD_KEYS)
    assert down["sha256"] == down.hash
    assert up.get("nothing", 7) == 7
    assert [set(one) for one in listed] == [{"key", "size", "mtime", "hash"}]
    assert gone == [True, False]
    assert seen[-1] == (300_000, 300_000)


@pytest.mark.usefixtures("here")
def test_the_blocking_client_takes_the_old_arguments(port: int) -> None:
    Path("f").write_bytes(noise(300_000))
    Path("d").mkdir()
    Path("d/x").write_bytes(b"1")

    with MultiSocketFlaxFileClientSync("127.0.0.1", port, connect_timeout=5, transfer_timeout=5) as client:
        assert client.upload_file("f", "sync/f")["file_key"] == "sync/f"
        assert client.download_file("sync/f", "out")["size"] == 300_000
        assert [one["key"] for one in client.list_files("sync")] == ["sync/f"]
        assert push_directory(client, "d", "sync/d", show_progress=False)["uploaded"] == 1
        assert pull_directory(client, "sync/d", "e", show_progress=False)["downloaded"] == 1
        assert push_directory(client, "d", "sync/d")["skipped"] == 1
        assert client.delete_file("sync")
    assert Path("out").read_bytes() == noise(300_000)
    assert Path("e/x").read_bytes() == b"1"


@pytest.mark.usefixtures("here")
async def test_the_server_serves_until_it_is_stopped() -> None:
    server = FlaxFileServer("127.0.0.1", 0)
    serving = asyncio.create_task(server.start())
    await asyncio.to_thread(wait_until, lambda: server.running)

    async with MultiSocketFlaxFileClient("127.0.0.1", server.port) as client:
        assert await client.list_files() == []
    assert not serving.done()
    await server.stop(grace=0)
    await asyncio.wait_for(serving, 10)


def test_the_server_opens_no_door_to_other_machines_without_a_password() -> None:
    with pytest.raises(UsageError, match="password"):
        FlaxFileServer("0.0.0.0")  # noqa: S104 - that is what is refused


def test_every_public_name_can_be_imported() -> None:
    for name in flaxfile.__all__:
        assert getattr(flaxfile, name) is not None
    assert set(flaxfile.__all__) <= set(dir(flaxfile))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        flaxfile.nothing_of_the_kind  # noqa: B018
