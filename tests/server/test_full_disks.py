"""What happens to messages that wait while the disk is full, or when the power fails."""

from __future__ import annotations

import functools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.server import EmbeddedServer, ServerConfig
from pyrocketmq.server.store import MessageStore, StoreOptions
from tests.server.client import Client, send_header
from tests.server.heartbeats import produce
from tests.unit.store_files import FilesDouble

HALF = "TRAN_MSG\x01true\x02PGROUP\x01tg\x02"


@asynccontextmanager
async def life(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock, files: FilesDouble, segment_bytes: int = 1 << 20
) -> AsyncIterator[tuple[EmbeddedServer, Client]]:
    """A server whose disk is a double that syncs before it acknowledges."""
    monkeypatch.setattr("pyrocketmq.server.broker.MessageStore", functools.partial(MessageStore, files=files))
    config = ServerConfig(
        data=Path("/nowhere"), store=StoreOptions(fsync="always", segment_bytes=segment_bytes)
    )
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        yield server, client


async def bodies(client: Client) -> list[bytes]:
    """What consumers of T find."""
    return (await client.pull("T")).bodies


async def send_half(client: Client, body: bytes) -> dict[str, str]:
    """Send a half message; the fields that decide it, but for the decision."""
    answer = await client.ask(310, send_header("T", 0, HALF, sys_flag=4), body)
    assert 0 == answer.code, answer.remark
    fields = answer.ext_fields or {}
    return {
        "producerGroup": "tg",
        "tranStateTableOffset": fields["queueOffset"],
        "commitLogOffset": str(decode_offset_message_id(fields["msgId"]).offset),
        "msgId": "U1",
    }


async def settle(server: EmbeddedServer, client: Client) -> None:
    """Let what was stored become safe, and what waits for it go on."""
    for _ in range(5):
        server.advance(1)
        await client.send("Other")


@pytest.mark.parametrize("segment_bytes", [1 << 20, 4096])
@pytest.mark.parametrize("properties", ["DELAY\x011\x02", "TIMER_DELAY_SEC\x011\x02"])
async def test_what_is_due_while_the_disk_is_full_comes_once_when_there_is_space(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock, properties: str, segment_bytes: int
) -> None:
    files = FilesDouble()
    async with life(monkeypatch, clock, files, segment_bytes) as (server, client):
        await client.send("Other")
        for number in range(3):
            await client.send("T", b"%d" % number * 1500, properties=properties)
        files.space = 0
        server.advance(5)
        assert [] == await bodies(client)

        files.space = None
        await settle(server, client)

        assert [b"0", b"1", b"2"] == [body[:1] for body in await bodies(client)]


async def test_a_commit_that_cannot_be_stored_is_refused_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    files = FilesDouble()
    async with life(monkeypatch, clock, files) as (server, client):
        half = await send_half(client, b"pay")
        files.space = 0
        assert 14 == (await client.ask(37, {**half, "commitOrRollback": "8"})).code
        assert 1 == server.brokers[0].transactions.open_count

        files.space = None
        assert 0 == (await client.ask(37, {**half, "commitOrRollback": "8"})).code

        assert [b"pay"] == await bodies(client)
        assert 0 == server.brokers[0].transactions.open_count


async def test_a_check_that_cannot_be_stored_comes_later(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    files = FilesDouble()
    async with life(monkeypatch, clock, files) as (server, client):
        await produce(client, group="tg")
        half = await send_half(client, b"pay")
        files.space = 0
        server.advance(6)
        files.space = None
        await settle(server, client)
        assert [] == client.pushed

        server.advance(30)
        await settle(server, client)

        (check,) = client.pushed
        fields = check.ext_fields or {}
        numbers = {name: fields[name] for name in ("tranStateTableOffset", "commitLogOffset")}
        assert 0 == (await client.ask(37, {**half, **numbers, "commitOrRollback": "8"})).code
        assert [b"pay"] == await bodies(client)


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_acknowledged_comes_after_a_power_cut(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock, seed: int
) -> None:
    rng = random.Random(seed)
    print("seed", seed)
    files = FilesDouble()
    files.rng = rng
    sent: set[bytes] = set()
    rolled_back: set[bytes] = set()
    for round_number in range(4):
        async with life(monkeypatch, clock, files) as (server, client):
            for number in range(rng.randrange(1, 12)):
                body = b"%d-%d" % (round_number, number)
                kind = rng.choice(("plain", "delayed", "timed", "commit", "rollback"))
                if kind in ("commit", "rollback"):
                    half = await send_half(client, body)
                    outcome = "8" if kind == "commit" else "12"
                    assert 0 == (await client.ask(37, {**half, "commitOrRollback": outcome})).code
                else:
                    delay = {"plain": "", "delayed": "DELAY\x011\x02", "timed": "TIMER_DELAY_SEC\x012\x02"}
                    await client.send("T", body, properties=delay[kind])
                (rolled_back if kind == "rollback" else sent).add(body)
                if rng.random() < 0.3:
                    server.advance(rng.choice((0.5, 1, 7)))
            files = FilesDouble(files.after_power_cut())
            files.rng = rng
    async with life(monkeypatch, clock, files) as (server, client):
        await settle(server, client)
        found: list[bytes] = []
        while batch := (await client.pull("T", 0, len(found))).bodies:
            found += batch

        assert sent == set(found)
        assert 0 == server.brokers[0].transactions.open_count


async def test_a_position_saved_behind_a_lost_end_of_the_log_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    """With other policies than ``always`` a power cut may take the end of the log and leave a newer state."""
    files = FilesDouble()
    async with life(monkeypatch, clock, files) as (_, client):
        await client.send("T")
        before = files.content()
        for _ in range(2):
            half = await send_half(client, b"gone")
            assert 0 == (await client.ask(37, {**half, "commitOrRollback": "12"})).code
    after = files.content()
    states = {name: data for name, data in after.items() if name.endswith(".open.json")}
    assert states

    files = FilesDouble({**before, **states})
    async with life(monkeypatch, clock, files) as (server, client):
        half = await send_half(client, b"pay")
        crashed = FilesDouble(files.content())
    async with life(monkeypatch, clock, crashed) as (server, client):
        assert 1 == server.brokers[0].transactions.open_count
        assert 0 == (await client.ask(37, {**half, "commitOrRollback": "8"})).code
        assert b"pay" in await bodies(client)
