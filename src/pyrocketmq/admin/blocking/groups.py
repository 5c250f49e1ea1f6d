# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncGroupAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.calls import SyncAdminCalls
from pyrocketmq.admin.groups import GroupAdmin

if TYPE_CHECKING:
    from pyrocketmq.admin.results import ConsumerStatus, GroupConnections, GroupSettings

__all__ = ["SyncGroupAdmin"]


class SyncGroupAdmin(SyncAdminCalls):
    """The blocking twin of GroupAdmin, for any number of threads."""

    def create_group(
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
        return self._call(
            GroupAdmin.create_group,
            group,
            consume_enable=consume_enable,
            consume_broadcast_enable=consume_broadcast_enable,
            consume_from_min_enable=consume_from_min_enable,
            consume_orderly=consume_orderly,
            retry_queues=retry_queues,
            retry_max_times=retry_max_times,
            consume_timeout_minutes=consume_timeout_minutes,
            cluster=cluster,
            broker=broker,
        )

    def delete_group(
        self, group: str, *, clean_offsets: bool = True, cluster: str | None = None, broker: str | None = None
    ) -> None:
        """Delete a group, its retry and dead-letter topics and, if wanted, its offsets.

        Does nothing where there is none. With ``broker`` only the group on this one goes; the topics stay.
        """
        self._call(
            GroupAdmin.delete_group, group, clean_offsets=clean_offsets, cluster=cluster, broker=broker
        )

    def list_groups(self, *, cluster: str | None = None, internal: bool = False) -> list[str]:
        """The names of all groups, or of those of one cluster, sorted; with ``internal`` the system's too."""
        return self._call(GroupAdmin.list_groups, cluster=cluster, internal=internal)

    def group_settings(
        self, group: str, *, cluster: str | None = None, broker: str | None = None
    ) -> list[GroupSettings]:
        """A group as each broker keeps it.

        Raises:
            GroupNotFoundError: none of the brokers has it.
        """
        return self._call(GroupAdmin.group_settings, group, cluster=cluster, broker=broker)

    def group_connections(self, group: str) -> GroupConnections:
        """The members of a group that are online, and what they subscribe.

        Raises:
            ClientOfflineError: there is none.
        """
        return self._call(GroupAdmin.group_connections, group)

    def producer_connections(self, group: str) -> GroupConnections:
        """The producers of a group that are online.

        Raises:
            ClientOfflineError: there is none.
        """
        return self._call(GroupAdmin.producer_connections, group)

    def group_status(
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
        return self._call(GroupAdmin.group_status, group, client_id=client_id, stacks=stacks)

    def set_consume_mode(
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
        return self._call(
            GroupAdmin.set_consume_mode,
            group,
            topic,
            mode,
            pop_share_queues=pop_share_queues,
            cluster=cluster,
            broker=broker,
        )

    def set_group_readable(
        self, group: str, topic: str, *, readable: bool, cluster: str | None = None, broker: str | None = None
    ) -> list[str]:
        """Forbid a group to read a topic, or allow it again (5.x); gives the names of the brokers."""
        return self._call(
            GroupAdmin.set_group_readable, group, topic, readable=readable, cluster=cluster, broker=broker
        )
