"""Apache RocketMQ client for Python with a compiled core."""

from pyrocketmq._native.message import Message
from pyrocketmq.errors import RocketMQError

__all__ = ["Message", "RocketMQError", "__version__"]

__version__ = "0.1.0"
