"""Brokers: the operations of one of them, typed, for event loops and for threads."""

from pyrocketmq.broker.blocking.client import SyncBrokerClient
from pyrocketmq.broker.client import BrokerClient

__all__ = ["BrokerClient", "SyncBrokerClient"]
