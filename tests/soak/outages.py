"""A broker that is killed, stays away for a while and is started again, under sends.

    python -m tests.soak.outages [--away 1 10 60 300] [--restarts 100]

Sends must go on within 3 seconds after it serves again, and nothing that it acknowledged may be missing.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time

from tests.faults.processes import ServerProcess, server_process
from tests.faults.traffic import Traffic, all_messages, client_of

RESUME_S = 3.0


async def restart(server: ServerProcess, traffic: Traffic, away: float) -> float:
    """Kill the server, start it again, and give the seconds until a send succeeds after that."""
    loop = asyncio.get_running_loop()
    await traffic.more(10)
    await loop.run_in_executor(None, server.kill)
    await asyncio.sleep(away)
    await loop.run_in_executor(None, server.start)
    serves = time.monotonic()
    async with asyncio.timeout(60):
        await traffic.more(1)
    return time.monotonic() - serves


async def run(aways: list[float], restarts: int) -> int:
    with server_process() as server:
        traffic = Traffic()
        async with client_of(server.broker) as client:
            tasks = [asyncio.create_task(traffic.send(client)) for _ in range(4)]
            resumed = {away: await restart(server, traffic, away) for away in aways}
            for away, seconds in resumed.items():
                print(f"away {away:g} s: sends go on {seconds:.2f} s after it serves", flush=True)
            in_a_row = sorted([await restart(server, traffic, 0) for _ in range(restarts)])
            traffic.end()
            await asyncio.gather(*tasks)
            found = await all_messages(client)
    lost = traffic.stored - set(found)
    worst = max([*resumed.values(), *in_a_row])
    away_text = ", ".join(f"{seconds:.2f}" for seconds in resumed.values())
    print(
        f"away {', '.join(f'{away:g}' for away in aways)} s: sends go on after {away_text} s; "
        f"{restarts} restarts in a row: after {in_a_row[len(in_a_row) // 2]:.2f} s, at most "
        f"{in_a_row[-1]:.2f} s; {len(traffic.stored):,} acknowledged, {len(lost)} lost, "
        f"{len(found) - len(set(found))} twice, {len(traffic.unknown)} unanswered"
    )
    return 1 if lost or worst > RESUME_S else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="kill and restart a broker under sends")
    parser.add_argument("--away", type=float, nargs="+", default=[1.0, 10.0, 60.0, 300.0])
    parser.add_argument("--restarts", type=int, default=100)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    return asyncio.run(run(arguments.away, arguments.restarts))


if __name__ == "__main__":
    sys.exit(main())
