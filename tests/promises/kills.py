"""Kills one of two brokers at random, again and again, while messages are sent with the default settings."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from pyrocketmq.producer import AsyncProducer
from tests.promises.cluster import Cluster
from tests.promises.traffic import Account, Found, read_all, send_with

SENDERS = 20
KEYS = 6


@dataclass
class Kills:
    """What became of the messages.

    Args:
        plain: sends without a key.
        ordered: sends with a sharding key.
        found: what the brokers have at the end.
        kills: how many there were.
    """

    plain: Account
    ordered: Account
    found: Found
    kills: int

    def lost(self) -> set[int]:
        """Acknowledged and not there."""
        return (self.plain.acked | self.ordered.acked) - set(self.found.numbers)

    def extra_copies(self) -> int:
        """Copies of messages that were neither in flight at a kill nor without an answer for long."""
        at_risk = {number for account in (self.plain, self.ordered) for number in account.may_be_twice()}
        return sum(times for number, times in self.found.copies.items() if number not in at_risk)


async def kill_and_send(
    cluster: Cluster, kills: int, *, seed: int = 0, away: float = 0.3, topic: str = "kills"
) -> Kills:
    """Kill a random broker so many times, each time for a random while, under load."""
    rng = random.Random(seed)
    plain, ordered = Account(), Account(10_000_000)  # numbers of their own
    async with AsyncProducer("promises", cluster.address) as producer:
        send = send_with(producer, topic)
        tasks = [asyncio.create_task(plain.keep_sending(send)) for _ in range(SENDERS)]
        tasks += [asyncio.create_task(ordered.keep_sending(send, f"key-{number}")) for number in range(KEYS)]
        await plain.more(100)
        for _ in range(kills):
            victim = rng.choice(list(cluster.brokers))
            await asyncio.sleep(rng.uniform(0.05, 0.5))
            plain.something_happens()
            ordered.something_happens()
            await cluster.kill(victim)
            await asyncio.sleep(rng.uniform(0.0, away))
            await cluster.start(victim)
            await plain.more(50)
        plain.end()
        ordered.end()
        await asyncio.gather(*tasks)
    return Kills(plain, ordered, await read_all(cluster.brokers.values(), topic), kills)
