"""Which queue a message goes to: in turn, at random, or by a key that stays on one queue.

Selectors see the queues that may be used and the message; where the list comes from, and whether the broker
is there, is not their business. All may be used by any number of threads.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from itertools import count
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pyrocketmq._native.queuehash import pick_queue_go, pick_queue_java, pick_queue_xxh3
from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyrocketmq._native.message import Message
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.route import BrokerData

__all__ = [
    "AsyncMessageHashSelector",
    "AsyncQueueSelector",
    "AsyncRandomSelector",
    "AsyncRoundRobinSelector",
    "MessageHashSelector",
    "QueuePair",
    "QueueSelector",
    "RandomSelector",
    "RoundRobinSelector",
]

QueuePair: TypeAlias = "tuple[MessageQueue, BrokerData]"
"""A queue with the broker that it is on."""

# Forks and users who seed the generator of the program must not make all clients begin at one queue.
_RANDOM: Final = random.SystemRandom()
_MAX_TOPICS: Final = 4096

_PICKS: Final[dict[str, Callable[[str, int], int]]] = {
    "go": pick_queue_go,
    "java": pick_queue_java,
    "xxh3": pick_queue_xxh3,
}


class QueueSelector(ABC):
    """Picks a queue; derive from it to pick by rules of your own."""

    @abstractmethod
    def select(
        self, topic: str, available_queues: Sequence[QueuePair], message: Message | None = None
    ) -> QueuePair | None:
        """One of the queues, or None to pick none.

        Args:
            topic: where the message goes.
            available_queues: the queues to choose from, each with its broker; sorted, always in the same way.
            message: what is sent.
        """


class RoundRobinSelector(QueueSelector):
    """One queue after the other, separately for each topic; begins anew when the queues change.

    Args:
        start: index of the first queue; None begins anywhere, so that programs that send one message each do
            not all take the first queue.
    """

    def __init__(self, start: int | None = 0) -> None:
        self._start = start
        # Each topic with the queues it counts for. A count hands out each number once, whichever threads ask.
        self._turns: dict[str, tuple[Sequence[QueuePair], count[int]]] = {}

    def select(
        self,
        topic: str,
        available_queues: Sequence[QueuePair],
        message: Message | None = None,  # noqa: ARG002 - what selectors are given
    ) -> QueuePair | None:
        """The queue whose turn it is."""
        turn = self._turns.get(topic)
        if turn is None or (turn[0] is not available_queues and turn[0] != tuple(available_queues)):
            if not available_queues:
                return None
            turn = self._begin(topic, available_queues)
        return available_queues[next(turn[1]) % len(available_queues)]

    def _begin(self, topic: str, queues: Sequence[QueuePair]) -> tuple[Sequence[QueuePair], count[int]]:
        if len(self._turns) >= _MAX_TOPICS:
            self._turns.clear()
        start = _RANDOM.randrange(len(queues)) if self._start is None else self._start
        # Of threads that begin at once all take the turn of the one who was first; a tuple stays as it is.
        turn = (queues if isinstance(queues, tuple) else tuple(queues), count(start))
        self._turns[topic] = turn
        return turn


class RandomSelector(QueueSelector):
    """Any queue.

    Args:
        rng: where the numbers come from; tests give their own.
    """

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random(_RANDOM.getrandbits(64))  # noqa: S311 - spreads load

    def select(
        self,
        topic: str,  # noqa: ARG002 - what selectors are given
        available_queues: Sequence[QueuePair],
        message: Message | None = None,  # noqa: ARG002
    ) -> QueuePair | None:
        """A random queue."""
        return self._rng.choice(available_queues) if available_queues else None


class MessageHashSelector(QueueSelector):
    """The queue that belongs to the message's sharding key, or else to the first of its keys.

    The same key gets the same queue in every process and after every restart, as long as the list of queues
    stays as it is. A message without any key gets a random one.

    Args:
        hash: ``go`` and ``java`` give the queue that the hash selectors of these clients give, ``xxh3``
            spreads better and agrees with nobody.
    """

    def __init__(self, hash: Literal["go", "java", "xxh3"] = "go") -> None:  # noqa: A002 - the word of the API
        if hash not in _PICKS:
            raise ConfigurationError(
                f"hash is {hash!r}, it must be 'go', 'java' or 'xxh3'",
                field="hash",
                advice="leave it out to agree with the Go client",
            )
        self.hash = hash
        self._pick = _PICKS[hash]
        self._without_key = RandomSelector()

    def select(
        self, topic: str, available_queues: Sequence[QueuePair], message: Message | None = None
    ) -> QueuePair | None:
        """The queue of the message's key."""
        key = _key_of(message)
        if not key:
            return self._without_key.select(topic, available_queues, message)
        if not available_queues:
            return None
        return available_queues[self._pick(key, len(available_queues))]


def _key_of(message: Message | None) -> str | None:
    if message is None:
        return None
    key = message.sharding_key
    if key:
        return key
    keys = message.keys
    return keys.split(None, 1)[0] if keys and not keys.isspace() else None


class AsyncQueueSelector(ABC):
    """A selector for asynchronous code, whose ``select`` may wait for something."""

    @abstractmethod
    async def select(
        self, topic: str, available_queues: Sequence[QueuePair], message: Message | None = None
    ) -> QueuePair | None:
        """As ``QueueSelector.select``."""


class AsyncRoundRobinSelector(AsyncQueueSelector):
    """RoundRobinSelector for asynchronous code."""

    def __init__(self, start: int | None = 0) -> None:
        self.plain: QueueSelector = RoundRobinSelector(start)

    async def select(
        self, topic: str, available_queues: Sequence[QueuePair], message: Message | None = None
    ) -> QueuePair | None:
        """The queue whose turn it is."""
        return self.plain.select(topic, available_queues, message)


class AsyncRandomSelector(AsyncQueueSelector):
    """RandomSelector for asynchronous code."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self.plain: QueueSelector = RandomSelector(rng)

    async def select(
        self, topic: str, available_queues: Sequence[QueuePair], message: Message | None = None
    ) -> QueuePair | None:
        """A random queue."""
        return self.plain.select(topic, available_queues, message)


class AsyncMessageHashSelector(AsyncQueueSelector):
    """MessageHashSelector for asynchronous code."""

    def __init__(self, hash: Literal["go", "java", "xxh3"] = "go") -> None:  # noqa: A002 - the word of the API
        self.plain: QueueSelector = MessageHashSelector(hash)

    async def select(
        self, topic: str, available_queues: Sequence[QueuePair], message: Message | None = None
    ) -> QueuePair | None:
        """The queue of the message's key."""
        return self.plain.select(topic, available_queues, message)
