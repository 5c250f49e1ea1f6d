"""A peer that vanishes: its link goes down in a network namespace, or its process is stopped.

    python -m tests.soak.vanish

Nothing says goodbye. Under load it must be noticed within 4 seconds when the link is gone, and when idle
within 35; meanwhile another broker is not disturbed. A stopped process is noticed after the time-out of a
request and two probes. Needs Linux and the right to make namespaces (``unshare``); without it only the
stopped process is tried, and the summary says so.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pyrocketmq.broker import BrokerClient
from tests.faults.processes import server_process
from tests.faults.traffic import Traffic, client_of

LOAD_S = 4.0
IDLE_S = 35.0
STOPPED_S = 4.5  # 1 s of the request, 3 s of the probes, and the time until the next request
HERE, THERE = "10.9.0.1", "10.9.0.2"


def ip(*arguments: str, space: int | None = None) -> None:
    """One command of iproute2, maybe in the namespace of a process."""
    prefix = [] if space is None else ["nsenter", "-t", str(space), "-n"]
    subprocess.run([*prefix, "ip", *arguments], check=True)


@contextmanager
def other_space() -> Iterator[int]:
    """A second network namespace with a link to this one; gives a process that lives in it."""
    with subprocess.Popen(["unshare", "-n", "sleep", "600"]) as keeper:
        try:
            time.sleep(0.5)  # until it is in its namespace
            ip("link", "set", "lo", "up")
            ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
            ip("link", "set", "v1", "netns", str(keeper.pid))
            ip("addr", "add", f"{HERE}/24", "dev", "v0")
            ip("link", "set", "v0", "up")
            ip("addr", "add", f"{THERE}/24", "dev", "v1", space=keeper.pid)
            ip("link", "set", "v1", "up", space=keeper.pid)
            ip("link", "set", "lo", "up", space=keeper.pid)
            yield keeper.pid
        finally:
            keeper.kill()
            # The next link has the same names; one of this namespace may outlive the other end for a moment.
            subprocess.run(["ip", "link", "del", "v0"], check=False, capture_output=True)


async def lost_after(client: BrokerClient, seconds: float) -> float:
    """How long it takes until the connection is given up."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while client.is_connected:
            await asyncio.sleep(0.01)
    return time.monotonic() - begun


async def by_link(*, load: bool) -> tuple[float, Traffic]:
    """Take the link down; how long until that is noticed, and the traffic of another broker."""
    with (
        other_space() as space,
        server_process(THERE, ["nsenter", "-t", str(space), "-n"]) as far,
        server_process() as near,
    ):
        far_traffic, near_traffic = Traffic(), Traffic()
        async with client_of(far.broker) as one, client_of(near.broker) as two:
            tasks = [asyncio.create_task(near_traffic.send(two))]
            if load:
                tasks += [asyncio.create_task(far_traffic.send(one)) for _ in range(4)]
                await far_traffic.more(100)
            await near_traffic.more(100)
            ip("link", "set", "v1", "down", space=space)
            seconds = await lost_after(one, 60)
            await near_traffic.more(100)
            far_traffic.end()
            near_traffic.end()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return seconds, near_traffic


async def by_stopping() -> float:
    """Stop the process under load; how long until that is noticed."""
    with server_process() as server:
        traffic = Traffic()
        async with client_of(server.broker) as client:
            tasks = [asyncio.create_task(traffic.send(client)) for _ in range(4)]
            await traffic.more(100)
            server.hold()
            seconds = await lost_after(client, 60)
            traffic.end()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return seconds


def inside() -> int:
    """In a namespace of our own."""
    loaded, near = asyncio.run(by_link(load=True))
    idle, _ = asyncio.run(by_link(load=False))
    stopped = asyncio.run(by_stopping())
    print(
        f"link down: noticed after {loaded:.1f} s under load, {idle:.1f} s idle, longest pause of the other "
        f"broker {near.longest_pause:.2f} s; process stopped: noticed after {stopped:.1f} s"
    )
    return 1 if loaded > LOAD_S or idle > IDLE_S or stopped > STOPPED_S or near.errors else 0


def main() -> int:
    if "--inside" in sys.argv:
        return inside()
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode == 0:
        again = [sys.executable, "-m", "tests.soak.vanish", "--inside"]
        return subprocess.run([*unshare, *again], check=False).returncode
    stopped = asyncio.run(by_stopping())
    print(f"no right to make network namespaces here; process stopped: noticed after {stopped:.1f} s")
    return 1 if stopped > STOPPED_S else 0


if __name__ == "__main__":
    sys.exit(main())
