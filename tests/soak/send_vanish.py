"""One of two brokers vanishes without a word under a producer: its link goes down in a network namespace.

    python -m tests.soak.send_vanish [--seconds 10]

No send may fail, and none may take longer than 1.5 seconds but those that were on their way. Needs Linux and
the right to make namespaces (``unshare``).
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.faults.processes import ServerProcess
from tests.promises.cluster import Member, embedded_cluster
from tests.promises.outages import SENDERS, Outage, under_load
from tests.promises.traffic import read_all
from tests.soak.vanish import THERE, ip, other_space

LONGEST_S = 1.5


async def vanish(members: list[Member], space: int, seconds: float) -> Outage:
    """Take the link of the first broker down for a while."""
    async with embedded_cluster(members) as cluster:
        async with under_load(cluster.address, "vanish") as (account, _):
            account.something_happens()
            ip("link", "set", "v1", "down", space=space)
            await asyncio.sleep(seconds)
            before = len(account.slow)
            await account.more(100)
            ip("link", "set", "v1", "up", space=space)
            asked = account.brokers["left"]
            async with asyncio.timeout(60):
                while account.brokers["left"] == asked:
                    await asyncio.sleep(0.01)
        assert len(account.slow) - before <= SENDERS
        return Outage(account, await read_all(cluster.brokers.values(), "vanish"))


def inside(seconds: float) -> int:
    """In a namespace of our own."""
    with other_space() as space, tempfile.TemporaryDirectory() as folder:
        far = ServerProcess(Path(folder) / "far", THERE, ["nsenter", "-t", str(space), "-n"])
        near = ServerProcess(Path(folder) / "near")
        far.start()
        near.start()
        try:
            outage = uvloop.run(vanish([Member("left", far), Member("right", near)], space, seconds))
        finally:
            far.kill()
            near.kill()
    account = outage.account
    longest = max(account.seconds)
    print(
        f"link of one of two brokers down for {seconds:g} s: {len(account.acked):,} acknowledged,"
        f" {len(account.failed)} failed, {len(account.unknown)} unknown, {len(outage.lost())} lost,"
        f" {outage.found.copies.total()} copies, {len(account.slow)} sends over 0.5 s, longest"
        f" {longest:.2f} s;"
        " the broker is used again after that"
    )
    return 1 if account.texts or outage.lost() or longest > LONGEST_S else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="a broker vanishes under a producer")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return inside(arguments.seconds)
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        print("no right to make network namespaces here: nothing was tried")
        return 0
    again = [sys.executable, "-m", "tests.soak.send_vanish", "--inside", "--seconds", str(arguments.seconds)]
    return subprocess.run([*unshare, *again], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
