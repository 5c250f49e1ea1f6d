"""Consumer groups as a broker keeps them: settings, subscriptions, how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.model.broker_data import GroupForbidden
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.group_data import (
    SubscriptionGroupConfig,
    SubscriptionGroupList,
    SubscriptionGroupWrapper,
)
from pyrocketmq.model.topic_data import (
    ConsumeStats,
    ConsumeStatsList,
    GroupList,
    QueryConsumeTimeSpanBody,
    QuerySubscriptionResponseBody,
    TopicList,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.topic_data import QueueTimeSpan

__all__ = ["GroupCalls"]


class GroupCalls(BrokerCalls):
    """Settings of groups and statistics of their consumption."""

    async def create_group(self, config: SubscriptionGroupConfig, *, timeout: float | None = None) -> None:
        """Create or change a group; fields that the settings leave out take their defaults."""
        await self._call(Requests.create_create_subscription_group_request(config), timeout)

    async def create_groups(
        self, configs: Iterable[SubscriptionGroupConfig], *, timeout: float | None = None
    ) -> None:
        """Create or change several groups in one request (5.x)."""
        body = SubscriptionGroupList(list(configs))
        await self._call(Requests.create_create_subscription_group_list_request(body), timeout)

    async def delete_group(
        self, consumer_group: str, *, clean_offset: bool = False, timeout: float | None = None
    ) -> None:
        """Delete a group, and its offsets if asked to; does nothing when there is none."""
        request = Requests.create_delete_subscription_group_request(consumer_group, clean_offset=clean_offset)
        await self._call(request, timeout)

    async def get_group_config(
        self, consumer_group: str, *, timeout: float | None = None
    ) -> SubscriptionGroupConfig:
        """The settings of a group (5.x). A broker that creates groups by itself makes a missing one."""
        request = Requests.create_get_subscription_group_config_request(consumer_group)
        return await self._read(request, timeout, SubscriptionGroupConfig)

    async def get_all_groups(self, *, timeout: float | None = None) -> dict[str, SubscriptionGroupConfig]:
        """The settings of all groups, those of the system included."""
        request = Requests.create_get_all_subscription_group_request()
        return (await self._read(request, timeout, SubscriptionGroupWrapper)).subscription_group_table

    async def set_group_readable(
        self, consumer_group: str, topic: str, *, readable: bool, timeout: float | None = None
    ) -> GroupForbidden:
        """Forbid a group to read a topic, or allow it again."""
        request = Requests.create_update_group_forbidden_request(consumer_group, topic, readable=readable)
        return await self._read(request, timeout, GroupForbidden)

    async def get_topics_of_group(self, consumer_group: str, *, timeout: float | None = None) -> list[str]:
        """The topics of which a group has offsets (5.x)."""
        request = Requests.create_query_topics_by_consumer_request(consumer_group)
        return (await self._read(request, timeout, TopicList)).topic_list

    async def get_groups_of_topic(self, topic: str, *, timeout: float | None = None) -> list[str]:
        """The groups that consume a topic: members online, or offsets stored."""
        request = Requests.create_query_topic_consume_by_who_request(topic)
        return (await self._read(request, timeout, GroupList)).group_list

    async def get_subscription(
        self, consumer_group: str, topic: str, *, timeout: float | None = None
    ) -> QuerySubscriptionResponseBody:
        """What the members of a group subscribe of a topic (5.x); nothing when none is online."""
        request = Requests.create_query_subscription_by_consumer_request(consumer_group, topic)
        return await self._read(request, timeout, QuerySubscriptionResponseBody)

    async def get_consume_stats(
        self, consumer_group: str, topic: str | None = None, *, timeout: float | None = None
    ) -> ConsumeStats:
        """How far a group is in each queue of this broker: of one topic, or of all it consumes."""
        request = Requests.create_get_consume_stats_request(consumer_group, topic)
        return await self._read(request, timeout, ConsumeStats)

    async def get_broker_consume_stats(
        self, *, is_order: bool = False, timeout: float | None = None
    ) -> ConsumeStatsList:
        """How far all groups are, those that consume in order or the others."""
        request = Requests.create_get_broker_consume_stats_request(is_order=is_order)
        return await self._read(request, timeout, ConsumeStatsList)

    async def get_consume_time_span(
        self, consumer_group: str, topic: str, *, timeout: float | None = None
    ) -> list[QueueTimeSpan]:
        """Store times of the oldest, the newest and the last consumed message of each queue."""
        request = Requests.create_query_consume_time_span_request(consumer_group, topic)
        return (await self._read(request, timeout, QueryConsumeTimeSpanBody)).consume_time_span_set
