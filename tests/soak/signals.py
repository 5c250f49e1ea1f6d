"""Ends programs under load by Ctrl-C and SIGTERM at random moments, and looks at what comes of it.

    python -m tests.soak.signals [--count 200] [--seed 0]

Blocking sends of threads, accumulated and awaited ones in turn. Each program has to end by itself, and every
send that it was told of has to be stored, once.
"""

from __future__ import annotations

import argparse
import sys

from pyrocketmq.testing import LocalRocketMQ
from tests.processes.signals import run_rounds


def main() -> int:
    parser = argparse.ArgumentParser(description="end programs that send, again and again")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with LocalRocketMQ() as rocketmq:
        rounds = run_rounds(rocketmq, arguments.count, arguments.seed, most_s=2.0)
    for line in rounds.wrong[:20]:
        print("wrong:", line)
    print(
        f"{rounds.rounds} signals, {rounds.answered:,} sends answered: {len(rounds.wrong)} rounds with "
        f"something lost, twice or hanging; the slowest end took {rounds.slowest_s:.2f} s"
    )
    return 1 if rounds.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
