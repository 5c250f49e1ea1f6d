"""What was acknowledged is there after a crash: a server starts with a copy of another's folder."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client, send_header
from tests.server.heartbeats import join, produce


class Machine:
    """A place where servers run until they crash."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self._folder = folder
        self.clock = clock
        self._lives = 0

    @asynccontextmanager
    async def life(self) -> AsyncIterator[tuple[EmbeddedServer, Client]]:
        """A server on what is on disk, and a client."""
        config = ServerConfig(data=self._data)
        async with (
            EmbeddedServer(config, clock=self.clock) as server,
            Client(server.brokers[0].address) as client,
        ):
            yield server, client

    @property
    def _data(self) -> Path:
        return self._folder / f"life-{self._lives}"

    def crash(self) -> None:
        """The next server finds what is on disk now."""
        before = self._data
        self._lives += 1
        # What is being written beside a state is not its content yet.
        shutil.copytree(before, self._data, ignore=shutil.ignore_patterns("*.tmp"))


@pytest.fixture
def machine(tmp_path: Path, clock: ManualClock) -> Machine:
    return Machine(tmp_path, clock)


async def bodies(client: Client, topic: str = "T") -> list[bytes]:
    """What consumers find."""
    return (await client.pull(topic)).bodies


async def test_delayed_and_timed_messages_come_once(machine: Machine) -> None:
    async with machine.life() as (server, client):
        await client.send("T", b"soon", properties="DELAY\x011\x02")
        await client.send("T", b"timed soon", properties="TIMER_DELAY_SEC\x011\x02")
        await client.send("T", b"later", properties="DELAY\x012\x02")
        await client.send("T", b"timed later", properties="TIMER_DELAY_SEC\x016\x02")
        server.advance(1)
        assert [b"soon", b"timed soon"] == await bodies(client)
        machine.crash()
    async with machine.life() as (server, client):
        assert [b"soon", b"timed soon"] == await bodies(client)
        server.advance(10)
        assert [b"soon", b"timed soon", b"later", b"timed later"] == await bodies(client)
        machine.crash()
    async with machine.life() as (server, client):
        server.advance(10)
        assert 4 == len(await bodies(client))


async def test_an_acknowledged_recall_holds(machine: Machine) -> None:
    async with machine.life() as (server, client):
        header = send_header("T", 0, "TIMER_DELAY_SEC\x015\x02")
        handle = ((await client.ask(310, header, b"x")).ext_fields or {})["recallHandle"]
        assert 0 == (await client.ask(370, {"topic": "T", "recallHandle": handle})).code
        machine.crash()
    async with machine.life() as (server, client):
        server.advance(10)
        assert [] == await bodies(client)


@pytest.mark.parametrize("decided", [False, True])
async def test_transactions_are_as_far_as_they_were(machine: Machine, decided: bool) -> None:
    async with machine.life() as (server, client):
        await produce(client, group="tg")
        header = send_header("T", 0, "TRAN_MSG\x01true\x02PGROUP\x01tg\x02", sys_flag=4)
        fields = (await client.ask(310, header, b"pay")).ext_fields or {}
        server.advance(6)
        end = {
            "producerGroup": "tg",
            "tranStateTableOffset": fields["queueOffset"],
            "commitLogOffset": str(decode_offset_message_id(fields["msgId"]).offset),
            "commitOrRollback": "8",
            "msgId": "U1",
        }
        if decided:
            assert 0 == (await client.ask(37, end)).code
        machine.crash()
    async with machine.life() as (server, client):
        await produce(client, group="tg")
        assert (0 if decided else 1) == server.brokers[0].transactions.open_count
        assert 0 == (await client.ask(37, end)).code
        server.advance(60)
        assert [b"pay"] == await bodies(client)
        assert [] == [request for request in client.pushed if request.code == 39]


async def test_settings_of_tools_are_kept_at_once(machine: Machine) -> None:
    async with machine.life() as (server, client):
        settings = SubscriptionGroupConfig("cg", retry_max_times=2)
        assert 0 == (await client.ask(200, body=settings.encode())).code
        machine.crash()
    async with machine.life() as (server, _):
        kept = server.brokers[0].groups.get("cg")
        assert kept is not None
        assert 2 == kept.retry_max_times


async def test_retries_come_after_a_crash(machine: Machine) -> None:
    async with machine.life() as (server, client):
        await join(client)
        sent = await client.send("T", b"work")
        offset = decode_offset_message_id(sent.msg_id).offset
        fields = {"offset": str(offset), "group": "cg", "delayLevel": "2"}
        assert 0 == (await client.ask(36, fields)).code
        machine.crash()
    async with machine.life() as (server, client):
        server.advance(5)
        assert [b"work"] == await bodies(client, "%RETRY%cg")
