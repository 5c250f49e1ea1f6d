"""What a client that goes on calling writes into its log while its server is away.

python -m tests.soak.outage_log [--seconds 600]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import time

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from tests.faults.proxy import ChaosProxy
from tests.transport.peers import answer_to, start_server

MOST_LINES = 100


class Counter(logging.Handler):
    """Keeps every line."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def run(seconds: float) -> tuple[int, int]:
    """How many calls failed, and how many succeeded after the outage."""
    failed = succeeded = 0
    async with start_server(lambda _, command: answer_to(command)) as (port, _):
        proxy = ChaosProxy(port)
        await proxy.listen()
        async with AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=1.0)) as remote:
            await proxy.refuse()
            proxy.cut()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with contextlib.suppress(OSError):
                    await remote.invoke(RemotingCommand(1))
                    continue
                failed += 1
                await asyncio.sleep(0.01)
            await proxy.listen()
            for _ in range(10):
                await remote.invoke(RemotingCommand(1), 10)
                succeeded += 1
        await proxy.close()
    return failed, succeeded


def main() -> int:
    parser = argparse.ArgumentParser(description="count log lines of an outage")
    parser.add_argument("--seconds", type=float, default=600.0)
    arguments = parser.parse_args()
    counter = Counter()
    logger = logging.getLogger("pyrocketmq")
    logger.addHandler(counter)
    logger.setLevel(logging.INFO)
    failed, succeeded = asyncio.run(run(arguments.seconds))
    print(
        f"{arguments.seconds:g} s of outage, {failed:,} failed calls: {len(counter.lines)} log lines; "
        f"{succeeded} calls after it succeeded"
    )
    return 1 if len(counter.lines) >= MOST_LINES or not succeeded else 0


if __name__ == "__main__":
    sys.exit(main())
