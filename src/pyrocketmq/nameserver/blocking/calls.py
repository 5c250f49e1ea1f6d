# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""The operations of a name server that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.nameserver.calls import NameServerChanges, NameServerQueries
from pyrocketmq.remote.face import SyncFace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.model.route import BrokerMemberGroup, ClusterInfo, RouteData
    from pyrocketmq.model.topic_data import TopicList

__all__ = ["SyncNameServerCalls", "SyncNameServerChanges", "SyncNameServerQueries"]


class SyncNameServerCalls(SyncFace):
    """The blocking twin of NameServerCalls, for any number of threads."""


class SyncNameServerQueries(SyncNameServerCalls):
    """The blocking twin of NameServerQueries, for any number of threads."""

    def get_route_info(self, topic: str, *, timeout: float | None = None) -> RouteData:
        """The brokers and queues of a topic.

        Raises:
            RouteNotFoundError: the topic has no route.
        """
        return self._call(NameServerQueries.get_route_info, topic, timeout=timeout)

    def get_all_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """All topics, those of the system and those named after brokers and clusters included."""
        return self._call(NameServerQueries.get_all_topic_list, timeout=timeout)

    def get_system_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics of the system: names of clusters and brokers, and one broker's address."""
        return self._call(NameServerQueries.get_system_topic_list, timeout=timeout)

    def get_topics_by_cluster(self, cluster: str, *, timeout: float | None = None) -> TopicList:
        """The topics that have queues on a broker of this cluster; none if there is no such cluster."""
        return self._call(NameServerQueries.get_topics_by_cluster, cluster, timeout=timeout)

    def get_unit_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics that belong to units."""
        return self._call(NameServerQueries.get_unit_topic_list, timeout=timeout)

    def get_unit_sub_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics with subscribers in units."""
        return self._call(NameServerQueries.get_unit_sub_topic_list, timeout=timeout)

    def get_unit_sub_ununit_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics with subscribers in units that belong to no unit themselves."""
        return self._call(NameServerQueries.get_unit_sub_ununit_topic_list, timeout=timeout)

    def get_broker_cluster_info(self, *, timeout: float | None = None) -> ClusterInfo:
        """All clusters, their brokers and the addresses of these."""
        return self._call(NameServerQueries.get_broker_cluster_info, timeout=timeout)

    def get_broker_member_group(
        self, cluster_name: str, broker_name: str, *, timeout: float | None = None
    ) -> BrokerMemberGroup | None:
        """The master and slaves of one broker (5.x); None if it is not known."""
        return self._call(
            NameServerQueries.get_broker_member_group, cluster_name, broker_name, timeout=timeout
        )

    def get_kv_config(self, namespace: str, key: str, *, timeout: float | None = None) -> str | None:
        """A stored setting, None if there is none."""
        return self._call(NameServerQueries.get_kv_config, namespace, key, timeout=timeout)

    def get_kv_list(self, namespace: str, *, timeout: float | None = None) -> dict[str, str]:
        """All settings of a namespace; empty if there is no such namespace."""
        return self._call(NameServerQueries.get_kv_list, namespace, timeout=timeout)

    def get_config(self, *, timeout: float | None = None) -> dict[str, str]:
        """The name server's own settings."""
        return self._call(NameServerQueries.get_config, timeout=timeout)


class SyncNameServerChanges(SyncNameServerCalls):
    """The blocking twin of NameServerChanges, for any number of threads."""

    def put_kv_config(self, namespace: str, key: str, value: str, *, timeout: float | None = None) -> None:
        """Store a setting."""
        self._call(NameServerChanges.put_kv_config, namespace, key, value, timeout=timeout)

    def delete_kv_config(self, namespace: str, key: str, *, timeout: float | None = None) -> None:
        """Delete a setting; does nothing when there is none."""
        self._call(NameServerChanges.delete_kv_config, namespace, key, timeout=timeout)

    def delete_topic(
        self, topic: str, *, cluster_name: str | None = None, timeout: float | None = None
    ) -> None:
        """Delete a topic's route, after the topic was deleted on every broker."""
        self._call(NameServerChanges.delete_topic, topic, cluster_name=cluster_name, timeout=timeout)

    def wipe_write_perm(self, broker_name: str, *, timeout: float | None = None) -> int:
        """Let nobody send to a broker, before it is stopped; gives the number of topics that changed."""
        return self._call(NameServerChanges.wipe_write_perm, broker_name, timeout=timeout)

    def add_write_perm(self, broker_name: str, *, timeout: float | None = None) -> int:
        """Let everybody send to a broker again; gives the number of topics that changed."""
        return self._call(NameServerChanges.add_write_perm, broker_name, timeout=timeout)

    def update_config(self, config: Mapping[str, str], *, timeout: float | None = None) -> None:
        """Change settings of the name server."""
        self._call(NameServerChanges.update_config, config, timeout=timeout)
