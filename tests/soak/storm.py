"""A server that comes back to a thousand clients, in one process and in several.

    python -m tests.soak.storm [--clients 1000] [--away 3.0] [--processes 10]

At most 200 attempts in any second may reach it from one process, and all must be back within 30 seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from tests.faults.proxy import ChaosProxy
from tests.faults.storm import most_in_a_second, run_storm
from tests.transport.peers import answer_to, start_server

LIMIT = 200
BACK_S = 30.0


async def be_clients(address: str, count: int) -> None:
    """A child: clients that want to call all the time, until it is ended."""

    async def go_on(remote: AsyncRemote) -> None:
        while True:
            with contextlib.suppress(OSError):
                await remote.invoke(RemotingCommand(1))
            await asyncio.sleep(0.5)

    await asyncio.gather(*(go_on(AsyncRemote(address, RemoteConfig(max_retries=0))) for _ in range(count)))


async def run_processes(clients: int, processes: int, away: float) -> tuple[int, float]:
    """The most attempts in a second and the seconds until all are back, with clients in many processes."""
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    async with start_server(lambda _, command: answer_to(command)) as (port, _):
        proxy = ChaosProxy(port)
        await proxy.listen()
        command = [sys.executable, "-m", "tests.soak.storm", "--child", f"127.0.0.1:{proxy.port}"]
        children = [
            subprocess.Popen([*command, "--clients", str(clients // processes)], cwd=root, env=environment)
            for _ in range(processes)
        ]
        try:
            async with asyncio.timeout(120):
                while proxy.connections < clients:
                    await asyncio.sleep(0.1)
                await proxy.refuse()
                proxy.cut()
                await asyncio.sleep(away)
                proxy.accepted.clear()
                await proxy.listen()
                back = time.monotonic()
                while proxy.connections < clients:
                    await asyncio.sleep(0.01)
            took = time.monotonic() - back
        finally:
            for child in children:
                child.kill()
                child.wait(10)
            await proxy.close()
        return most_in_a_second(proxy.accepted), took


def main() -> int:
    parser = argparse.ArgumentParser(description="a server that comes back to many clients")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--away", type=float, default=3.0, help="seconds without a server")
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--child", help="the address to call, in a child")
    arguments = parser.parse_args()
    if arguments.child:
        asyncio.run(be_clients(arguments.child, arguments.clients))
    failed = 0
    results = []
    for away in (0.0, arguments.away):
        storm = asyncio.run(run_storm(arguments.clients, away))
        results.append(
            f"away {away:g} s: {storm.most_in_a_second} attempts/s, back in {storm.all_back_after:.1f} s"
        )
        failed += storm.most_in_a_second > LIMIT or storm.all_back_after > BACK_S
        print(results[-1], flush=True)
    most, took = asyncio.run(run_processes(arguments.clients, arguments.processes, arguments.away))
    results.append(
        f"{arguments.processes} processes, away {arguments.away:g} s: {most} attempts/s, back in {took:.1f} s"
    )
    failed += took > BACK_S
    print(f"{arguments.clients:,} clients; " + "; ".join(results))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
