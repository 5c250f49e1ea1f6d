# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncMessageAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.calls import SyncAdminCalls
from pyrocketmq.admin.messages import TRACE_TOPIC, MessageAdmin

if TYPE_CHECKING:
    from pyrocketmq.admin.progress import Time
    from pyrocketmq.admin.results import MessageView, SentMessage, TraceRecord
    from pyrocketmq.model.client_data import ConsumeMessageDirectlyResult

__all__ = ["SyncMessageAdmin"]


class SyncMessageAdmin(SyncAdminCalls):
    """The blocking twin of MessageAdmin, for any number of threads."""

    def message_by_id(self, msg_id: str, *, topic: str | None = None) -> MessageView:
        """The message with an id: the one that a broker gave, or, with ``topic``, the one of its sender.

        Raises:
            NotFoundError: there is no such message.
            DeserializationError: it is no id.
            AdminError: it is a sender's id, which needs the topic.
        """
        return self._call(MessageAdmin.message_by_id, msg_id, topic=topic)

    def messages_by_unique_key(self, topic: str, unique_key: str) -> list[MessageView]:
        """The messages with the id that their sender gave; several when a send was repeated.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        return self._call(MessageAdmin.messages_by_unique_key, topic, unique_key)

    def messages_by_key(
        self, topic: str, key: str, *, begin: Time | None = None, end: Time | None = None, max_num: int = 64
    ) -> list[MessageView]:
        """The messages of a topic that have an index key, by store time.

        Args:
            topic: the topic.
            key: one of the message's keys.
            begin: only those stored then or later.
            end: only those stored then or earlier.
            max_num: at most this many from each broker.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        return self._call(MessageAdmin.messages_by_key, topic, key, begin=begin, end=end, max_num=max_num)

    def message_by_offset(self, topic: str, broker: str, queue_id: int, offset: int) -> MessageView:
        """The message at a place of a queue.

        Raises:
            NotFoundError: there is none.
        """
        return self._call(MessageAdmin.message_by_offset, topic, broker, queue_id, offset)

    def read_messages(
        self,
        topic: str,
        *,
        broker: str | None = None,
        queue_id: int | None = None,
        begin: Time | None = None,
        end: Time | None = None,
        expression: str = "*",
        max_num: int = 64,
    ) -> list[MessageView]:
        """Messages of a topic as they are stored, by store time, without consuming them.

        Args:
            topic: the topic.
            broker: only this broker, by its name.
            queue_id: only queues with this number.
            begin: only those stored then or later.
            end: only those stored then or earlier.
            expression: a tag expression.
            max_num: at most this many of each queue, the oldest.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        return self._call(
            MessageAdmin.read_messages,
            topic,
            broker=broker,
            queue_id=queue_id,
            begin=begin,
            end=end,
            expression=expression,
            max_num=max_num,
        )

    def message_trace(
        self, msg_id: str, *, trace_topic: str = TRACE_TOPIC, max_num: int = 64
    ) -> list[TraceRecord]:
        """What clients have traced about a message: its send and its deliveries, by time.

        Args:
            msg_id: the id that its sender gave, or one of its keys.
            trace_topic: where the clients write their traces.
            max_num: messages of the trace topic to look at on each broker.

        Raises:
            RouteNotFoundError: there is no trace topic: no client traces.
        """
        return self._call(MessageAdmin.message_trace, msg_id, trace_topic=trace_topic, max_num=max_num)

    def resend_message(
        self, msg_id: str, *, topic: str | None = None, to_topic: str | None = None
    ) -> SentMessage:
        """Send a stored message once more: its body, tags, keys and properties, with a new id.

        A message of a retry topic or of the dead letters goes to the topic that it came from. One with a
        sharding key goes to the queue of that key; others stay on their broker if they can. Delays,
        transactions and whatever else belongs to one delivery are not repeated.

        Args:
            msg_id: as for ``message_by_id``.
            topic: the topic that has the message; needed for the id that its sender gave.
            to_topic: send it here.

        Raises:
            NotFoundError: there is no such message.
            AdminError: it does not say which topic it came from.
            BrokerError: the broker did not store it.
        """
        return self._call(MessageAdmin.resend_message, msg_id, topic=topic, to_topic=to_topic)

    def consume_directly(self, group: str, client_id: str, msg_id: str) -> ConsumeMessageDirectlyResult:
        """Let a member of a group consume a message now; ``msg_id`` is the id that a broker gave.

        Raises:
            ClientOfflineError: the client is not connected to the broker of the message.
        """
        return self._call(MessageAdmin.consume_directly, group, client_id, msg_id)
