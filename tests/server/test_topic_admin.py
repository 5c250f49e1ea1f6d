"""The administration of topics: making, changing, deleting, listing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.topic_data import TopicConfig, TopicConfigSerializeWrapper, TopicList, TopicStatsTable
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client


def create(topic: str, **changes: str) -> dict[str, str]:
    return {
        "topic": topic,
        "defaultTopic": "TBW102",
        "readQueueNums": "4",
        "writeQueueNums": "4",
        "perm": "6",
        "topicFilterType": "SINGLE_TAG",
        "order": "false",
    } | changes


async def settings_of(client: Client, topic: str) -> TopicConfig:
    return TopicConfig.decode((await client.ask(351, {"topic": topic})).body)


async def test_a_topic_is_made_and_changed(client: Client) -> None:
    made = await client.ask(17, create("orders", attributes="+message.type=FIFO"))
    first = await settings_of(client, "orders")
    await client.ask(17, create("orders", readQueueNums="8", perm="4", order="true"))
    second = await settings_of(client, "orders")

    assert (0, "not set any response code") == (made.code, made.remark)
    assert TopicConfig("orders", 4, 4, 6, attributes={"message.type": "FIFO"}) == first
    assert TopicConfig("orders", 8, 4, 4, order=True, attributes={"message.type": "FIFO"}) == second


@pytest.mark.parametrize(
    ("changes", "code", "remark"),
    [
        ({"topic": "bad name"}, 29, "The specified topic: bad name, contains illegal characters"),
        ({"topic": ""}, 29, "The specified topic is blank."),
        ({"topic": "t" * 128}, 29, "longer than topic max length"),
        (
            {"topic": "SCHEDULE_TOPIC_XXXX"},
            29,
            "The topic[SCHEDULE_TOPIC_XXXX] is conflict with system topic.",
        ),
        ({"readQueueNums": "-1"}, 29, "-1 queues are wanted"),
        ({"perm": "16"}, 29, "the perm is 16"),
        ({"attributes": "+bogus=1"}, 1, "unsupported key: bogus"),
    ],
)
async def test_a_topic_that_cannot_be_is_refused(
    client: Client, changes: dict[str, str], code: int, remark: str
) -> None:
    answer = await client.ask(17, create("orders") | changes)

    assert code == answer.code
    assert remark in (answer.remark or "")


async def test_several_topics_are_made_at_once_or_none(client: Client) -> None:
    good = (
        b'{"topicConfigList":[{"topicName":"a","perm":6},'
        b'{"topicName":"b","attributes":{"+message.type":"FIFO"}}]}'
    )
    bad = b'{"topicConfigList":[{"topicName":"c"},{"topicName":"bad name"}]}'

    assert 0 == (await client.ask(18, body=good)).code
    assert 29 == (await client.ask(18, body=bad)).code
    assert {"message.type": "FIFO"} == (await settings_of(client, "b")).attributes
    assert 17 == (await client.ask(351, {"topic": "c"})).code


async def test_a_deleted_topic_takes_its_messages_offsets_and_routes_along(
    server: EmbeddedServer, client: Client
) -> None:
    await client.send("orders", b"old")
    await client.ask(34, body=b'{"clientID":"c","consumerDataSet":[{"groupName":"g"}]}')
    server.brokers[0].offsets.commit("g", "orders", 0, 1)
    server.brokers[0].topics.ensure("%RETRY%g_orders")
    deleted = await client.ask(215, {"topic": "orders"})
    async with Client(server.addr) as name_server:
        routes = [
            (await name_server.ask(105, {"topic": name})).code for name in ("orders", "%RETRY%g_orders")
        ]
    await client.send("orders", b"new")

    assert 0 == deleted.code
    assert [17, 17] == routes
    assert [b"new"] == (await client.pull("orders")).bodies
    assert server.brokers[0].offsets.get("g", "orders", 0) is None


async def test_deleting_what_is_not_there_is_fine_and_system_topics_stay(client: Client) -> None:
    answers = [await client.ask(215, {"topic": topic}) for topic in ("nowhere", "", "TBW102")]

    assert [0, 29, 29] == [answer.code for answer in answers]


async def test_topics_are_listed_with_their_settings(client: Client) -> None:
    await client.ask(17, create("orders"))
    answer = await client.ask(21, {"topicSeq": "0"})
    part = await client.ask(21, {"topicSeq": "1", "maxTopicNum": "2"})

    body = TopicConfigSerializeWrapper.decode(answer.body)
    assert 4 == body.topic_config_table["orders"].read_queue_nums
    assert 7 == body.topic_config_table["TBW102"].perm
    assert (answer.ext_fields or {})["totalTopicNum"] == str(len(body.topic_config_table))
    assert 2 == len(TopicConfigSerializeWrapper.decode(part.body).topic_config_table)


async def test_the_filling_of_a_topic_is_told(
    server: EmbeddedServer, client: Client, clock: ManualClock
) -> None:
    await client.ask(17, create("orders", readQueueNums="2", writeQueueNums="2"))
    for _ in range(30):
        await client.send("orders", queue_id=1)
    server.advance(10)
    body = TopicStatsTable.decode((await client.ask(202, {"topic": "orders"})).body)
    missed = await client.ask(202, {"topic": "nowhere"})

    broker = server.brokers[0].name
    filled = body.offset_table[MessageQueue("orders", broker, 1)]
    empty = body.offset_table[MessageQueue("orders", broker, 0)]
    assert (0, 30, clock.now_ms() - 10_000) == (
        filled.min_offset,
        filled.max_offset,
        filled.last_update_timestamp,
    )
    assert (0, 0, 0) == (empty.min_offset, empty.max_offset, empty.last_update_timestamp)
    assert 3.0 == body.topic_put_tps
    assert (17, "topic[nowhere] not exist") == (missed.code, missed.remark)


async def test_the_topic_for_traces_and_other_system_topics_are_there(client: Client) -> None:
    names = TopicList.decode((await client.ask(305)).body).topic_list

    assert {"RMQ_SYS_TRACE_TOPIC", "TBW102", "SCHEDULE_TOPIC_XXXX", "broker-a"} <= set(names)
    assert (await client.send("RMQ_SYS_TRACE_TOPIC")).queue_offset == 0


async def test_topics_outlive_a_restart(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.ask(17, create("orders", attributes="+message.type=FIFO", perm="4"))
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        kept = await settings_of(client, "orders")

    assert TopicConfig("orders", 4, 4, 4, attributes={"message.type": "FIFO"}) == kept


async def test_cleaning_up_is_answered(client: Client) -> None:
    assert [0, 0, 0] == [(await client.ask(code)).code for code in (316, 306, 329)]
