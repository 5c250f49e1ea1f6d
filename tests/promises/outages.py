"""What happens to a cluster while messages are sent: hangs, refusals, name servers and brokers away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pyrocketmq.nameserver import NameServerSource
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ
from tests.promises.cluster import Cluster, RealCluster
from tests.promises.traffic import Account, Found, read_all, send_with

SENDERS = 20


@dataclass
class Outage:
    """What became of the messages of one outage.

    Args:
        account: what callers were told.
        found: what the brokers have.
        resumed: seconds from the end of the outage to the next acknowledged send.
        retries: how often sends were repeated, where that was counted.
    """

    account: Account
    found: Found
    resumed: float = 0.0
    retries: int = 0

    def lost(self) -> set[int]:
        """Acknowledged and not there."""
        return self.account.acked - set(self.found.numbers)


@asynccontextmanager
async def under_load(
    address: str | NameServerSource, topic: str, senders: int = SENDERS, **settings: Any
) -> AsyncIterator[tuple[Account, AsyncProducer]]:
    """Senders that send until the end of the block, and end before it does."""
    account = Account()
    async with AsyncProducer("promises", address, **settings) as producer:
        send = send_with(producer, topic)
        tasks = [asyncio.create_task(account.keep_sending(send)) for _ in range(senders)]
        try:
            await account.more(50)
            yield account, producer
        finally:
            account.end()
            await asyncio.gather(*tasks)


async def busy(rocketmq: LocalRocketMQ, seconds: float, topic: str = "busy") -> Outage:
    """All brokers answer SYSTEM_BUSY to every send."""
    async with under_load(rocketmq.addr, topic) as (account, producer):
        with rocketmq.fail("send", code="SYSTEM_BUSY"):
            await asyncio.sleep(seconds)
        resumed = await _time_to_go_on(account)
        retries = retries_of(producer)
    return Outage(account, await read_all(rocketmq.broker_addrs, topic), resumed, retries)


async def busy_for_real(cluster: RealCluster, seconds: float, topic: str = "busy") -> Outage:
    """The same on real brokers."""
    async with under_load(cluster.address, topic) as (account, producer):
        await cluster.be_busy(is_busy=True)
        await asyncio.sleep(seconds)
        await cluster.be_busy(is_busy=False)
        resumed = await _time_to_go_on(account)
        retries = retries_of(producer)
    return Outage(account, await read_all(cluster.brokers.values(), topic), resumed, retries)


def retries_of(producer: AsyncProducer) -> int:
    """How often it has repeated sends."""
    counted = producer.stats()["retries"]
    assert isinstance(counted, int)
    return counted


async def _time_to_go_on(account: Account) -> float:
    """Seconds to the next answer; waits for some more."""
    over = time.monotonic()
    await account.more(1)
    resumed = time.monotonic() - over
    await account.more(50)
    return resumed


async def black_hole(cluster: Cluster, seconds: float, topic: str = "black-hole") -> Outage:
    """One broker takes everything and answers nothing, as a stopped process does."""
    held = next(iter(cluster.brokers))
    async with under_load(cluster.address, topic) as (account, _):
        account.something_happens()
        await cluster.hold(held)
        account.has_happened()
        try:
            await asyncio.sleep(seconds)
            await account.more(50)
        finally:
            await cluster.go_on(held)
        over = time.monotonic()
        await account.more(50)
        resumed = time.monotonic() - over
    return Outage(account, await read_all(cluster.brokers.values(), topic), resumed)


async def no_name_server(cluster: Cluster, seconds: float, topic: str = "no-name-server") -> Outage:
    """No name server is there."""
    async with under_load(cluster.address, topic, route_poll_interval=1.0) as (account, _):
        await cluster.name_server_down()
        await asyncio.sleep(seconds)
        await cluster.name_server_up()
        over = time.monotonic()
        await account.more(50)
        resumed = time.monotonic() - over
    return Outage(account, await read_all(cluster.brokers.values(), topic), resumed)


async def no_broker(cluster: Cluster, seconds: float, topic: str = "no-broker") -> Outage:
    """All brokers are killed, and started again after a while."""
    names = list(cluster.brokers)
    async with under_load(cluster.address, topic) as (account, _):
        account.something_happens()
        await asyncio.gather(*map(cluster.kill, names))
        account.has_happened()
        await asyncio.sleep(seconds)
        await cluster.start(names[0])
        over = time.monotonic()
        await account.more(1)
        resumed = time.monotonic() - over
        await asyncio.gather(*map(cluster.start, names[1:]))
        await account.more(100)
    return Outage(account, await read_all(cluster.brokers.values(), topic), resumed)


async def many_in_flight(
    cluster: Cluster, sends: int, stopped: float, topic: str = "many", **settings: Any
) -> tuple[Account, float, float]:
    """So many sends at once while every broker is stopped for a while.

    Args:
        cluster: the brokers.
        sends: how many.
        stopped: seconds.
        topic: where they go.
        settings: further ones of the producer.

    Returns:
        What callers were told, by how many seconds the latest one ended after its deadline, and how long
        a send took one second after the brokers went on.
    """
    account = Account()
    late = 0.0
    timeout = 3.0
    async with AsyncProducer("promises", cluster.address, **settings) as producer:
        send = send_with(producer, topic)
        await asyncio.gather(*(account.send_one(send) for _ in range(100)))

        async def one() -> None:
            nonlocal late
            begun = time.monotonic()
            await account.send_one(send)
            late = max(late, time.monotonic() - begun - timeout)

        for name in cluster.brokers:
            await cluster.hold(name)
        tasks = [asyncio.create_task(one()) for _ in range(sends)]
        await asyncio.sleep(stopped)
        for name in cluster.brokers:
            await cluster.go_on(name)
        await asyncio.gather(*tasks)
        await asyncio.sleep(1.0)
        begun = time.monotonic()
        await producer.send(topic, b"0 ")
        return account, late, time.monotonic() - begun
