"""Heartbeats, members, notices of changes, subscriptions."""

from __future__ import annotations

import pytest

from pyrocketmq._clock import MovableClock
from pyrocketmq.model.client_data import (
    CheckClientRequestBody,
    ConsumerConnection,
    ProducerConnection,
    ProducerTableInfo,
)
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.producer_consumer import ConsumerData, SubscriptionData
from pyrocketmq.server import EmbeddedServer
from tests.server.client import Client
from tests.server.heartbeats import eventually, join, members, notices, produce


async def test_all_members_are_told_when_one_joins_the_new_one_too(
    server: EmbeddedServer, client: Client
) -> None:
    await join(client, "first")
    assert ["cg"] == notices(client)
    async with Client(server.brokers[0].address) as other:
        await join(other, "second")

        assert ["first", "second"] == await members(client)
        assert ["cg"] == notices(client)
        assert ["cg"] == notices(other)


async def test_members_are_told_when_the_topics_change_and_not_when_a_version_does(client: Client) -> None:
    await join(client, "me", "cg", SubscriptionData.build("T", version=1))
    notices(client)

    await join(client, "me", "cg", SubscriptionData.build("T", "new", version=2))
    assert ["me"] == await members(client)
    assert [] == notices(client)

    await join(client, "me", "cg", SubscriptionData.build("U", version=3))
    assert ["me"] == await members(client)
    assert ["cg"] == notices(client)


async def test_a_closed_connection_leaves_its_groups_at_once(server: EmbeddedServer, client: Client) -> None:
    await join(client, "stays")
    async with Client(server.brokers[0].address) as other:
        await join(other, "goes")
    notices(client)
    await eventually(lambda: client.pushed)

    assert ["stays"] == await members(client)
    assert ["cg"] == notices(client)


async def test_unregistering_leaves_one_group_and_tells_the_others(
    server: EmbeddedServer, client: Client
) -> None:
    await join(client, "stays")
    async with Client(server.brokers[0].address) as other:
        await join(other, "goes")
        await join(other, "goes", "elsewhere")
        notices(client)
        notices(other)

        answer = await other.ask(35, {"clientID": "goes", "consumerGroup": "cg"})

        assert 0 == answer.code
        assert ["stays"] == await members(client)
        assert ["goes"] == await members(other, "elsewhere")
        assert ["cg"] == notices(client)
        assert [] == notices(other)


async def test_a_group_without_members_has_no_list(client: Client) -> None:
    answer = await client.ask(38, {"consumerGroup": "cg"})

    assert (1, "no consumer for this group, cg") == (answer.code, answer.remark)


async def test_a_client_without_heartbeat_for_two_minutes_is_dropped(
    server: EmbeddedServer, client: Client
) -> None:
    async with Client(server.brokers[0].address) as silent:
        await join(silent, "silent")
        await produce(silent, "silent")
        server.advance(100)
        await join(client, "alive")
        server.advance(19)
        assert ["silent", "alive"] == await members(client)
        notices(client)

        server.advance(11)

        assert ["alive"] == await members(client)
        assert ["cg"] == notices(client)
        assert not server.brokers[0].clients.producers
        await eventually(lambda: not silent.connection.is_open)


async def test_no_client_is_silent_because_a_test_has_moved_the_clock() -> None:
    async with EmbeddedServer(clock=MovableClock()) as server, Client(server.brokers[0].address) as client:
        await join(client)
        server.advance(3600)

        assert ["me"] == await members(client)


async def test_tools_see_the_connections_of_groups(client: Client) -> None:
    await join(client, "me", "cg", SubscriptionData.build("T", "new || paid", version=7))
    await produce(client, "me", "pg")

    consumers = ConsumerConnection.decode((await client.ask(203, {"consumerGroup": "cg"})).body)
    producers = ProducerConnection.decode((await client.ask(204, {"producerGroup": "pg"})).body)
    table = ProducerTableInfo.decode((await client.ask(328)).body)

    (connection,) = consumers.connection_set
    assert ("me", "JAVA", 513) == (connection.client_id, connection.language, connection.version)
    assert {"T"} == set(consumers.subscription_table)
    assert ["new", "paid"] == sorted(consumers.subscription_table["T"].tags_set)
    assert ("CONSUME_PASSIVELY", "CLUSTERING") == (consumers.consume_type, consumers.message_model)
    assert ["me"] == [one.client_id for one in producers.connection_set]
    assert ["me"] == [one.client_id for one in table.data["pg"]]


async def test_tools_are_told_that_a_group_is_not_online(client: Client) -> None:
    consumers = await client.ask(203, {"consumerGroup": "cg"})
    producers = await client.ask(204, {"producerGroup": "pg"})

    assert (206, "the consumer group[cg] not online") == (consumers.code, consumers.remark)
    assert (1, "the producer group[pg] not exist") == (producers.code, producers.remark)


async def test_a_heartbeat_makes_the_retry_topic_of_its_group(server: EmbeddedServer, client: Client) -> None:
    await join(client)

    topic = server.brokers[0].topics.get("%RETRY%cg")
    assert topic is not None
    assert (1, 6) == (topic.write_queues, topic.perm)


async def test_a_heartbeat_that_cannot_be_read_is_refused(client: Client) -> None:
    answer = await client.ask(34, body=b"{not json")

    assert 1 == answer.code


async def test_subscriptions_may_be_left_out_once_the_broker_knows_them(client: Client) -> None:
    """Otherwise a client that comes back to a new broker would stay without a subscription."""

    async def beat(*, without: bool) -> str:
        wanted = [] if without else [SubscriptionData.build("T")]
        data = HeartbeatData(
            "me", consumer_data_set=[ConsumerData("cg", subscription_data_set=wanted)], without_sub=without
        )
        data.heartbeat_fingerprint = 42
        answer = await client.ask(34, body=data.encode())
        return (answer.ext_fields or {})["IS_SUB_CHANGE"]

    assert ["true", "false", "false"] == [
        await beat(without=True),
        await beat(without=False),
        await beat(without=True),
    ]
    await client.send("T")
    assert 0 == (await client.pull("T", sys_flag=0, subscription="")).code


async def test_a_pull_is_filtered_by_what_the_heartbeat_asked_for(client: Client) -> None:
    await join(client, "me", "cg", SubscriptionData.build("T", "new", version=5))
    for tag in ("new", "old", "new"):
        await client.send("T", tag.encode(), properties=f"TAGS\x01{tag}\x02")

    assert [b"new", b"new"] == (await client.pull("T", sys_flag=0, sub_version=5)).bodies


async def test_a_condition_of_a_heartbeat_filters_pulls(client: Client) -> None:
    await join(client, "me", "cg", SubscriptionData.build("T", "price > 5", "SQL92", version=5))
    for price in (3, 7):
        await client.send("T", b"%d" % price, properties=f"price\x01{price}\x02")

    assert [b"7"] == (await client.pull("T", sys_flag=0, sub_version=5, expression_type="SQL92")).bodies


@pytest.mark.parametrize(
    ("wanted", "version", "code"),
    [
        ("another topic", 0, 24),
        ("an older subscription", 9, 25),
        ("a condition that cannot be read", 5, 27),
    ],
)
async def test_a_pull_that_does_not_fit_the_heartbeat_is_refused(
    client: Client, wanted: str, version: int, code: int
) -> None:
    await client.send("T")
    subscription = {
        "another topic": SubscriptionData.build("U"),
        "an older subscription": SubscriptionData.build("T", version=5),
        "a condition that cannot be read": SubscriptionData.build("T", "price >", "SQL92", version=5),
    }[wanted]
    await join(client, "me", "cg", subscription)

    answer = await client.ask(
        11,
        {
            "consumerGroup": "cg",
            "topic": "T",
            "queueId": "0",
            "queueOffset": "0",
            "maxMsgNums": "32",
            "sysFlag": "0",
            "commitOffset": "0",
            "suspendTimeoutMillis": "0",
            "subVersion": str(version),
        },
    )
    assert code == answer.code


async def test_conditions_are_checked_for_clients_with_the_place_of_the_fault(client: Client) -> None:
    async def check(expression: str, kind: str) -> tuple[int, str | None]:
        subscription = SubscriptionData("T", expression, expression_type=kind)
        answer = await client.ask(46, body=CheckClientRequestBody("me", "cg", subscription).encode())
        return answer.code, answer.remark

    assert (0, None) == await check("price > 5 AND region = 'eu'", "SQL92")
    assert (0, None) == await check("a || b", "TAG")
    code, remark = await check("price > > 5", "SQL92")
    assert 23 == code
    assert "character 9" in (remark or "")
    assert 23 == (await check("x", "LUA"))[0]
