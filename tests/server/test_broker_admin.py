"""A broker's settings, what it does at the moment, and its statistics."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq.model.result_data import KVTable
from pyrocketmq.model.topic_data import BrokerStatsData
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client


async def settings_of(client: Client) -> dict[str, str]:
    text = ((await client.ask(26)).body or b"").decode()
    return dict(line.split("=", 1) for line in text.splitlines())


async def test_settings_have_the_names_of_rocketmq(server: EmbeddedServer, client: Client) -> None:
    answer = await client.ask(26)
    settings = await settings_of(client)

    assert '"counter":0' in (answer.ext_fields or {})["version"]
    assert server.brokers[0].address == f"{settings['brokerIP1']}:{settings['listenPort']}"
    assert ("DefaultCluster", "broker-a", "0") == (
        settings["brokerClusterName"],
        settings["brokerName"],
        settings["brokerId"],
    )
    assert "true" == settings["autoCreateTopicEnable"]


async def test_a_changed_setting_holds_at_once_and_after_a_restart(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("before")
        changed = await client.ask(25, body=b"# a comment\nautoCreateTopicEnable = false\n")
        with pytest.raises(AssertionError, match="not exist"):
            await client.send("after")
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        kept = await settings_of(client)

    assert 0 == changed.code
    assert "false" == kept["autoCreateTopicEnable"]


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"maxMessageSize=1\n", 29, "maxMessageSize cannot be changed"),
        (b"nonsense=1\nautoCreateTopicEnable=false\n", 29, "nonsense cannot be changed"),
        (b"autoCreateTopicEnable=maybe\n", 29, "'maybe' is neither true nor false"),
        (b"what is this", 1, "is no name=value"),
        (b"\xff", 1, "string2Properties error"),
    ],
)
async def test_what_cannot_be_changed_is_refused_whole(
    client: Client, body: bytes, code: int, words: str
) -> None:
    before = await settings_of(client)
    answer = await client.ask(25, body=body)

    assert code == answer.code
    assert words in (answer.remark or "")
    assert before == await settings_of(client)


async def test_writing_back_all_settings_changes_nothing(client: Client) -> None:
    text = (await client.ask(26)).body

    assert 0 == (await client.ask(25, body=text)).code


async def test_the_running_broker_tells_what_tools_show(server: EmbeddedServer, client: Client) -> None:
    for _ in range(20):
        await client.send("orders")
    server.advance(10)
    info = KVTable.decode((await client.ask(28)).body).table

    assert ("20", "0", "0") == (
        info["msgPutTotalTodayNow"],
        info["msgPutTotalTodayMorning"],
        info["msgPutTotalYesterdayMorning"],
    )
    assert "2.0" == info["putTps"].split()[0]
    assert "[ 0 days, 0 hours, 0 minutes, 10 seconds ]" == info["runtime"]
    assert "V5_5_0" == info["brokerVersionDesc"]
    assert {"getTransferredTps", "sendThreadPoolQueueSize", "commitLogDiskRatio", "timerReadBehind"} <= set(
        info
    )


async def test_a_broker_without_slaves_says_so(client: Client) -> None:
    assert b'"master":true' in ((await client.ask(907)).body or b"")


async def test_the_progress_of_delay_levels_is_told(server: EmbeddedServer, client: Client) -> None:
    for level in (1, 1, 2):
        await client.send("orders", properties=f"DELAY\x01{level}\x02")
    before = await client.ask(45)
    server.advance(2)
    after = await client.ask(45)

    assert b'"offsetTable":{}' in (before.body or b"")
    assert b'"offsetTable":{1:2}' in (after.body or b"")


async def stats(client: Client, name: str, key: str) -> BrokerStatsData | str | None:
    answer = await client.ask(315, {"statsName": name, "statsKey": key})
    return BrokerStatsData.decode(answer.body) if answer.code == 0 else answer.remark


async def test_what_topics_get_and_groups_take_is_counted(server: EmbeddedServer, client: Client) -> None:
    for queue_id in range(3):
        for _ in range(10):
            await client.send("orders", queue_id=queue_id)
    offsets = server.brokers[0].offsets
    offsets.commit("g", "orders", 0, 6)
    server.advance(15)
    put, got = (
        await stats(client, "TOPIC_PUT_NUMS", "orders"),
        await stats(client, "GROUP_GET_NUMS", "orders@g"),
    )
    all_put = await stats(client, "BROKER_PUT_NUMS", "DefaultCluster")
    server.advance(50)
    later = await stats(client, "TOPIC_PUT_NUMS", "orders")

    assert isinstance(put, BrokerStatsData)
    assert isinstance(got, BrokerStatsData)
    assert isinstance(later, BrokerStatsData)
    for item in (put.stats_minute, put.stats_hour, put.stats_day):
        assert item is not None
        assert (30, 2.0) == (item.sum, item.tps)
    assert got.stats_minute is not None
    assert 6 == got.stats_minute.sum
    assert put == all_put
    assert later.stats_minute is not None
    assert later.stats_hour is not None
    assert (0, 30) == (later.stats_minute.sum, later.stats_hour.sum)
    assert "The stats <TOPIC_PUT_NUMS> <nowhere> not exist" == await stats(
        client, "TOPIC_PUT_NUMS", "nowhere"
    )


async def test_deleting_a_topic_and_resetting_a_group_do_not_count_backwards(
    server: EmbeddedServer, client: Client
) -> None:
    for _ in range(10):
        await client.send("orders")
    broker = server.brokers[0]
    broker.offsets.commit("g", "orders", 0, 10)
    server.advance(10)
    broker.offsets.commit("g", "orders", 0, 0)
    await client.ask(215, {"topic": "orders"})
    await client.send("orders")
    info = KVTable.decode((await client.ask(28)).body).table

    assert ("11", "10") == (info["msgPutTotalTodayNow"], info["msgGetTotalTodayNow"])


async def test_messages_of_an_earlier_run_are_not_counted_again(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("orders")
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("orders")
        info = KVTable.decode((await client.ask(28)).body).table

    assert "1" == info["msgPutTotalTodayNow"]


async def test_yesterday_and_this_morning_are_remembered(
    server: EmbeddedServer, client: Client, clock: ManualClock
) -> None:
    for count in (1, 2, 4):
        for _ in range(count):
            await client.send("orders")
        clock.advance(24 * 3600)
        server.advance(10)
    info = KVTable.decode((await client.ask(28)).body).table

    assert ("3", "7", "7") == (
        info["msgPutTotalYesterdayMorning"],
        info["msgPutTotalTodayMorning"],
        info["msgPutTotalTodayNow"],
    )
