"""How long the embedded broker's store takes to open after a crash, by how much is in it.

    python -m tests.soak.restart_store [--gigabytes 2] [--body 1000] [--rounds 5]

A child fills the store and ends without closing it. Each opening is that of a new process, with the files in
the page cache: with the index files of complete segments there, and without any.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from pyrocketmq.server.store import MessageStore, StoreOptions

QUEUES = 8
AT_ONCE = 1000


def fill(folder: Path, gigabytes: float, body: int) -> None:
    """The child that crashes."""
    store = MessageStore(folder, StoreOptions(fsync="never"))
    queues = [store.log.queue("restart", number) for number in range(QUEUES)]
    data = b"x" * body
    while size_of(folder) < gigabytes * 1e9:
        for number in range(AT_ONCE):
            store.append(queues[number % QUEUES], data)
        store.commit()
    os._exit(0)


def size_of(folder: Path) -> int:
    """Bytes of the log."""
    return sum(path.stat().st_size for path in folder.glob("*.log"))


def open_once(folder: Path) -> None:
    """The child that opens it and says how long that took."""
    begun, cpu = time.perf_counter(), time.process_time()
    store = MessageStore(folder, StoreOptions(fsync="never"))
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    messages = sum(store.log.queue("restart", number).max_offset for number in range(QUEUES))
    print(json.dumps([took, cpu, messages]), flush=True)
    os._exit(0)


def child(*arguments: str) -> str:
    """What a run of this program with these arguments says."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "tests.soak.restart_store", *arguments]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, cwd=root, env=environment
    ).stdout


def openings(folder: Path, rounds: int, *, with_index: bool) -> str:
    """The median of some openings, for each gigabyte."""
    found: list[tuple[float, float, int]] = []
    gigabytes = size_of(folder) / 1e9
    for _ in range(rounds):
        if not with_index:
            for path in folder.glob("*.idx"):
                path.unlink()
        found.append(tuple(json.loads(child("--open", str(folder)))))
    wall, cpu = (median(one[place] for one in found) for place in (0, 1))
    return (
        f"{wall / gigabytes * 1000:.0f} ms ({cpu / gigabytes * 1000:.0f} ms of processor time) for each GB,"
        f" {wall:.2f} s for {found[0][2]:,} messages in {gigabytes:.1f} GB"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="open a large store again and again")
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--body", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        fill(arguments.fill, arguments.gigabytes, arguments.body)
    if arguments.open:
        open_once(arguments.open)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "data"
        child("--fill", str(folder), "--gigabytes", str(arguments.gigabytes), "--body", str(arguments.body))
        openings(folder, 1, with_index=True)  # reads all into the page cache, and writes what is missing
        with_index = openings(folder, arguments.rounds, with_index=True)
        print(with_index, flush=True)
        without = openings(folder, arguments.rounds, with_index=False)
    print(f"bodies of {arguments.body:,} bytes: {with_index}; without index files {without}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
