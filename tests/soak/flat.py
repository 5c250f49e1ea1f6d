"""Ten million sends, one in a hundred refused and one in a hundred cancelled: memory has to stay level.

python -m tests.soak.flat [--count 10000000]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from pyrocketmq.cli.benching.server import own_server
from tests.processes.flat import FAULT, send_many

LIMIT_BYTES = 5_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description="send for a long time, and look at the memory")
    parser.add_argument("--count", type=int, default=10_000_000)
    arguments = parser.parse_args()
    began = time.monotonic()
    with own_server("--topic", "orders:4", "--fault", FAULT, "--retention-bytes", "64m") as address:
        course = asyncio.run(send_many(address, arguments.count))
    for number, memory in enumerate(course.memory, 1):
        print(f"{number * 10:4} %: {memory / 1e6:.1f} MB")
    print(
        f"{course.sends:,} sends in {time.monotonic() - began:.0f} s: {course.stored:,} stored, "
        f"{course.refused:,} refused, {course.cancelled:,} cancelled; "
        f"memory {course.grown / 1e6:+.1f} MB over the second half"
    )
    return 1 if course.grown > LIMIT_BYTES or not course.refused or not course.cancelled else 0


if __name__ == "__main__":
    sys.exit(main())
