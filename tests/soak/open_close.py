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
from tests.soak.left import Left


def main() -> int:
    parser = argparse.ArgumentParser(description="open and close, and count what is left")
    parser.add_argument("--count", type=int, default=1000, help="cycles of each kind")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    left = Left(arguments.count, blocks=arguments.count // 2)
    for kind in KINDS:
        asyncio.run(run_cycles(arguments.count, [kind]))  # caches fill
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        before, after = asyncio.run(run_cycles(arguments.count, [kind]))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        left.look(kind.__name__.removeprefix("one_"), before, after, grown * 1024)
    return left.conclude("open and close")


if __name__ == "__main__":
    sys.exit(main())
