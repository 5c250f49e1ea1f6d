"""Administration of topics: create, change, delete, list, where they are and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.results import (
    BrokerAddresses,
    QueueStatus,
    TopicQueues,
    TopicRoute,
    TopicSettings,
    TopicStatus,
)
from pyrocketmq.errors import TopicNotFoundError, UnsupportedRequestError
from pyrocketmq.model.names import DLQ_PREFIX, RETRY_PREFIX, is_system_topic
from pyrocketmq.nameserver.calls import ORDER_TOPIC_CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.broker.client import BrokerClient
    from pyrocketmq.model.topic_data import TopicConfig

__all__ = ["TopicAdmin"]

DEFAULT_QUEUES: Final = 8


class TopicAdmin(AdminCalls):
    """Operations on topics."""

    async def create_topic(
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
        read = queues if read_queues is None else read_queues
        write = queues if write_queues is None else write_queues
        text = ",".join(f"+{name}={value}" for name, value in (attributes or {}).items()) or None
        masters = await self._masters(cluster, broker)
        await self._each(
            masters,
            lambda client: client.create_topic(topic, read, write, perm, order=order, attributes=text),
        )
        names = [client.broker_name for client in masters]
        if order:
            layout = ";".join(f"{name}:{write}" for name in names)
            await self._on_name_servers(
                lambda client: client.put_kv_config(ORDER_TOPIC_CONFIG, topic, layout)
            )
        return names

    async def update_topic_perm(
        self, topic: str, perm: int, *, cluster: str | None = None, broker: str | None = None
    ) -> list[str]:
        """Change who may use a topic: 2 write + 4 read; the rest of its settings stays.

        Returns:
            The names of the brokers where it was changed.

        Raises:
            TopicNotFoundError: none of the brokers has the topic.
        """

        async def change(client: BrokerClient) -> None:
            config = await _config_of(client, topic)
            await client.create_topic(
                topic,
                config.read_queue_nums,
                config.write_queue_nums,
                perm,
                order=config.order,
                topic_sys_flag=config.topic_sys_flag,
                topic_filter_type=config.topic_filter_type or "SINGLE_TAG",
            )

        changed = await self._each(await self._masters(cluster, broker), change, ignore=(TopicNotFoundError,))
        if not changed:
            raise _no_such_topic(topic)
        return [client.broker_name for client, _ in changed]

    async def delete_topic(self, topic: str, *, cluster: str | None = None) -> None:
        """Delete a topic and its messages on all masters, then its route; does nothing when there is none."""
        await self._drop_topic(topic, await self._masters(cluster), cluster)
        if cluster is None and await self._name_servers.get_kv_config(ORDER_TOPIC_CONFIG, topic):
            await self._on_name_servers(lambda client: client.delete_kv_config(ORDER_TOPIC_CONFIG, topic))

    async def list_topics(self, *, cluster: str | None = None, internal: bool = False) -> list[str]:
        """The names of all topics, or of those of one cluster, sorted.

        Args:
            cluster: name of a cluster.
            internal: also those of the system, and the retry and dead-letter topics of groups.
        """
        if cluster is None:
            found = await self._name_servers.get_all_topic_list()
        else:
            await self._chosen(cluster, None)  # a cluster that is not there would have no topics
            found = await self._name_servers.get_topics_by_cluster(cluster)
        names = set(found.topic_list)
        if not internal:
            names -= await self._system_topics()
            names = {name for name in names if not _is_internal(name)}
        return sorted(names)

    async def topic_route(self, topic: str) -> TopicRoute:
        """On which brokers a topic is.

        Raises:
            RouteNotFoundError: no name server knows it.
        """
        route = await self._name_servers.get_route_info(topic)
        brokers = [
            BrokerAddresses(
                data.broker_name or "", data.cluster or "", dict(sorted(data.broker_addrs.items()))
            )
            for data in route.broker_datas
        ]
        queues = [
            TopicQueues(data.broker_name, data.read_queue_nums, data.write_queue_nums, data.perm)
            for data in route.queue_datas
        ]
        return TopicRoute(
            topic,
            sorted(brokers, key=lambda item: item.broker),
            sorted(queues, key=lambda item: item.broker),
            route.order_topic_conf,
        )

    async def topic_status(self, topic: str) -> TopicStatus:
        """What each queue of a topic holds.

        Raises:
            RouteNotFoundError: no name server knows it.
        """
        tables = await self._each(
            await self._readers_of_topic(topic),
            lambda client: client.get_topic_stats(topic),
            ignore=(TopicNotFoundError,),
        )
        queues = [
            QueueStatus(
                queue.topic,
                queue.broker_name,
                queue.queue_id,
                held.min_offset,
                held.max_offset,
                held.last_update_timestamp,
            )
            for _, table in tables
            for queue, held in table.offset_table.items()
        ]
        queues.sort(key=lambda queue: (queue.broker, queue.queue_id))
        return TopicStatus(topic, queues, sum(queue.messages for queue in queues))

    async def topic_settings(
        self, topic: str, *, cluster: str | None = None, broker: str | None = None
    ) -> list[TopicSettings]:
        """A topic as each broker keeps it.

        Raises:
            TopicNotFoundError: none of the brokers has it.
        """
        found = await self._each(
            await self._readers(cluster, broker),
            lambda client: _config_of(client, topic),
            ignore=(TopicNotFoundError,),
        )
        if not found:
            raise _no_such_topic(topic)
        return [
            TopicSettings(
                topic,
                client.broker_name,
                config.read_queue_nums,
                config.write_queue_nums,
                config.perm,
                config.order,
                dict(config.attributes or {}),
            )
            for client, config in found
        ]

    async def topic_clusters(self, topic: str) -> list[str]:
        """The names of the clusters that have queues of a topic.

        Raises:
            RouteNotFoundError: no name server knows it.
        """
        route = await self._name_servers.get_route_info(topic)
        return sorted({data.cluster for data in route.broker_datas if data.cluster})

    async def topic_groups(self, topic: str) -> list[str]:
        """The groups that consume a topic, sorted.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        found = await self._each(
            await self._readers_of_topic(topic), lambda client: client.get_groups_of_topic(topic)
        )
        return sorted({group for _, groups in found for group in groups})

    async def _system_topics(self) -> set[str]:
        """The topics that brokers made for themselves, and those named after brokers and clusters."""
        info = await self._cluster_info()
        names = {*info.broker_addr_table, *info.cluster_addr_table}
        names |= {f"{cluster}_REPLY_TOPIC" for cluster in info.cluster_addr_table}
        # A broker that does not tell leaves its topics to be known by their names.
        found = await self._gather([client.get_system_topics() for client in await self._readers()])
        for topics in found:
            if isinstance(topics, list):
                names.update(topics)
        return names


def _is_internal(topic: str) -> bool:
    return is_system_topic(topic) or topic.startswith((RETRY_PREFIX, DLQ_PREFIX))


def _no_such_topic(topic: str) -> TopicNotFoundError:
    return TopicNotFoundError(
        f"none of the brokers has the topic {topic!r}",
        topic=topic,
        advice="create it, or correct its name",
    )


async def _config_of(client: BrokerClient, topic: str) -> TopicConfig:
    """The settings of a topic; a 4.9 broker only gives those of all topics together."""
    try:
        return await client.get_topic_config(topic)
    except UnsupportedRequestError:
        config = (await client.get_all_topic_config()).get(topic)
    if config is None:
        raise TopicNotFoundError(
            f"broker {client.address} has no topic {topic!r}", address=client.address, topic=topic
        )
    return config
