"""What operators send: a message to a queue of their choice, and messages that measure."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from pyrocketmq._native.message import Message
from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.resending import sent
from pyrocketmq.admin.results import QueueRoundTrips
from pyrocketmq.errors import ConfigurationError, NotFoundError, RocketMQError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq.admin.results import SentMessage
    from pyrocketmq.model.message_queue import MessageQueue

__all__ = ["SendingAdmin"]


class SendingAdmin(AdminCalls):
    """Sends of operators; one try each, to a broker that they see."""

    async def send_to_queue(self, message: Message, broker: str, queue_id: int) -> SentMessage:
        """Send a message to one queue of one broker.

        Args:
            message: it must name a topic that has this queue.
            broker: name of the broker.
            queue_id: number of the queue on it.

        Raises:
            RouteNotFoundError: no name server knows the topic.
            NotFoundError: the topic has no such queue that takes messages.
            BrokerError: the broker did not store it.
        """
        queues = await self._queues_to_send(message.topic)
        where = [queue for queue in queues if (queue.broker_name, queue.queue_id) == (broker, queue_id)]
        if not where:
            raise NotFoundError(
                f"topic {message.topic!r} has no queue {queue_id} on {broker!r} that takes messages",
                topic=message.topic,
                likely=f"it has {_shown_queues(queues)}",
                advice="name one of these, or change the topic's queues and permission",
            )
        client = await self._master_of(message.topic, broker)
        return sent(message, client, await client.send_message(message, queue_id))

    async def topic_round_trips(
        self, topic: str, *, count: int = 100, size: int = 128
    ) -> list[QueueRoundTrips]:
        """How long the queues of a topic take to store messages that are sent one after another.

        The messages are stored in the topic, where its consumers find them.

        Args:
            topic: the topic.
            count: messages in all; the queues take turns, and each broker stores one more ahead uncounted.
            size: bytes of the body of each.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        if count < 1 or size < 1:
            raise ConfigurationError(
                f"{count:,} messages of {size:,} bytes were asked for, each must be at least 1",
                field="count" if count < 1 else "size",
                advice="leave them at 100 and 128",
            )
        queues = await self._queues_to_send(topic)
        clients = {queue.broker_name: await self._master_of(topic, queue.broker_name) for queue in queues}
        body = b"x" * size
        times: dict[MessageQueue, list[float]] = {queue: [] for queue in queues}
        failures: dict[MessageQueue, list[RocketMQError]] = {queue: [] for queue in queues}
        warm: set[str] = set()
        for number in range(count):
            queue = queues[number % len(queues)]
            client = clients[queue.broker_name]
            try:
                if queue.broker_name not in warm:  # the first one pays for the connection
                    warm.add(queue.broker_name)
                    await client.send_message(Message(topic, body), queue.queue_id)
                began = perf_counter()
                await client.send_message(Message(topic, body), queue.queue_id)
                times[queue].append((perf_counter() - began) * 1000)
            except RocketMQError as error:
                failures[queue].append(error)
        return [_round_trips_of(queue, times[queue], failures[queue]) for queue in queues]


def _shown_queues(queues: Sequence[MessageQueue]) -> str:
    numbers: dict[str, list[int]] = {}
    for queue in queues:
        numbers.setdefault(queue.broker_name, []).append(queue.queue_id)
    if not numbers:
        return "none"
    return ", ".join(f"queues {min(ids)} to {max(ids)} on {broker}" for broker, ids in numbers.items())


def _round_trips_of(
    queue: MessageQueue, times: list[float], failures: list[RocketMQError]
) -> QueueRoundTrips:
    return QueueRoundTrips(
        queue.broker_name,
        queue.queue_id,
        len(times),
        len(failures),
        min(times, default=0.0),
        sum(times) / len(times) if times else 0.0,
        max(times, default=0.0),
        failures[0].what if failures else None,
    )
