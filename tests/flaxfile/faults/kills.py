"""Transfers whose client or server is killed at a random moment, and what must hold afterwards.

A round: the key has one version, a process of its own begins to bring the next one, one of both sides gets
SIGKILL, the key is looked at, the transfer is done again, and the key is looked at once more.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from flaxfile.client.client import Client

MIB = 1 << 20
SERVER = """
import asyncio, sys
from flaxfile.server.server import Server

async def main():
    async with Server("127.0.0.1", int(sys.argv[2]), sys.argv[1]) as server:
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
CLIENT = """
import sys
from flaxfile.client.client import Client

port, verb, path, rate = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
with Client("127.0.0.1", port, bwlimit=rate, retries=0, idle_timeout=5.0) as client:
    print("begun", flush=True)
    tell = lambda done, total: print(done, flush=True)
    if verb == "up":
        client.upload(path, "key", progress=tell)
    else:
        client.download("key", path, progress=tell)
print("done", flush=True)
"""


@dataclass
class Outcome:
    """What a run of rounds came to."""

    rounds: int = 0
    finished_before: int = 0
    resumed: int = 0
    sent_again: list[float] = field(default_factory=list[float])
    """For each round that was interrupted: what had arrived and was sent once more, by the size."""
    faults: list[str] = field(default_factory=list[str])


def start_server(store: Path, port: int) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(store), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


class Killing:
    """Rounds with one server and its store.

    Args:
        folder: empty, for everything.
        size: bytes of each file.
        rate: bytes a second, so that there is time to be killed in.
        seed: of the moments.
    """

    def __init__(self, folder: Path, size: int, rate: float, seed: int) -> None:
        self._folder = folder
        self._size = size
        self._rate = rate
        self._random = random.Random(seed)
        self.outcome = Outcome()
        (folder / "store").mkdir()
        self._server, self._port = start_server(folder / "store", 0)

    def close(self) -> None:
        """End the server."""
        end(self._server)

    def round(self, verb: str, victim: str) -> None:
        """One round: ``up`` or ``down``, ``client`` or ``server``."""
        old = os.urandom(1000)
        new = os.urandom(self._size)
        stored, target, source = (self._folder / name for name in ("store/key", "target", "source"))
        if verb == "up":
            stored.write_bytes(old)
            source.write_bytes(new)
            watched, path = stored, source
        else:
            stored.write_bytes(new)
            target.write_bytes(old)
            watched, path = target, target
        arrived = self._interrupt(verb, victim, path)
        found = watched.read_bytes()
        if found not in {old, new}:
            self._fault(f"{verb}, {victim} killed: the key has {len(found)} bytes that are neither version")
        if arrived is None:
            self.outcome.finished_before += 1
            if found != new:
                self._fault(f"{verb}: it was said to be done, and is not")
        else:
            self._again(verb, path, arrived)
        if watched.read_bytes() != new:
            self._fault(f"{verb}, {victim} killed: the next try brought other bytes")
        self.outcome.rounds += 1

    def _fault(self, text: str) -> None:
        self.outcome.faults.append(f"round {self.outcome.rounds}: {text}")

    def _interrupt(self, verb: str, victim: str, path: Path) -> int | None:
        """Begin the transfer and kill one side; how many bytes had arrived, None if it was done by then."""
        command = [sys.executable, "-c", CLIENT, str(self._port), verb, str(path), str(self._rate)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as client:
            assert client.stdout is not None
            client.stdout.readline()
            time.sleep(self._random.uniform(0, 1.1) * self._size / self._rate)
            if victim == "client":
                client.send_signal(signal.SIGKILL)
                client.wait(30)
            else:
                end(self._server)
                client.wait(60)
                self._server, self._port = start_server(self._folder / "store", self._port)
            said = client.stdout.read().split()
        if "done" in said:
            return None
        return int(said[-1]) if said else 0

    def _again(self, verb: str, path: Path, arrived: int) -> None:
        with Client("127.0.0.1", self._port, idle_timeout=10.0) as client:
            result = client.upload(path, "key") if verb == "up" else client.download("key", path)
        if result.resumed_from:
            self.outcome.resumed += 1
        # All of it may have been published by the side that was not killed, just before.
        again = 0 if arrived == self._size else max(0, arrived - result.resumed_from)
        self.outcome.sent_again.append(again / self._size)
