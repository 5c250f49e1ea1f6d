"""Sends for a long time with errors and cancels among them, and looks at the memory of this process."""

from __future__ import annotations

import asyncio
import gc
import random
from dataclasses import dataclass, field

from pyrocketmq import Message, RocketMQError
from pyrocketmq.aio import Producer
from pyrocketmq.cli.benching.meter import resident_bytes

TASKS = 256
FAULT = "send:error=MESSAGE_ILLEGAL:p=0.01"
"""What a server has to have for it: a refusal that is not tried again."""


@dataclass
class Course:
    """What became of the sends, and the memory after each tenth of them."""

    stored: int = 0
    refused: int = 0
    cancelled: int = 0
    memory: list[int] = field(default_factory=list)

    @property
    def sends(self) -> int:
        """All that have ended."""
        return self.stored + self.refused + self.cancelled

    @property
    def grown(self) -> int:
        """Bytes from the half to the end: caches are full by then."""
        half = len(self.memory) // 2
        return min(self.memory[-2:]) - max(self.memory[half - 1 : half + 1])


async def send_many(address: str, count: int, seed: int = 0) -> Course:
    """Tasks that send one after another; one send in a hundred is cancelled while it is under way."""
    rng = random.Random(seed)
    course = Course()
    loop = asyncio.get_running_loop()

    async def one(producer: Producer) -> None:
        while course.sends < count:
            message = Message("orders", b"x" * 100, keys="order")
            try:
                if rng.random() < 0.01:
                    sending = loop.create_task(producer.send(message))
                    loop.call_later(rng.random() * 0.002, sending.cancel)
                    await asyncio.wait([sending])
                    if sending.cancelled():
                        course.cancelled += 1
                        continue
                    sending.result()
                else:
                    await producer.send(message)
                course.stored += 1
            except RocketMQError:
                course.refused += 1
            if course.sends * 10 >= count * (len(course.memory) + 1):
                gc.collect()
                course.memory.append(resident_bytes())

    async with Producer("flat", address) as producer:
        await asyncio.gather(*(one(producer) for _ in range(TASKS)))
    return course
