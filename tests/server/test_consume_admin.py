"""What tools learn about consumer groups."""

from __future__ import annotations

from pyrocketmq._clock import ManualClock
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.result_data import QueryCorrectionOffsetBody
from pyrocketmq.model.topic_data import (
    ConsumeStats,
    ConsumeStatsList,
    GroupList,
    QueryConsumeTimeSpanBody,
    QuerySubscriptionResponseBody,
    TopicList,
)
from pyrocketmq.server import EmbeddedServer
from tests.server.client import Client

HEARTBEAT = (
    b'{"clientID":"c","consumerDataSet":[{"groupName":"g","subscriptionDataSet":'
    b'[{"topic":"orders","subString":"a || b","subVersion":7}]}]}'
)


async def fill(server: EmbeddedServer, client: Client) -> None:
    """Two queues with 3 messages each, 10 s apart; the group g has consumed 2 of queue 0."""
    await client.ask(34, body=HEARTBEAT)
    for _ in range(3):
        for queue_id in range(2):
            await client.send("orders", queue_id=queue_id)
        server.advance(10)
    server.brokers[0].offsets.commit("g", "orders", 0, 2)


async def test_the_lag_of_a_group_is_told(server: EmbeddedServer, client: Client, clock: ManualClock) -> None:
    start = clock.now_ms()
    await fill(server, client)
    name = server.brokers[0].name
    for fields in ({"topic": "orders"}, {}, {"topicList": "orders;nowhere"}):
        body = ConsumeStats.decode((await client.ask(208, {"consumerGroup": "g", **fields})).body)
        first = body.offset_table[MessageQueue("orders", name, 0)]
        second = body.offset_table[MessageQueue("orders", name, 1)]

        assert 4 == len(body.offset_table)
        assert (3, 2, 2, start + 10_000) == (
            first.broker_offset,
            first.consumer_offset,
            first.pull_offset,
            first.last_timestamp,
        )
        assert (3, 0, 0) == (second.broker_offset, second.consumer_offset, second.last_timestamp)


async def test_a_group_without_offsets_has_no_topics(client: Client) -> None:
    body = ConsumeStats.decode((await client.ask(208, {"consumerGroup": "stranger"})).body)

    assert {} == body.offset_table


async def test_the_lags_of_all_groups_are_summed_up(server: EmbeddedServer, client: Client) -> None:
    await fill(server, client)
    body = ConsumeStatsList.decode((await client.ask(317, {"isOrder": "false"})).body)
    ordered = ConsumeStatsList.decode((await client.ask(317, {"isOrder": "true"})).body)

    assert 4 == body.total_diff
    assert {"g"} == set().union(*body.consume_stats_list)
    assert server.brokers[0].address == body.broker_addr
    assert 0 == ordered.total_diff


async def test_groups_topics_and_subscriptions_are_told(server: EmbeddedServer, client: Client) -> None:
    await fill(server, client)
    server.brokers[0].offsets.commit("offline", "orders", 0, 1)

    groups = GroupList.decode((await client.ask(300, {"topic": "orders"})).body).group_list
    topics = TopicList.decode((await client.ask(343, {"group": "g"})).body)
    subscription = QuerySubscriptionResponseBody.decode(
        (await client.ask(345, {"group": "g", "topic": "orders"})).body
    )

    assert ["g", "offline"] == groups
    assert (["orders"], server.brokers[0].address) == (topics.topic_list, topics.broker_addr)
    assert subscription.subscription_data is not None
    assert "a || b" == subscription.subscription_data.sub_string


async def test_how_late_a_group_is_is_told(
    server: EmbeddedServer, client: Client, clock: ManualClock
) -> None:
    start = clock.now_ms()
    await fill(server, client)
    body = QueryConsumeTimeSpanBody.decode((await client.ask(303, {"topic": "orders", "group": "g"})).body)
    missed = await client.ask(303, {"topic": "nowhere", "group": "g"})

    first, second, third, _ = body.consume_time_span_set
    assert (start, start + 20_000, start + 10_000, 10_000) == (
        first.min_time_stamp,
        first.max_time_stamp,
        first.consume_time_stamp,
        first.delay_time,
    )
    assert (start, 30_000) == (second.consume_time_stamp, second.delay_time)
    assert -1 == third.min_time_stamp
    assert (first.min_time_stamp_str or "").endswith(f":{start % 1000:03}")
    assert 17 == missed.code


async def test_the_least_offsets_of_other_groups_are_told(server: EmbeddedServer, client: Client) -> None:
    await fill(server, client)
    offsets = server.brokers[0].offsets
    offsets.commit("slow", "orders", 0, 1)
    offsets.commit("fast", "orders", 0, 3)

    async def ask(**fields: str) -> dict[int, int]:
        answer = await client.ask(308, {"topic": "orders", "compareGroup": "g", **fields})
        return QueryCorrectionOffsetBody.decode(answer.body).correction_offsets

    assert {0: 1} == await ask()
    assert {0: 2} == await ask(filterGroups="slow")
