"""Calls with random cancels and time-outs, through a proxy that delays and reorders answers.

    python -m tests.soak.calls [--count 100000] [--seed 0]

Request numbers begin at 2**31 - 100. Every call that gets an answer must get its own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.faults.calls import run_calls


def main() -> int:
    parser = argparse.ArgumentParser(description="calls with random cancels through a reordering proxy")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.monotonic()
    calls = asyncio.run(run_calls(arguments.count, seed=arguments.seed))
    for line in calls.wrong[:10]:
        print(line)
    took = time.monotonic() - begun
    print(
        f"{arguments.count:,} calls in {took:.0f} s: {calls.ends['answered']:,} answered, "
        f"{calls.ends['timed out']:,} timed out, {calls.ends['cancelled']:,} cancelled, "
        f"{calls.late_answers:,} late answers dropped, {len(calls.wrong)} answers of other calls"
    )
    return 1 if calls.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
