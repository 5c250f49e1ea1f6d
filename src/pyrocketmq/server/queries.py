"""Messages looked up: by key or id in a span of time, by their place in the log, by their place in a queue.

There is no index of keys that would have to be written and kept: a search looks at the messages of the topic
themselves, newest first, in slices between which other requests are served.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.logfind import find_offsets
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    QueryConsumeQueueRequestHeader,
    QueryMessageRequestHeader,
    QueryMessageResponseHeader,
    ViewMessageRequestHeader,
)
from pyrocketmq.model.headers.pulling import UNIQUE_KEY_QUERY
from pyrocketmq.model.result_data import ConsumeQueueData, QueryConsumeQueueResponseBody
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.logqueue import LogQueue
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Queries"]

UNIQUE_KEY_MOST: Final = 32
"""Messages that a query by unique id finds at most, whatever it asks for; as 5.x and 4.9.x do."""
MOST_MESSAGES: Final = 1024
MOST_BYTES: Final = 12 * 1024 * 1024
"""What an answer holds at most, so that it stays below the frame size that every client takes."""
MOST_ENTRIES: Final = 1000
SLICE: Final = 50_000
"""Messages that are looked at in one go; a few milliseconds."""


class Queries(Concern):
    """Questions about messages."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._log = broker.store.log

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of looking messages up."""
        return {
            RequestCode.QUERY_MESSAGE: self._query,
            RequestCode.VIEW_MESSAGE_BY_ID: self._view,
            RequestCode.QUERY_CONSUME_QUEUE: self._entries,
        }

    async def _query(self, call: Call) -> RemotingCommand:
        header = call.header(QueryMessageRequestHeader)
        by_id = call.fields.get(UNIQUE_KEY_QUERY) == "true" or header.index_type == "U"
        most = UNIQUE_KEY_MOST if by_id else min(max(header.max_num, 0), MOST_MESSAGES)
        positions = await self.find(
            header.topic,
            header.key,
            header.begin_timestamp,
            header.end_timestamp,
            most,
            keys=header.index_type != "U",
            unique=header.index_type != "K",
        )
        records: list[bytes] = []
        room = MOST_BYTES
        for position in positions:
            record = self._log.read_at(position)
            if record is None:
                continue
            room -= len(record)
            if room < 0 and records:
                break
            records.append(record)
        fields = QueryMessageResponseHeader(
            index_last_update_timestamp=self._broker.clock.now_ms() if records else 0,
            index_last_update_phyoffset=positions[-1] if records else 0,
        )
        if not records:
            raise Refused(
                ResponseCode.QUERY_NOT_FOUND, "can not find message, maybe time range not correct", fields
            )
        return call.answer(fields=fields, body=b"".join(records))

    async def find(
        self,
        topic: str,
        key: str,
        begin_ms: int,
        end_ms: int,
        most: int,
        *,
        keys: bool = True,
        unique: bool = True,
    ) -> list[int]:
        """Where messages with a key lie that were stored in this time: the newest ones, oldest first."""
        found: list[int] = []
        for queue in [queue for queue in self._log.queues() if queue.topic == topic]:
            first = max(queue.offset_at_time(max(begin_ms, 0)), queue.min_offset)
            end = queue.offset_at_time(min(max(end_ms, 0), 1 << 60) + 1)
            mine = 0
            while end > first and mine < most:
                start = max(first, end - SLICE)
                offsets = find_offsets(
                    self._log, queue, key.encode(), start, end, keys=keys, unique=unique, most=most - mine
                )
                mine += len(offsets)
                found.extend([queue.positions(offset, 1)[0] for offset in offsets])
                end = start
                await asyncio.sleep(0)
        found.sort()
        return found[-most:] if most else []

    def _view(self, call: Call) -> RemotingCommand:
        header = call.header(ViewMessageRequestHeader)
        record = self._log.read_at(header.offset)
        if record is None:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"can not find message by the offset, {header.offset}")
        return call.answer(body=record)

    def _entries(self, call: Call) -> RemotingCommand:
        header = call.header(QueryConsumeQueueRequestHeader)
        queue = self._queue(header.topic or "", header.queue_id or 0)
        if queue is None:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"{header.queue_id}@{header.topic} is not exist!")
        body = QueryConsumeQueueResponseBody(
            max_queue_index=queue.max_offset, min_queue_index=queue.min_offset
        )
        first = header.index or 0
        for offset in range(first, first + min(max(header.count or 0, 0), MOST_ENTRIES)):
            entry = queue.entry(offset)
            if entry is not None:
                position, size, tags_code, _ = entry
                body.queue_data.append(ConsumeQueueData(position, size, tags_code))
        return call.answer(body=body.encode())

    def _queue(self, topic: str, queue_id: int) -> LogQueue | None:
        settings = self._broker.topics.get(topic)
        if settings is None or not 0 <= queue_id < settings.queue_limit:
            return None
        return self._log.queue(topic, queue_id)
