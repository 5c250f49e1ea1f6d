"""Sends straight from messages: frames as the encoder writes them, results made from the answers."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.frame import encode_frame
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import DeserializationError, InvalidMessageError, RpcTimeoutError
from tests.transport.peers import SEND_ANSWER, Peer, connect, shut, start_server, until

ENCODER = SendEncoder("group", "broker-a")
CODECS: list[Literal["json", "binary"]] = ["json", "binary"]


def stored(_: Connection, command: RemotingCommand) -> RemotingCommand:
    fields = command.ext_fields or {}
    return RemotingCommand(0, opaque=0, ext_fields=SEND_ANSWER | {"queueId": fields["e"]})


@pytest.mark.parametrize("codec", CODECS)
async def test_a_send_gives_the_result_of_its_own_message(codec: Literal["json", "binary"]) -> None:
    async with start_server(stored) as (port, _):
        connection = await connect(port)
        encoder = SendEncoder("group", "broker-a", codec)
        messages = [Message("orders", b"%d" % number) for number in range(200)]
        results = await asyncio.gather(
            *(connection.send_message(encoder, one, at % 8, 5) for at, one in enumerate(messages))
        )

        for at, (message, result) in enumerate(zip(messages, results, strict=True)):
            assert (True, at % 8, 7) == (result.ok, result.queue_id, result.queue_offset)
            assert message.get_property("UNIQ_KEY") == result.msg_id
            assert SEND_ANSWER["msgId"] == result.offset_msg_id
        await shut(connection)


async def test_an_id_that_the_user_set_is_the_id_of_the_result() -> None:
    async with start_server(stored) as (port, _):
        connection = await connect(port)
        message = Message("orders", b"x", properties={"UNIQ_KEY": "MINE"})

        assert "MINE" == (await connection.send_message(ENCODER, message, 0, 5)).msg_id
        await shut(connection)


async def test_a_batch_has_the_ids_of_all_its_messages() -> None:
    async with start_server(stored) as (port, _):
        connection = await connect(port)
        messages = [Message("orders", b"%d" % number) for number in range(3)]
        result = await connection.send_batch(ENCODER, messages, 2, 5)

        assert ",".join(str(one.get_property("UNIQ_KEY")) for one in messages) == result.msg_id
        assert 2 == result.queue_id
        await shut(connection)


async def test_a_refused_send_gives_a_result_with_its_code(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.send_message(ENCODER, Message("orders", b"x"), 0, 5)
    [seen] = await peer.read()
    await peer.write(encode_frame(RemotingCommand(2, 0, 513, seen.opaque, 1, "[TIMEOUT_CLEAN_QUEUE] busy")))

    result = await future

    assert (2, None, False) == (result.code, result.status, result.ok)
    assert "[TIMEOUT_CLEAN_QUEUE] busy" == result.remark
    await shut(connection)


async def test_an_unusual_form_of_an_answer_is_read_the_long_way(peer: Peer) -> None:
    connection = await peer.connect()
    message = Message("orders", b"x")
    future = connection.send_message(ENCODER, message, 0, 5)
    [seen] = await peer.read()
    await peer.write(
        encode_frame(RemotingCommand(0, 0, 513, seen.opaque, 1, 'say "hi"\n\u00e9', SEND_ANSWER))
    )

    result = await future

    assert ('say "hi"\n\u00e9', 7) == (result.remark, result.queue_offset)
    assert message.get_property("UNIQ_KEY") == result.msg_id
    await shut(connection)


async def test_an_answer_with_a_bad_number_is_an_error_that_warns(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.send_message(ENCODER, Message("orders", b"x"), 0, 5)
    [seen] = await peer.read()
    bad = SEND_ANSWER | {"queueOffset": "many"}
    await peer.write(encode_frame(RemotingCommand(0, 0, 513, seen.opaque, 1, None, bad)))

    with pytest.raises(DeserializationError, match="queueOffset") as caught:
        await future
    assert caught.value.maybe_sent
    await shut(connection)


async def test_sends_and_other_requests_share_a_connection() -> None:
    def handler(connection: Connection, command: RemotingCommand) -> RemotingCommand:
        if command.code == 310:
            return stored(connection, command)
        return RemotingCommand(0, opaque=0, ext_fields=SEND_ANSWER, body=command.body)

    async with start_server(handler) as (port, _):
        connection = await connect(port)
        sends = []
        requests = []
        for number in range(100):
            sends.append(connection.send_message(ENCODER, Message("orders", b"x"), number, 5))
            requests.append(connection.request(RemotingCommand(34, body=b"%d" % number), 5))

        assert list(range(100)) == [result.queue_id for result in await asyncio.gather(*sends)]
        assert [b"%d" % n for n in range(100)] == [answer.body for answer in await asyncio.gather(*requests)]
        await shut(connection)


async def test_a_oneway_send_waits_for_nothing(peer: Peer) -> None:
    connection = await peer.connect()
    connection.send_oneway(ENCODER, Message("orders", b"x"), 3)
    [seen] = await peer.read()

    assert (310, 2, "3") == (seen.code, seen.flag, (seen.ext_fields or {})["e"])
    assert 0 == connection.in_flight
    await shut(connection)


async def test_a_refused_message_leaves_nothing_behind(peer: Peer) -> None:
    connection = await peer.connect()

    with pytest.raises(InvalidMessageError):
        connection.send_message(ENCODER, Message("orders", b""), 0, 5)
    with pytest.raises(InvalidMessageError):
        connection.send_batch(ENCODER, [], 0, 5)
    assert (0, 0) == (connection.in_flight, connection.buffered_bytes)
    await shut(connection)


async def test_the_late_answer_of_a_send_is_dropped(peer: Peer) -> None:
    connection = await peer.connect()
    future = connection.send_message(ENCODER, Message("orders", b"x"), 0, 0.01)
    [seen] = await peer.read()
    with pytest.raises(RpcTimeoutError):
        await future
    await peer.write(encode_frame(RemotingCommand(0, 0, 513, seen.opaque, 1, None, SEND_ANSWER)))
    await until(lambda: connection.stats().late_answers)
    await shut(connection)
