"""Producers: everything that sends messages."""

from pyrocketmq.client.brokers import BrokerManager
from pyrocketmq.client.mapping import TopicBrokerMapping
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
from pyrocketmq.producer.async_producer import AsyncProducer
from pyrocketmq.producer.batches import BatchResults
from pyrocketmq.producer.config import ProducerConfig
from pyrocketmq.producer.factory import create_async_producer, create_producer
from pyrocketmq.producer.producer import Producer
from pyrocketmq.producer.transaction_producer import (
    AsyncTransactionProducer,
    TransactionConfig,
    TransactionProducer,
)

__all__ = [
    "AsyncMessageHashSelector",
    "AsyncProducer",
    "AsyncQueueSelector",
    "AsyncRandomSelector",
    "AsyncRoundRobinSelector",
    "AsyncTransactionProducer",
    "BatchResults",
    "BrokerManager",
    "MessageHashSelector",
    "Producer",
    "ProducerConfig",
    "QueueSelector",
    "RandomSelector",
    "RoundRobinSelector",
    "TopicBrokerMapping",
    "TransactionConfig",
    "TransactionProducer",
    "create_async_producer",
    "create_producer",
]
