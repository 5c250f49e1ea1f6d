# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncSendingAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.calls import SyncAdminCalls
from pyrocketmq.admin.sending import SendingAdmin

if TYPE_CHECKING:
    from pyrocketmq._native.message import Message
    from pyrocketmq.admin.results import QueueRoundTrips, SentMessage

__all__ = ["SyncSendingAdmin"]


class SyncSendingAdmin(SyncAdminCalls):
    """The blocking twin of SendingAdmin, for any number of threads."""

    def send_to_queue(self, message: Message, broker: str, queue_id: int) -> SentMessage:
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
        return self._call(SendingAdmin.send_to_queue, message, broker, queue_id)

    def topic_round_trips(self, topic: str, *, count: int = 100, size: int = 128) -> list[QueueRoundTrips]:
        """How long the queues of a topic take to store messages that are sent one after another.

        The messages are stored in the topic, where its consumers find them.

        Args:
            topic: the topic.
            count: messages in all; the queues take turns, and each broker stores one more ahead uncounted.
            size: bytes of the body of each.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        return self._call(SendingAdmin.topic_round_trips, topic, count=count, size=size)
