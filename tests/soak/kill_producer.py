"""Kills producers between half messages and their ends, each restarted under the same group.

    python -m tests.soak.kill_producer [--kills 200] [--interval 2.0] [--groups 4] [--seed 0] [--server 5.5.0]

Every transaction has to end as the local database says, within two check intervals of the restart. On a real
broker, which looks every second, a message may come twice, and only committed ones show when they have ended.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.killed_producers import Outcome, RealStage, Stage, kill_producers, kill_producers_on
from tests.servers import real_server

CHECKS = 100
REAL_INTERVAL_S = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds to the first and between checks")
    parser.add_argument("--groups", type=int, default=4, help="producer groups at the same time")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--server", choices=("5.5.0", "4.9.7"), help="a real broker in place of the embedded")
    arguments = parser.parse_args()

    def one(number: int, stage: Stage | None) -> Outcome:
        share = arguments.kills // arguments.groups + (number < arguments.kills % arguments.groups)
        seed = f"{arguments.seed}-{number}"
        with tempfile.TemporaryDirectory() as folder:
            if stage is None:
                return kill_producers(Path(folder), share, arguments.interval, seed)
            return kill_producers_on(stage, Path(folder), share, seed, rest=10 * REAL_INTERVAL_S)

    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        stage = None
        if arguments.server:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "server"
            stage = RealStage(stack.enter_context(real_server(arguments.server, folder, checks=CHECKS)))
        pool = stack.enter_context(ThreadPoolExecutor(arguments.groups))
        for found in pool.map(lambda number: one(number, stage), range(arguments.groups)):
            outcome.add(found)
    longest = max(outcome.seconds)
    wrong = len(outcome.missing) + len(outcome.unwanted)
    interval = REAL_INTERVAL_S if arguments.server else arguments.interval
    print(
        f"{outcome.kills} kills between half message and end, {outcome.begun} transactions, "
        f"{outcome.committed} committed in the database: {wrong} ended otherwise "
        f"({len(outcome.missing)} missing, {len(outcome.unwanted)} unwanted), {outcome.twice} twice; "
        f"all ended {statistics.median(outcome.seconds):.1f} s after the restart, at most {longest:.1f} s "
        f"(two check intervals are {2 * interval:g} s)"
    )
    if arguments.server:
        return 1 if wrong else 0  # how long it takes to look is the broker's own business there
    return 1 if wrong or outcome.twice or longest > 2 * interval else 0


if __name__ == "__main__":
    sys.exit(main())
