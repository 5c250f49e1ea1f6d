"""Starts a client against many embedded brokers, again and again, and says how long that takes.

    python -m tests.soak.many_brokers [--brokers 200] [--rounds 20]

The brokers share the processor, and the process, with the client.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median

import uvloop

from tests.core.many import start_against

LIMIT_S = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description="start a client against many brokers")
    parser.add_argument("--brokers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    rounds = [uvloop.run(start_against(arguments.brokers)) for _ in range(arguments.rounds)]
    for one in rounds:
        print(f"start {one.seconds * 1000:6.1f} ms, all told after {one.all_told * 1000:6.1f} ms", flush=True)
    middle = median(one.all_told for one in rounds)
    unheard = sum(arguments.brokers - one.connected for one in rounds)
    print(
        f"{arguments.brokers} brokers, {arguments.rounds} starts: start() returns after"
        f" {median(one.seconds for one in rounds) * 1000:.0f} ms, every broker has answered a heartbeat after"
        f" {middle * 1000:.0f} ms, at most {max(one.all_told for one in rounds) * 1000:.0f} ms;"
        f" {unheard} brokers not reached"
    )
    return 1 if unheard or middle > LIMIT_S else 0


if __name__ == "__main__":
    sys.exit(main())
