"""For asynchronous code: the clients of the package under the names of their blocking twins."""

from pyrocketmq.producer.async_producer import AsyncProducer as Producer
from pyrocketmq.producer.transaction_producer import AsyncTransactionProducer as TransactionProducer

__all__ = ["Producer", "TransactionProducer"]
