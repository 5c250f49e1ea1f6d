"""Reads queues and offsets back, the same way on every server.

A broker answers a send when its log has the message; the queue gets its entry a moment later.
"""

from __future__ import annotations

from pyrocketmq._native.stored import MessageExt, decode_messages_strict
from pyrocketmq.model import (
    HeartbeatData,
    MessageModel,
    OffsetResult,
    ProducerData,
    PullMessageResult,
    RemotingCommand,
    SubscriptionData,
    TopicRouteData,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.producer_consumer import ConsumerData
from tests.servers import Server, Wire

READERS = "readers"


def pull(
    broker: Wire,
    topic: str,
    queue_id: int = 0,
    begin: int = 0,
    count: int = 32,
    *,
    expression: str = "*",
    kind: str = "TAG",
) -> PullMessageResult:
    """One pull that is not held."""
    command = Requests.create_pull_message_request(
        READERS, topic, queue_id, begin, count, subscription=expression, expression_type=kind
    )
    return PullMessageResult.from_command(broker.ask(command).command)


def read_queue(
    server: Server,
    broker: Wire,
    topic: str,
    queue_id: int,
    count: int,
    *,
    begin: int = 0,
    within: float = 20.0,
) -> list[MessageExt]:
    """The messages of a queue, once it has this many."""
    command = Requests.create_pull_message_request(READERS, topic, queue_id, begin, 32)

    def read() -> list[MessageExt] | None:
        answer = broker.ask(command).command
        if answer.code != 0:
            return None
        messages = decode_messages_strict(answer.body or b"")
        assert messages == PullMessageResult.from_command(answer).messages
        return messages if len(messages) >= count else None

    messages = server.until(read, f"{count} messages in queue {queue_id} of {topic}", within)
    assert len(messages) == count
    return messages


def offset(broker: Wire, command: RemotingCommand) -> int:
    """The offset that a request must be answered with."""
    return OffsetResult.from_value(broker.call(command).ext_fields).offset


def fields(command: RemotingCommand) -> dict[str, str]:
    """The ext fields of a command, none as no fields."""
    return command.ext_fields or {}


def join(
    broker: Wire,
    client_id: str,
    group: str,
    *subscriptions: SubscriptionData,
    consume_type: str = "CONSUME_PASSIVELY",
    model: str = MessageModel.CLUSTERING,
) -> RemotingCommand:
    """Make a connection a member of a consumer group."""
    consumer = ConsumerData(group, consume_type, model, subscription_data_set=list(subscriptions))
    return broker.call(
        Requests.create_heartbeat_request(HeartbeatData(client_id, consumer_data_set=[consumer]))
    )


def produce_as(broker: Wire, client_id: str, group: str) -> RemotingCommand:
    """Make a connection a member of a producer group."""
    data = HeartbeatData(client_id, producer_data_set=[ProducerData(group)])
    return broker.call(Requests.create_heartbeat_request(data))


def route_of(server: Server, name_server: Wire, topic: str) -> TopicRouteData:
    """The route of a topic, once the broker has registered it."""

    def ask() -> TopicRouteData | None:
        answer = name_server.ask(Requests.create_get_route_info_request(topic)).command
        return TopicRouteData.decode(answer.body) if answer.code == 0 else None

    return server.until(ask, f"{topic} is registered")
