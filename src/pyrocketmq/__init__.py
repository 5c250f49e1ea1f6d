"""Apache RocketMQ client for Python with a compiled core."""

# By name: `pyrocketmq.logging` is the package of that name, not the module of the standard library.
from logging import NullHandler, getLogger
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.message import Message
from pyrocketmq.errors import RocketMQError

if TYPE_CHECKING:
    from pyrocketmq.producer.producer import Producer
    from pyrocketmq.producer.transaction import Commit, Rollback, Unknown
    from pyrocketmq.producer.transaction_producer import TransactionProducer

__all__ = [
    "Commit",
    "Message",
    "Producer",
    "RocketMQError",
    "Rollback",
    "TransactionProducer",
    "Unknown",
    "__version__",
]

__version__ = "0.1.0"

# Silent until a program sets up logging; without this, warnings would go to standard error.
getLogger(__name__).addHandler(NullHandler())

# Imported on first use: programs that only want messages or errors start at once.
_ON_FIRST_USE: Final = {
    "Commit": "pyrocketmq.producer.transaction",
    "Producer": "pyrocketmq.producer.producer",
    "Rollback": "pyrocketmq.producer.transaction",
    "TransactionProducer": "pyrocketmq.producer.transaction_producer",
    "Unknown": "pyrocketmq.producer.transaction",
}


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - for those who get here only

    found: object = getattr(import_module(_ON_FIRST_USE[name]), name)
    globals()[name] = found
    return found
