"""Offsets: those of queues, and those of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.headers.pulling import GetEarliestMsgStoretimeResponseHeader
from pyrocketmq.model.result_data import (
    ConsumerOffsetSerializeWrapper,
    GetConsumerStatusBody,
    OffsetResult,
    QueryCorrectionOffsetBody,
    ResetOffsetBody,
)

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.enums import BoundaryType
    from pyrocketmq.model.message_queue import MessageQueue

__all__ = ["OffsetCalls"]


class OffsetCalls(BrokerCalls):
    """What offsets a queue has, and how far groups are."""

    async def get_max_offset(
        self, topic: str, queue_id: int, *, committed: bool | None = None, timeout: float | None = None
    ) -> int:
        """The offset after the last message; 0 for a topic or queue that does not exist."""
        request = Requests.create_get_max_offset_request(
            topic, queue_id, committed=committed, bname=self.broker_name or None
        )
        return await self._offset(request, timeout)

    async def get_min_offset(self, topic: str, queue_id: int, *, timeout: float | None = None) -> int:
        """The offset of the first message that is still there."""
        request = Requests.create_get_min_offset_request(topic, queue_id, bname=self.broker_name or None)
        return await self._offset(request, timeout)

    async def search_offset(
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
        request = Requests.create_search_offset_request(
            topic, queue_id, timestamp, boundary_type=boundary_type, bname=self.broker_name or None
        )
        return await self._offset(request, timeout)

    async def get_earliest_store_time(
        self, topic: str, queue_id: int, *, timeout: float | None = None
    ) -> int:
        """When a queue's first message was stored, in ms since 1970; -1 for an empty queue."""
        request = Requests.create_get_earliest_msg_storetime_request(
            topic, queue_id, bname=self.broker_name or None
        )
        answer = await self._call(request, timeout)
        return GetEarliestMsgStoretimeResponseHeader.from_ext_fields(answer.ext_fields).timestamp

    async def query_consumer_offset(
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
        request = Requests.create_query_consumer_offset_request(
            consumer_group,
            topic,
            queue_id,
            set_zero_if_not_found=set_zero_if_not_found,
            bname=self.broker_name or None,
        )
        answer = await self._call(request, timeout, also=(ResponseCode.QUERY_NOT_FOUND,))
        if answer.code == ResponseCode.QUERY_NOT_FOUND:
            return None
        return OffsetResult.from_value(answer.ext_fields or {}).offset

    async def update_consumer_offset(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        commit_offset: int,
        *,
        timeout: float | None = None,
    ) -> None:
        """Store a group's offset. Brokers store any number, also one past the end."""
        await self._call(self._update(consumer_group, topic, queue_id, commit_offset), timeout)

    async def update_consumer_offset_oneway(
        self, consumer_group: str, topic: str, queue_id: int, commit_offset: int
    ) -> None:
        """Store a group's offset without waiting for the answer, as the Java client does."""
        await self._remote.invoke_oneway(self._update(consumer_group, topic, queue_id, commit_offset))

    async def get_all_consumer_offset(
        self, *, timeout: float | None = None
    ) -> ConsumerOffsetSerializeWrapper:
        """All offsets of all groups: ``topic@group`` -> queue id -> offset."""
        request = Requests.create_get_all_consumer_offset_request()
        return await self._read(request, timeout, ConsumerOffsetSerializeWrapper)

    async def reset_offset(
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
        request = Requests.create_reset_offset_request(
            consumer_group, topic, timestamp, is_force=is_force, queue_id=queue_id, offset=offset
        )
        return (await self._read(request, timeout, ResetOffsetBody)).offset_table

    async def clone_group_offset(
        self,
        src_group: str,
        dest_group: str,
        topic: str | None = None,
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Give one group the offsets of another: of one topic, or of all that the other consumes."""
        request = Requests.create_clone_group_offset_request(src_group, dest_group, topic, offline=offline)
        await self._call(request, timeout)

    async def query_correction_offset(
        self,
        topic: str,
        compare_group: str,
        *,
        filter_groups: str | None = None,
        timeout: float | None = None,
    ) -> dict[int, int]:
        """The least offsets of the other groups of a topic, by queue id."""
        request = Requests.create_query_correction_offset_request(
            topic, compare_group, filter_groups=filter_groups
        )
        return (await self._read(request, timeout, QueryCorrectionOffsetBody)).correction_offsets

    async def get_consumer_status(
        self,
        consumer_group: str,
        topic: str,
        client_addr: str | None = None,
        *,
        timeout: float | None = None,
    ) -> GetConsumerStatusBody:
        """The offsets that the members of a group have in memory; the broker asks each of them."""
        request = Requests.create_get_consumer_status_request(consumer_group, topic, client_addr)
        return await self._read(request, timeout, GetConsumerStatusBody)

    def _update(self, consumer_group: str, topic: str, queue_id: int, commit_offset: int) -> RemotingCommand:
        return Requests.create_update_consumer_offset_request(
            consumer_group, topic, queue_id, commit_offset, bname=self.broker_name or None
        )

    async def _offset(self, request: RemotingCommand, timeout: float | None) -> int:
        answer = await self._call(request, timeout)
        return OffsetResult.from_value(answer.ext_fields or {}).offset
