"""Submits as fast as it can to a broker that takes every batch late, for a minute: memory stays within the
buffer and 20 MB, nothing fails, sends that wait are sent, and each key keeps its order.

python -m tests.soak.throttled [--seconds 60] [--delay 500ms]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass

from pyrocketmq import Message
from pyrocketmq.aio import Producer
from pyrocketmq.cli.benching.meter import resident_bytes
from pyrocketmq.cli.benching.server import own_server
from pyrocketmq.nameserver import NameServerClient
from pyrocketmq.transport.utils import parse_address
from tests.promises.traffic import Account, Found, body_of, read_all, send_with

TOPIC = "throttled"
BUFFER_BYTES = 16 << 20
LIMIT_BYTES = BUFFER_BYTES + 20_000_000
SENDERS = 16
KEYS = 16


@dataclass
class Course:
    """What was given to the producer, and the most memory that it took over what it had at the start."""

    submitted: int = 0
    seconds: float = 0.0
    grown: int = 0

    @property
    def rate(self) -> float:
        """Messages in a second."""
        return self.submitted / self.seconds


async def submit_for(producer: Producer, seconds: float, first: int) -> Course:
    """Every message has its number in its body, one in four a key."""
    course = Course()
    began = time.monotonic()
    before = resident_bytes()
    while time.monotonic() - began < seconds:
        for _ in range(500):
            number = first + course.submitted
            key = f"key-{number % KEYS}" if number % 4 == 0 else None
            message = Message(TOPIC, body_of(number, key).rjust(200, b"0"))
            if key is not None:
                message.sharding_key = key
            await producer.submit(message)
            course.submitted += 1
        course.grown = max(course.grown, resident_bytes() - before)
    course.seconds = time.monotonic() - began
    return course


async def run(seconds: float, delay: str) -> int:
    with own_server("--topic", f"{TOPIC}:4") as address:
        async with Producer("throttled", address, buffer_bytes=BUFFER_BYTES) as producer:
            free = await submit_for(producer, 3.0, 0)
            await producer.flush(30.0)
    account = Account(number=1 << 40)
    with own_server("--topic", f"{TOPIC}:4", "--fault", f"send:delay={delay}") as address:
        async with Producer("throttled", address, buffer_bytes=BUFFER_BYTES, send_timeout=10.0) as producer:
            send = send_with(producer, TOPIC)
            waiting = [asyncio.create_task(account.keep_sending(send)) for _ in range(SENDERS)]
            slow = await submit_for(producer, seconds, 0)
            account.end()
            await asyncio.gather(*waiting)
            await producer.flush(120.0)
        async with NameServerClient(*parse_address(address)) as name_server:
            route = await name_server.get_route_info(TOPIC)
        found = await read_all([str(broker.master_addr) for broker in route.broker_datas], TOPIC)
    return report(free, slow, account, found)


def report(free: Course, slow: Course, account: Account, found: Found) -> int:
    """The figures in a line, and 1 when a promise was not kept."""
    stored, wrong = Counter(found.numbers), found.out_of_order()
    lost = [number for number in (*range(slow.submitted), *account.acked) if not stored[number]]
    copies = stored.total() - len(stored)
    print(
        f"{slow.submitted:,} submitted in {slow.seconds:.0f} s at {slow.rate:,.0f}/s, as quickly as a broker "
        f"took them; it takes {free.rate / slow.rate:.0f} times as many without delay; "
        f"{len(account.acked):,} awaited among them; {account.errors.total()} errors, "
        f"{len(lost)} lost, {copies} copies, {len(wrong)} out of order; memory "
        f"{slow.grown / 1e6:+.1f} MB with a buffer of {BUFFER_BYTES / 1e6:.1f} MB"
    )
    failed = account.errors or lost or wrong or slow.grown > LIMIT_BYTES or slow.rate * 4 > free.rate
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="submit to a broker that does not keep up")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--delay", default="500ms", help="before the broker takes a request")
    arguments = parser.parse_args()
    return asyncio.run(run(arguments.seconds, arguments.delay))


if __name__ == "__main__":
    sys.exit(main())
