# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncMembershipCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.membership import MembershipCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.client_data import (
        ConsumeMessageDirectlyResult,
        ConsumerConnection,
        ConsumerRunningInfo,
        ProducerConnection,
        ProducerInfo,
    )
    from pyrocketmq.model.heart_beat import HeartbeatData
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.producer_consumer import SubscriptionData

__all__ = ["SyncMembershipCalls"]


class SyncMembershipCalls(SyncBrokerCalls):
    """The blocking twin of MembershipCalls, for any number of threads."""

    def heartbeat(self, data: HeartbeatData, *, timeout: float | None = None) -> int:
        """Say which groups this client has. The broker knows the client by this connection.

        Returns:
            The version number of the broker, 513 for 5.5.0. Brokers accept nonsense here without an error.
        """
        return self._call(MembershipCalls.heartbeat, data, timeout=timeout)

    def unregister_client(
        self,
        client_id: str,
        *,
        producer_group: str | None = None,
        consumer_group: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Take one producer group or one consumer group of this client away."""
        self._call(
            MembershipCalls.unregister_client,
            client_id,
            producer_group=producer_group,
            consumer_group=consumer_group,
            timeout=timeout,
        )

    def get_consumers_by_group(self, consumer_group: str, *, timeout: float | None = None) -> list[str]:
        """The client ids of the members of a group that are connected to this broker."""
        return self._call(MembershipCalls.get_consumers_by_group, consumer_group, timeout=timeout)

    def lock_batch_mq(
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
        return self._call(MembershipCalls.lock_batch_mq, consumer_group, client_id, mq_set, timeout=timeout)

    def unlock_batch_mq(
        self,
        consumer_group: str,
        client_id: str,
        mq_set: Iterable[MessageQueue],
        *,
        timeout: float | None = None,
    ) -> None:
        """Give locks back."""
        self._call(MembershipCalls.unlock_batch_mq, consumer_group, client_id, mq_set, timeout=timeout)

    def check_client_config(
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
        self._call(
            MembershipCalls.check_client_config, client_id, consumer_group, subscription, timeout=timeout
        )

    def get_consumer_running_info(
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
        return self._call(
            MembershipCalls.get_consumer_running_info,
            consumer_group,
            client_id,
            jstack_enable=jstack_enable,
            timeout=timeout,
        )

    def consume_message_directly(
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
        return self._call(
            MembershipCalls.consume_message_directly,
            consumer_group,
            client_id,
            msg_id,
            topic=topic,
            timeout=timeout,
        )

    def get_consumer_connections(
        self, consumer_group: str, *, timeout: float | None = None
    ) -> ConsumerConnection:
        """The members of a group that are connected to this broker, and what the group subscribes.

        Raises:
            ClientOfflineError: there is none.
        """
        return self._call(MembershipCalls.get_consumer_connections, consumer_group, timeout=timeout)

    def get_producer_connections(
        self, producer_group: str, *, timeout: float | None = None
    ) -> ProducerConnection:
        """The producers of a group that are connected to this broker.

        Raises:
            ClientOfflineError: there is none.
        """
        return self._call(MembershipCalls.get_producer_connections, producer_group, timeout=timeout)

    def get_all_producers(self, *, timeout: float | None = None) -> dict[str, list[ProducerInfo]]:
        """All producers that are connected to this broker, by group."""
        return self._call(MembershipCalls.get_all_producers, timeout=timeout)
