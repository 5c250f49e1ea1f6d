"""Which records of an internal topic are still open: a record of a second topic names those that are not.

Both are in the log, so what a restart finds open is what was. Beside them a position is saved from which on
it has to look, so that a long log does not make a start slow. Must not know what it means to be open.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pyrocketmq.server.messages import Draft
from pyrocketmq.server.saving import Saver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from pyrocketmq.model.message_ext import MessageExt
    from pyrocketmq.server.broker import Broker

__all__ = ["Ledger"]

logger = logging.getLogger(__name__)

TAG: Final = "d"
"""The tag that real brokers put on records that name what is done."""


class Ledger:
    """The open records of queue 0 of a topic.

    Args:
        broker: whose log it is.
        topic: the records.
        done_topic: the records that name those that are done, by their offsets.
        opened: called with each record that is found open: those that the log has at the start, then every
            new one once it is stored.
    """

    def __init__(
        self, broker: Broker, topic: str, done_topic: str, opened: Callable[[MessageExt], object]
    ) -> None:
        self._broker = broker
        self._log = broker.store.log
        self.topic = topic
        self._done_topic = done_topic
        self._opened = opened
        # An open record -> where the records about it, if there are any, begin in the topic of what is done.
        self._open: dict[int, int] = {}
        self._next = 0
        self._saver = Saver(broker, f"{topic}.open", self._snapshot)

    def __contains__(self, offset: int) -> bool:
        return offset in self._open

    async def start(self) -> None:
        """Find out what is open, and follow the topic from then on."""
        saved = self._saver.load()
        first, done_from = saved.get("from", 0), saved.get("done_from", 0)
        queue = self._log.find_queue(self.topic, 0)
        newest = 0 if queue is None else queue.max_offset
        done = self._read_done(done_from if first <= newest else 0)
        self._next = min(first, newest)
        self._follow(done, done_from)
        if first > newest:
            # A power cut has taken the end of the log, whose offsets are given again: what was saved is void.
            await self._saver.flush()
        self._broker.arrivals.watch(self.topic, 0, lambda _topic, _queue: self._follow())

    async def stop(self) -> None:
        """Save from where to look next time."""
        await self._saver.close()

    def close(self, offsets: Iterable[int]) -> None:
        """Say that records are done, in the commit of everything else that this turn stores.

        Raises:
            Refused: the log takes nothing at the moment; a restart finds them open.
        """
        closed = [offset for offset in offsets if self._open.pop(offset, None) is not None]
        if closed:
            self._saver.changed()
            text = "".join([f"{offset}," for offset in closed])
            now = self._broker.clock.now_ms()
            draft = Draft(self._done_topic, 0, text.encode(), {"TAGS": TAG}, born_timestamp=now)
            self._broker.messages.append(draft)

    def reopen(self, offsets: Iterable[int]) -> None:
        """Take back what ``close`` did, because the commit failed."""
        for offset in offsets:
            self._open[offset] = 0
        self._open = dict(sorted(self._open.items()))

    def has(self, offset: int) -> bool:
        """Whether the record, open or not, is still in the log."""
        queue = self._log.find_queue(self.topic, 0)
        return queue is not None and queue.min_offset <= offset < queue.next_offset

    def read(self, offset: int) -> MessageExt | None:
        """The record at an offset; None if it is gone."""
        queue = self._log.find_queue(self.topic, 0)
        entry = None if queue is None else queue.entry(offset)
        return None if entry is None else self._broker.messages.read(entry[0])

    def _follow(self, done: set[int] | None = None, done_from: int | None = None) -> None:
        queue = self._log.find_queue(self.topic, 0)
        self._saver.changed()
        if queue is None:
            return
        if done_from is None:
            done_queue = self._log.find_queue(self._done_topic, 0)
            done_from = 0 if done_queue is None else done_queue.next_offset
        self._next = max(self._next, queue.min_offset)
        while self._next < queue.max_offset:
            offset = self._next
            self._next += 1
            if done is not None and offset in done:
                continue
            message = self.read(offset)
            if message is not None:
                self._open[offset] = done_from
                self._opened(message)

    def _read_done(self, first: int) -> set[int]:
        done: set[int] = set()
        queue = self._log.find_queue(self._done_topic, 0)
        if queue is None:
            return done
        for offset in range(max(first, queue.min_offset), queue.max_offset):
            entry = queue.entry(offset)
            message = None if entry is None else self._broker.messages.read(entry[0])
            if message is not None:
                done.update([int(text) for text in message.body.decode().split(",") if text])
        return done

    def _snapshot(self) -> dict[str, Any]:
        for offset, done_from in self._open.items():
            return {"from": offset, "done_from": done_from}
        done_queue = self._log.find_queue(self._done_topic, 0)
        return {"from": self._next, "done_from": 0 if done_queue is None else done_queue.max_offset}
