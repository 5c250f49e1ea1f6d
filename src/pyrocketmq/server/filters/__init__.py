"""Filters of subscriptions: tags, and SQL92 conditions over the properties of a message.

Takes what Apache RocketMQ takes and decides as it does. Knows nothing of queues, groups or storage.
"""

from pyrocketmq.server.filters.choice import Predicate, compile_filter
from pyrocketmq.server.filters.sql import compile_sql
from pyrocketmq.server.filters.tags import TagFilter

__all__ = ["Predicate", "TagFilter", "compile_filter", "compile_sql"]
