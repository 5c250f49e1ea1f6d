"""Operating a broker: its settings, its counters, its replication, cleaning up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.model.broker_data import BrokerHaStatus, DelayOffsets, TimerMetrics
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.properties_text import decode_properties_text
from pyrocketmq.model.result_data import KVTable
from pyrocketmq.model.topic_data import BrokerStatsData

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OperatingCalls"]


class OperatingCalls(BrokerCalls):
    """What concerns the broker as a whole."""

    async def get_runtime_info(self, *, timeout: float | None = None) -> dict[str, str]:
        """The broker's counters, by name."""
        return (await self._read(Requests.create_get_broker_runtime_info_request(), timeout, KVTable)).table

    async def get_broker_config(self, *, timeout: float | None = None) -> dict[str, str]:
        """The broker's settings, by name."""
        answer = await self._call(Requests.create_get_broker_config_request(), timeout)
        return decode_properties_text(answer.body or b"")

    async def update_broker_config(self, config: Mapping[str, str], *, timeout: float | None = None) -> None:
        """Change settings; brokers ignore names that they do not know."""
        await self._call(Requests.create_update_broker_config_request(config), timeout)

    async def get_stats_data(
        self, stats_name: str, stats_key: str, *, timeout: float | None = None
    ) -> BrokerStatsData:
        """One statistic, for example TOPIC_PUT_NUMS of a topic, of the last minute, hour and day.

        Raises:
            NotFoundError: nothing was counted under this name and key yet.
        """
        request = Requests.create_view_broker_stats_data_request(stats_name, stats_key)
        return await self._read(request, timeout, BrokerStatsData)

    async def get_ha_status(self, *, timeout: float | None = None) -> BrokerHaStatus:
        """The state of the replication (5.x)."""
        return await self._read(Requests.create_get_broker_ha_status_request(), timeout, BrokerHaStatus)

    async def get_delay_offsets(self, *, timeout: float | None = None) -> DelayOffsets:
        """How far the delay levels are."""
        return await self._read(Requests.create_get_all_delay_offset_request(), timeout, DelayOffsets)

    async def get_timer_metrics(self, *, timeout: float | None = None) -> TimerMetrics:
        """How many timer messages wait, by topic (5.x)."""
        return await self._read(Requests.create_get_timer_metrics_request(), timeout, TimerMetrics)

    async def clean_expired_queues(self, *, timeout: float | None = None) -> None:
        """Delete queue files whose messages are gone."""
        await self._call(Requests.create_clean_expired_consume_queue_request(), timeout)

    async def clean_unused_topics(self, *, timeout: float | None = None) -> None:
        """Delete the queue files of topics that are gone."""
        await self._call(Requests.create_clean_unused_topic_request(), timeout)

    async def delete_expired_logs(self, *, timeout: float | None = None) -> None:
        """Delete log files that are over their time now, not at the usual hour."""
        await self._call(Requests.create_delete_expired_commit_log_request(), timeout)
