"""Opens and closes again and again, and looks at what is left behind.

python -m tests.soak.open_close [--count 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import resource
import sys

from tests.faults.levels import KINDS, run_cycles


def main() -> int:
    parser = argparse.ArgumentParser(description="open and close, and count what is left")
    parser.add_argument("--count", type=int, default=1000, help="cycles of each kind")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    failed = 0
    results = []
    for kind in KINDS:
        asyncio.run(run_cycles(arguments.count, [kind]))  # caches fill
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        before, after = asyncio.run(run_cycles(arguments.count, [kind]))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
        blocks = after.blocks - before.blocks
        level = before[:4] == after[:4] and blocks < arguments.count // 2 and grown < 5
        failed += not level
        results.append(f"{kind.__name__.removeprefix('one_')} {blocks:+} blocks {grown:+.1f} MiB")
        print(f"{kind.__name__}: before {before}, after {after}, memory {grown:+.1f} MiB", flush=True)
    verdict = "all level" if not failed else f"{failed} NOT level"
    print(
        f"{arguments.count:,} times open and close of {len(KINDS)} kinds: threads, tasks, descriptors "
        f"{verdict}; " + ", ".join(results)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
