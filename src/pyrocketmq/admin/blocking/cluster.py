# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncClusterAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.calls import SyncAdminCalls
from pyrocketmq.admin.cluster import ClusterAdmin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.admin.results import (
        BrokerGroupStats,
        BrokerReplication,
        BrokerRoundTrips,
        BrokerSummary,
        BrokerValues,
        TopicRates,
    )

__all__ = ["SyncClusterAdmin"]


class SyncClusterAdmin(SyncAdminCalls):
    """The blocking twin of ClusterAdmin, for any number of threads."""

    def cluster_list(self) -> list[BrokerSummary]:
        """One line for each broker, slaves too; one that cannot be asked has its ``error``."""
        return self._call(ClusterAdmin.cluster_list)

    def broker_status(self, *, cluster: str | None = None, broker: str | None = None) -> list[BrokerValues]:
        """The counters of brokers: of a cluster, of one, or of all; slaves too."""
        return self._call(ClusterAdmin.broker_status, cluster=cluster, broker=broker)

    def broker_config(self, *, cluster: str | None = None, broker: str | None = None) -> list[BrokerValues]:
        """The settings of brokers: of a cluster, of one, or of all; slaves too."""
        return self._call(ClusterAdmin.broker_config, cluster=cluster, broker=broker)

    def update_broker_config(
        self, values: Mapping[str, str], *, cluster: str | None = None, broker: str | None = None
    ) -> list[str]:
        """Change settings of the masters of a cluster or of one broker; brokers ignore unknown names.

        Returns:
            The addresses of the brokers that took them.

        Raises:
            ConfigurationError: neither a cluster nor a broker is named.
        """
        return self._call(ClusterAdmin.update_broker_config, values, cluster=cluster, broker=broker)

    def broker_consume_stats(
        self, *, cluster: str | None = None, broker: str | None = None, internal: bool = False
    ) -> list[BrokerGroupStats]:
        """How far every group is in every queue of the brokers."""
        return self._call(
            ClusterAdmin.broker_consume_stats, cluster=cluster, broker=broker, internal=internal
        )

    def wipe_write_perm(self, broker_name: str) -> dict[str, int]:
        """Let nobody send to a broker, before it is stopped; gives topics changed by name server."""
        return self._call(ClusterAdmin.wipe_write_perm, broker_name)

    def add_write_perm(self, broker_name: str) -> dict[str, int]:
        """Let everybody send to a broker again; gives topics changed by name server."""
        return self._call(ClusterAdmin.add_write_perm, broker_name)

    def ha_status(self, *, cluster: str | None = None, broker: str | None = None) -> list[BrokerReplication]:
        """How the slaves of brokers keep up (5.x).

        Raises:
            UnsupportedRequestError: a broker is too old.
        """
        return self._call(ClusterAdmin.ha_status, cluster=cluster, broker=broker)

    def cluster_round_trips(
        self, *, cluster: str | None = None, broker: str | None = None, count: int = 10, size: int = 128
    ) -> list[BrokerRoundTrips]:
        """How long masters take to store a message, as a client here sees it; all are asked at once.

        This sends: each broker stores the messages in its own topic, which has the name of the broker.

        Args:
            cluster: the brokers of this cluster only.
            broker: this broker only.
            count: messages that are sent to each broker, one after another; one more goes ahead uncounted.
            size: bytes of the body of each.
        """
        return self._call(
            ClusterAdmin.cluster_round_trips, cluster=cluster, broker=broker, count=count, size=size
        )

    def stats_all(self, topic: str) -> list[TopicRates]:
        """How fast a topic is written and each of its groups reads it.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        return self._call(ClusterAdmin.stats_all, topic)

    def clean_expired_queues(self, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete queue files whose messages are gone."""
        self._call(ClusterAdmin.clean_expired_queues, cluster=cluster, broker=broker)

    def clean_unused_topics(self, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete the queue files of topics that are gone."""
        self._call(ClusterAdmin.clean_unused_topics, cluster=cluster, broker=broker)

    def delete_expired_logs(self, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete log files that are over their time now, not at the usual hour."""
        self._call(ClusterAdmin.delete_expired_logs, cluster=cluster, broker=broker)

    def name_server_config(self) -> list[BrokerValues]:
        """The settings of each name server."""
        return self._call(ClusterAdmin.name_server_config)

    def update_name_server_config(self, values: Mapping[str, str]) -> list[str]:
        """Change settings of all name servers; gives the addresses of those that took them."""
        return self._call(ClusterAdmin.update_name_server_config, values)

    def get_kv(self, namespace: str, key: str) -> str | None:
        """A setting in the name servers' key-value store, None if there is none."""
        return self._call(ClusterAdmin.get_kv, namespace, key)

    def list_kv(self, namespace: str) -> dict[str, str]:
        """All settings of a namespace of the key-value store."""
        return self._call(ClusterAdmin.list_kv, namespace)

    def put_kv(self, namespace: str, key: str, value: str) -> None:
        """Store a setting on all name servers."""
        self._call(ClusterAdmin.put_kv, namespace, key, value)

    def delete_kv(self, namespace: str, key: str) -> None:
        """Delete a setting on all name servers."""
        self._call(ClusterAdmin.delete_kv, namespace, key)
