"""Queues divided by the broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client
from tests.server.popping import GROUP, TOPIC, make_topic


def heartbeat(client_id: str) -> bytes:
    consumer = {"groupName": GROUP, "subscriptionDataSet": [{"topic": TOPIC, "subString": "*"}]}
    return json.dumps({"clientID": client_id, "consumerDataSet": [consumer]}).encode()


async def shares(client: Client, client_id: str, **changes: str) -> list[tuple[str, int, str]] | None:
    """Broker, queue id and mode of each assigned queue; None for no assignment."""
    wanted = {
        "topic": TOPIC,
        "consumerGroup": GROUP,
        "clientId": client_id,
        "strategyName": "AVG",
        "messageModel": "CLUSTERING",
    } | changes
    answer = await client.ask(400, body=json.dumps(wanted).encode())
    assert 0 == answer.code
    found = json.loads(answer.body or b"").get("messageQueueAssignments")
    if found is None:
        return None
    return [(one["messageQueue"]["brokerName"], one["messageQueue"]["queueId"], one["mode"]) for one in found]


async def set_mode(client: Client, mode: str, shared: int = 0, topic: str = TOPIC) -> int:
    body = {"topic": topic, "consumerGroup": GROUP, "mode": mode, "popShareQueueNum": shared}
    return (await client.ask(401, body=json.dumps(body).encode())).code


async def test_queues_of_all_brokers_are_divided_among_the_members() -> None:
    async with (
        EmbeddedServer(ServerConfig(brokers=2)) as server,
        Client(server.brokers[0].address) as one,
        Client(server.brokers[1].address) as two,
    ):
        for client in (one, two):
            await make_topic(client, 2)
            await client.ask(34, body=heartbeat("c1"))
        alone = await shares(one, "c1")
        async with Client(server.brokers[0].address) as other:
            await other.ask(34, body=heartbeat("c2"))
            divided = [await shares(one, client_id) for client_id in ("c1", "c2", "c3")]
            by_circle = await shares(one, "c2", strategyName="AVG_BY_CIRCLE")

    a, b = ([(name, index, "PULL") for index in range(2)] for name in ("broker-a", "broker-b"))
    assert a + b == alone
    assert [a, b, []] == divided
    assert [a[1], b[1]] == by_circle


@pytest.mark.parametrize(
    "changes", [{"strategyName": "bogus"}, {"topic": "nowhere"}, {"consumerGroup": "nobody"}]
)
async def test_what_cannot_be_divided_is_not_assigned(client: Client, changes: dict[str, str]) -> None:
    await make_topic(client)
    await client.ask(34, body=heartbeat("c1"))

    assert await shares(client, "c1", **changes) is None


async def test_everybody_gets_all_queues_of_a_broadcast(client: Client) -> None:
    await make_topic(client)

    expected = [("broker-a", 0, "PULL"), ("broker-a", 1, "PULL")]
    assert expected == await shares(client, "stranger", messageModel="BROADCASTING")


async def test_a_group_that_pops_shares_the_queues(server: EmbeddedServer, client: Client) -> None:
    await make_topic(client, 3)
    await client.ask(34, body=heartbeat("c1"))
    assert 0 == await set_mode(client, "POP")
    alone = await shares(client, "c1")
    async with Client(server.brokers[0].address) as two, Client(server.brokers[0].address) as three:
        await two.ask(34, body=heartbeat("c2"))
        await three.ask(34, body=heartbeat("c3"))
        await set_mode(client, "POP", 1)
        shared = [await shares(client, client_id) for client_id in ("c1", "c3", "c9")]

    assert [("broker-a", -1, "POP")] == alone
    assert [[0, 1], [2, 0]] == [[queue_id for _, queue_id, _ in found or ()] for found in shared[:2]]
    assert [] == shared[2]


async def test_modes_are_listed_and_outlive_a_restart(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await set_mode(client, "POP", 2)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        modes = json.loads((await client.ask(402)).body or b"")

    wanted = {"topic": TOPIC, "consumerGroup": GROUP, "mode": "POP", "popShareQueueNum": 2}
    assert {"messageRequestModeMap": {TOPIC: {GROUP: wanted}}} == modes


async def test_modes_that_cannot_be_are_refused(client: Client) -> None:
    codes = [await set_mode(client, "POP", topic=f"%RETRY%{GROUP}"), await set_mode(client, "PUSH")]

    assert [16, 29] == codes
