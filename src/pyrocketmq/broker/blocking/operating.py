# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncOperatingCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.operating import OperatingCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.model.broker_data import BrokerHaStatus, DelayOffsets, TimerMetrics
    from pyrocketmq.model.topic_data import BrokerStatsData

__all__ = ["SyncOperatingCalls"]


class SyncOperatingCalls(SyncBrokerCalls):
    """The blocking twin of OperatingCalls, for any number of threads."""

    def get_runtime_info(self, *, timeout: float | None = None) -> dict[str, str]:
        """The broker's counters, by name."""
        return self._call(OperatingCalls.get_runtime_info, timeout=timeout)

    def get_broker_config(self, *, timeout: float | None = None) -> dict[str, str]:
        """The broker's settings, by name."""
        return self._call(OperatingCalls.get_broker_config, timeout=timeout)

    def update_broker_config(self, config: Mapping[str, str], *, timeout: float | None = None) -> None:
        """Change settings; brokers ignore names that they do not know."""
        self._call(OperatingCalls.update_broker_config, config, timeout=timeout)

    def get_stats_data(
        self, stats_name: str, stats_key: str, *, timeout: float | None = None
    ) -> BrokerStatsData:
        """One statistic, for example TOPIC_PUT_NUMS of a topic, of the last minute, hour and day.

        Raises:
            NotFoundError: nothing was counted under this name and key yet.
        """
        return self._call(OperatingCalls.get_stats_data, stats_name, stats_key, timeout=timeout)

    def get_ha_status(self, *, timeout: float | None = None) -> BrokerHaStatus:
        """The state of the replication (5.x)."""
        return self._call(OperatingCalls.get_ha_status, timeout=timeout)

    def get_delay_offsets(self, *, timeout: float | None = None) -> DelayOffsets:
        """How far the delay levels are."""
        return self._call(OperatingCalls.get_delay_offsets, timeout=timeout)

    def get_timer_metrics(self, *, timeout: float | None = None) -> TimerMetrics:
        """How many timer messages wait, by topic (5.x)."""
        return self._call(OperatingCalls.get_timer_metrics, timeout=timeout)

    def clean_expired_queues(self, *, timeout: float | None = None) -> None:
        """Delete queue files whose messages are gone."""
        self._call(OperatingCalls.clean_expired_queues, timeout=timeout)

    def clean_unused_topics(self, *, timeout: float | None = None) -> None:
        """Delete the queue files of topics that are gone."""
        self._call(OperatingCalls.clean_unused_topics, timeout=timeout)

    def delete_expired_logs(self, *, timeout: float | None = None) -> None:
        """Delete log files that are over their time now, not at the usual hour."""
        self._call(OperatingCalls.delete_expired_logs, timeout=timeout)
