"""Apache RocketMQ client for Python with a compiled core."""

# By name: `pyrocketmq.logging` is the package of that name, not the module of the standard library.
from logging import NullHandler, getLogger

from pyrocketmq._native.message import Message
from pyrocketmq.errors import RocketMQError

__all__ = ["Message", "RocketMQError", "__version__"]

__version__ = "0.1.0"

# Silent until a program sets up logging; without this, warnings would go to standard error.
getLogger(__name__).addHandler(NullHandler())
