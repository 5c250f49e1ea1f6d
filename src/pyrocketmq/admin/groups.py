"""Administration of consumer groups: create, delete, list, who is online, modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.results import (
    ClientConnection,
    ConsumerStatus,
    GroupConnections,
    GroupSettings,
    GroupSubscription,
)
from pyrocketmq.errors import ClientOfflineError, GroupNotFoundError
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.model.names import dlq_topic, is_system_group, retry_topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.broker.client import BrokerClient
    from pyrocketmq.model.client_data import Connection, ConsumerConnection, ConsumerRunningInfo
    from pyrocketmq.model.producer_consumer import SubscriptionData

__all__ = ["GroupAdmin", "is_internal_group"]

# Made by every broker for itself; they do not begin like system groups.
_SYSTEM_GROUPS = frozenset((
    "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_OWNER",
    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_PULL",
    "CID_RMQ_SYS_TRANS",
    "FILTERSRV_CONSUMER",
    "SELF_TEST_C_GROUP",
    "TOOLS_CONSUMER",
))  # fmt: skip


class GroupAdmin(AdminCalls):
    """Operations on groups and their members."""

    async def create_group(
        self,
        group: str,
        *,
        consume_enable: bool = True,
        consume_broadcast_enable: bool = True,
        consume_from_min_enable: bool = True,
        consume_orderly: bool = False,
        retry_queues: int = 1,
        retry_max_times: int = 16,
        consume_timeout_minutes: int = 15,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> list[str]:
        """Create a group, or change one, on the masters of a cluster, on one broker, or on all masters.

        Args:
            group: name, 1 to 120 characters.
            consume_enable: whether it may consume.
            consume_broadcast_enable: whether it may broadcast.
            consume_from_min_enable: whether it may start at the first message.
            consume_orderly: whether it consumes in order (5.x).
            retry_queues: queues of its retry topic.
            retry_max_times: tries before a message goes to the dead letters.
            consume_timeout_minutes: how long one message may take.
            cluster: name of a cluster.
            broker: name or address of one broker.

        Returns:
            The names of the brokers that have the group now.

        Raises:
            AdminError: it failed on some brokers; it was created on those in ``done``.
        """
        config = SubscriptionGroupConfig(
            group_name=group,
            consume_enable=consume_enable,
            consume_broadcast_enable=consume_broadcast_enable,
            consume_from_min_enable=consume_from_min_enable,
            consume_message_orderly=consume_orderly,
            retry_queue_nums=retry_queues,
            retry_max_times=retry_max_times,
            consume_timeout_minute=consume_timeout_minutes,
        )
        masters = await self._masters(cluster, broker)
        await self._each(masters, lambda client: client.create_group(config))
        return [client.broker_name for client in masters]

    async def delete_group(
        self,
        group: str,
        *,
        clean_offsets: bool = True,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Delete a group, its retry and dead-letter topics and, if wanted, its offsets.

        Does nothing where there is none. With ``broker`` only the group on this one goes; the topics stay.
        """
        masters = await self._masters(cluster, broker)
        await self._each(masters, lambda client: client.delete_group(group, clean_offset=clean_offsets))
        if broker is not None:
            return
        for topic in (retry_topic(group), dlq_topic(group)):
            await self._drop_topic(topic, masters, cluster)

    async def list_groups(self, *, cluster: str | None = None, internal: bool = False) -> list[str]:
        """The names of all groups, or of those of one cluster, sorted; with ``internal`` the system's too."""
        found = await self._each(await self._readers(cluster), lambda client: client.get_all_groups())
        names = {name for _, groups in found for name in groups}
        return sorted(name for name in names if internal or not is_internal_group(name))

    async def group_settings(
        self, group: str, *, cluster: str | None = None, broker: str | None = None
    ) -> list[GroupSettings]:
        """A group as each broker keeps it.

        Raises:
            GroupNotFoundError: none of the brokers has it.
        """
        # Asking for the one group would create it on a broker that creates groups by itself.
        found = await self._each(await self._readers(cluster, broker), lambda client: client.get_all_groups())
        settings = [
            _settings(group, client.broker_name, groups[group]) for client, groups in found if group in groups
        ]
        if not settings:
            raise GroupNotFoundError(
                f"none of {len(found)} brokers has the group {group!r}",
                group=group,
                advice="create it, or correct its name",
            )
        return settings

    async def group_connections(self, group: str) -> GroupConnections:
        """The members of a group that are online, and what they subscribe.

        Raises:
            ClientOfflineError: there is none.
        """
        found = [table for _, table in await self._online(group)]
        if not found:
            raise _nobody(group)
        first = found[0]
        subscriptions = {
            topic: data for table in reversed(found) for topic, data in table.subscription_table.items()
        }
        return GroupConnections(
            group,
            _clients(connection for table in found for connection in table.connection_set),
            _subscriptions(subscriptions.values()),
            first.consume_type,
            first.message_model,
            first.consume_from_where,
        )

    async def producer_connections(self, group: str) -> GroupConnections:
        """The producers of a group that are online.

        Raises:
            ClientOfflineError: there is none.
        """
        found = await self._each(
            await self._readers(),
            lambda client: client.get_producer_connections(group),
            ignore=(ClientOfflineError,),
        )
        if not found:
            raise _nobody(group)
        return GroupConnections(
            group, _clients(connection for _, table in found for connection in table.connection_set)
        )

    async def group_status(
        self, group: str, *, client_id: str | None = None, stacks: bool = False
    ) -> list[ConsumerStatus]:
        """What the members of a group say about themselves; a member that does not answer is an error.

        Args:
            group: the group.
            client_id: only this member.
            stacks: with the stacks of their threads.

        Raises:
            ClientOfflineError: there is no such member.
            AdminError: some members did not answer.
        """
        where: dict[str, BrokerClient] = {}
        for client, table in await self._online(group):
            for connection in table.connection_set:
                where.setdefault(connection.client_id or "", client)
        if client_id is not None:
            where = {name: client for name, client in where.items() if name == client_id}
        if not where:
            raise _nobody(group, client_id)

        async def ask(name: str) -> ConsumerStatus:
            info = await where[name].get_consumer_running_info(group, name, jstack_enable=stacks)
            return _status(group, name, info)

        return await self._all_of({name: ask(name) for name in sorted(where)}, "members")

    async def set_consume_mode(
        self,
        group: str,
        topic: str,
        mode: str,
        *,
        pop_share_queues: int = 0,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> list[str]:
        """Let a group PULL or POP a topic (5.x); gives the names of the brokers where that holds now."""
        changed = await self._each(
            await self._masters(cluster, broker),
            lambda client: client.set_message_request_mode(
                group, topic, mode, pop_share_queue_num=pop_share_queues
            ),
        )
        return [client.broker_name for client, _ in changed]

    async def set_group_readable(
        self,
        group: str,
        topic: str,
        *,
        readable: bool,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> list[str]:
        """Forbid a group to read a topic, or allow it again (5.x); gives the names of the brokers."""
        changed = await self._each(
            await self._masters(cluster, broker),
            lambda client: client.set_group_readable(group, topic, readable=readable),
        )
        return [client.broker_name for client, _ in changed]

    async def _online(self, group: str) -> list[tuple[BrokerClient, ConsumerConnection]]:
        return await self._each(
            await self._readers(),
            lambda client: client.get_consumer_connections(group),
            ignore=(ClientOfflineError,),
        )


def is_internal_group(group: str) -> bool:
    """True for groups that every broker makes for itself."""
    return group in _SYSTEM_GROUPS or is_system_group(group)


def _nobody(group: str, client_id: str | None = None) -> ClientOfflineError:
    who = f"client {client_id!r} of group {group!r}" if client_id else f"group {group!r}"
    return ClientOfflineError(
        f"{who} is not online on any broker",
        group=group,
        likely="it does not run, has another name, or has not sent a heartbeat yet",
        advice="start it, or correct the name",
    )


def _settings(group: str, broker: str, config: SubscriptionGroupConfig) -> GroupSettings:
    return GroupSettings(
        group,
        broker,
        config.consume_enable,
        config.consume_broadcast_enable,
        config.consume_from_min_enable,
        config.consume_message_orderly,
        config.retry_queue_nums,
        config.retry_max_times,
        config.consume_timeout_minute,
    )


def _clients(connections: Iterable[Connection]) -> list[ClientConnection]:
    """Each client once, though it is connected to every broker."""
    found = {
        connection.client_id or "": ClientConnection(
            connection.client_id or "",
            connection.client_addr or "",
            connection.language or "",
            connection.version,
        )
        for connection in connections
    }
    return [found[client_id] for client_id in sorted(found)]


def _subscriptions(datas: Iterable[SubscriptionData]) -> list[GroupSubscription]:
    found = [
        GroupSubscription(data.topic or "", data.sub_string or "*", data.expression_type or "TAG")
        for data in datas
    ]
    return sorted(found, key=lambda item: item.topic)


def _status(group: str, client_id: str, info: ConsumerRunningInfo) -> ConsumerStatus:
    queues: list[dict[str, Any]] = [
        {**queue.to_json_dict(), **state.to_value()}
        for table in (info.mq_table, info.mq_pop_table)
        for queue, state in table.items()
    ]
    return ConsumerStatus(
        group,
        client_id,
        dict(info.properties),
        _subscriptions(info.subscription_set),
        queues,
        {topic: rates.to_value() for topic, rates in info.status_table.items()},
        info.jstack,
    )
