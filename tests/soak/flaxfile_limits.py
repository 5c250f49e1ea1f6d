"""File transfers at their limits, one figure a line; each check ends the program when it fails.

    python -m tests.soak.flaxfile_limits [--clients 256] [--memory-mib 64] [--files 10000] [--sparse-gib 5]
        [--proxy-mib 64]

Many clients at once whose files are more than the server may have in its memory, a store of many files, a
sparse file, a full disk (a small tmpfs, where this may mount one), and a link of 100 ms and 2 MB/s whose
connections are cut at random.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flaxfile.client.async_client import AsyncClient
from flaxfile.client.small import SmallFile
from flaxfile.errors import NoSpaceError
from flaxfile.server.server import Server
from tests.flaxfile.commands import serving
from tests.flaxfile.faults.proxy import Proxy
from tests.flaxfile.faults.test_many import most_memory

MIB = 1 << 20
FILE = 4 * MIB


async def many_clients(folder: Path, clients: int, memory_mib: int) -> str:
    """Each has a file of its own, sends it and fetches it; the server keeps to its memory."""
    common = os.urandom(FILE)
    (folder / "flaxfile.toml").write_text(f'[server]\nmemory = "{memory_mib}MiB"\n')

    async def use(port: int, number: int) -> None:
        data = number.to_bytes(8, "little") + common[8:]
        async with AsyncClient("127.0.0.1", port, connect_timeout=120.0, idle_timeout=120.0) as client:
            await client.upload(data, f"clients/{number}")
            target = bytearray(FILE)
            await client.download(f"clients/{number}", target)
            assert data == target, f"client {number} got other bytes"

    with serving(folder / "many", FLAXFILE_CONFIG=str(folder / "flaxfile.toml")) as (process, port):
        idle = most_memory(process.pid)
        begun = time.monotonic()
        await asyncio.gather(*(use(port, number) for number in range(clients)))
        seconds = time.monotonic() - begun
        most = most_memory(process.pid)
    assert most <= (memory_mib + 64) * MIB, f"{most / MIB:.0f} MiB with memory = {memory_mib} MiB"
    return (
        f"{clients} clients at once, {FILE // MIB} MiB up and down each: {seconds:.1f} s; "
        f"{most / MIB:.0f} MiB at most with memory = {memory_mib} MiB, {idle / MIB:.0f} before"
    )


async def many_files(client: AsyncClient, files: int) -> str:
    """Small files, packed, and their listing."""
    begun = time.monotonic()
    await client.upload_small(
        SmallFile(f"files/{number % 100}/{number}", b"x" * 100) for number in range(files)
    )
    sent = time.monotonic()
    found = [entry.key async for entry in client.list("files")]
    assert sorted(found, key=os.fsencode) == found
    assert files == len(found)
    return f"{files} files: sent in {sent - begun:.1f} s, listed in {time.monotonic() - sent:.1f} s"


async def sparse(client: AsyncClient, folder: Path, store: Path, gib: int) -> str:
    """Holes stay holes on both sides."""
    source, target = folder / "sparse", folder / "back"
    with source.open("wb") as file:
        file.truncate(gib << 30)
        file.seek(gib << 29)
        file.write(b"in the middle")
    begun = time.monotonic()
    up = await client.upload(source, "sparse")
    await client.download("sparse", target)
    seconds = time.monotonic() - begun
    for path in (store / "sparse", target):
        assert gib << 30 == path.stat().st_size
        assert path.stat().st_blocks * 512 < 16 * MIB
    with target.open("rb") as file:
        file.seek(gib << 29)
        assert b"in the middle" == file.read(13)
    target.unlink()
    return f"{gib} GiB with holes: up and down in {seconds:.1f} s, {up.bytes_sent} bytes sent"


async def full_disk(folder: Path) -> str:
    """A tmpfs that is too small: the error says so, and nothing is left."""
    small = folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)]
    mounted = await asyncio.to_thread(subprocess.run, mount, capture_output=True, check=False)
    if mounted.returncode != 0:
        return "full disk: left out, this may not mount a tmpfs"
    try:
        async with (
            Server("127.0.0.1", 0, small / "store") as server,
            AsyncClient("127.0.0.1", server.port) as client,
        ):
            await client.upload(os.urandom(MIB), "file")
            (small / "ballast").write_bytes(bytes(12 * MIB))
            for size in (16 * MIB, 64 * MIB):
                try:
                    await client.upload(os.urandom(size), "file")
                except NoSpaceError:
                    pass
                else:
                    raise AssertionError("a full disk took the file")
            assert MIB == (await client.stat("file")).size
            assert 0 == server.stats()["parts"]
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", str(small)], check=True)
    return "full disk: refused, the old version is there, no part is left"


async def bad_link(server: Server, mib: int) -> str:
    """Slow, far, and cut at random."""
    data = os.urandom(mib * MIB)
    begun = time.monotonic()
    with Proxy(server.port) as proxy:
        async with AsyncClient("127.0.0.1", proxy.port, retries=50, idle_timeout=60.0) as client:
            proxy.delay, proxy.cut, proxy.spare = 0.03, 0.002, MIB
            result = await client.upload(data, "far")
            harmed = proxy.harmed
    async with AsyncClient("127.0.0.1", server.port) as client:
        target = bytearray(len(data))
        await client.download("far", target)
    assert data == target
    over = result.bytes_sent / len(data) - 1
    return (
        f"{mib} MiB over a bad link: {time.monotonic() - begun:.0f} s, {harmed} cuts, {over:.1%} sent again"
    )


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(await many_clients(folder, options.clients, options.memory_mib), flush=True)
        async with (
            Server("127.0.0.1", 0, folder / "store") as server,
            AsyncClient("127.0.0.1", server.port) as client,
        ):
            print(await many_files(client, options.files), flush=True)
            print(await sparse(client, folder, folder / "store", options.sparse_gib), flush=True)
            print(await full_disk(folder), flush=True)
            print(await bad_link(server, options.proxy_mib), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=256)
    parser.add_argument("--memory-mib", type=int, default=64, help="of the server of many clients")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--sparse-gib", type=int, default=5)
    parser.add_argument("--proxy-mib", type=int, default=64)
    asyncio.run(run(parser.parse_args()))
    print("all limits hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
