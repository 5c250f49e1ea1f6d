"""What clients tell a broker about themselves, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyrocketmq.model.client_data import GetConsumerListByGroupResponseBody
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.producer_consumer import ConsumerData, ProducerData, SubscriptionData
from tests.server.client import Client

NOTICE = 40


async def eventually(check: Callable[[], object]) -> None:
    """Let the loop run until something holds, for five seconds at most."""
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def join(
    client: Client, client_id: str = "me", group: str = "cg", *wanted: SubscriptionData, topic: str = "T"
) -> None:
    """Become a member of a consumer group, by default for all messages of a topic."""
    subscriptions = list(wanted) or [SubscriptionData.build(topic)]
    consumer = ConsumerData(group, subscription_data_set=subscriptions)
    answer = await client.ask(34, body=HeartbeatData(client_id, consumer_data_set=[consumer]).encode())
    assert 0 == answer.code, answer.remark


async def produce(client: Client, client_id: str = "me", group: str = "pg") -> None:
    """Become a member of a producer group."""
    body = HeartbeatData(client_id, producer_data_set=[ProducerData(group)]).encode()
    answer = await client.ask(34, body=body)
    assert 0 == answer.code, answer.remark


async def members(client: Client, group: str = "cg") -> list[str]:
    """The ids of a group's members."""
    answer = await client.ask(38, {"consumerGroup": group})
    if answer.code != 0:
        return []
    return GetConsumerListByGroupResponseBody.decode(answer.body).consumer_id_list


def notices(client: Client) -> list[str]:
    """The groups that the client was told of a change in, so far; they are forgotten then."""
    groups = [
        (request.ext_fields or {})["consumerGroup"] for request in client.pushed if request.code == NOTICE
    ]
    client.pushed.clear()
    return groups
