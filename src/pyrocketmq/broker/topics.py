"""Topics as a broker keeps them: settings and filling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.flags import Perm
from pyrocketmq.model.topic_data import (
    CreateTopicListRequestBody,
    TopicConfig,
    TopicConfigSerializeWrapper,
    TopicList,
    TopicStatsTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TopicCalls"]


class TopicCalls(BrokerCalls):
    """Creating, changing, deleting and looking at topics."""

    async def create_topic(
        self,
        topic: str,
        read_queue_nums: int = 8,
        write_queue_nums: int = 8,
        perm: int = Perm.READ | Perm.WRITE,
        *,
        order: bool = False,
        attributes: str | None = None,
        topic_sys_flag: int = 0,
        topic_filter_type: str = "SINGLE_TAG",
        timeout: float | None = None,
    ) -> None:
        """Create or change a topic on this broker.

        Args:
            topic: name, 1 to 127 characters.
            read_queue_nums: queues that consumers see.
            write_queue_nums: queues that producers see.
            perm: 2 write + 4 read.
            order: whether its messages are ordered over brokers.
            attributes: such as ``+message.type=FIFO``, 5.x only.
            topic_sys_flag: 1 unit, 2 unit-subscribed.
            topic_filter_type: ``SINGLE_TAG`` or ``MULTI_TAG``.
            timeout: seconds for this call.

        Raises:
            InvalidRequestError: the name is not one the broker takes.
        """
        request = Requests.create_create_topic_request(
            topic,
            read_queue_nums,
            write_queue_nums,
            perm,
            order=order,
            attributes=attributes,
            topic_sys_flag=topic_sys_flag,
            topic_filter_type=topic_filter_type,
        )
        await self._call(request, timeout)

    async def create_topics(self, configs: Iterable[TopicConfig], *, timeout: float | None = None) -> None:
        """Create or change several topics in one request (5.x)."""
        body = CreateTopicListRequestBody(list(configs))
        await self._call(Requests.create_create_topic_list_request(body), timeout)

    async def delete_topic(self, topic: str, *, timeout: float | None = None) -> None:
        """Delete a topic on this broker; does nothing when there is none."""
        await self._call(Requests.create_delete_topic_request(topic), timeout)

    async def get_topic_config(self, topic: str, *, timeout: float | None = None) -> TopicConfig:
        """The settings of a topic (5.x).

        Raises:
            TopicNotFoundError: this broker has no such topic.
        """
        return await self._read(Requests.create_get_topic_config_request(topic), timeout, TopicConfig)

    async def get_all_topic_config(self, *, timeout: float | None = None) -> dict[str, TopicConfig]:
        """The settings of all topics, those of the system included."""
        request = Requests.create_get_all_topic_config_request()
        return (await self._read(request, timeout, TopicConfigSerializeWrapper)).topic_config_table

    async def get_topic_stats(self, topic: str, *, timeout: float | None = None) -> TopicStatsTable:
        """First and last offset of each queue of a topic on this broker, and when it got its last message.

        Raises:
            TopicNotFoundError: this broker has no such topic.
        """
        request = Requests.create_get_topic_stats_info_request(topic)
        return await self._read(request, timeout, TopicStatsTable)

    async def get_system_topics(self, *, timeout: float | None = None) -> list[str]:
        """The topics that the broker made for itself."""
        request = Requests.create_get_system_topic_list_from_broker_request()
        return (await self._read(request, timeout, TopicList)).topic_list
