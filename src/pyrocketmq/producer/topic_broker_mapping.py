"""TopicBrokerMapping and the selectors under their names in the founding API; they live in ``client``."""

from __future__ import annotations

from pyrocketmq.client.mapping import PublishRoute, TopicBrokerMapping
from pyrocketmq.client.selectors import (
    AsyncMessageHashSelector,
    AsyncQueueSelector,
    AsyncRandomSelector,
    AsyncRoundRobinSelector,
    MessageHashSelector,
    QueueSelector,
    RandomSelector,
    RoundRobinSelector,
)

__all__ = [
    "AsyncMessageHashSelector",
    "AsyncQueueSelector",
    "AsyncRandomSelector",
    "AsyncRoundRobinSelector",
    "MessageHashSelector",
    "PublishRoute",
    "QueueSelector",
    "RandomSelector",
    "RoundRobinSelector",
    "TopicBrokerMapping",
]
