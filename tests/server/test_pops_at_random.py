"""Random pops, acknowledgements, sends and restarts: nothing is lost, nothing acknowledged comes back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq.model.message_ext import MessageExt
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client
from tests.server.popping import TOPIC, Popped, ack, change, make_topic, pop

STEPS = 120
QUEUES = 3


class Consumer:
    """What a group did, and what must hold for it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.sent = 0
        self.acknowledged: set[bytes] = set()
        self.held: list[tuple[Popped, MessageExt, int]] = []

    async def step(self, server: EmbeddedServer, client: Client, clock: ManualClock) -> None:
        choice = self.chance.random()
        if choice < 0.3:
            await client.send(TOPIC, b"m%d" % self.sent, queue_id=self.chance.randrange(QUEUES))
            self.sent += 1
        elif choice < 0.6:
            await self.pop(
                client, clock, self.chance.randint(1, 8), self.chance.choice([1_000, 5_000, 60_000])
            )
        elif choice < 0.8 and self.held:
            popped, message, due_ms = self.held.pop(self.chance.randrange(len(self.held)))
            assert 0 == (await ack(client, popped, message)).code
            if clock.now_ms() < due_ms:
                self.acknowledged.add(message.body)
        elif choice < 0.9 and self.held:
            popped, message, _ = self.held.pop(self.chance.randrange(len(self.held)))
            assert 0 == (await change(client, popped, message, 3_000)).code
        else:
            server.advance(self.chance.choice([0.5, 2, 10]))

    async def pop(self, client: Client, clock: ManualClock, most: int, invisible_ms: int) -> int:
        popped = await pop(client, most=most, invisible_ms=invisible_ms)
        for message in popped.messages:
            assert message.body not in self.acknowledged
            self.held.append((popped, message, clock.now_ms() + invisible_ms))
        return len(popped.messages)

    async def finish(self, server: EmbeddedServer, client: Client, clock: ManualClock) -> None:
        """Acknowledge everything that is still to come."""
        self.held.clear()
        server.advance(61)
        while await self.pop(client, clock, 32, 60_000):
            for popped, message, _ in self.held:
                await ack(client, popped, message)
                self.acknowledged.add(message.body)
            self.held.clear()
        server.advance(61)
        assert 0 == await self.pop(client, clock, 32, 60_000)
        assert {b"m%d" % number for number in range(self.sent)} == self.acknowledged


@pytest.mark.parametrize("seed", range(4))
async def test_a_group_gets_all_messages_until_it_acknowledges_them(seed: int) -> None:
    clock = ManualClock()
    consumer = Consumer(seed)
    async with EmbeddedServer(clock=clock) as server, Client(server.brokers[0].address) as client:
        await make_topic(client, QUEUES)
        for _ in range(STEPS):
            await consumer.step(server, client, clock)
        await consumer.finish(server, client, clock)


@pytest.mark.parametrize("seed", range(2))
async def test_restarts_in_between_change_nothing(seed: int, tmp_path: Path) -> None:
    clock = ManualClock()
    consumer = Consumer(100 + seed)
    config = ServerConfig(data=tmp_path)
    for run in range(4):
        async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
            if run == 0:
                await make_topic(client, QUEUES)
            for _ in range(STEPS // 4):
                await consumer.step(server, client, clock)
            if run == 3:
                await consumer.finish(server, client, clock)
