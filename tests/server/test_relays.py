"""What tools ask of consumers through a broker, and replies pushed to those who wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.model.headers import ReplyMessageRequestHeader
from pyrocketmq.model.message_ext import decode_messages_strict
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.result_data import GetConsumerStatusBody
from pyrocketmq.server import EmbeddedServer
from tests.server.client import Client, send_header
from tests.server.heartbeats import eventually, join, produce

GO = 9


class Answering(Client):
    """A consumer that answers what it is asked."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.code = 0
        self.body: bytes | None = None
        self.is_silent = False

    def _take(self, connection: Connection, request: RemotingCommand) -> RemotingCommand | None:  # type: ignore[override]
        super()._take(connection, request)
        if request.is_oneway:
            return None
        if self.is_silent:
            return asyncio.get_running_loop().create_future()  # type: ignore[return-value]
        return RemotingCommand(self.code, GO, 400, 0, 1, "well", {"x": "y"}, self.body)


@pytest_asyncio.fixture
async def consumer(server: EmbeddedServer) -> AsyncIterator[Answering]:
    """A member "me" of the groups cg and pg."""
    async with Answering(server.brokers[0].address) as made:
        await join(made)
        await produce(made)
        made.pushed.clear()
        yield made


async def test_running_info_comes_from_the_consumer_as_it_gave_it(
    client: Client, consumer: Answering
) -> None:
    consumer.body = b'{"jstack":"none"}'

    answer = await client.ask(307, {"consumerGroup": "cg", "clientId": "me", "jstackEnable": "false"})

    assert (0, "well", b'{"jstack":"none"}') == (answer.code, answer.remark, answer.body)
    assert (GO, 400, {"x": "y"}) == (answer.language, answer.version, answer.ext_fields)
    (request,) = consumer.pushed
    assert {"consumerGroup": "cg", "clientId": "me", "jstackEnable": "false"} == request.ext_fields


async def test_a_consumer_that_is_not_there_cannot_be_asked(client: Client) -> None:
    answer = await client.ask(307, {"consumerGroup": "cg", "clientId": "me"})

    assert (1, "The Consumer <cg> <me> not online") == (answer.code, answer.remark)


async def test_a_consumer_that_does_not_answer_is_given_up(
    server: EmbeddedServer, client: Client, consumer: Answering
) -> None:
    consumer.is_silent = True
    waiting = client.begin(307, {"consumerGroup": "cg", "clientId": "me"})
    await eventually(lambda: consumer.pushed)
    server.advance(9.999)
    assert not waiting.done()
    server.advance(0.001)

    answer = await waiting
    assert 207 == answer.code
    assert "Timeout" in (answer.remark or "")


async def test_a_consumer_that_leaves_cannot_answer(client: Client, consumer: Answering) -> None:
    consumer.is_silent = True
    waiting = client.begin(307, {"consumerGroup": "cg", "clientId": "me"})
    await eventually(lambda: consumer.pushed)
    consumer.connection.abort()

    assert 1 == (await waiting).code


async def test_a_message_is_consumed_directly_by_the_client_that_is_named(
    client: Client, consumer: Answering
) -> None:
    sent = await client.send("T", b"again")
    consumer.body = b'{"consumeResult":"CR_SUCCESS"}'

    answer = await client.ask(
        309, {"consumerGroup": "cg", "clientId": "me", "msgId": sent.msg_id, "brokerName": "broker-a"}
    )

    assert (0, consumer.body) == (answer.code, answer.body)
    (request,) = consumer.pushed
    (message,) = decode_messages_strict(request.body or b"")
    assert (b"again", sent.msg_id) == (message.body, message.offset_msg_id)
    assert "broker-a" == (request.ext_fields or {})["brokerName"]


async def test_a_message_that_is_not_there_cannot_be_consumed(client: Client, consumer: Answering) -> None:
    sent = await client.send("T")
    fields = {"consumerGroup": "cg", "clientId": "me"}

    assert 1 == (await client.ask(309, {**fields, "msgId": "nonsense"})).code
    assert 1 == (await client.ask(309, {**fields, "msgId": sent.msg_id[:-1] + "F"})).code
    assert 1 == (await client.ask(309, fields)).code
    assert [] == consumer.pushed


async def test_offsets_are_asked_of_the_members(client: Client, consumer: Answering) -> None:
    offsets = {MessageQueue("T", "broker-a", 0): 5}
    consumer.body = GetConsumerStatusBody(offsets).encode()

    whole = await client.ask(223, {"topic": "T", "group": "cg"})
    other = await client.ask(223, {"topic": "T", "group": "cg", "clientAddr": "somebody"})
    none = await client.ask(223, {"topic": "T", "group": "nobody"})

    assert {"me": offsets} == GetConsumerStatusBody.decode(whole.body).consumer_table
    assert {} == GetConsumerStatusBody.decode(other.body).consumer_table
    assert 1 == none.code


# ---- replies ----


async def reply(client: Client, properties: str) -> RemotingCommand:
    """Send a reply, as a consumer of the request does."""
    header = send_header("DefaultCluster_REPLY_TOPIC", 0, f"MSG_TYPE\x01reply\x02{properties}", flag=7)
    return await client.ask(325, header, b"pong")


async def test_a_reply_reaches_the_client_that_waits_and_is_stored(
    client: Client, consumer: Answering
) -> None:
    answer = await reply(client, "CORRELATION_ID\x01c1\x02REPLY_TO_CLIENT\x01me\x02UNIQ_KEY\x01U1\x02")

    assert 0 == answer.code
    (request,) = consumer.pushed
    header = ReplyMessageRequestHeader.from_ext_fields(request.ext_fields)
    assert (326, b"pong", 7) == (request.code, request.body, header.flag)
    assert "CORRELATION_ID\x01c1\x02" in (header.properties or "")
    assert "PUSH_REPLY_TIME" in (header.properties or "")
    assert (client.connection.transport is not None, "127.0.0.1") == (True, header.born_host.split(":")[0])
    (message,) = (await client.pull("DefaultCluster_REPLY_TOPIC")).messages
    assert (b"pong", "U1") == (message.body, message.unique_id)


async def test_a_reply_that_nobody_waits_for_is_stored_and_refused(client: Client) -> None:
    nobody = await reply(client, "REPLY_TO_CLIENT\x01me\x02")
    unnamed = await reply(client, "CORRELATION_ID\x01c1\x02")

    assert (1, "push reply message fail, channel of <me> not found.") == (nobody.code, nobody.remark)
    assert (1, "reply message properties[REPLY_TO_CLIENT] is null") == (unnamed.code, unnamed.remark)
    assert [b"pong", b"pong"] == (await client.pull("DefaultCluster_REPLY_TOPIC")).bodies


async def test_a_reply_that_is_not_taken_is_an_error_for_the_replier(
    server: EmbeddedServer, client: Client, consumer: Answering
) -> None:
    consumer.code = 1
    assert 1 == (await reply(client, "REPLY_TO_CLIENT\x01me\x02")).code

    consumer.is_silent = True
    consumer.pushed.clear()
    waiting = asyncio.ensure_future(reply(client, "REPLY_TO_CLIENT\x01me\x02"))
    await eventually(lambda: consumer.pushed)
    server.advance(3)
    answer = await waiting
    assert 1 == answer.code
    assert (answer.remark or "").startswith("push reply message to me fail")
