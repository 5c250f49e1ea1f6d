"""A client for tests of the embedded server: requests as they travel, one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, Self

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.model.headers import (
    Header,
    PullMessageRequestHeader,
    PullMessageResponseHeader,
    SendMessageRequestHeaderV2,
    SendMessageResponseHeader,
)
from pyrocketmq.model.message_ext import MessageExt, decode_messages_strict
from pyrocketmq.transport.utils import parse_address

TIMEOUT = 5.0


class Client:
    """One connection to a server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.pushed: list[RemotingCommand] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        host, port = parse_address(self.address)
        _, self.connection = await loop.create_connection(lambda: Connection(self._take), host, port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.connection.close()
        await self.connection.wait_closed(1.0)

    def _take(self, _: Connection, request: RemotingCommand) -> None:
        self.pushed.append(request)

    async def ask(
        self,
        code: int,
        fields: Header | Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        codec: Literal["json", "binary"] = "json",
        version: int = 513,
    ) -> RemotingCommand:
        """Ask, and give the answer whatever its code."""
        return await self.begin(code, fields, body, codec=codec, version=version)

    def begin(
        self,
        code: int,
        fields: Header | Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        codec: Literal["json", "binary"] = "json",
        version: int = 513,
    ) -> asyncio.Future[RemotingCommand]:
        """Ask now, before anything that is asked later, and wait for the answer another time."""
        ext = fields.to_ext_fields() if isinstance(fields, Header) else dict(fields or {})
        request = RemotingCommand(code, 0, version, ext_fields=ext, body=body)
        return self.connection.request(request, TIMEOUT, codec=codec)

    async def send(
        self,
        topic: str,
        body: bytes = b"body",
        *,
        queue_id: int = 0,
        properties: str = "",
        codec: Literal["json", "binary"] = "json",
        **fields: int,
    ) -> SendMessageResponseHeader:
        """Send one message, which must be taken."""
        answer = await self.ask(310, send_header(topic, queue_id, properties, **fields), body, codec=codec)
        assert answer.code == 0, answer.remark
        return SendMessageResponseHeader.from_ext_fields(answer.ext_fields)

    async def pull(self, topic: str, queue_id: int = 0, offset: int = 0, **fields: object) -> Pulled:
        """Pull once; without hold unless the sys_flag says so."""
        return Pulled(await self.ask(11, pull_header(topic, queue_id, offset, **fields)))


class Pulled:
    """The answer to a pull."""

    def __init__(self, answer: RemotingCommand) -> None:
        self.code = answer.code
        self.remark = answer.remark
        self.header = PullMessageResponseHeader.from_ext_fields(answer.ext_fields)
        self.messages: list[MessageExt] = [] if answer.body is None else decode_messages_strict(answer.body)

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of the messages."""
        return [message.body for message in self.messages]


def send_header(
    topic: str, queue_id: int = 0, properties: str = "", **fields: int
) -> SendMessageRequestHeaderV2:
    """The header of a plain send."""
    values: dict[str, object] = {
        "producer_group": "pg",
        "topic": topic,
        "default_topic": "TBW102",
        "default_topic_queue_nums": 4,
        "queue_id": queue_id,
        "sys_flag": 0,
        "born_timestamp": 1_700_000_000_123,
        "flag": 0,
        "properties": properties,
        "reconsume_times": 0,
        "unit_mode": False,
        "batch": False,
        **fields,
    }
    return SendMessageRequestHeaderV2.partial(**values)


def pull_header(topic: str, queue_id: int = 0, offset: int = 0, **fields: object) -> PullMessageRequestHeader:
    """The header of a pull of everything that is not held."""
    values: dict[str, object] = {
        "consumer_group": "cg",
        "topic": topic,
        "queue_id": queue_id,
        "queue_offset": offset,
        "max_msg_nums": 32,
        "sys_flag": 4,
        "commit_offset": 0,
        "suspend_timeout_millis": 0,
        "subscription": "*",
        "sub_version": 0,
        "expression_type": "TAG",
        **fields,
    }
    return PullMessageRequestHeader.partial(**values)
