"""Requests of a producer, answered through the broker."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.errors import ReplyTimeoutError
from pyrocketmq.model import Message
from pyrocketmq.producer import AsyncProducer
from tests.replies.responder import responding
from tests.servers import Server

from .conftest import QUEUES


def shout(message: MessageExt) -> bytes:
    return message.body.upper()


def test_requests_get_their_replies(server: Server, topic: str, group: str) -> None:
    async def ask() -> list[bytes]:
        async with (
            responding(server.broker, topic, shout, queues=QUEUES) as responder,
            AsyncProducer(group, server.name_server) as producer,
        ):
            asked = [producer.request(Message(topic, f"number {number}"), 20.0) for number in range(20)]
            replies = await asyncio.gather(*asked)
            assert responder.refused == []
            return [reply.body for reply in replies]

    assert asyncio.run(ask()) == [f"NUMBER {number}".encode() for number in range(20)]


def test_a_compressed_reply_is_unpacked(server: Server, topic: str, group: str) -> None:
    async def ask() -> MessageExt:
        async with (
            responding(server.broker, topic, lambda _: b"x" * 10_000, queues=QUEUES) as responder,
            AsyncProducer(group, server.name_server) as producer,
        ):
            responder.compressed = True
            return await producer.request(Message(topic, b"hello"), 20.0)

    assert asyncio.run(ask()).body == b"x" * 10_000


def test_a_request_that_nobody_answers_says_so(server: Server, topic: str, group: str) -> None:
    async def ask() -> None:
        async with AsyncProducer(group, server.name_server) as producer:
            with pytest.raises(ReplyTimeoutError):
                await producer.request(Message(topic, b"hello"), 1.0)

    asyncio.run(ask())
