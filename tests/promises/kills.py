"""Kills one of two brokers at random, again and again, under every kind of send with the default settings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pyrocketmq import Producer
from pyrocketmq.producer import AsyncProducer
from tests.promises.cluster import Cluster
from tests.promises.traffic import (
    Account,
    Found,
    keep_batching,
    keep_blocking,
    keep_submitting,
    read_all,
    send_with,
)

SENDERS = 20
KEYS = 6
THREADS = 4
BATCHERS = 2
APART = 10_000_000
"""Between the first numbers of two kinds of sends."""

ORDERED = "with a key"
KINDS = ("awaited", ORDERED, "blocking", "batches", "submitted")


@dataclass
class Kills:
    """What became of the messages.

    Args:
        accounts: what callers were told, by the kind of their sends.
        found: what the brokers have at the end.
        kills: how many there were.
    """

    accounts: Mapping[str, Account]
    found: Found
    kills: int

    def failures(self) -> dict[str, str]:
        """What callers of sends without a key were told instead of a result, by kind."""
        return {
            f"{kind}, {name}": text
            for kind, account in self.accounts.items()
            if kind != ORDERED
            for name, text in account.texts.items()
        }

    def lost(self) -> set[int]:
        """Acknowledged and not there."""
        acked = {number for account in self.accounts.values() for number in account.acked}
        return acked - set(self.found.numbers)

    def extra_copies(self) -> int:
        """Copies of messages that were neither in flight at a kill nor without an answer for long."""
        at_risk = {number for account in self.accounts.values() for number in account.may_be_twice()}
        return sum(times for number, times in self.found.copies.items() if number not in at_risk)


@asynccontextmanager
async def all_kinds(address: str, topic: str, rest: float) -> AsyncIterator[dict[str, Account]]:
    """Every kind of send at once until the end of the block; each sender rests between two of them."""
    accounts = {kind: Account(place * APART) for place, kind in enumerate(KINDS)}
    blocking = [Account(accounts["blocking"].number + place * 1_000_000) for place in range(THREADS)]
    loop = asyncio.get_running_loop()
    threads = Producer("promises", address)
    await asyncio.to_thread(threads.start)  # the name server may live on this loop
    try:
        async with AsyncProducer("promises", address) as producer:
            send = send_with(producer, topic)
            work = [accounts["awaited"].keep_sending(send, rest=rest) for _ in range(SENDERS)]
            work += [accounts[ORDERED].keep_sending(send, f"key-{key}", rest) for key in range(KEYS)]
            work += [keep_batching(accounts["batches"], producer, topic, rest) for _ in range(BATCHERS)]
            work.append(keep_submitting(accounts["submitted"], producer, topic, rest))
            tasks: list[asyncio.Future[None]] = [asyncio.create_task(each) for each in work]
            tasks += [
                loop.run_in_executor(None, keep_blocking, account, threads, topic, rest)
                for account in blocking
            ]
            try:
                yield accounts
            finally:
                for account in (*accounts.values(), *blocking):
                    account.end()
                await asyncio.gather(*tasks)
                for account in blocking:
                    accounts["blocking"].add(account)
    finally:
        await asyncio.to_thread(threads.shutdown)


async def kill_and_send(
    cluster: Cluster,
    kills: int,
    *,
    seed: int = 0,
    away: float = 0.3,
    rest: float = 0.002,
    topic: str = "kills",
) -> Kills:
    """Kill a random broker so many times, each time for a random while, under load.

    Args:
        cluster: the brokers.
        kills: how many.
        seed: of what is random.
        away: seconds at most until a broker is started again.
        rest: seconds that each sender rests between two sends.
        topic: where they go.
    """
    rng = random.Random(seed)
    async with all_kinds(cluster.address, topic, rest) as accounts:
        plain = accounts["awaited"]
        await plain.more(100)
        for _ in range(kills):
            victim = rng.choice(list(cluster.brokers))
            await asyncio.sleep(rng.uniform(0.05, 0.5))
            for account in accounts.values():
                account.something_happens()
            await cluster.kill(victim)
            for account in accounts.values():
                account.has_happened()
            await asyncio.sleep(rng.uniform(0.0, away))
            await cluster.start(victim)
            await cluster.until_listed(topic)  # or none would be left when the other one is killed
            await plain.more(50)
    return Kills(accounts, await read_all(cluster.brokers.values(), topic), kills)
