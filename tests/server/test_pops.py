"""Popping: what is found, what is invisible, what comes back."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq.model.headers import NotificationResponseHeader
from pyrocketmq.model.message_ext import decode_messages_strict
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client
from tests.server.popping import GROUP, TOPIC, Popped, about, ack, change, fill, make_topic, pop, pop_fields

RETRY = f"%RETRY%{GROUP}_{TOPIC}"
ALL = {b"m0", b"m1", b"m2", b"m3", b"m4", b"m5"}


async def stored_offset(client: Client, queue_id: int, group: str = GROUP) -> int:
    fields = {"consumerGroup": group, "topic": TOPIC, "queueId": str(queue_id)}
    return int(((await client.ask(14, fields)).ext_fields or {})["offset"])


async def test_popped_messages_are_invisible_to_the_group_and_not_to_others(client: Client) -> None:
    await fill(client)
    first = await pop(client)
    second = await pop(client)
    other = await pop(client, group="others")

    assert (0, "FOUND", ALL) == (first.code, first.remark, set(first.bodies))
    assert {"0@0": 0, "0@1": 0} == first.starts
    assert {"0@0": [0, 1, 2], "0@1": [0, 1, 2]} == first.offsets
    assert (210, "NO_MESSAGE_IN_QUEUE", []) == (second.code, second.remark, second.bodies)
    assert 0 == second.header.rest_num
    assert ALL == set(other.bodies)
    assert first.header.order_count_info is None


async def test_a_pop_takes_what_was_asked_for_and_tells_the_rest(client: Client) -> None:
    await fill(client)
    first = await pop(client, queue_id=0, most=2)
    second = await pop(client, most=3)

    assert [b"m0", b"m2"] == first.bodies
    assert 1 == first.header.rest_num
    assert 3 == len(second.messages)
    assert 1 == second.header.rest_num
    assert 2 <= await stored_offset(client, 0)


async def test_a_popped_group_goes_on_where_its_offset_says(client: Client) -> None:
    await fill(client)
    await pop(client, queue_id=0, most=2)

    assert 2 == await stored_offset(client, 0)
    assert [b"m4"] == (await pop(client, queue_id=0)).bodies


async def test_only_wanted_tags_are_popped(client: Client) -> None:
    await fill(client, queues=1)
    tags = await pop(client, expType="TAG", exp="B")
    condition = await pop(client, group="others", expType="SQL92", exp="TAGS = 'A'")

    assert [b"m1", b"m3", b"m5"] == tags.bodies
    assert {"0@0": [1, 3, 5]} == tags.offsets
    assert [b"m0", b"m2", b"m4"] == condition.bodies
    assert 210 == (await pop(client)).code


async def test_an_acknowledged_message_does_not_come_again(server: EmbeddedServer, client: Client) -> None:
    await fill(client)
    popped = await pop(client, invisible_ms=10_000)
    for message in popped.messages[:4]:
        assert 0 == (await ack(client, popped, message)).code
    server.advance(11)

    assert set(popped.bodies[4:]) == set((await pop(client)).bodies)


async def test_a_message_that_is_not_acknowledged_comes_again_from_the_retry_topic(
    server: EmbeddedServer, client: Client, clock: ManualClock
) -> None:
    await fill(client, 1, 1)
    first = await pop(client, invisible_ms=10_000)
    first_time = clock.now_ms()
    server.advance(9.9)
    early = await pop(client)
    server.advance(0.2)
    second = await pop(client, invisible_ms=5_000)
    (message,) = second.messages

    assert 210 == early.code
    assert {"1@0": [0]} == second.offsets
    assert (TOPIC, b"m0", 1) == (message.topic, message.body, message.reconsume_times)
    assert {
        "ORIGIN_GROUP": GROUP,
        "1ST_POP_TIME": str(first_time),
        "TAGS": "A",
        "POP_CK": f"0 {clock.now_ms()} 5000 {second.header.revive_qid} 1 broker-a 0 0",
        "UNIQ_KEY": first.messages[0].unique_id,
    } == {
        name: message.properties[name]
        for name in message.properties
        if name
        not in (
            "MSG_REGION",
            "TRACE_ON",
            "CLUSTER",
        )
    }
    server.advance(6)
    third = await pop(client)

    assert {"1@0": [1]} == third.offsets
    assert 2 == third.messages[0].reconsume_times
    assert str(first_time) == third.messages[0].get_property("1ST_POP_TIME")
    assert 0 == (await ack(client, third, third.messages[0])).code
    server.advance(100)
    assert 210 == (await pop(client)).code


async def test_the_copy_of_another_time_is_told_apart(server: EmbeddedServer, client: Client) -> None:
    await fill(client, 1, 1)
    first = await pop(client, invisible_ms=1_000)
    server.advance(2)
    late = await ack(client, first, first.messages[0])
    second = await pop(client)

    assert 0 == late.code
    assert [b"m0"] == second.bodies


async def test_a_changed_time_replaces_the_receipt(server: EmbeddedServer, client: Client) -> None:
    await fill(client, 1, 1)
    popped = await pop(client, invisible_ms=10_000)
    changed = await change(client, popped, popped.messages[0], 30_000)
    server.advance(11)
    while_invisible = await pop(client)
    old = await ack(client, popped, popped.messages[0])
    server.advance(20)

    assert (0, "30000") == (changed.code, (changed.ext_fields or {})["invisibleTime"])
    assert 210 == while_invisible.code
    assert 0 == old.code
    assert [b"m0"] == (await pop(client)).bodies


async def test_a_message_can_be_made_visible_sooner(server: EmbeddedServer, client: Client) -> None:
    await fill(client, 1, 1)
    popped = await pop(client, invisible_ms=60_000)
    server.advance(1)
    await change(client, popped, popped.messages[0], 2_000)
    server.advance(1.9)
    before = await pop(client)
    server.advance(0.2)

    assert 210 == before.code
    assert [b"m0"] == (await pop(client)).bodies


async def test_many_are_acknowledged_at_once(server: EmbeddedServer, client: Client) -> None:
    await fill(client)
    popped = await pop(client, queue_id=0, invisible_ms=10_000)
    body = {
        "brokerName": "broker-a",
        "acks": [
            {
                "c": GROUP,
                "t": TOPIC,
                "r": "0",
                "so": 0,
                "q": 0,
                "rq": popped.header.revive_qid,
                "pt": popped.header.pop_time,
                "it": 10_000,
                "b": b64encode(b"\x05").decode(),
            }
        ],
    }
    answer = await client.ask(200151, body=json.dumps(body).encode())
    body["acks"][0]["b"] = "not base64"  # type: ignore[index]
    refused = await client.ask(200151, body=json.dumps(body).encode())
    server.advance(11)

    assert [0, 13] == [answer.code, refused.code]
    assert [b"m2"] == (await pop(client, queue_id=0)).bodies


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"offset": "999"}, 208, "offset is illegal, key:orders@0, commit:999, store:0~3"),
        ({"queueId": "9"}, 13, "queueId[9] is illegal"),
        ({"topic": "nowhere"}, 17, "topic[nowhere] not exist"),
        ({"extraInfo": "x"}, 1, "extraInfo 'x' has 1 parts"),
    ],
)
@pytest.mark.parametrize("code_", [200051, 200053])
async def test_a_request_about_nothing_is_refused(
    client: Client, code_: int, changes: dict[str, str], code: int, words: str
) -> None:
    await fill(client)
    popped = await pop(client, queue_id=0)
    answer = await client.ask(code_, about(popped, popped.messages[0]) | {"invisibleTime": "1"} | changes)

    assert code == answer.code
    assert words in (answer.remark or "")


@pytest.mark.parametrize(("fields", "code"), [({"topic": "nowhere"}, 17), ({"queue_id": 7}, 29)])
async def test_a_pop_of_what_is_not_there_is_refused_with_all_fields(
    client: Client, fields: dict[str, object], code: int
) -> None:
    await make_topic(client)
    popped = await pop(client, **fields)

    assert code == popped.code
    assert (0, 0) == (popped.header.pop_time, popped.header.rest_num)


async def test_a_held_pop_is_answered_by_the_next_message(server: EmbeddedServer, client: Client) -> None:
    await make_topic(client)
    waiting = [client.begin(200050, pop_fields(poll_ms=15_000)) for _ in range(2)]
    info = await client.ask(200055, {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"})
    await client.send(TOPIC, b"first", queue_id=1)
    first = Popped(await waiting[0])
    still_waiting = not waiting[1].done()
    server.advance(15.1)
    second = Popped(await waiting[1])

    assert {"pollingNum": "2"} == info.ext_fields
    assert [b"first"] == first.bodies
    assert still_waiting
    assert (210, "") == (second.code, second.header.msg_offset_info)
    assert second.header.pop_time > first.header.pop_time


async def test_a_held_pop_is_answered_by_what_comes_again(server: EmbeddedServer, client: Client) -> None:
    await fill(client, 1, 1)
    await pop(client, invisible_ms=1_000)
    waiting = client.begin(200050, pop_fields(poll_ms=15_000))
    await client.ask(14, {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"})
    server.advance(1.1)

    assert [b"m0"] == Popped(await waiting).bodies


async def test_pops_of_a_lost_connection_take_nothing(server: EmbeddedServer, client: Client) -> None:
    await make_topic(client)
    async with Client(server.brokers[0].address) as gone:
        waiting = gone.begin(200050, pop_fields(poll_ms=15_000))
        await gone.ask(14, {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"})
    with pytest.raises(ConnectionError):
        await waiting
    while server.brokers[0].pops.waits.count(TOPIC, GROUP):
        await client.ask(14, {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"})
    await client.send(TOPIC, b"kept")

    assert [b"kept"] == (await pop(client)).bodies


async def test_peeking_takes_nothing(client: Client) -> None:
    await fill(client)
    await pop(client, queue_id=0, most=1)
    fields = {"topic": TOPIC, "queueId": "0", "maxMsgNums": "8", "consumerGroup": GROUP}
    peeked = [await client.ask(200052, fields) for _ in range(2)]
    every = await client.ask(200052, fields | {"queueId": "-1"})
    await pop(client)
    empty = await client.ask(200052, fields | {"queueId": "-1"})

    for answer in peeked:
        assert [b"m2", b"m4"] == [message.body for message in decode_messages_strict(answer.body or b"")]
        assert "2" == (answer.ext_fields or {})["restNum"]
    assert 5 == len(decode_messages_strict(every.body or b""))
    assert 19 == empty.code


async def test_a_notification_says_that_there_is_something(server: EmbeddedServer, client: Client) -> None:
    await make_topic(client)
    fields = {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "-1", "pollTime": "5000", "bornTime": "0"}

    waiting = client.begin(200054, fields)
    await client.send(TOPIC)
    arrived = NotificationResponseHeader.from_ext_fields((await waiting).ext_fields)
    there = NotificationResponseHeader.from_ext_fields((await client.ask(200054, fields)).ext_fields)
    await pop(client)
    waiting = client.begin(200054, fields)
    await client.ask(14, {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"})
    server.advance(5.1)
    nothing = NotificationResponseHeader.from_ext_fields((await waiting).ext_fields)

    assert (True, True, False) == (arrived.has_msg, there.has_msg, nothing.has_msg)


async def test_new_groups_begin_where_they_want() -> None:
    config = ServerConfig(unknown_offset="not-found")
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as late:
        await fill(late)
        end = await pop(late, group="late", init_mode=1)
        start = await pop(late, group="early", init_mode=0)

    assert 210 == end.code
    assert ALL == set(start.bodies)


async def test_a_reset_group_gets_its_messages_again(client: Client) -> None:
    await fill(client, queues=1)
    popped = await pop(client)
    await client.ask(
        222,
        {"group": GROUP, "topic": TOPIC, "queueId": "0", "offset": "4", "timestamp": "0", "isForce": "true"},
    )
    again = await pop(client)
    await ack(client, popped, popped.messages[5])

    assert [b"m4", b"m5"] == again.bodies
    assert 4 + 2 == await stored_offset(client, 0)


async def test_a_deleted_topic_takes_what_was_popped_along(server: EmbeddedServer, client: Client) -> None:
    await fill(client, queues=1)
    await pop(client, invisible_ms=1_000)
    await client.ask(215, {"topic": TOPIC})
    server.advance(2)
    await make_topic(client)

    assert 210 == (await pop(client)).code
    assert 17 == (await client.ask(202, {"topic": RETRY})).code


async def test_what_was_popped_outlives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        await fill(client)
        popped = await pop(client, invisible_ms=10_000)
        by_body = {message.body: message for message in popped.messages}
        await ack(client, popped, by_body[b"m0"])
        await change(client, popped, by_body[b"m1"], 30_000)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        at_once = await pop(client)
        acked = await ack(client, popped, by_body[b"m2"])
        server.advance(11)
        later = await pop(client)
        server.advance(20)
        latest = await pop(client)

    assert 210 == at_once.code
    assert 0 == acked.code
    assert {b"m3", b"m4", b"m5"} == set(later.bodies)
    assert [b"m1"] == latest.bodies


async def test_messages_popped_before_a_crash_come_again(tmp_path: Path) -> None:
    """A crash keeps what was written to files, and nothing of what is saved at the end."""
    clock = ManualClock()
    crashed = EmbeddedServer(ServerConfig(data=tmp_path / "a"), clock=clock)
    async with crashed, Client(crashed.brokers[0].address) as client:
        await fill(client)
        popped = await pop(client, invisible_ms=10_000)
        await ack(client, popped, popped.messages[0])
        await client.ask(26)
        copy_folder(tmp_path / "a", tmp_path / "b")
    config = ServerConfig(data=tmp_path / "b")
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        at_once = await pop(client)
        server.advance(61)
        later = await pop(client)

    found = set(at_once.bodies) | set(later.bodies)
    assert ALL - {popped.bodies[0]} <= found


def copy_folder(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif path.name != "lock":
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
