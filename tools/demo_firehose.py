"""Sends a million messages through ``submit`` to a broker in a process of its own, and counts them there.

Each message has a number for its body. Afterwards all are pulled again: every number has to be there.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from pyrocketmq import Message, Producer
from pyrocketmq.broker import BrokerClient
from pyrocketmq.cli.benching.server import own_server
from pyrocketmq.model import PullStatus
from pyrocketmq.nameserver import NameServerClient
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from pyrocketmq.model import MessageQueue

MESSAGES = 1_000_000
BODY_BYTES = 100
TOPIC = "readings"
QUEUES = 8
PULL = 1024
TIMEOUT_S = 60.0  # on a machine that does other work too, an answer may come late


def send(address: str) -> float:
    """All messages, until the last one is answered; gives the seconds."""
    with Producer("meters", address, send_timeout=TIMEOUT_S) as producer:
        producer.send(Message("warm-up", "finds the broker"))
        began = time.perf_counter()
        for number in range(MESSAGES):
            producer.submit(Message(TOPIC, b"%0*d" % (BODY_BYTES, number)))
            if number % 50_000 == 0 and sys.stdout.isatty():
                print(f"\r    {number:>9,} of {MESSAGES:,}", end="", flush=True)
        producer.flush()
        if sys.stdout.isatty():
            print("\r\033[K", end="")
        return time.perf_counter() - began


async def count(address: str) -> tuple[int, int, float]:
    """Messages that the broker has, different numbers among them, and the seconds that it took to look."""
    began = time.perf_counter()
    seen = bytearray(MESSAGES)
    async with NameServerClient(*parse_address(address)) as names:
        route = await names.get_route_info(TOPIC)
        (broker_data,) = route.broker_datas
        async with BrokerClient(*parse_address(broker_data.master_addr or "")) as broker:

            async def look(queue: MessageQueue) -> int:
                offset = found = 0
                while True:
                    pulled = await broker.pull_message("demo", TOPIC, queue.queue_id, offset, PULL)
                    for message in pulled.messages:
                        seen[int(message.body)] = 1
                    found += len(pulled.messages)
                    offset = pulled.next_begin_offset
                    if pulled.status is PullStatus.NO_NEW_MSG:
                        return found

            found = sum(await asyncio.gather(*(look(queue) for queue in route.subscribe_queues(TOPIC))))
    return found, sum(seen), time.perf_counter() - began


def main() -> int:
    print(f"A million messages of {BODY_BYTES} bytes to a broker in a process of its own:\n")
    with own_server("--topic", f"{TOPIC}:{QUEUES}") as address:
        seconds = send(address)
        print(f"* {MESSAGES:,} messages stored in {seconds:.2f} s, {MESSAGES / seconds:,.0f}/s")
        found, different, looking = asyncio.run(count(address))
        print(f"* the broker has {found:,}, {different:,} of them different; pulled in {looking:.1f} s")
    if found > different:
        print("    (a send whose answer did not come in time is sent again, and may be there twice then)")
    if different != MESSAGES:
        print("\nNOT as it should be: every message has to be there")
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
