"""Sends that go on whatever happens, and what became of each of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from pyrocketmq._native.message import Message
from pyrocketmq.broker import BrokerClient
from pyrocketmq.errors import RocketMQError
from pyrocketmq.transport import TransportConfig
from pyrocketmq.transport.utils import parse_address
from tests.transport.peers import until

TOPIC = "Traffic"
QUEUES = 4


@dataclass
class Traffic:
    """Numbers of messages by what their senders were told.

    Attributes:
        stored: the server said that it has them.
        unknown: the request left, and no answer came.
        refused: nothing of the request left.
        pauses: the longest times between two answers, with the moment at which each ended.
    """

    stored: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    errors: dict[str, int] = field(default_factory=dict)
    last_answer: float = 0.0
    longest_pause: float = 0.0
    _next: int = 0
    _ended: bool = False

    def number(self) -> int:
        self._next += 1
        return self._next

    def end(self) -> None:
        self._ended = True

    async def more(self, count: int) -> None:
        """Wait until so many more are stored."""
        enough = len(self.stored) + count
        await until(lambda: len(self.stored) >= enough)

    async def send(self, client: BrokerClient, timeout: float = 1.0) -> None:
        """Send one after the other until the end."""
        while not self._ended:
            number = self.number()
            try:
                message = Message(TOPIC, b"%d" % number)
                await client.send_message(message, number % QUEUES, timeout=timeout)
            except RocketMQError as error:
                (self.unknown if error.maybe_sent else self.refused).add(number)
                name = type(error).__name__
                self.errors[name] = self.errors.get(name, 0) + 1
                await asyncio.sleep(0.01)
            else:
                now = time.monotonic()
                self.longest_pause = max(self.longest_pause, now - (self.last_answer or now))
                self.last_answer = now
                self.stored.add(number)


def client_of(address: str, config: TransportConfig | None = None) -> BrokerClient:
    """A client of one broker."""
    return BrokerClient(*parse_address(address), transport_config=config)


async def all_messages(client: BrokerClient) -> list[int]:
    """The numbers of all messages of the topic, in the order of each queue."""
    found: list[int] = []
    for queue_id in range(QUEUES):
        offset, end = 0, await client.get_max_offset(TOPIC, queue_id)
        while offset < end:
            pulled = await client.pull_message("reader", TOPIC, queue_id, offset)
            found.extend(int(message.body) for message in pulled.messages)
            offset = pulled.next_begin_offset
    return found
