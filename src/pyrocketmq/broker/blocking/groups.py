# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncGroupCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.groups import GroupCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.broker_data import GroupForbidden
    from pyrocketmq.model.group_data import SubscriptionGroupConfig
    from pyrocketmq.model.topic_data import (
        ConsumeStats,
        ConsumeStatsList,
        QuerySubscriptionResponseBody,
        QueueTimeSpan,
    )

__all__ = ["SyncGroupCalls"]


class SyncGroupCalls(SyncBrokerCalls):
    """The blocking twin of GroupCalls, for any number of threads."""

    def create_group(self, config: SubscriptionGroupConfig, *, timeout: float | None = None) -> None:
        """Create or change a group; fields that the settings leave out take their defaults."""
        self._call(GroupCalls.create_group, config, timeout=timeout)

    def create_groups(
        self, configs: Iterable[SubscriptionGroupConfig], *, timeout: float | None = None
    ) -> None:
        """Create or change several groups in one request (5.x)."""
        self._call(GroupCalls.create_groups, configs, timeout=timeout)

    def delete_group(
        self, consumer_group: str, *, clean_offset: bool = False, timeout: float | None = None
    ) -> None:
        """Delete a group, and its offsets if asked to; does nothing when there is none."""
        self._call(GroupCalls.delete_group, consumer_group, clean_offset=clean_offset, timeout=timeout)

    def get_group_config(
        self, consumer_group: str, *, timeout: float | None = None
    ) -> SubscriptionGroupConfig:
        """The settings of a group (5.x). A broker that creates groups by itself makes a missing one."""
        return self._call(GroupCalls.get_group_config, consumer_group, timeout=timeout)

    def get_all_groups(self, *, timeout: float | None = None) -> dict[str, SubscriptionGroupConfig]:
        """The settings of all groups, those of the system included."""
        return self._call(GroupCalls.get_all_groups, timeout=timeout)

    def set_group_readable(
        self, consumer_group: str, topic: str, *, readable: bool, timeout: float | None = None
    ) -> GroupForbidden:
        """Forbid a group to read a topic, or allow it again."""
        return self._call(
            GroupCalls.set_group_readable, consumer_group, topic, readable=readable, timeout=timeout
        )

    def get_topics_of_group(self, consumer_group: str, *, timeout: float | None = None) -> list[str]:
        """The topics of which a group has offsets (5.x)."""
        return self._call(GroupCalls.get_topics_of_group, consumer_group, timeout=timeout)

    def get_groups_of_topic(self, topic: str, *, timeout: float | None = None) -> list[str]:
        """The groups that consume a topic: members online, or offsets stored."""
        return self._call(GroupCalls.get_groups_of_topic, topic, timeout=timeout)

    def get_subscription(
        self, consumer_group: str, topic: str, *, timeout: float | None = None
    ) -> QuerySubscriptionResponseBody:
        """What the members of a group subscribe of a topic (5.x); nothing when none is online."""
        return self._call(GroupCalls.get_subscription, consumer_group, topic, timeout=timeout)

    def get_consume_stats(
        self, consumer_group: str, topic: str | None = None, *, timeout: float | None = None
    ) -> ConsumeStats:
        """How far a group is in each queue of this broker: of one topic, or of all it consumes."""
        return self._call(GroupCalls.get_consume_stats, consumer_group, topic, timeout=timeout)

    def get_broker_consume_stats(
        self, *, is_order: bool = False, timeout: float | None = None
    ) -> ConsumeStatsList:
        """How far all groups are, those that consume in order or the others."""
        return self._call(GroupCalls.get_broker_consume_stats, is_order=is_order, timeout=timeout)

    def get_consume_time_span(
        self, consumer_group: str, topic: str, *, timeout: float | None = None
    ) -> list[QueueTimeSpan]:
        """Store times of the oldest, the newest and the last consumed message of each queue."""
        return self._call(GroupCalls.get_consume_time_span, consumer_group, topic, timeout=timeout)
