"""Starts an embedded broker, works with it through the low-level clients, and reports what happened.

Then a million messages go to a broker in a process of its own, and a hundred thousand through the native core
and back without a network. Every step checks what came back against what went in; anything else ends the demo
with exit code 1.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import demo_codec
import demo_firehose
from pyrocketmq import Message
from pyrocketmq._clock import MovableClock
from pyrocketmq.broker import BrokerClient
from pyrocketmq.errors import BrokerBusyError
from pyrocketmq.model import PullStatus
from pyrocketmq.nameserver import NameServerClient
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from pyrocketmq.model import MessageExt

TOPIC = "orders"
QUEUES = 4
DRINKS = ("espresso", "ristretto", "cafe-au-lait")
SENDS = 10_000
AT_ONCE = 512


def step(text: str) -> None:
    print(f"* {text}")


def detail(text: str) -> None:
    print(f"    {text}")


def check(what: str, expected: object, found: object) -> None:
    if expected != found:
        print(f"\nNOT as it should be: {what}: expected {expected!r}, found {found!r}")
        sys.exit(1)


async def pull_all(broker: BrokerClient, topic: str, expression: str = "*") -> list[MessageExt]:
    """Every message of a topic, queue by queue."""
    found: list[MessageExt] = []
    for queue_id in range(QUEUES):
        offset = 0
        while True:
            pulled = await broker.pull_message("demo", topic, queue_id, offset, subscription=expression)
            found.extend(pulled.messages)
            offset = pulled.next_begin_offset
            if pulled.status is PullStatus.NO_NEW_MSG:
                break
    return found


async def send_and_pull(server: EmbeddedServer) -> None:
    """A topic, ten messages with tags and keys, and the ways to get them again."""
    async with NameServerClient(*parse_address(server.addr)) as names:
        info = await names.get_broker_cluster_info()
        step(f"name server {server.addr} knows {', '.join(info.broker_addr_table)}")
        address = info.broker_addr_table["broker-a"].master_addr or ""
        async with BrokerClient(*parse_address(address), broker_name="broker-a") as broker:
            await broker.create_topic(TOPIC, QUEUES, QUEUES)
            route = await names.get_route_info(TOPIC)
            queues = route.publish_queues(TOPIC)
            check("queues of the new topic", QUEUES, len(queues))
            step(f"topic {TOPIC} is there, with {len(queues)} queues on {address}")

            sent: dict[str | None, bytes] = {}
            for number in range(10):
                message = Message(TOPIC, f"order {number}", DRINKS[number % 3], keys=f"order-{number}")
                result = await broker.send_message(message, queues[number % QUEUES].queue_id)
                sent[message.unique_id] = message.body
                if number < 2:
                    detail(f"sent {message.body!r} to queue {result.queue_id}, offset {result.queue_offset}")
            found = await pull_all(broker, TOPIC)
            check("bodies by id", sent, {message.unique_id: message.body for message in found})
            espressi = await pull_all(broker, TOPIC, "espresso")
            check("messages with the tag espresso", 4, len(espressi))
            (third,) = await broker.query_message(TOPIC, "order-3")
            check("the message with the key order-3", b"order 3", third.body)
            step(f"sent 10 messages, pulled {len(found)}, {len(espressi)} by tag, 1 by key")

            await delays(broker, server)
            await faults(broker, server)
            await rates(broker)


async def delays(broker: BrokerClient, server: EmbeddedServer) -> None:
    """Ten minutes pass at once, as tests want it."""
    late = Message("reminders", "pay the bill")
    late.delay_level = 14  # 10 minutes
    await broker.send_message(late, 0)
    before = await pull_all(broker, "reminders")
    server.advance(601)
    held = await broker.pull_message("demo", "reminders", 0, 0, hold=1.0)
    check("delayed messages before and after", (0, 1), (len(before), len(held.messages)))
    step("a message with a delay of 10 minutes came when the clock was moved, not before")


async def faults(broker: BrokerClient, server: EmbeddedServer) -> None:
    """An error on purpose, and what it says."""
    with server.faults.add("send:error=SYSTEM_BUSY:times=1:remark=too many orders"):
        try:
            await broker.send_message(Message(TOPIC, "one more"), 0)
        except BrokerBusyError as error:
            step("a fault on purpose; the client says:")
            for line in str(error).splitlines():
                detail(line)
        else:
            check("a fault", "an error", "none")


async def rates(broker: BrokerClient) -> None:
    """Awaited sends from many tasks, then pulls, both in this one process."""
    await broker.create_topic("firehose", QUEUES, QUEUES)
    body = b"x" * 100

    async def send(first: int) -> None:
        for number in range(first, SENDS, AT_ONCE):
            await broker.send_message(Message("firehose", body), number % QUEUES)

    begin = time.perf_counter()
    await asyncio.gather(*(send(first) for first in range(AT_ONCE)))
    sending = time.perf_counter() - begin
    begin = time.perf_counter()
    found = await pull_all(broker, "firehose")
    pulling = time.perf_counter() - begin
    check("messages of the firehose", SENDS, len(found))
    step(
        f"sent {SENDS:,} messages one request each, {SENDS / sending:,.0f}/s,"
        f" and pulled them, {SENDS / pulling:,.0f}/s"
    )
    detail("(client and broker share one thread of one process here)")


async def restart(folder: Path) -> None:
    """What was acknowledged is there after a restart."""
    config = ServerConfig(data=folder)
    async with (
        EmbeddedServer(config) as server,
        BrokerClient(*parse_address(server.brokers[0].address)) as broker,
    ):
        for number in range(100):
            await broker.send_message(Message("kept", f"{number}"), number % QUEUES)
    async with (
        EmbeddedServer(config) as server,
        BrokerClient(*parse_address(server.brokers[0].address)) as broker,
    ):
        found = await pull_all(broker, "kept")
    check("messages after a restart", {b"%d" % n for n in range(100)}, {message.body for message in found})
    step("100 messages in a data folder are there after a restart")


async def work() -> None:
    async with EmbeddedServer(ServerConfig(brokers=2), clock=MovableClock()) as server:
        await send_and_pull(server)
    with tempfile.TemporaryDirectory() as folder:
        await restart(Path(folder))


def main() -> int:
    begin = time.perf_counter()
    print("An embedded name server and brokers, and the low-level clients:\n")
    asyncio.run(work())
    print(f"\nAll of it checked, in {time.perf_counter() - begin:.1f} s.\n")
    failed = demo_firehose.main()
    print("\nThe native core without a network:\n")
    return demo_codec.main() or failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
