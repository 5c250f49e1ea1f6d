"""Answers the requests of a topic, with nothing but the calls of one broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.broker import BrokerClient
from pyrocketmq.compression import compress, compression_flag
from pyrocketmq.errors import RocketMQError
from pyrocketmq.model import Message
from pyrocketmq.model.names import reply_topic
from pyrocketmq.producer.request_reply import CORRELATION_ID, REPLY_TO, TTL
from pyrocketmq.transport.utils import parse_address

GROUP = "responders"

Answer = Callable[[MessageExt], bytes | None]


class Responder:
    """What was asked, and what came of the replies."""

    def __init__(self, broker: BrokerClient, topic: str, queues: int, answer: Answer) -> None:
        self.broker = broker
        self.topic = topic
        self.queues = queues
        self.answer = answer
        self.compressed = False
        self.asked: list[MessageExt] = []
        self.refused: list[RocketMQError] = []

    async def run(self) -> None:
        offsets = dict.fromkeys(range(self.queues), 0)
        while True:
            for queue_id, offset in offsets.items():
                found = await self.broker.pull_message(GROUP, self.topic, queue_id, offset, 32)
                for message in found.messages:
                    offsets[queue_id] = message.queue_offset + 1
                    self.asked.append(message)
                    await self.reply_to(message)
            await asyncio.sleep(0.002)

    async def reply_to(self, message: MessageExt) -> None:
        body = self.answer(message)
        if body is None:
            return
        properties = {name: message.get_property(name, "") for name in (CORRELATION_ID, REPLY_TO, TTL)}
        properties["MSG_TYPE"] = "reply"
        sys_flag = 0
        if self.compressed:
            body, sys_flag = compress(body, "zlib"), compression_flag("zlib")
        topic = reply_topic(message.get_property("CLUSTER", ""))
        try:
            await self.broker.send_reply(Message(topic, body, properties=properties), sys_flag=sys_flag)
        except RocketMQError as error:
            self.refused.append(error)


@contextlib.asynccontextmanager
async def responding(
    address: str, topic: str, answer: Answer, *, queues: int = 4
) -> AsyncIterator[Responder]:
    """A responder at work on one broker."""
    host, port = parse_address(address)
    async with BrokerClient(host, port) as broker:
        responder = Responder(broker, topic, queues, answer)
        task = asyncio.create_task(responder.run())
        try:
            yield responder
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
