"""Many producers whose broker and name server go away and come back: what the two see, and what is sent."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from pyrocketmq.errors import RocketMQError
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.transport.utils import parse_address
from tests.faults.processes import ServerProcess
from tests.faults.proxy import ChaosProxy
from tests.faults.storm import most_in_a_second

REST_S = 0.5
STARTED_AT_ONCE = 20


@dataclass
class ProducerStorm:
    """What the servers saw, in seconds since they were back, and what callers were told."""

    broker_attempts: int
    most_at_the_broker: int
    most_at_the_name_server: int
    all_back_after: float
    acked: int
    errors: int
    longest_pause: float


@dataclass
class _Sender:
    """One producer that sends all the time."""

    producer: AsyncProducer
    acked: int = 0
    errors: int = 0
    acked_at: float = 0.0
    pause: float = 0.0

    async def keep_sending(self, topic: str) -> None:
        while True:
            try:
                await self.producer.send(topic, b"x")
            except RocketMQError:
                self.errors += 1
            else:
                now = time.monotonic()
                self.acked += 1
                self.pause = max(self.pause, now - (self.acked_at or now))
                self.acked_at = now
            await asyncio.sleep(REST_S)


async def run_producer_storm(
    server: ServerProcess, producers: int, away: float, *, within: float = 60.0, topic: str = "storm"
) -> ProducerStorm:
    """Let producers in this process send, take their servers away, and go on until each has sent again.

    Args:
        server: a name server and a broker; they run on, and only the ways to them are cut.
        producers: how many.
        away: seconds without servers.
        within: seconds after which those that are not back are given up.
        topic: where the messages go.
    """
    async with AsyncExitStack() as stack:
        proxies: list[ChaosProxy] = []
        for address in (server.broker, server.name_server):
            proxy = ChaosProxy(parse_address(address)[1])
            stack.push_async_callback(proxy.close)
            await proxy.listen()
            proxies.append(proxy)
        broker, name_server = proxies
        address_map = {server.broker: f"127.0.0.1:{broker.port}"}
        senders: list[_Sender] = []
        for _ in range(producers):
            producer = AsyncProducer(
                "storm",
                f"127.0.0.1:{name_server.port}",
                address_map=address_map,
                route_poll_interval=1.0,
                request_timeout=10.0,
            )
            senders.append(_Sender(producer))
        tasks: list[asyncio.Task[None]] = []
        try:
            for first in range(0, producers, STARTED_AT_ONCE):
                some = senders[first : first + STARTED_AT_ONCE]
                await asyncio.gather(*(sender.producer.send(topic, b"x", timeout=30.0) for sender in some))
            tasks += [asyncio.create_task(sender.keep_sending(topic)) for sender in senders]
            await _until(lambda: all(sender.acked for sender in senders), within)
            for proxy in proxies:
                await proxy.refuse()
                proxy.cut()
            await asyncio.sleep(away)
            for proxy in proxies:
                proxy.accepted.clear()
            for proxy in proxies:
                await proxy.listen()
            back = time.monotonic()
            await _until(lambda: all(sender.acked_at > back for sender in senders), within)
            took = time.monotonic() - back
            await asyncio.sleep(1.0)  # attempts that come late count too
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            await asyncio.gather(*(sender.producer.shutdown() for sender in senders))
        return ProducerStorm(
            len(broker.accepted),
            most_in_a_second(broker.accepted),
            most_in_a_second(name_server.accepted),
            took,
            sum(sender.acked for sender in senders),
            sum(sender.errors for sender in senders),
            max(sender.pause for sender in senders),
        )


async def _until(condition: object, seconds: float) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - many things are looked at
            await asyncio.sleep(0.01)
