"""A broker and a name server that come back to a thousand producers in one process.

    python -m tests.soak.producer_storm [--producers 1000] [--away 3.0]

At most 200 attempts in any second may reach each of them, and all producers have to send again within 30 s.
"""

from __future__ import annotations

import argparse
import sys

import uvloop

from tests.faults.processes import server_process
from tests.promises.storm import run_producer_storm

LIMIT = 200
BACK_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(description="servers that come back to many producers")
    parser.add_argument("--producers", type=int, default=1000)
    parser.add_argument("--away", type=float, default=3.0, help="seconds without servers")
    arguments = parser.parse_args()
    failed = 0
    said: list[str] = []
    for away in (0.0, arguments.away):
        with server_process() as server:
            storm = uvloop.run(run_producer_storm(server, arguments.producers, away))
        said.append(
            f"away {away:g} s: {storm.most_at_the_broker} attempts/s at the broker,"
            f" {storm.most_at_the_name_server} at the name server, all send again after"
            f" {storm.all_back_after:.1f} s; {storm.acked:,} sends acknowledged, {storm.errors} ended with an"
            f" error, longest pause of a producer {storm.longest_pause:.1f} s"
        )
        print(said[-1], flush=True)
        most = max(storm.most_at_the_broker, storm.most_at_the_name_server)
        failed += most > LIMIT or storm.all_back_after > BACK_S
    print(f"{arguments.producers:,} producers; " + "; ".join(said))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
