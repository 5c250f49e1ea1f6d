"""Messages over all brokers: by id, by key, by place, by time, their traces, and sending one once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.progress import to_ms
from pyrocketmq.admin.resending import copy_of, origin_of, queue_for, sent
from pyrocketmq.admin.results import MessageView, TraceRecord
from pyrocketmq.broker.reading import MAX_MS, TOOLS_GROUP
from pyrocketmq.errors import (
    AdminError,
    DeserializationError,
    NotFoundError,
    TopicNotFoundError,
)
from pyrocketmq.model.message_results import PullStatus
from pyrocketmq.model.trace import decode_traces
from pyrocketmq.transport.utils import format_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.admin.progress import Time
    from pyrocketmq.admin.results import SentMessage
    from pyrocketmq.broker.client import BrokerClient
    from pyrocketmq.model.client_data import ConsumeMessageDirectlyResult
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.trace import TraceContext

__all__ = ["TRACE_TOPIC", "MessageAdmin"]

TRACE_TOPIC: Final = "RMQ_SYS_TRACE_TOPIC"

_PULL_AT_ONCE: Final = 32


class MessageAdmin(AdminCalls):
    """Look-ups of messages, and what can be done with one that was found."""

    async def message_by_id(self, msg_id: str, *, topic: str | None = None) -> MessageView:
        """The message with an id: the one that a broker gave, or, with ``topic``, the one of its sender.

        Raises:
            NotFoundError: there is no such message.
            DeserializationError: it is no id.
            AdminError: it is a sender's id, which needs the topic.
        """
        place = decode_offset_message_id(msg_id)
        address = format_address(place.ip, place.port)
        info = await self._cluster_info()
        for name, data in info.broker_addr_table.items():
            if address in data.broker_addrs.values():
                message = await self._broker(address, name).get_message_by_id(msg_id, topic=topic)
                return MessageView.of(message)
        if topic is None:
            raise AdminError(
                f"message id {msg_id} names the broker {address}, which is not registered",
                field="msg_id",
                likely="it is the id that the sender gave, or its broker is gone",
                advice="give the topic too",
            )
        found = await self.messages_by_unique_key(topic, msg_id)
        if not found:
            raise NotFoundError(
                f"no broker has a message with the id {msg_id} in topic {topic!r}",
                topic=topic,
                likely="it was deleted after its retention time, or is in another topic",
            )
        return found[0]

    async def messages_by_unique_key(self, topic: str, unique_key: str) -> list[MessageView]:
        """The messages with the id that their sender gave; several when a send was repeated.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        found = await self._each(
            await self._readers_of_topic(topic),
            lambda client: client.query_message_by_unique_key(topic, unique_key),
        )
        return _views(message for _, messages in found for message in messages)

    async def messages_by_key(
        self,
        topic: str,
        key: str,
        *,
        begin: Time | None = None,
        end: Time | None = None,
        max_num: int = 64,
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
        messages = await self._by_key(topic, key, begin, end, max_num)
        return _views(messages)

    async def message_by_offset(self, topic: str, broker: str, queue_id: int, offset: int) -> MessageView:
        """The message at a place of a queue.

        Raises:
            NotFoundError: there is none.
        """
        (client,) = await self._readers(broker=broker)
        return MessageView.of(await client.view_message(topic, queue_id, offset))

    async def read_messages(
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
        route = await self._name_servers.get_route_info(topic)
        where = {client.broker_name: client for client in await self._readers_of_topic(topic)}
        queues = [
            queue
            for queue in route.subscribe_queues(topic)
            if (broker is None or queue.broker_name == broker)
            and (queue_id is None or queue.queue_id == queue_id)
            and queue.broker_name in where
        ]
        bounds = (0 if begin is None else to_ms(begin), MAX_MS if end is None else to_ms(end))
        parts = await self._all_of(
            {
                f"queue {queue.queue_id} of {queue.broker_name}": _read_queue(
                    where[queue.broker_name], queue, bounds, expression, max_num
                )
                for queue in queues
            },
            "queues",
        )
        return _views(message for part in parts for message in part)

    async def message_trace(
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
        records: dict[tuple[object, ...], TraceRecord] = {}
        for message in await self._by_key(trace_topic, msg_id, None, None, max_num):
            try:
                contexts = decode_traces(message.body.decode("utf-8", "replace"))
            except DeserializationError:
                continue  # a client that writes them in a form of its own
            for record in _records(contexts, msg_id, message):
                records[record.kind, record.request_id, record.time_ms, record.client_host] = record
        return sorted(records.values(), key=lambda record: (record.time_ms, record.kind))

    async def resend_message(
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
        found = await self.message_by_id(msg_id, topic=topic)
        message = copy_of(found, to_topic or origin_of(found))
        queues = await self._queues_to_send(message.topic)
        if not queues:
            raise AdminError(
                f"topic {message.topic!r} has no queue that takes messages",
                field="topic",
                likely="its permission is read-only, or its brokers have no master",
                advice=f"pyrocketmq topic perm {message.topic} rw",
            )
        queue = queue_for(message, found, queues)
        client = await self._master_of(message.topic, queue.broker_name)
        return sent(message, client, await client.send_message(message, queue.queue_id))

    async def consume_directly(self, group: str, client_id: str, msg_id: str) -> ConsumeMessageDirectlyResult:
        """Let a member of a group consume a message now; ``msg_id`` is the id that a broker gave.

        Raises:
            ClientOfflineError: the client is not connected to the broker of the message.
        """
        place = decode_offset_message_id(msg_id)
        (client,) = await self._readers(broker=format_address(place.ip, place.port))
        return await client.consume_message_directly(group, client_id, msg_id)

    async def _by_key(
        self, topic: str, key: str, begin: Time | None, end: Time | None, max_num: int
    ) -> list[MessageExt]:
        bounds = (0 if begin is None else to_ms(begin), MAX_MS if end is None else to_ms(end))
        found = await self._each(
            await self._readers_of_topic(topic),
            lambda client: client.query_message(
                topic, key, max_num=max_num, begin_timestamp=bounds[0], end_timestamp=bounds[1]
            ),
            ignore=(TopicNotFoundError,),
        )
        return [message for _, messages in found for message in messages]


async def _read_queue(
    client: BrokerClient, queue: MessageQueue, bounds: tuple[int, int], expression: str, max_num: int
) -> list[MessageExt]:
    begin, end = bounds
    offset = await client.get_min_offset(queue.topic, queue.queue_id)
    if begin:
        offset = max(offset, await client.search_offset(queue.topic, queue.queue_id, begin))
    found: list[MessageExt] = []
    while len(found) < max_num:
        result = await client.pull_message(
            TOOLS_GROUP, queue.topic, queue.queue_id, offset, _PULL_AT_ONCE, subscription=expression
        )
        for message in result.messages:
            if message.store_timestamp > end:
                return found
            if message.store_timestamp >= begin and len(found) < max_num:
                found.append(message)
        if result.status is PullStatus.NO_NEW_MSG or result.next_begin_offset <= offset:
            break
        offset = result.next_begin_offset
    return found


def _views(messages: Iterable[MessageExt]) -> list[MessageView]:
    return sorted(
        map(MessageView.of, messages), key=lambda view: (view.stored_ms, view.broker, view.queue_offset)
    )


def _records(contexts: list[TraceContext], key: str, message: MessageExt) -> list[TraceRecord]:
    """The records of the traces that concern one message."""
    # SubAfter names no message id in some releases: its request id joins it with the SubBefore before it.
    mine = {
        context.request_id
        for context in contexts
        for bean in context.beans
        if key in (bean.msg_id, bean.offset_msg_id) or key in (bean.keys or "").split()
    }
    return [
        TraceRecord(
            context.trace_type,
            context.timestamp,
            context.group_name,
            bean.topic,
            bean.msg_id,
            bean.tags,
            bean.keys,
            format_address(*message.born_host),
            bean.store_host,
            context.cost_time,
            context.success,
            bean.retry_times,
            context.request_id,
            bean.transaction_state,
        )
        for context in contexts
        for bean in context.beans
        if key in (bean.msg_id, bean.offset_msg_id)
        or key in (bean.keys or "").split()
        or (context.request_id and context.request_id in mine)
    ]
