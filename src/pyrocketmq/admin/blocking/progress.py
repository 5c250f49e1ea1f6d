# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncProgressAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.calls import SyncAdminCalls
from pyrocketmq.admin.progress import ProgressAdmin

if TYPE_CHECKING:
    from pyrocketmq.admin.progress import Time
    from pyrocketmq.admin.results import GroupProgress, GroupSummary, QueueOffset

__all__ = ["SyncProgressAdmin"]


class SyncProgressAdmin(SyncAdminCalls):
    """The blocking twin of ProgressAdmin, for any number of threads."""

    def group_progress(self, group: str, topic: str | None = None, *, members: bool = False) -> GroupProgress:
        """How far a group is in each queue: of one topic, or of all that it consumes, its retry topic too.

        Args:
            group: the group.
            topic: only this topic.
            members: ask each member which queues it has.

        Raises:
            GroupNotFoundError: no broker has offsets of the group.
        """
        return self._call(ProgressAdmin.group_progress, group, topic, members=members)

    def groups_progress(self, *, cluster: str | None = None, internal: bool = False) -> list[GroupSummary]:
        """One line for each group: its members online, its lag, its topics; sorted by name."""
        return self._call(ProgressAdmin.groups_progress, cluster=cluster, internal=internal)

    def reset_offset(
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
        return self._call(ProgressAdmin.reset_offset, group, topic, to, force=force)

    def skip_accumulated(self, group: str, topic: str) -> list[QueueOffset]:
        """Let a group go on after the last message of a topic; what it has not consumed is passed over."""
        return self._call(ProgressAdmin.skip_accumulated, group, topic)

    def reset_queue_offset(
        self, group: str, topic: str, broker: str, queue_id: int, offset: int
    ) -> QueueOffset:
        """Move a group to an offset of one queue.

        On 4.9 members that are online do not notice and write their own offset over it: stop them first.

        Raises:
            AdminError: the queue does not reach to this offset.
        """
        return self._call(ProgressAdmin.reset_queue_offset, group, topic, broker, queue_id, offset)

    def clone_group_offset(self, group: str, to_group: str, topic: str | None = None) -> list[str]:
        """Give one group the offsets of another; gives the names of the brokers where that was done."""
        return self._call(ProgressAdmin.clone_group_offset, group, to_group, topic)
