# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncTopicAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.calls import SyncAdminCalls
from pyrocketmq.admin.topics import DEFAULT_QUEUES, TopicAdmin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.admin.results import TopicRoute, TopicSettings, TopicStatus

__all__ = ["SyncTopicAdmin"]


class SyncTopicAdmin(SyncAdminCalls):
    """The blocking twin of TopicAdmin, for any number of threads."""

    def create_topic(
        self,
        topic: str,
        *,
        queues: int = DEFAULT_QUEUES,
        read_queues: int | None = None,
        write_queues: int | None = None,
        perm: int = 6,
        order: bool = False,
        attributes: Mapping[str, str] | None = None,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> list[str]:
        """Create a topic, or change one, on the masters of a cluster, on one broker, or on all masters.

        Args:
            topic: name, 1 to 127 characters.
            queues: queues on each broker.
            read_queues: queues that consumers see, if these are not as many.
            write_queues: queues that producers see, likewise.
            perm: 2 write + 4 read.
            order: fix the layout of the topic over the brokers, for order that survives the loss of one.
            attributes: of 5.x, for example ``{"message.type": "FIFO"}``.
            cluster: name of a cluster.
            broker: name or address of one broker.

        Returns:
            The names of the brokers that have the topic now.

        Raises:
            AdminError: it failed on some brokers; it was created on those in ``done``.
        """
        return self._call(
            TopicAdmin.create_topic,
            topic,
            queues=queues,
            read_queues=read_queues,
            write_queues=write_queues,
            perm=perm,
            order=order,
            attributes=attributes,
            cluster=cluster,
            broker=broker,
        )

    def update_topic_perm(
        self, topic: str, perm: int, *, cluster: str | None = None, broker: str | None = None
    ) -> list[str]:
        """Change who may use a topic: 2 write + 4 read; the rest of its settings stays.

        Returns:
            The names of the brokers where it was changed.

        Raises:
            TopicNotFoundError: none of the brokers has the topic.
        """
        return self._call(TopicAdmin.update_topic_perm, topic, perm, cluster=cluster, broker=broker)

    def delete_topic(self, topic: str, *, cluster: str | None = None) -> None:
        """Delete a topic and its messages on all masters, then its route; does nothing when there is none."""
        self._call(TopicAdmin.delete_topic, topic, cluster=cluster)

    def list_topics(self, *, cluster: str | None = None, internal: bool = False) -> list[str]:
        """The names of all topics, or of those of one cluster, sorted.

        Args:
            cluster: name of a cluster.
            internal: also those of the system, and the retry and dead-letter topics of groups.
        """
        return self._call(TopicAdmin.list_topics, cluster=cluster, internal=internal)

    def topic_route(self, topic: str) -> TopicRoute:
        """On which brokers a topic is.

        Raises:
            RouteNotFoundError: no name server knows it.
        """
        return self._call(TopicAdmin.topic_route, topic)

    def topic_status(self, topic: str) -> TopicStatus:
        """What each queue of a topic holds.

        Raises:
            RouteNotFoundError: no name server knows it.
        """
        return self._call(TopicAdmin.topic_status, topic)

    def topic_settings(
        self, topic: str, *, cluster: str | None = None, broker: str | None = None
    ) -> list[TopicSettings]:
        """A topic as each broker keeps it.

        Raises:
            TopicNotFoundError: none of the brokers has it.
        """
        return self._call(TopicAdmin.topic_settings, topic, cluster=cluster, broker=broker)

    def topic_clusters(self, topic: str) -> list[str]:
        """The names of the clusters that have queues of a topic.

        Raises:
            RouteNotFoundError: no name server knows it.
        """
        return self._call(TopicAdmin.topic_clusters, topic)

    def topic_groups(self, topic: str) -> list[str]:
        """The groups that consume a topic, sorted.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        return self._call(TopicAdmin.topic_groups, topic)
