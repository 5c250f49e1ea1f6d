# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncTopicCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.topics import TopicCalls
from pyrocketmq.model.flags import Perm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.topic_data import TopicConfig, TopicStatsTable

__all__ = ["SyncTopicCalls"]


class SyncTopicCalls(SyncBrokerCalls):
    """The blocking twin of TopicCalls, for any number of threads."""

    def create_topic(
        self,
        topic: str,
        read_queue_nums: int = 8,
        write_queue_nums: int = 8,
        perm: int = Perm.READ | Perm.WRITE,
        *,
        order: bool = False,
        attributes: str | None = None,
        topic_sys_flag: int = 0,
        topic_filter_type: str = "SINGLE_TAG",
        timeout: float | None = None,
    ) -> None:
        """Create or change a topic on this broker.

        Args:
            topic: name, 1 to 127 characters.
            read_queue_nums: queues that consumers see.
            write_queue_nums: queues that producers see.
            perm: 2 write + 4 read.
            order: whether its messages are ordered over brokers.
            attributes: such as ``+message.type=FIFO``, 5.x only.
            topic_sys_flag: 1 unit, 2 unit-subscribed.
            topic_filter_type: ``SINGLE_TAG`` or ``MULTI_TAG``.
            timeout: seconds for this call.

        Raises:
            InvalidRequestError: the name is not one the broker takes.
        """
        self._call(
            TopicCalls.create_topic,
            topic,
            read_queue_nums,
            write_queue_nums,
            perm,
            order=order,
            attributes=attributes,
            topic_sys_flag=topic_sys_flag,
            topic_filter_type=topic_filter_type,
            timeout=timeout,
        )

    def create_topics(self, configs: Iterable[TopicConfig], *, timeout: float | None = None) -> None:
        """Create or change several topics in one request (5.x)."""
        self._call(TopicCalls.create_topics, configs, timeout=timeout)

    def delete_topic(self, topic: str, *, timeout: float | None = None) -> None:
        """Delete a topic on this broker; does nothing when there is none."""
        self._call(TopicCalls.delete_topic, topic, timeout=timeout)

    def get_topic_config(self, topic: str, *, timeout: float | None = None) -> TopicConfig:
        """The settings of a topic (5.x).

        Raises:
            TopicNotFoundError: this broker has no such topic.
        """
        return self._call(TopicCalls.get_topic_config, topic, timeout=timeout)

    def get_all_topic_config(self, *, timeout: float | None = None) -> dict[str, TopicConfig]:
        """The settings of all topics, those of the system included."""
        return self._call(TopicCalls.get_all_topic_config, timeout=timeout)

    def get_topic_stats(self, topic: str, *, timeout: float | None = None) -> TopicStatsTable:
        """First and last offset of each queue of a topic on this broker, and when it got its last message.

        Raises:
            TopicNotFoundError: this broker has no such topic.
        """
        return self._call(TopicCalls.get_topic_stats, topic, timeout=timeout)

    def get_system_topics(self, *, timeout: float | None = None) -> list[str]:
        """The topics that the broker made for itself."""
        return self._call(TopicCalls.get_system_topics, timeout=timeout)
