"""Kills client and server of file transfers at random moments, both ways, and looks at what is left.

    python -m tests.soak.kill_flaxfile [--count 200] [--mib 256] [--rate-mib 400] [--seed 0]

After each kill the key has its old or its new content, whole; the next try brings the new one and sends
hardly anything again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.flaxfile.faults.kills import Killing

MIB = 1 << 20
KINDS = (("up", "client"), ("up", "server"), ("down", "client"), ("down", "server"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--rate-mib", type=float, default=400.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        killing = Killing(Path(folder), options.mib * MIB, options.rate_mib * MIB, options.seed)
        try:
            for number in range(options.count):
                killing.round(*KINDS[number % len(KINDS)])
                if number % 20 == 19:
                    print(f"{number + 1} rounds, {len(killing.outcome.faults)} faults", flush=True)
        finally:
            killing.close()
        outcome = killing.outcome
    for fault in outcome.faults:
        print(fault)
    most = max(outcome.sent_again, default=0.0)
    print(
        f"{outcome.rounds} kills: {outcome.finished_before} after the end, {outcome.resumed} resumed, "
        f"at most {most:.1%} sent again, {len(outcome.faults)} faults"
    )
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
