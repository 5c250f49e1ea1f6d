"""Clients and their groups: heartbeats, locks, who is connected, what a client says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.errors import ClientOfflineError
from pyrocketmq.model.client_data import (
    CheckClientRequestBody,
    ConsumeMessageDirectlyResult,
    ConsumerConnection,
    ConsumerRunningInfo,
    GetConsumerListByGroupResponseBody,
    ProducerConnection,
    ProducerTableInfo,
)
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.result_data import LockBatchResponseBody

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.client_data import ProducerInfo
    from pyrocketmq.model.heart_beat import HeartbeatData
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.producer_consumer import SubscriptionData

__all__ = ["MembershipCalls"]


class MembershipCalls(BrokerCalls):
    """What clients tell a broker about themselves, and what can be asked about them."""

    async def heartbeat(self, data: HeartbeatData, *, timeout: float | None = None) -> int:
        """Say which groups this client has. The broker knows the client by this connection.

        Returns:
            The version number of the broker, 513 for 5.5.0. Brokers accept nonsense here without an error.
        """
        return (await self._call(Requests.create_heartbeat_request(data), timeout)).version

    async def unregister_client(
        self,
        client_id: str,
        *,
        producer_group: str | None = None,
        consumer_group: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Take one producer group or one consumer group of this client away."""
        request = Requests.create_unregister_client_request(
            client_id, producer_group=producer_group, consumer_group=consumer_group
        )
        await self._call(request, timeout)

    async def get_consumers_by_group(self, consumer_group: str, *, timeout: float | None = None) -> list[str]:
        """The client ids of the members of a group that are connected to this broker."""
        request = Requests.create_get_consumer_list_request(consumer_group, bname=self.broker_name or None)
        try:
            body = await self._read(request, timeout, GetConsumerListByGroupResponseBody)
        except ClientOfflineError:  # brokers call an empty group a system error
            return []
        return body.consumer_id_list

    async def lock_batch_mq(
        self,
        consumer_group: str,
        client_id: str,
        mq_set: Iterable[MessageQueue],
        *,
        timeout: float | None = None,
    ) -> set[MessageQueue]:
        """Lock queues for ordered consumption; a lock lasts 60 s, so it is renewed.

        Returns:
            The queues that this client holds now. Those that others hold are missing; that is no error.
        """
        request = Requests.create_lock_batch_mq_request(
            consumer_group, client_id, mq_set, bname=self.broker_name or None
        )
        return set((await self._read(request, timeout, LockBatchResponseBody)).lock_ok_mq_set)

    async def unlock_batch_mq(
        self,
        consumer_group: str,
        client_id: str,
        mq_set: Iterable[MessageQueue],
        *,
        timeout: float | None = None,
    ) -> None:
        """Give locks back."""
        request = Requests.create_unlock_batch_mq_request(
            consumer_group, client_id, mq_set, bname=self.broker_name or None
        )
        await self._call(request, timeout)

    async def check_client_config(
        self,
        client_id: str,
        consumer_group: str,
        subscription: SubscriptionData,
        *,
        timeout: float | None = None,
    ) -> None:
        """Let the broker check an SQL92 subscription; a pull would not report a wrong one.

        Raises:
            InvalidRequestError: the expression has a fault.
        """
        body = CheckClientRequestBody(client_id, consumer_group, subscription)
        await self._call(Requests.create_check_client_config_request(body), timeout)

    async def get_consumer_running_info(
        self,
        consumer_group: str,
        client_id: str,
        *,
        jstack_enable: bool = False,
        timeout: float | None = None,
    ) -> ConsumerRunningInfo:
        """The state of one member of a group; the broker asks the client.

        Args:
            consumer_group: the group.
            client_id: the member.
            jstack_enable: with the stacks of its threads.
            timeout: seconds for this call.

        Raises:
            ClientOfflineError: the client is not connected to this broker.
        """
        request = Requests.create_get_consumer_running_info_request(
            consumer_group, client_id, jstack_enable=jstack_enable
        )
        return await self._read(request, timeout, ConsumerRunningInfo)

    async def consume_message_directly(
        self,
        consumer_group: str,
        client_id: str,
        msg_id: str,
        *,
        topic: str | None = None,
        timeout: float | None = None,
    ) -> ConsumeMessageDirectlyResult:
        """Let one member of a group consume a message now; ``msg_id`` is its offset id.

        Raises:
            ClientOfflineError: the client is not connected to this broker.
            NotFoundError: this broker has no such message.
        """
        request = Requests.create_consume_message_directly_request(
            consumer_group, client_id, msg_id=msg_id, broker_name=self.broker_name or None, topic=topic
        )
        return await self._read(request, timeout, ConsumeMessageDirectlyResult)

    async def get_consumer_connections(
        self, consumer_group: str, *, timeout: float | None = None
    ) -> ConsumerConnection:
        """The members of a group that are connected to this broker, and what the group subscribes.

        Raises:
            ClientOfflineError: there is none.
        """
        request = Requests.create_get_consumer_connection_list_request(consumer_group)
        return await self._read(request, timeout, ConsumerConnection)

    async def get_producer_connections(
        self, producer_group: str, *, timeout: float | None = None
    ) -> ProducerConnection:
        """The producers of a group that are connected to this broker.

        Raises:
            ClientOfflineError: there is none.
        """
        request = Requests.create_get_producer_connection_list_request(producer_group)
        return await self._read(request, timeout, ProducerConnection)

    async def get_all_producers(self, *, timeout: float | None = None) -> dict[str, list[ProducerInfo]]:
        """All producers that are connected to this broker, by group."""
        request = Requests.create_get_all_producer_info_request()
        return (await self._read(request, timeout, ProducerTableInfo)).data
