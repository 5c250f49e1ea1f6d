"""Delay levels, timer messages, recalls."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.properties import join_properties
from pyrocketmq.model.recall import RecallHandle
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.server.delays import LEVELS
from tests.server.client import Client, Pulled, pull_header, send_header

DAY = 24 * 3600


async def bodies(client: Client, topic: str = "T", queue_id: int = 0) -> list[bytes]:
    """What a consumer would find now."""
    return (await client.pull(topic, queue_id)).bodies


async def send_with(client: Client, body: bytes, **properties: str) -> dict[str, str]:
    """Send to queue 1 of T; the fields of the answer."""
    answer = await client.ask(310, send_header("T", 1, join_properties(properties)), body)
    assert 0 == answer.code, answer.remark
    return answer.ext_fields or {}


# ---- levels ----


async def test_a_delayed_message_comes_after_its_level_with_all_it_had(
    server: EmbeddedServer, clock: ManualClock, client: Client
) -> None:
    answer = await send_with(client, b"later", DELAY="2", TAGS="t", u="v", UNIQ_KEY="U1")
    sent_ms = clock.now_ms()
    server.advance(4.999)
    assert [] == await bodies(client, "T", 1)
    server.advance(0.001)

    (message,) = (await client.pull("T", 1)).messages
    properties = dict(message.properties)
    assert (b"later", "t", "v", "U1") == (message.body, message.tags, properties["u"], message.unique_id)
    assert {"DELAY": "2", "REAL_TOPIC": "T", "REAL_QID": "1"}.items() <= properties.items()
    assert (1_700_000_000_123, sent_ms + 5000) == (message.born_timestamp, message.store_timestamp)
    assert ("1", "0", "U1") == (answer["queueId"], answer["queueOffset"], answer["transactionId"])


async def test_each_level_waits_its_time(server: EmbeddedServer, client: Client) -> None:
    for level in range(1, 19):
        await send_with(client, b"%d" % level, DELAY=str(level))
    seen: list[bytes] = []
    waited = 0
    for level, seconds in enumerate(LEVELS, 1):
        server.advance(seconds - waited)
        waited = seconds
        seen += [b"%d" % level]
        assert seen == await bodies(client, "T", 1)


async def test_a_level_beyond_the_last_is_the_last(server: EmbeddedServer, client: Client) -> None:
    await send_with(client, b"x", DELAY="25")
    server.advance(7199)
    assert [] == await bodies(client, "T", 1)
    server.advance(1)
    assert [b"x"] == await bodies(client, "T", 1)


@pytest.mark.parametrize("level", ["0", "-3"])
async def test_no_level_is_no_delay(client: Client, level: str) -> None:
    await send_with(client, b"x", DELAY=level)

    assert [b"x"] == await bodies(client, "T", 1)


async def test_a_level_that_is_no_number_is_refused(client: Client) -> None:
    answer = await client.ask(310, send_header("T", 1, "DELAY\x01soon\x02"), b"x")

    assert 1 == answer.code


async def test_messages_of_one_level_keep_their_order_and_wake_those_who_wait(
    server: EmbeddedServer, client: Client
) -> None:
    await client.send("T", b"first", queue_id=1)
    for body in (b"a", b"b"):
        await send_with(client, body, DELAY="1")
        server.advance(0.25)
    held = client.begin(11, pull_header("T", 1, 1, sys_flag=6, suspend_timeout_millis=15_000))
    await client.ask(38, {"consumerGroup": "cg"})

    server.advance(1)

    assert [b"a"] == Pulled(await held).bodies
    assert [b"first", b"a", b"b"] == await bodies(client, "T", 1)


async def test_a_restart_delivers_what_was_due_and_nothing_twice(tmp_path: Path, clock: ManualClock) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        await send_with(client, b"early", DELAY="1")
        server.advance(1)
        assert [b"early"] == await bodies(client, "T", 1)
        await send_with(client, b"late", DELAY="2")
    clock.advance(3)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        server.advance(1.999)
        assert [b"early"] == await bodies(client, "T", 1)
        server.advance(0.001)
        assert [b"early", b"late"] == await bodies(client, "T", 1)


async def test_messages_of_a_topic_that_is_gone_are_dropped(server: EmbeddedServer, client: Client) -> None:
    await send_with(client, b"x", DELAY="1")
    server.brokers[0].topics.delete("T")
    server.advance(1)
    await send_with(client, b"y")

    assert [b"y"] == await bodies(client, "T", 1)


# ---- times ----


@pytest.mark.parametrize("form", ["TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS"])
async def test_a_timer_message_comes_at_its_time(
    server: EmbeddedServer, clock: ManualClock, client: Client, form: str
) -> None:
    due = clock.now_ms() + 3000
    value = {"TIMER_DELAY_SEC": "3", "TIMER_DELAY_MS": "3000", "TIMER_DELIVER_MS": str(due)}[form]
    answer = await send_with(client, b"timed", UNIQ_KEY="U1", **{form: value})
    handle = RecallHandle.decode(answer["recallHandle"])
    server.advance(2.999)
    assert [] == await bodies(client, "T", 1)
    server.advance(0.001)

    (message,) = (await client.pull("T", 1)).messages
    assert (b"timed", str(due)) == (message.body, message.properties["TIMER_OUT_MS"])
    assert {form: value, "REAL_TOPIC": "T", "REAL_QID": "1"}.items() <= dict(message.properties).items()
    assert ("T", "broker-a", "U1") == (handle.topic, handle.broker_name, handle.message_id)
    assert "1" == answer["queueId"]


async def test_timer_messages_come_in_the_order_of_their_times(
    server: EmbeddedServer, client: Client
) -> None:
    for seconds in (30, 10, 20):
        await send_with(client, b"%d" % seconds, TIMER_DELAY_SEC=str(seconds))
    server.advance(60)

    assert [b"10", b"20", b"30"] == await bodies(client, "T", 1)


@pytest.mark.parametrize("properties", [{"TIMER_DELIVER_MS": "5"}, {"TIMER_DELAY_SEC": "0"}])
async def test_a_time_that_has_passed_is_now(client: Client, properties: dict[str, str]) -> None:
    answer = await send_with(client, b"x", **properties)

    assert [b"x"] == await bodies(client, "T", 1)
    assert "recallHandle" not in answer


@pytest.mark.parametrize("seconds", [str(3 * DAY + 1), "soon"])
async def test_a_time_beyond_three_days_is_refused(client: Client, seconds: str) -> None:
    answer = await client.ask(310, send_header("T", 1, f"TIMER_DELAY_SEC\x01{seconds}\x02"), b"x")

    assert 13 == answer.code
    assert "timer message illegal" in (answer.remark or "")


async def test_a_delay_level_goes_before_a_time(server: EmbeddedServer, client: Client) -> None:
    await send_with(client, b"x", DELAY="1", TIMER_DELAY_SEC="60")
    server.advance(1)

    (message,) = (await client.pull("T", 1)).messages
    assert "TIMER_DELAY_SEC" not in message.properties


async def test_timer_messages_survive_a_restart_and_come_once(tmp_path: Path, clock: ManualClock) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        for seconds in (100, 1, 50):
            await send_with(client, b"%d" % seconds, TIMER_DELAY_SEC=str(seconds))
        server.advance(1)
        assert [b"1"] == await bodies(client, "T", 1)
    clock.advance(60)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        server.advance(0)
        assert [b"1", b"50"] == await bodies(client, "T", 1)
        server.advance(60)
        assert [b"1", b"50", b"100"] == await bodies(client, "T", 1)


# ---- recalls ----


async def recall(client: Client, handle: str, topic: str = "T") -> tuple[int, str | None]:
    """Take a message back; the code of the answer and the id that it names."""
    answer = await client.ask(370, {"topic": topic, "recallHandle": handle, "producerGroup": "pg"})
    return answer.code, (answer.ext_fields or {}).get("msgId")


async def test_a_recalled_message_does_not_come(server: EmbeddedServer, client: Client) -> None:
    one = await send_with(client, b"one", UNIQ_KEY="U1", TIMER_DELAY_SEC="5")
    await send_with(client, b"two", UNIQ_KEY="U2", TIMER_DELAY_SEC="5")

    assert (0, "U1") == await recall(client, one["recallHandle"])
    assert (0, "U1") == await recall(client, one["recallHandle"])
    server.advance(10)

    assert [b"two"] == await bodies(client, "T", 1)


async def test_a_recall_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        sent = await send_with(client, b"x", UNIQ_KEY="U1", TIMER_DELAY_SEC="5")
        assert 0 == (await recall(client, sent["recallHandle"]))[0]
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        server.advance(10)
        assert [] == await bodies(client, "T", 1)


async def test_a_handle_that_does_not_fit_is_refused(
    server: EmbeddedServer, clock: ManualClock, client: Client
) -> None:
    sent = await send_with(client, b"x", UNIQ_KEY="U1", TIMER_DELAY_SEC="5")
    await client.send("U")
    later = str(clock.now_ms() + 5000)

    def forged(*parts: str) -> str:
        return base64.urlsafe_b64encode(" ".join(parts).encode()).decode()

    assert 604 == (await recall(client, "nonsense"))[0]
    assert 604 == (await recall(client, sent["recallHandle"], "U"))[0]
    assert 17 == (await recall(client, sent["recallHandle"], "Nowhere"))[0]
    assert 604 == (await recall(client, forged("v1", "T", "broker-z", later, "U1")))[0]
    assert 604 == (await recall(client, forged("v1", "T", "broker-a", "soon", "U1")))[0]
    server.advance(6)
    assert 604 == (await recall(client, sent["recallHandle"]))[0]
    assert [b"x"] == await bodies(client, "T", 1)
