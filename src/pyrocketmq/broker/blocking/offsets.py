# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncOffsetCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.offsets import OffsetCalls

if TYPE_CHECKING:
    from pyrocketmq.model.enums import BoundaryType
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.result_data import ConsumerOffsetSerializeWrapper, GetConsumerStatusBody

__all__ = ["SyncOffsetCalls"]


class SyncOffsetCalls(SyncBrokerCalls):
    """The blocking twin of OffsetCalls, for any number of threads."""

    def get_max_offset(
        self, topic: str, queue_id: int, *, committed: bool | None = None, timeout: float | None = None
    ) -> int:
        """The offset after the last message; 0 for a topic or queue that does not exist."""
        return self._call(OffsetCalls.get_max_offset, topic, queue_id, committed=committed, timeout=timeout)

    def get_min_offset(self, topic: str, queue_id: int, *, timeout: float | None = None) -> int:
        """The offset of the first message that is still there."""
        return self._call(OffsetCalls.get_min_offset, topic, queue_id, timeout=timeout)

    def search_offset(
        self,
        topic: str,
        queue_id: int,
        timestamp: int,
        *,
        boundary_type: BoundaryType | None = None,
        timeout: float | None = None,
    ) -> int:
        """The offset of the first message stored at or after a time, in ms since 1970.

        After the last message it is the maximum on 5.x, and one less on 4.9, which has no ``boundary_type``.
        """
        return self._call(
            OffsetCalls.search_offset,
            topic,
            queue_id,
            timestamp,
            boundary_type=boundary_type,
            timeout=timeout,
        )

    def get_earliest_store_time(self, topic: str, queue_id: int, *, timeout: float | None = None) -> int:
        """When a queue's first message was stored, in ms since 1970; -1 for an empty queue."""
        return self._call(OffsetCalls.get_earliest_store_time, topic, queue_id, timeout=timeout)

    def query_consumer_offset(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        *,
        set_zero_if_not_found: bool | None = None,
        timeout: float | None = None,
    ) -> int | None:
        """A group's stored offset, None if there is none.

        A young queue that still begins at 0 says 0 where nothing is stored; with
        ``set_zero_if_not_found=False`` a 5.x broker says "none" there too.
        """
        return self._call(
            OffsetCalls.query_consumer_offset,
            consumer_group,
            topic,
            queue_id,
            set_zero_if_not_found=set_zero_if_not_found,
            timeout=timeout,
        )

    def update_consumer_offset(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        commit_offset: int,
        *,
        timeout: float | None = None,
    ) -> None:
        """Store a group's offset. Brokers store any number, also one past the end."""
        self._call(
            OffsetCalls.update_consumer_offset,
            consumer_group,
            topic,
            queue_id,
            commit_offset,
            timeout=timeout,
        )

    def update_consumer_offset_oneway(
        self, consumer_group: str, topic: str, queue_id: int, commit_offset: int
    ) -> None:
        """Store a group's offset without waiting for the answer, as the Java client does."""
        self._call(OffsetCalls.update_consumer_offset_oneway, consumer_group, topic, queue_id, commit_offset)

    def get_all_consumer_offset(self, *, timeout: float | None = None) -> ConsumerOffsetSerializeWrapper:
        """All offsets of all groups: ``topic@group`` -> queue id -> offset."""
        return self._call(OffsetCalls.get_all_consumer_offset, timeout=timeout)

    def reset_offset(
        self,
        consumer_group: str,
        topic: str,
        timestamp: int = -1,
        *,
        is_force: bool = True,
        queue_id: int | None = None,
        offset: int | None = None,
        timeout: float | None = None,
    ) -> dict[MessageQueue, int]:
        """Move a group to a time in ms since 1970 (-1: the end), or one queue to an offset (5.x).

        A 5.x broker does it by itself. A 4.9 broker tells the consumers to, and refuses when none is
        connected.

        Returns:
            The new offset of each queue.

        Raises:
            GroupNotFoundError: there is no such group; on 4.9 also when no member is connected.
        """
        return self._call(
            OffsetCalls.reset_offset,
            consumer_group,
            topic,
            timestamp,
            is_force=is_force,
            queue_id=queue_id,
            offset=offset,
            timeout=timeout,
        )

    def clone_group_offset(
        self,
        src_group: str,
        dest_group: str,
        topic: str | None = None,
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Give one group the offsets of another: of one topic, or of all that the other consumes."""
        self._call(
            OffsetCalls.clone_group_offset, src_group, dest_group, topic, offline=offline, timeout=timeout
        )

    def query_correction_offset(
        self,
        topic: str,
        compare_group: str,
        *,
        filter_groups: str | None = None,
        timeout: float | None = None,
    ) -> dict[int, int]:
        """The least offsets of the other groups of a topic, by queue id."""
        return self._call(
            OffsetCalls.query_correction_offset,
            topic,
            compare_group,
            filter_groups=filter_groups,
            timeout=timeout,
        )

    def get_consumer_status(
        self, consumer_group: str, topic: str, client_addr: str | None = None, *, timeout: float | None = None
    ) -> GetConsumerStatusBody:
        """The offsets that the members of a group have in memory; the broker asks each of them."""
        return self._call(
            OffsetCalls.get_consumer_status, consumer_group, topic, client_addr, timeout=timeout
        )
