"""Ten thousand producers begin and end, properly and forgotten: nothing of them stays.

python -m tests.soak.start_stop [--count 1700]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from pyrocketmq.cli.benching.meter import resident_bytes
from pyrocketmq.cli.benching.server import own_server
from tests.processes.lives import LIVES, levels

LIMIT_BYTES = 5_000_000
REST_S = 16.0
"""A look for idle lanes that is planned already comes within a quarter of a minute."""


def main() -> int:
    parser = argparse.ArgumentParser(description="begin and end producers, and count what is left")
    parser.add_argument("--count", type=int, default=1700, help="lives of each kind")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    failed = 0
    results = []
    with own_server("--retention-bytes", "64m") as address:
        for life in LIVES:
            asyncio.run(levels(life, address, arguments.count // 4))  # caches fill
            resident = resident_bytes()
            before, after = asyncio.run(levels(life, address, arguments.count, rest=REST_S))
            grown, blocks = resident_bytes() - resident, after.blocks - before.blocks
            is_level = before[:4] == after[:4] and blocks < arguments.count and grown < LIMIT_BYTES
            failed += not is_level
            results.append(f"{life.__name__} {blocks:+} blocks {grown / 1e6:+.1f} MB")
            print(f"{life.__name__}: {before}, then {after}, memory {grown / 1e6:+.1f} MB", flush=True)
    verdict = "all level" if not failed else f"{failed} NOT level"
    print(
        f"{arguments.count * len(LIVES):,} producers of {len(LIVES)} kinds: threads, tasks, descriptors "
        f"{verdict}; " + ", ".join(results)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
