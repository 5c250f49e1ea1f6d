"""Many clients at a time, and how much memory they cost the server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from flaxfile.client.async_client import AsyncClient

MIB = 1 << 20
MEMORY = 32 * MIB
SERVER = """
import asyncio, sys
from flaxfile.server.server import Server

async def main():
    async with Server("127.0.0.1", 0, sys.argv[1], memory=int(sys.argv[2])) as server:
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def most_memory(pid: int) -> int:
    """Bytes that a process had resident at most."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_64_clients_at_once_stay_within_the_memory_option(tmp_path: Path) -> None:
    contents = [os.urandom(2 * MIB) for _ in range(64)]
    command = [sys.executable, "-c", SERVER, str(tmp_path / "store"), str(MEMORY)]

    async def use(port: int, number: int) -> bool:
        async with AsyncClient("127.0.0.1", port, idle_timeout=60.0, connect_timeout=60.0) as client:
            await client.upload(contents[number], f"file {number}")
            target = bytearray(2 * MIB)
            await client.download(f"file {number}", target)
            return contents[number] == target

    async def all_of(port: int) -> list[bool]:
        return await asyncio.gather(*(use(port, number) for number in range(64)))

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            results = asyncio.run(all_of(port))
            most = most_memory(process.pid)
        finally:
            process.kill()

    assert all(results)
    assert most <= MEMORY + 64 * MIB
