"""How far groups are, and moving them: lag, resets, clones, skips."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.groups import is_internal_group
from pyrocketmq.admin.results import GroupProgress, GroupSummary, QueueOffset, QueueProgress
from pyrocketmq.errors import (
    AdminError,
    BrokerError,
    ClientOfflineError,
    GroupNotFoundError,
    RocketMQError,
    TopicNotFoundError,
)
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.names import RETRY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.broker.client import BrokerClient
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.topic_data import ConsumeStats, OffsetWrapper

__all__ = ["ProgressAdmin", "Time", "to_ms"]

Time: TypeAlias = datetime | int
"""A moment: a datetime, without zone in local time, or ms since 1970."""


class ProgressAdmin(AdminCalls):
    """Operations on the offsets of groups."""

    async def group_progress(
        self, group: str, topic: str | None = None, *, members: bool = False
    ) -> GroupProgress:
        """How far a group is in each queue: of one topic, or of all that it consumes, its retry topic too.

        Args:
            group: the group.
            topic: only this topic.
            members: ask each member which queues it has.

        Raises:
            GroupNotFoundError: no broker has offsets of the group.
        """
        found = await self._each(
            await self._readers(),
            lambda client: client.get_consume_stats(group, topic),
            ignore=(GroupNotFoundError, TopicNotFoundError),
        )
        owners = await self._owners(group) if members else {}
        queues = [
            _queue_progress(queue, state, owners.get(queue))
            for _, stats in found
            for queue, state in stats.offset_table.items()
        ]
        if not queues:
            raise GroupNotFoundError(
                f"no broker has an offset of group {group!r}" + (f" for topic {topic!r}" if topic else ""),
                group=group,
                topic=topic,
                likely="it has never consumed, or its offsets were deleted",
                advice="correct the name, or let the group consume first",
            )
        queues.sort(key=lambda item: (item.topic, item.broker, item.queue_id))
        tps = sum(stats.consume_tps for _, stats in found)
        return GroupProgress(group, queues, sum(item.lag for item in queues), tps)

    async def groups_progress(
        self, *, cluster: str | None = None, internal: bool = False
    ) -> list[GroupSummary]:
        """One line for each group: its members online, its lag, its topics; sorted by name."""
        readers = await self._readers(cluster)
        stats: dict[str, list[ConsumeStats]] = {}
        for _, broker_stats in await self._each(readers, lambda client: client.get_broker_consume_stats()):
            for entry in broker_stats.consume_stats_list:
                for group, tables in entry.items():
                    stats.setdefault(group, []).extend(tables)
        groups = sorted(group for group in stats if internal or not is_internal_group(group))
        return await self._all_of(
            {group: self._summary(group, stats[group], readers) for group in groups}, "groups"
        )

    async def reset_offset(
        self, group: str, topic: str, to: Time | None = None, *, force: bool = True
    ) -> list[QueueOffset]:
        """Move a group to a time in all queues of a topic.

        A 5.x broker does it by itself. A 4.9 broker lets the members do it; when none is online, the offsets
        are set from here.

        Args:
            group: the group.
            topic: the topic.
            to: the first message stored at or after this is the next to consume; None: the end.
            force: also where the group is not that far yet, or further.

        Returns:
            The offset of each queue.

        Raises:
            GroupNotFoundError: there is no such group.
            RouteNotFoundError: there is no such topic.
        """
        timestamp = -1 if to is None else to_ms(to)

        async def reset(client: BrokerClient) -> list[QueueOffset]:
            try:
                table = await client.reset_offset(group, topic, timestamp, is_force=force)
            except (GroupNotFoundError, ClientOfflineError) as error:
                if not _left_to_members(error):
                    raise
                return await self._reset_from_here(client, group, topic, timestamp)
            return [
                QueueOffset(topic, client.broker_name, queue.queue_id, offset)
                for queue, offset in table.items()
            ]

        found = await self._each(await self._masters_of_topic(topic), reset)
        offsets = [offset for _, part in found for offset in part]
        return sorted(offsets, key=lambda item: (item.broker, item.queue_id))

    async def skip_accumulated(self, group: str, topic: str) -> list[QueueOffset]:
        """Let a group go on after the last message of a topic; what it has not consumed is passed over."""
        return await self.reset_offset(group, topic)

    async def reset_queue_offset(
        self, group: str, topic: str, broker: str, queue_id: int, offset: int
    ) -> QueueOffset:
        """Move a group to an offset of one queue.

        On 4.9 members that are online do not notice and write their own offset over it: stop them first.

        Raises:
            AdminError: the queue does not reach to this offset.
        """
        (client,) = await self._masters(broker=broker)
        lowest, highest = (
            await client.get_min_offset(topic, queue_id),
            await client.get_max_offset(topic, queue_id),
        )
        if not lowest <= offset <= highest:
            raise AdminError(
                f"offset {offset} is not in queue {queue_id} of topic {topic!r} on {client.broker_name},"
                f" which has {lowest} to {highest}",
                field="offset",
                advice="choose one of these",
            )
        try:
            await client.reset_offset(group, topic, queue_id=queue_id, offset=offset)
        except (GroupNotFoundError, ClientOfflineError) as error:
            if not _left_to_members(error):
                raise
            await client.update_consumer_offset(group, topic, queue_id, offset)
        return QueueOffset(topic, client.broker_name, queue_id, offset)

    async def clone_group_offset(self, group: str, to_group: str, topic: str | None = None) -> list[str]:
        """Give one group the offsets of another; gives the names of the brokers where that was done."""
        masters = await (self._masters() if topic is None else self._masters_of_topic(topic))
        await self._each(masters, lambda client: client.clone_group_offset(group, to_group, topic))
        return [client.broker_name for client in masters]

    # ---- parts ----

    async def _reset_from_here(
        self, client: BrokerClient, group: str, topic: str, timestamp: int
    ) -> list[QueueOffset]:
        """What a 5.x broker does, for a 4.9 broker without members of the group."""
        queues = (await client.get_topic_stats(topic)).offset_table
        done: list[QueueOffset] = []
        for queue, held in sorted(queues.items()):
            offset = held.max_offset
            if timestamp >= 0 and held.last_update_timestamp >= timestamp:
                offset = await client.search_offset(topic, queue.queue_id, timestamp)
            await client.update_consumer_offset(group, topic, queue.queue_id, offset)
            done.append(QueueOffset(topic, client.broker_name, queue.queue_id, offset))
        return done

    async def _summary(
        self, group: str, tables: list[ConsumeStats], readers: Iterable[BrokerClient]
    ) -> GroupSummary:
        online = await self._each(
            readers, lambda client: client.get_consumer_connections(group), ignore=(ClientOfflineError,)
        )
        members = {connection.client_id for _, table in online for connection in table.connection_set}
        first = online[0][1] if online else None
        queues = [(queue, state) for table in tables for queue, state in table.offset_table.items()]
        return GroupSummary(
            group,
            len(members),
            first.consume_type if first else None,
            first.message_model if first else None,
            sum(_lag(state) for _, state in queues),
            sum(table.consume_tps for table in tables),
            sorted({queue.topic for queue, _ in queues if not queue.topic.startswith(RETRY_PREFIX)}),
        )

    async def _owners(self, group: str) -> dict[MessageQueue, str]:
        """Which member has which queue; those that do not answer are left out."""
        online = await self._each(
            await self._readers(),
            lambda client: client.get_consumer_connections(group),
            ignore=(ClientOfflineError,),
        )
        where = {
            connection.client_id: client
            for client, table in online
            for connection in table.connection_set
            if connection.client_id
        }
        infos = await self._gather(
            [client.get_consumer_running_info(group, name) for name, client in where.items()]
        )
        return {
            queue: name
            for name, info in zip(where, infos, strict=True)
            if not isinstance(info, RocketMQError)
            for queue in (*info.mq_table, *info.mq_pop_table)
        }


def _left_to_members(error: BrokerError) -> bool:
    """A 4.9 broker lets the members reset themselves, and none is online; code 26 is a 5.x broker's word."""
    return error.response_code != ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST


def _lag(state: OffsetWrapper) -> int:
    return max(0, state.broker_offset - max(state.consumer_offset, 0))


def _queue_progress(queue: MessageQueue, state: OffsetWrapper, client_id: str | None) -> QueueProgress:
    return QueueProgress(
        queue.topic,
        queue.broker_name,
        queue.queue_id,
        state.broker_offset,
        state.consumer_offset,
        _lag(state),
        state.last_timestamp,
        client_id,
    )


def to_ms(moment: Time) -> int:
    """A moment in ms since 1970."""
    return round(moment.timestamp() * 1000) if isinstance(moment, datetime) else moment
