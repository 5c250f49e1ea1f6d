"""Sends that go on whatever happens, what their callers were told, and what the brokers have afterwards."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pyrocketmq import Producer
from pyrocketmq._native.answer import SendResult
from pyrocketmq.broker import BrokerClient
from pyrocketmq.errors import BatchSendError, RocketMQError
from pyrocketmq.model import Message, MessageQueue
from pyrocketmq.producer import AsyncProducer
from pyrocketmq.transport.utils import parse_address
from tests.transport.peers import until

SLOW_S = 0.5

SendFunction = Callable[[bytes, str | None], Awaitable[SendResult]]
"""Sends a body, with a sharding key if there is one."""


class Sends(Protocol):
    """A producer."""

    def send(self, topic: str, body: bytes, *, sharding_key: str | None = ...) -> Awaitable[SendResult]: ...


@dataclass
class Account:
    """What senders were told of their messages, by the messages' numbers.

    Attributes:
        number: that of the last message.
        acked: a broker has it.
        unknown: a try went unanswered.
        failed: nothing of it is stored.
        in_flight: those that wait for an answer at the moment.
        at_risk: those that were in flight when something happened; each of them may be stored twice.
        seconds: how long each acknowledged send took.
        slow: acknowledged after more than half a second: a try before may have been stored too.
        pause: the longest time between two answers.
        errors: what callers got, by class.
        brokers: how many messages each broker has acknowledged.
    """

    number: int = 0
    acked: set[int] = field(default_factory=set[int])
    unknown: set[int] = field(default_factory=set[int])
    failed: set[int] = field(default_factory=set[int])
    in_flight: set[int] = field(default_factory=set[int])
    at_risk: set[int] = field(default_factory=set[int])
    seconds: list[float] = field(default_factory=list[float])
    slow: set[int] = field(default_factory=set[int])
    pause: float = 0.0
    errors: Counter[str] = field(default_factory=Counter[str])
    brokers: Counter[str] = field(default_factory=Counter[str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    _answered_at: float = 0.0
    _ended: bool = False
    _is_happening: bool = False

    def something_happens(self) -> None:
        """Note which sends are in flight as a broker is about to be killed, and those until it is."""
        self.at_risk |= self.in_flight
        self._is_happening = True

    def has_happened(self) -> None:
        """The broker is dead: further sends are not in flight at its end."""
        self._is_happening = False

    def may_be_twice(self) -> set[int]:
        """Messages of which a try was not answered, or not soon."""
        return self.at_risk | self.slow | self.unknown

    @property
    def is_ended(self) -> bool:
        """True when senders are to end."""
        return self._ended

    def end(self) -> None:
        """Let all senders end after the send that they are at."""
        self._ended = True

    async def more(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        enough = len(self.acked) + count
        await until(lambda: len(self.acked) >= enough)

    def quantile(self, part: float) -> float:
        """The time within which this part of the acknowledged sends was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0

    async def keep_sending(self, send: SendFunction, key: str | None = None, rest: float = 0.002) -> None:
        """Send one message after the other until the end."""
        while not self._ended:
            await self.send_one(send, key)
            await asyncio.sleep(rest)

    async def send_one(self, send: SendFunction, key: str | None = None) -> None:
        """Send one message and write down how that ended."""
        number = self.begin()
        begun = time.monotonic()
        try:
            result = await send(body_of(number, key), key)
        except RocketMQError as error:
            self.failed_with(number, error)
        else:
            self.stored(number, result, time.monotonic() - begun)

    # ---- one message ----

    def begin(self) -> int:
        """The number of a message that is about to be sent."""
        self.number += 1
        self.in_flight.add(self.number)
        if self._is_happening:
            self.at_risk.add(self.number)
        return self.number

    def stored(self, number: int, result: SendResult, seconds: float) -> None:
        """A broker has acknowledged it after so many seconds."""
        assert result.ok, result
        now = time.monotonic()
        self.in_flight.discard(number)
        self.acked.add(number)
        queue = result.message_queue
        assert isinstance(queue, MessageQueue)
        self.brokers[queue.broker_name] += 1
        self.seconds.append(seconds)
        if seconds > SLOW_S:
            self.slow.add(number)
        self.pause = max(self.pause, now - (self._answered_at or now))
        self._answered_at = now

    def failed_with(self, number: int, error: RocketMQError) -> None:
        """Its sender got an error."""
        self.in_flight.discard(number)
        (self.unknown if error.maybe_sent else self.failed).add(number)
        self.errors[type(error).__name__] += 1
        name = type(error).__name__
        if name not in self.texts:
            self.texts[name] = str(error)

    def add(self, other: Account) -> None:
        """Take over what another one has, as that of another thread."""
        for mine, others in (
            (self.acked, other.acked),
            (self.unknown, other.unknown),
            (self.failed, other.failed),
            (self.at_risk, other.at_risk),
            (self.slow, other.slow),
        ):
            mine |= others
        self.seconds += other.seconds
        self.pause = max(self.pause, other.pause)
        self.errors += other.errors
        self.brokers += other.brokers
        self.texts |= other.texts


def body_of(number: int, key: str | None = None) -> bytes:
    """A body by which a message is found again."""
    return b"%d %s" % (number, (key or "").encode())


def keep_blocking(account: Account, producer: Producer, topic: str, rest: float) -> None:
    """As ``Account.keep_sending`` on a thread of its own."""
    while not account.is_ended:
        number = account.begin()
        account.at_risk.add(number)  # the thread that kills does not look at those of others
        begun = time.monotonic()
        try:
            result = producer.send(topic, body_of(number))
        except RocketMQError as error:
            account.failed_with(number, error)
        else:
            account.stored(number, result, time.monotonic() - begun)
        time.sleep(rest)


async def keep_batching(
    account: Account, producer: AsyncProducer, topic: str, rest: float, size: int = 10
) -> None:
    """As ``Account.keep_sending``, in explicit batches."""
    while not account.is_ended:
        numbers = [account.begin() for _ in range(size)]
        begun = time.monotonic()
        results: Sequence[object]
        try:
            results = await producer.send_batch([Message(topic, body_of(number)) for number in numbers])
        except BatchSendError as error:
            results = error.results
        for number, result in zip(numbers, results, strict=True):
            if isinstance(result, SendResult):
                account.stored(number, result, time.monotonic() - begun)
            else:
                assert isinstance(result, RocketMQError)
                account.failed_with(number, result)
        await asyncio.sleep(2 * rest)


async def keep_submitting(account: Account, producer: AsyncProducer, topic: str, rest: float) -> None:
    """As ``Account.keep_sending``, by ``submit`` with a callback for each message; flushes at the end."""
    begun: dict[int, float] = {}

    def delivered(message: Message, result: SendResult | None, error: RocketMQError | None) -> None:
        number = number_of(message.body)
        if result is not None:
            account.stored(number, result, time.monotonic() - begun.pop(number))
        else:
            assert error is not None
            account.failed_with(number, error)

    while not account.is_ended:
        for _ in range(20):
            number = account.begin()
            begun[number] = time.monotonic()
            await producer.submit(topic, body_of(number), on_delivery=delivered)
        await asyncio.sleep(2 * rest)
    await producer.flush(10.0)


def number_of(body: bytes) -> int:
    """The number of a message."""
    return int(body.partition(b" ")[0])


@dataclass
class Found:
    """What the brokers have: the numbers of each queue in the order of its offsets, and the key of each."""

    queues: list[list[int]]
    keys: dict[int, str]

    @property
    def numbers(self) -> list[int]:
        """All numbers, copies too."""
        return [number for queue in self.queues for number in queue]

    @property
    def copies(self) -> Counter[int]:
        """The numbers that are there more than once, with how often besides the first."""
        return Counter({number: times - 1 for number, times in Counter(self.numbers).items() if times > 1})

    def out_of_order(self) -> list[tuple[str, int]]:
        """Numbers that stand behind a later one of their key on the same queue, but for copies."""
        wrong: list[tuple[str, int]] = []
        for queue in self.queues:
            newest: dict[str, int] = {}
            seen: set[int] = set()
            for number in queue:
                key = self.keys[number]
                if key and number not in seen and number < newest.get(key, 0):
                    wrong.append((key, number))
                seen.add(number)
                newest[key] = max(number, newest.get(key, 0))
        return wrong


async def read_all(addresses: Iterable[str], topic: str) -> Found:
    """Everything that brokers have of a topic, by pulls."""
    found = Found([], {})
    for address in addresses:
        async with BrokerClient(*parse_address(address)) as broker:
            for queue_id in range(4):
                numbers: list[int] = []
                offset = await broker.get_min_offset(topic, queue_id)
                end = await broker.get_max_offset(topic, queue_id)
                while offset < end:
                    pulled = await broker.pull_message("reader", topic, queue_id, offset)
                    for message in pulled.messages:
                        number, _, key = message.body.decode().partition(" ")
                        numbers.append(int(number))
                        found.keys[int(number)] = key
                    offset = pulled.next_begin_offset
                found.queues.append(numbers)
    return found


def send_with(producer: Sends, topic: str) -> SendFunction:
    """Sends through a producer with its default time-out."""

    def send(body: bytes, key: str | None) -> Awaitable[SendResult]:
        if key is None:
            return producer.send(topic, body)
        return producer.send(topic, body, sharding_key=key)

    return send
