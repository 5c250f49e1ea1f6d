"""The typed clients on the server of a test, and members of groups that they can be asked about."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.broker import SyncBrokerClient
from pyrocketmq.model import (
    ConsumerRunningInfo,
    HeartbeatData,
    Message,
    MessageQueue,
    ProducerData,
    RemotingCommand,
    RequestCode,
    SubscriptionData,
)
from pyrocketmq.model.client_data import ProcessQueueInfo
from pyrocketmq.model.producer_consumer import ConsumerData
from tests.servers import Server


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def new_name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex}"


def readable(
    server: Server, client: SyncBrokerClient, topic: str, queue_id: int, count: int
) -> list[MessageExt]:
    """The messages of a queue, once it has this many; its entries come a moment after the answers."""

    def read() -> list[MessageExt] | None:
        found = client.pull_message("readers", topic, queue_id, 0)
        return found.messages if len(found.messages) == count else None

    return server.until(read, f"{count} messages in queue {queue_id}")


def send_all(client: SyncBrokerClient, topic: str, bodies: Iterable[str], queue_id: int = 0) -> None:
    for body in bodies:
        client.send_message(Message(topic, body), queue_id)


def join(client: SyncBrokerClient, group: str, topic: str, expression: str = "*") -> str:
    """Make a connection a member of a consumer group and of a producer group; gives its client id."""
    client_id = new_name("client")
    subscription = SubscriptionData.build(topic, expression)
    member = ConsumerData(
        group, "CONSUME_PASSIVELY", "CLUSTERING", "CONSUME_FROM_LAST_OFFSET", [subscription]
    )
    client.heartbeat(HeartbeatData(client_id, [ProducerData(f"{group}-senders")], [member]))
    return client_id


def answer_with(body: bytes) -> Callable[[RemotingCommand], RemotingCommand]:
    return lambda request: RemotingCommand(0, opaque=request.opaque, body=body)


def tells_about_itself(client: SyncBrokerClient, queue: MessageQueue) -> None:
    """Let a member answer what brokers relay to it."""
    info = ConsumerRunningInfo(properties={"PROP_CONSUME_TYPE": "X"}, mq_table={queue: ProcessQueueInfo()})
    client.on_request(RequestCode.GET_CONSUMER_RUNNING_INFO, answer_with(info.encode()))
    consumed = b'{"consumeResult":"CR_SUCCESS","spentTimeMills":3}'
    client.on_request(RequestCode.CONSUME_MESSAGE_DIRECTLY, answer_with(consumed))
