"""Half messages: what their producer decides, and how it is asked."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import NamedTuple

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.model.headers import CheckTransactionStateRequestHeader
from pyrocketmq.model.message_ext import MessageExt, decode_messages_strict
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client, Pulled, pull_header, send_header
from tests.server.heartbeats import produce

COMMIT, ROLLBACK, UNKNOWN = 8, 12, 0


class Half(NamedTuple):
    """The numbers that a producer keeps of a half message."""

    position: int
    offset: int

    def fields(self, outcome: int) -> dict[str, str]:
        """Those of the decision."""
        return {
            "topic": "T",
            "producerGroup": "tg",
            "tranStateTableOffset": str(self.offset),
            "commitLogOffset": str(self.position),
            "commitOrRollback": str(outcome),
            "fromTransactionCheck": "false",
            "msgId": "U1",
            "transactionId": "U1",
        }

    async def end(self, client: Client, outcome: int, **changes: str) -> RemotingCommand:
        """Decide the transaction."""
        return await client.ask(37, {**self.fields(outcome), **changes})


class Check(NamedTuple):
    """A question of the broker."""

    half: Half
    header: CheckTransactionStateRequestHeader
    message: MessageExt


async def send_half(client: Client, body: bytes = b"pay", properties: str = "") -> Half:
    """Send a half message to queue 1 of T."""
    text = f"TRAN_MSG\x01true\x02PGROUP\x01tg\x02UNIQ_KEY\x01U1\x02{properties}"
    answer = await client.ask(310, send_header("T", 1, text, sys_flag=4), body)
    assert 0 == answer.code, answer.remark
    fields = answer.ext_fields or {}
    assert "1" == fields["queueId"]
    return Half(decode_offset_message_id(fields["msgId"]).offset, int(fields["queueOffset"]))


async def checks(client: Client) -> list[Check]:
    """What the client was asked since the last time."""
    await client.ask(38, {"consumerGroup": "nobody"})
    found: list[Check] = []
    for request in client.pushed:
        assert 39 == request.code
        assert request.is_oneway
        header = CheckTransactionStateRequestHeader.from_ext_fields(request.ext_fields)
        (message,) = decode_messages_strict(request.body or b"")
        found.append(Check(Half(header.commit_log_offset, header.tran_state_table_offset), header, message))
    client.pushed.clear()
    return found


async def seen(client: Client) -> list[bytes]:
    """What consumers of T find."""
    return (await client.pull("T", 1)).bodies


async def test_a_half_message_is_seen_once_it_is_committed(client: Client) -> None:
    half = await send_half(client, b"pay", "TAGS\x01t\x02")
    assert [] == await seen(client)

    assert 0 == (await half.end(client, COMMIT)).code

    (message,) = (await client.pull("T", 1)).messages
    properties = dict(message.properties)
    assert (b"pay", 8, half.position) == (
        message.body,
        message.sys_flag,
        message.prepared_transaction_offset,
    )
    assert ("t", "U1", "U1") == (message.tags, message.unique_id, message.transaction_id)
    assert {"TRAN_MSG": "true", "PGROUP": "tg"}.items() <= properties.items()
    assert not {"REAL_TOPIC", "REAL_QID"} & properties.keys()


async def test_a_commit_wakes_those_who_wait(client: Client) -> None:
    half = await send_half(client)
    held = client.begin(11, pull_header("T", 1, 0, sys_flag=6, suspend_timeout_millis=15_000))
    await half.end(client, COMMIT)

    assert [b"pay"] == Pulled(await held).bodies


async def test_a_half_message_that_is_rolled_back_is_never_seen(
    server: EmbeddedServer, client: Client
) -> None:
    await produce(client, group="tg")
    half = await send_half(client)

    assert 0 == (await half.end(client, ROLLBACK)).code
    server.advance(100)

    assert [] == await checks(client)
    assert [] == await seen(client)


async def test_a_decision_that_comes_twice_counts_once(client: Client) -> None:
    """A producer that got no answer may ask again. (A 5.5.0 broker stores the message twice.)"""
    half = await send_half(client)

    assert [0, 0] == [(await half.end(client, COMMIT)).code for _ in range(2)]

    assert [b"pay"] == await seen(client)


@pytest.mark.parametrize(
    ("first", "second", "bodies"), [(COMMIT, ROLLBACK, [b"pay"]), (ROLLBACK, COMMIT, [])]
)
async def test_the_first_decision_holds(client: Client, first: int, second: int, bodies: list[bytes]) -> None:
    half = await send_half(client)
    await half.end(client, first)

    assert 604 == (await half.end(client, second)).code

    assert bodies == await seen(client)


@pytest.mark.parametrize(
    ("changes", "code", "remark"),
    [
        ({"producerGroup": "other"}, 1, "The producer group wrong"),
        ({"tranStateTableOffset": "77"}, 1, "The transaction state table offset wrong"),
        ({"commitLogOffset": "1"}, 1, "Find prepared transaction message failed"),
        ({"commitOrRollback": "5"}, 1, "commitOrRollback field wrong"),
    ],
)
async def test_a_decision_with_wrong_numbers_is_refused(
    client: Client, changes: dict[str, str], code: int, remark: str
) -> None:
    half = await send_half(client)

    answer = await half.end(client, COMMIT, **changes)

    assert (code, remark) == (answer.code, answer.remark)
    assert [] == await seen(client)


async def test_not_to_know_is_never_answered(server: EmbeddedServer, client: Client) -> None:
    half = await send_half(client)
    waiting = client.begin(37, half.fields(UNKNOWN))
    await client.ask(38, {"consumerGroup": "nobody"})

    assert not waiting.done()
    assert 1 == server.brokers[0].transactions.open_count
    waiting.cancel()


async def test_the_producer_is_asked_in_time_and_again(server: EmbeddedServer, client: Client) -> None:
    await produce(client, group="tg")
    await send_half(client)
    server.advance(5.999)
    assert [] == await checks(client)
    server.advance(0.001)

    (check,) = await checks(client)

    assert ("RMQ_SYS_TRANS_HALF_TOPIC", "broker-a") == (check.header.topic, check.header.bname)
    assert ("U1", "U1") == (check.header.msg_id, check.header.transaction_id)
    assert ("T", 1, b"pay") == (check.message.topic, check.message.queue_id, check.message.body)
    assert "1" == check.message.properties["TRANSACTION_CHECK_TIMES"]
    assert check.header.offset_msg_id == check.message.offset_msg_id
    server.advance(29.999)
    assert [] == await checks(client)
    server.advance(0.001)
    assert ["2"] == [one.message.properties["TRANSACTION_CHECK_TIMES"] for one in await checks(client)]


@pytest.mark.parametrize("which", ["the numbers of the check", "the numbers of the send"])
async def test_a_decision_after_a_check_counts_once(
    server: EmbeddedServer, client: Client, which: str
) -> None:
    await produce(client, group="tg")
    sent = await send_half(client)
    server.advance(6)
    (check,) = await checks(client)
    half, other = (check.half, sent) if which == "the numbers of the check" else (sent, check.half)

    assert 0 == (await half.end(client, COMMIT, fromTransactionCheck="true")).code
    assert 0 == (await other.end(client, COMMIT, fromTransactionCheck="true")).code
    server.advance(100)

    assert [] == await checks(client)
    assert [b"pay"] == await seen(client)
    assert 0 == server.brokers[0].transactions.open_count


async def test_a_decision_while_a_check_is_on_its_way_counts(server: EmbeddedServer, client: Client) -> None:
    """The copy that the check has stored comes into the log after the decision."""
    await produce(client, group="tg")
    half = await send_half(client)
    broker = server.brokers[0]
    (connection,) = broker.connections
    server.advance(5.999)
    assert isinstance(server.clock, ManualClock)
    server.clock.advance(0.001)

    broker.timers.run_due()
    answer = broker.dispatcher(connection, RemotingCommand(37, ext_fields=half.fields(COMMIT)))
    assert isinstance(answer, Awaitable)
    await answer
    server.advance(100)

    assert [b"pay"] == await seen(client)
    assert 0 == broker.transactions.open_count


async def test_a_message_that_nobody_decides_is_given_up(client: Client, server: EmbeddedServer) -> None:
    await produce(client, group="tg")
    half = await send_half(client)
    for _ in range(17):
        server.advance(30)
        await produce(client, group="tg")

    assert 15 == len(await checks(client))
    assert [] == await seen(client)
    (given_up,) = (await client.pull("TRANS_CHECK_MAX_TIME_TOPIC")).messages
    assert (b"pay", "15") == (given_up.body, given_up.properties["TRANSACTION_CHECK_TIMES"])
    assert 604 == (await half.end(client, COMMIT)).code

    # A tool may let the producer be asked again.
    assert 1 == (await client.ask(323, {"topic": "T", "msgId": "nonsense"})).code
    assert 0 == (await client.ask(323, {"topic": "T", "msgId": given_up.offset_msg_id})).code
    server.advance(6)
    (check,) = await checks(client)
    assert "1" == check.message.properties["TRANSACTION_CHECK_TIMES"]
    assert 0 == (await check.half.end(client, COMMIT, fromTransactionCheck="true")).code
    assert [b"pay"] == await seen(client)


async def test_a_message_may_say_when_it_is_asked_about(server: EmbeddedServer, client: Client) -> None:
    await produce(client, group="tg")
    half = await send_half(client, b"slow", "CHECK_IMMUNITY_TIME_IN_SECONDS\x0140\x02")
    server.advance(39.999)
    assert [] == await checks(client)
    server.advance(0.001)
    (check,) = await checks(client)

    server.advance(1)
    assert 604 == (await half.end(client, COMMIT)).code
    assert 0 == (await check.half.end(client, COMMIT, fromTransactionCheck="true")).code
    assert [b"slow"] == await seen(client)


async def test_another_member_of_the_group_is_asked(server: EmbeddedServer, client: Client) -> None:
    await send_half(client)
    async with Client(server.brokers[0].address) as other:
        await produce(other, "other", "tg")
        server.advance(6)

        assert 1 == len(await checks(other))
    assert [] == await checks(client)


async def test_a_delay_of_a_half_message_begins_with_its_commit(
    server: EmbeddedServer, client: Client
) -> None:
    half = await send_half(client, b"pay", "DELAY\x011\x02")
    server.advance(2)
    await half.end(client, COMMIT)
    assert [] == await seen(client)
    server.advance(1)
    assert [b"pay"] == await seen(client)


async def test_a_retry_of_a_committed_message_is_no_transaction(
    server: EmbeddedServer, client: Client
) -> None:
    """Consumers that send a retry themselves may keep the property that began the transaction."""
    header = send_header(
        "%RETRY%cg", 0, "TRAN_MSG\x01true\x02PGROUP\x01tg\x02DELAY\x011\x02", sys_flag=4, reconsume_times=1
    )
    assert 0 == (await client.ask(310, header, b"again")).code
    server.advance(1)

    (message,) = (await client.pull("%RETRY%cg")).messages
    assert (b"again", 0) == (message.body, message.sys_flag)


async def test_open_transactions_survive_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        await produce(client, group="tg")
        done = await send_half(client, b"done")
        await done.end(client, COMMIT)
        half = await send_half(client, b"open")
        server.advance(6)
        assert 1 == len(await checks(client))
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        await produce(client, group="tg")
        assert 1 == server.brokers[0].transactions.open_count
        server.advance(30)
        (check,) = await checks(client)
        assert "2" == check.message.properties["TRANSACTION_CHECK_TIMES"]
        assert 0 == (await half.end(client, COMMIT)).code
        assert 0 == (await done.end(client, COMMIT)).code
        server.advance(80)

        assert [b"done", b"open"] == await seen(client)
        assert [] == await checks(client)
