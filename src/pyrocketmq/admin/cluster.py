"""Operating clusters: which brokers there are, how they do, their settings, write permission, replication."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from pyrocketmq._native.message import Message
from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.groups import is_internal_group
from pyrocketmq.admin.results import (
    BrokerGroupStats,
    BrokerReplication,
    BrokerRoundTrips,
    BrokerSummary,
    BrokerValues,
    ReplicaStatus,
    TopicRates,
)
from pyrocketmq.errors import ConfigurationError, NotFoundError, RocketMQError, TopicNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.broker.client import BrokerClient
    from pyrocketmq.model.topic_data import BrokerStatsData

__all__ = ["ClusterAdmin"]


class ClusterAdmin(AdminCalls):
    """Operations on brokers and name servers."""

    async def cluster_list(self) -> list[BrokerSummary]:
        """One line for each broker, slaves too; one that cannot be asked has its ``error``."""
        info = await self._cluster_info()
        places = [
            (data.cluster or "", name, broker_id, address)
            for name, data in sorted(info.broker_addr_table.items())
            for broker_id, address in sorted(data.broker_addrs.items())
        ]
        answers = await self._gather(
            [self._broker(address, name).get_runtime_info() for _, name, _, address in places]
        )
        return [_summary(*place, answer) for place, answer in zip(places, answers, strict=True)]

    async def broker_status(
        self, *, cluster: str | None = None, broker: str | None = None
    ) -> list[BrokerValues]:
        """The counters of brokers: of a cluster, of one, or of all; slaves too."""
        found = await self._each(
            await self._members(cluster, broker), lambda client: client.get_runtime_info()
        )
        return [_values(client, table) for client, table in found]

    async def broker_config(
        self, *, cluster: str | None = None, broker: str | None = None
    ) -> list[BrokerValues]:
        """The settings of brokers: of a cluster, of one, or of all; slaves too."""
        found = await self._each(
            await self._members(cluster, broker), lambda client: client.get_broker_config()
        )
        return [_values(client, table) for client, table in found]

    async def update_broker_config(
        self, values: Mapping[str, str], *, cluster: str | None = None, broker: str | None = None
    ) -> list[str]:
        """Change settings of the masters of a cluster or of one broker; brokers ignore unknown names.

        Returns:
            The addresses of the brokers that took them.

        Raises:
            ConfigurationError: neither a cluster nor a broker is named.
        """
        if cluster is None and broker is None:
            raise ConfigurationError(
                "settings are changed on a cluster or a broker, and none is named",
                field="cluster",
                advice="give cluster= or broker=",
            )
        done = await self._each(
            await self._masters(cluster, broker), lambda client: client.update_broker_config(values)
        )
        return [client.address for client, _ in done]

    async def broker_consume_stats(
        self, *, cluster: str | None = None, broker: str | None = None, internal: bool = False
    ) -> list[BrokerGroupStats]:
        """How far every group is in every queue of the brokers."""
        found = await self._each(
            await self._readers(cluster, broker), lambda client: client.get_broker_consume_stats()
        )
        lines = [
            BrokerGroupStats(
                client.broker_name,
                group,
                queue.topic,
                queue.queue_id,
                state.broker_offset,
                state.consumer_offset,
                max(0, state.broker_offset - max(state.consumer_offset, 0)),
                state.last_timestamp,
            )
            for client, stats in found
            for entry in stats.consume_stats_list
            for group, tables in entry.items()
            if internal or not is_internal_group(group)
            for table in tables
            for queue, state in table.offset_table.items()
        ]
        return sorted(lines, key=lambda line: (line.group, line.topic, line.broker, line.queue_id))

    async def wipe_write_perm(self, broker_name: str) -> dict[str, int]:
        """Let nobody send to a broker, before it is stopped; gives topics changed by name server."""
        return await self._on_name_servers(lambda client: client.wipe_write_perm(broker_name))

    async def add_write_perm(self, broker_name: str) -> dict[str, int]:
        """Let everybody send to a broker again; gives topics changed by name server."""
        return await self._on_name_servers(lambda client: client.add_write_perm(broker_name))

    async def ha_status(
        self, *, cluster: str | None = None, broker: str | None = None
    ) -> list[BrokerReplication]:
        """How the slaves of brokers keep up (5.x).

        Raises:
            UnsupportedRequestError: a broker is too old.
        """
        found = await self._each(await self._readers(cluster, broker), lambda client: client.get_ha_status())
        return [
            BrokerReplication(
                client.broker_name,
                client.address,
                state.master,
                state.master_commit_log_max_offset,
                state.in_sync_slave_nums,
                [
                    ReplicaStatus(
                        slave.addr or "", slave.diff, slave.in_sync, slave.transferred_byte_in_second
                    )
                    for slave in state.ha_connection_info
                ],
            )
            for client, state in found
        ]

    async def cluster_round_trips(
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
        if count < 1 or size < 1:
            raise ConfigurationError(
                f"{count:,} messages of {size:,} bytes were asked for, each must be at least 1",
                field="count" if count < 1 else "size",
                advice="leave them at 10 and 128",
            )
        found = await self._each(
            await self._masters(cluster, broker), lambda client: _round_trips(client, count, b"x" * size)
        )
        return [trips for _, trips in found]

    async def stats_all(self, topic: str) -> list[TopicRates]:
        """How fast a topic is written and each of its groups reads it.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        readers = await self._readers_of_topic(topic)
        written = [await _stats(client, "TOPIC_PUT_NUMS", topic) for client in readers]
        in_tps = sum((stats.stats_minute.tps for stats in written if stats and stats.stats_minute), 0.0)
        in_day = sum(stats.stats_day.sum for stats in written if stats and stats.stats_day)
        found = await self._each(readers, lambda client: client.get_groups_of_topic(topic))
        groups = sorted({group for _, names in found for group in names})
        if not groups:
            return [TopicRates(topic, None, in_tps, 0.0, in_day, 0, 0)]
        lines = {group: self._rates(readers, topic, group, in_tps, in_day) for group in groups}
        return await self._all_of(lines, "groups")

    async def _rates(
        self, readers: list[BrokerClient], topic: str, group: str, in_tps: float, in_day: int
    ) -> TopicRates:
        read = [await _stats(client, "GROUP_GET_NUMS", f"{topic}@{group}") for client in readers]
        states = await self._each(
            readers, lambda client: client.get_consume_stats(group, topic), ignore=(TopicNotFoundError,)
        )
        lag = sum(
            max(0, state.broker_offset - max(state.consumer_offset, 0))
            for _, stats in states
            for state in stats.offset_table.values()
        )
        out_tps = sum((stats.stats_minute.tps for stats in read if stats and stats.stats_minute), 0.0)
        out_day = sum(stats.stats_day.sum for stats in read if stats and stats.stats_day)
        return TopicRates(topic, group, in_tps, out_tps, in_day, out_day, lag)

    async def clean_expired_queues(self, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete queue files whose messages are gone."""
        await self._each(await self._masters(cluster, broker), lambda client: client.clean_expired_queues())

    async def clean_unused_topics(self, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete the queue files of topics that are gone."""
        await self._each(await self._masters(cluster, broker), lambda client: client.clean_unused_topics())

    async def delete_expired_logs(self, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete log files that are over their time now, not at the usual hour."""
        await self._each(await self._masters(cluster, broker), lambda client: client.delete_expired_logs())

    # ---- name servers ----

    async def name_server_config(self) -> list[BrokerValues]:
        """The settings of each name server."""
        found = await self._on_name_servers(lambda client: client.get_config())
        return [BrokerValues("", address, values) for address, values in sorted(found.items())]

    async def update_name_server_config(self, values: Mapping[str, str]) -> list[str]:
        """Change settings of all name servers; gives the addresses of those that took them."""
        return sorted(await self._on_name_servers(lambda client: client.update_config(values)))

    async def get_kv(self, namespace: str, key: str) -> str | None:
        """A setting in the name servers' key-value store, None if there is none."""
        return await self._name_servers.get_kv_config(namespace, key)

    async def list_kv(self, namespace: str) -> dict[str, str]:
        """All settings of a namespace of the key-value store."""
        return await self._name_servers.get_kv_list(namespace)

    async def put_kv(self, namespace: str, key: str, value: str) -> None:
        """Store a setting on all name servers."""
        await self._on_name_servers(lambda client: client.put_kv_config(namespace, key, value))

    async def delete_kv(self, namespace: str, key: str) -> None:
        """Delete a setting on all name servers."""
        await self._on_name_servers(lambda client: client.delete_kv_config(namespace, key))


async def _stats(client: BrokerClient, name: str, key: str) -> BrokerStatsData | None:
    try:
        return await client.get_stats_data(name, key)
    except NotFoundError:
        return None  # nothing was counted yet


def _values(client: BrokerClient, values: dict[str, str]) -> BrokerValues:
    return BrokerValues(client.broker_name, client.address, dict(sorted(values.items())))


def _summary(
    cluster: str, name: str, broker_id: int, address: str, answer: dict[str, str] | RocketMQError
) -> BrokerSummary:
    if isinstance(answer, RocketMQError):
        return BrokerSummary(cluster, name, broker_id, address, error=answer.what)
    disk = [value for key, value in answer.items() if key.startswith("commitLogDiskRatio")]
    return BrokerSummary(
        cluster,
        name,
        broker_id,
        address,
        answer.get("brokerVersionDesc", ""),
        _first_number(answer.get("putTps")),
        _first_number(answer.get("getTransferedTps") or answer.get("getTransferredTps")),
        _whole(answer, "msgPutTotalTodayNow") - _whole(answer, "msgPutTotalTodayMorning"),
        _whole(answer, "msgGetTotalTodayNow") - _whole(answer, "msgGetTotalTodayMorning"),
        max(map(_first_number, disk), default=0.0),
    )


def _first_number(text: str | None) -> float:
    """The rate of the last ten seconds out of three; a broker that has just started writes blanks."""
    for part in (text or "").split():
        try:
            return float(part)
        except ValueError:
            return 0.0
    return 0.0


def _whole(values: Mapping[str, str], name: str) -> int:
    text = values.get(name, "")
    return int(text) if text.isdigit() else 0


async def _round_trips(client: BrokerClient, count: int, body: bytes) -> BrokerRoundTrips:
    times: list[float] = []
    for _ in range(count + 1):
        began = perf_counter()
        await client.send_message(Message(client.broker_name, body))
        times.append((perf_counter() - began) * 1000)
    del times[0]  # the first one pays for the connection
    return BrokerRoundTrips(
        client.broker_name, client.address, count, min(times), sum(times) / count, max(times)
    )
