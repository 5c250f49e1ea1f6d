"""Messages looked up by key, by id and by their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.properties import encode_properties
from pyrocketmq.model.message_ext import decode_messages_strict
from pyrocketmq.model.result_data import QueryConsumeQueueResponseBody
from pyrocketmq.server import EmbeddedServer, ServerConfig, queries
from tests.server.client import Client

LATER = 9_999_999_999_999


def with_keys(keys: str, unique_id: str = "") -> str:
    return encode_properties({"KEYS": keys} | ({"UNIQ_KEY": unique_id} if unique_id else {}))


async def query(
    client: Client,
    key: str,
    *,
    topic: str = "orders",
    most: int = 32,
    begin: int = 0,
    end: int = LATER,
    **more: str,
) -> list[bytes]:
    fields = {
        "topic": topic,
        "key": key,
        "maxNum": str(most),
        "beginTimestamp": str(begin),
        "endTimestamp": str(end),
        **more,
    }
    answer = await client.ask(12, fields)
    if answer.code == 22:
        assert "can not find message, maybe time range not correct" == answer.remark
        return []
    assert 0 == answer.code
    return [message.body for message in decode_messages_strict(answer.body or b"")]


async def test_messages_are_found_by_any_of_their_keys_oldest_first(client: Client) -> None:
    for number in range(6):
        await client.send(
            "orders", b"m%d" % number, queue_id=number % 3, properties=with_keys(f"k{number} common")
        )
    await client.send("others", b"other", properties=with_keys("common"))

    assert [b"m%d" % number for number in range(6)] == await query(client, "common")
    assert [b"m4"] == await query(client, "k4")
    assert [] == await query(client, "k")
    assert [b"other"] == await query(client, "common", topic="others")
    assert [] == await query(client, "common", topic="nowhere")


async def test_the_newest_are_found_when_there_are_more_than_wanted(client: Client) -> None:
    for number in range(6):
        await client.send("orders", b"m%d" % number, queue_id=number % 3, properties=with_keys("common"))

    assert [b"m4", b"m5"] == await query(client, "common", most=2)


async def test_a_message_is_found_by_the_id_of_its_sender(client: Client) -> None:
    await client.send("orders", b"first", properties=with_keys("U2", "U1"))
    await client.send("orders", b"second", properties=with_keys("k", "U2"))

    assert [b"first", b"second"] == await query(client, "U2", most=0, _UNIQUE_KEY_QUERY="true")
    assert [b"second"] == await query(client, "U2", indexType="U")
    assert [b"first"] == await query(client, "U2", indexType="K")


async def test_only_messages_of_the_given_time_are_found(
    server: EmbeddedServer, client: Client, clock: ManualClock
) -> None:
    start = clock.now_ms()
    for number in range(3):
        await client.send("orders", b"m%d" % number, properties=with_keys("common"))
        server.advance(10)

    assert [b"m1"] == await query(client, "common", begin=start + 1, end=start + 19_999)
    assert [b"m1", b"m2"] == await query(client, "common", begin=start + 10_000, end=start + 20_000)
    assert [] == await query(client, "common", begin=start + 20_001)


async def test_a_search_goes_on_where_a_slice_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "SLICE", 2)
    for number in range(7):
        await client.send("orders", b"m%d" % number, properties=with_keys("common"))

    assert [b"m%d" % number for number in range(7)] == await query(client, "common")
    assert [b"m%d" % number for number in range(4, 7)] == await query(client, "common", most=3)


async def test_what_was_sent_before_a_restart_is_found_by_key_and_by_id(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path, broker_port=0)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        sent = await client.send("orders", b"kept", properties=with_keys("common"))
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        found = await query(client, "common")
        offset = decode_offset_message_id(sent.msg_id).offset
        viewed = await client.ask(33, {"offset": str(offset)})

    assert [b"kept"] == found
    assert b"kept" == decode_messages_strict(viewed.body or b"")[0].body


async def test_a_message_is_viewed_by_its_place_in_the_log(client: Client) -> None:
    sent = await client.send("orders", b"seen")
    offset = decode_offset_message_id(sent.msg_id).offset

    found = await client.ask(33, {"offset": str(offset)})
    missed = await client.ask(33, {"offset": str(offset + 1)})

    (message,) = decode_messages_strict(found.body or b"")
    assert (b"seen", sent.msg_id) == (message.body, message.offset_msg_id)
    assert (1, f"can not find message by the offset, {offset + 1}") == (missed.code, missed.remark)


async def test_the_entries_of_a_queue_are_listed(client: Client) -> None:
    for number in range(3):
        await client.send("orders", b"m%d" % number, queue_id=1, properties="TAGS\x01A\x02")

    answer = await client.ask(321, {"topic": "orders", "queueId": "1", "index": "1", "count": "9"})
    missed = await client.ask(321, {"topic": "orders", "queueId": "9", "index": "0", "count": "9"})

    body = QueryConsumeQueueResponseBody.decode(answer.body)
    assert (0, 3) == (body.min_queue_index, body.max_queue_index)
    assert [65, 65] == [entry.tags_code for entry in body.queue_data]
    viewed = await client.ask(33, {"offset": str(body.queue_data[0].physic_offset)})
    assert b"m1" == decode_messages_strict(viewed.body or b"")[0].body
    assert (1, "9@orders is not exist!") == (missed.code, missed.remark)
