"""What a broker keeps: over kill -9, over a restart, and for how long."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.server.store import FsyncPolicy, StoreOptions
from pyrocketmq.server.topics import TopicSettings
from tests.server.client import Client
from tests.soak.kill_broker import Account, kill_once


@pytest.mark.parametrize("fsync", ["interval", "always"])
async def test_nothing_acknowledged_is_lost_when_a_broker_under_load_is_killed(
    tmp_path: Path, fsync: FsyncPolicy
) -> None:
    """Two lives of a server process on one folder; `tests.soak.kill_broker` is the long form."""
    account = Account()
    await kill_once(tmp_path, fsync, account, random.Random(7), 0.3)

    assert account.acknowledged


async def test_topics_and_messages_are_there_after_a_restart(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path, brokers=2)
    async with EmbeddedServer(config) as server:
        server.brokers[1].topics.put(TopicSettings("Made", 3, 2, perm=4, attributes={"message.type": "FIFO"}))
        async with Client(server.brokers[0].address) as client:
            await client.send("Sent", b"first", queue_id=2)

    async with EmbeddedServer(config) as server:
        made = server.brokers[1].topics.require("Made")
        assert (3, 2, 4, {"message.type": "FIFO"}) == (
            made.read_queues, made.write_queues, made.perm, made.attributes,
        )  # fmt: skip
        assert "Made" not in server.brokers[0].topics
        async with Client(server.brokers[0].address) as client:
            assert 1 == (await client.send("Sent", b"second", queue_id=2)).queue_offset
            assert [b"first", b"second"] == (await client.pull("Sent", 2)).bodies


async def test_a_deleted_topic_begins_anew_after_a_restart_too(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server:
        async with Client(server.brokers[0].address) as client:
            await client.send("Gone", b"old")
        server.brokers[0].topics.delete("Gone")

    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        assert 17 == (await client.ask(11, {**_pull, "topic": "Gone"})).code
        assert 0 == (await client.send("Gone", b"new")).queue_offset


async def test_messages_are_kept_for_the_time_that_is_set(clock: ManualClock) -> None:
    store = StoreOptions(segment_bytes=4096, retention_time=60.0)
    async with (
        EmbeddedServer(ServerConfig(store=store), clock=clock) as server,
        Client(server.brokers[0].address) as client,
    ):
        await client.send("T", b"x" * 3000)
        server.advance(50)
        await client.send("T", b"y" * 3000)
        await client.send("T", b"z" * 3000)
        server.advance(9)
        assert 0 == (await client.pull("T", offset=0)).header.min_offset
        server.advance(20)
        pulled = await client.pull("T", offset=0)
        assert (21, "OFFSET_TOO_SMALL", 1) == (pulled.code, pulled.remark, pulled.header.min_offset)


async def test_no_more_is_kept_than_is_set(tmp_path: Path) -> None:
    store = StoreOptions(segment_bytes=4096, retention_bytes=20_000)
    async with (
        EmbeddedServer(ServerConfig(store=store, data=tmp_path)) as server,
        Client(server.brokers[0].address) as client,
    ):
        for _ in range(20):
            await client.send("T", b"x" * 3000)
        header = (await client.pull("T", offset=0)).header
    kept = sum(path.stat().st_size for path in (tmp_path / "broker-a").glob("*.log"))

    assert 20 == header.max_offset
    assert 13 <= header.min_offset < 20
    assert kept <= 24_096


_pull = {
    "consumerGroup": "cg", "queueId": "0", "queueOffset": "0", "maxMsgNums": "1", "sysFlag": "4",
    "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0",
}  # fmt: skip
