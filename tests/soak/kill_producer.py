"""Kills producers between half messages and their ends, each restarted under the same group.

    python -m tests.soak.kill_producer [--kills 200] [--interval 2.0] [--groups 4] [--seed 0]

Every transaction has to end as the local database says, within two check intervals of the restart.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.killed_producers import Outcome, kill_producers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds to the first and between checks")
    parser.add_argument("--groups", type=int, default=4, help="producer groups at the same time")
    parser.add_argument("--seed", default="0")
    arguments = parser.parse_args()

    def one(number: int) -> Outcome:
        share = arguments.kills // arguments.groups + (number < arguments.kills % arguments.groups)
        with tempfile.TemporaryDirectory() as folder:
            return kill_producers(Path(folder), share, arguments.interval, f"{arguments.seed}-{number}")

    outcome = Outcome()
    with ThreadPoolExecutor(arguments.groups) as pool:
        for found in pool.map(one, range(arguments.groups)):
            outcome.add(found)
    longest = max(outcome.seconds)
    wrong = len(outcome.missing) + len(outcome.unwanted)
    print(
        f"{outcome.kills} kills between half message and end, {outcome.begun} transactions, "
        f"{outcome.committed} committed in the database: {wrong} ended otherwise "
        f"({len(outcome.missing)} missing, {len(outcome.unwanted)} unwanted), {outcome.twice} twice; "
        f"all ended {statistics.median(outcome.seconds):.1f} s after the restart, at most {longest:.1f} s "
        f"(two check intervals are {2 * arguments.interval:g} s)"
    )
    return 1 if wrong or outcome.twice or longest > 2 * arguments.interval else 0


if __name__ == "__main__":
    sys.exit(main())
