"""Pops, acknowledgements and changes of invisible times as consumers make them."""

from __future__ import annotations

from pyrocketmq.model import RemotingCommand
from pyrocketmq.model.headers import PopMessageResponseHeader
from pyrocketmq.model.message_ext import MessageExt, decode_messages_strict
from pyrocketmq.model.pop import (
    PopReceipt,
    parse_msg_offset_info,
    parse_order_count_info,
    parse_start_offset_info,
)
from tests.server.client import Client

TOPIC, GROUP = "orders", "workers"


class Popped:
    """The answer to a pop."""

    def __init__(self, answer: RemotingCommand) -> None:
        self.code = answer.code
        self.remark = answer.remark
        self.header = PopMessageResponseHeader.from_ext_fields(answer.ext_fields)
        self.messages = decode_messages_strict(answer.body) if answer.body else []
        self.starts = parse_start_offset_info(self.header.start_offset_info or "")
        self.offsets = parse_msg_offset_info(self.header.msg_offset_info or "")
        self.counts = parse_order_count_info(self.header.order_count_info or "")

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]

    def receipt(self, message: MessageExt, broker: str = "broker-a") -> str:
        """The receipt of a message, made as clients make it."""
        given = message.get_property("POP_CK")
        if given is not None:
            return given
        key = f"0@{message.queue_id}"
        assert message.queue_offset in self.offsets[key]
        return PopReceipt(
            self.starts[key],
            self.header.pop_time,
            self.header.invisible_time,
            self.header.revive_qid,
            "0",
            broker,
            message.queue_id,
            message.queue_offset,
        ).encode()


def pop_fields(
    *,
    topic: str = TOPIC,
    group: str = GROUP,
    queue_id: int = -1,
    most: int = 32,
    invisible_ms: int = 60_000,
    poll_ms: int = 0,
    init_mode: int = 0,
    order: bool = False,
    **more: str,
) -> dict[str, str]:
    return {
        "topic": topic,
        "consumerGroup": group,
        "queueId": str(queue_id),
        "maxMsgNums": str(most),
        "invisibleTime": str(invisible_ms),
        "pollTime": str(poll_ms),
        "bornTime": "0",
        "initMode": str(init_mode),
        "order": "true" if order else "false",
        **more,
    }


async def pop(client: Client, **fields: object) -> Popped:
    return Popped(await client.ask(200050, pop_fields(**fields)))  # type: ignore[arg-type]


def about(popped: Popped, message: MessageExt, *, group: str = GROUP, topic: str = TOPIC) -> dict[str, str]:
    """The fields of a request about a popped message."""
    text = popped.receipt(message)
    receipt = PopReceipt.decode(text)
    return {
        "consumerGroup": group,
        "topic": receipt.real_topic(topic, group),
        "queueId": str(message.queue_id),
        "extraInfo": text,
        "offset": str(message.queue_offset),
    }


async def ack(client: Client, popped: Popped, message: MessageExt, *, group: str = GROUP) -> RemotingCommand:
    return await client.ask(200051, about(popped, message, group=group))


async def change(
    client: Client, popped: Popped, message: MessageExt, invisible_ms: int, *, group: str = GROUP
) -> RemotingCommand:
    fields = about(popped, message, group=group)
    return await client.ask(200053, {**fields, "invisibleTime": str(invisible_ms)})


async def make_topic(client: Client, queues: int = 2, topic: str = TOPIC) -> None:
    fields = {
        "topic": topic,
        "defaultTopic": "x",
        "readQueueNums": str(queues),
        "writeQueueNums": str(queues),
        "perm": "6",
        "topicFilterType": "SINGLE_TAG",
        "order": "false",
    }
    assert 0 == (await client.ask(17, fields)).code


async def fill(client: Client, count: int = 6, queues: int = 2) -> None:
    """Messages m0, m1, ... with the tags A and B, in turn to the queues."""
    await make_topic(client, queues)
    for number in range(count):
        await client.send(
            TOPIC, b"m%d" % number, queue_id=number % queues, properties=f"TAGS\x01{'AB'[number % 2]}\x02"
        )
