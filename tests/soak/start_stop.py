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
from tests.soak.left import Left

REST_S = 16.0
"""A look for idle lanes that is planned already comes within a quarter of a minute."""


def main() -> int:
    parser = argparse.ArgumentParser(description="begin and end producers, and count what is left")
    parser.add_argument("--count", type=int, default=1700, help="lives of each kind")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    left = Left(arguments.count, blocks=arguments.count)
    with own_server("--retention-bytes", "64m") as address:
        for life in LIVES:
            asyncio.run(levels(life, address, arguments.count // 4))  # caches fill
            resident = resident_bytes()
            before, after = asyncio.run(levels(life, address, arguments.count, rest=REST_S))
            left.look(life.__name__, before, after, resident_bytes() - resident)
    return left.conclude("begin and end")


if __name__ == "__main__":
    sys.exit(main())
