"""For asynchronous code: the clients of the package under the names of their blocking twins."""

from pyrocketmq.producer.async_producer import AsyncProducer as Producer

__all__ = ["Producer"]
