"""Messages with a delay level: kept in a queue per level, and stored in their own queue when it is time.

How far each level has come is a record of the log as well, written together with what was delivered: a
restart goes on exactly there.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.messages import Draft
from pyrocketmq.server.originals import DELAY, is_half, original_of, put_aside

if TYPE_CHECKING:
    from pyrocketmq._native.logqueue import LogQueue
    from pyrocketmq.errors import StoreError
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.timers import Timer

__all__ = ["LEVELS", "TOPIC", "Delays"]

logger = logging.getLogger(__name__)

TOPIC: Final = "SCHEDULE_TOPIC_XXXX"
PROGRESS_TOPIC: Final = "rmq_sys_schedule_progress"

_MINUTE: Final = 60
_HOUR: Final = 3600
LEVELS: Final = (
    *(1, 5, 10, 30),
    *(_MINUTE * count for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30)),
    *(_HOUR, 2 * _HOUR),
)
"""The delay of each level in seconds; level 1 is the first."""

MOST_AT_ONCE: Final = 1000
RETRY_AFTER: Final = 1.0


class Delays(Concern):
    """The 18 delay levels."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._log = broker.store.log
        self._next = [0] * len(LEVELS)
        self._timers: list[Timer | None] = [None] * len(LEVELS)
        broker.messages.redirects.append(self.redirect)

    async def start(self) -> None:
        """Go on where the log says that deliveries have come to."""
        self._load()
        for index in range(len(LEVELS)):
            self._broker.arrivals.watch(TOPIC, index, lambda _topic, queue_id: self._look(queue_id))
            self._look(index)

    def progress(self) -> dict[int, int]:
        """The offset that each level with messages has come to in its queue."""
        return {index + 1: offset for index, offset in enumerate(self._next) if offset}

    def redirect(self, draft: Draft) -> None:
        """Put a message with a delay level aside.

        Raises:
            Refused: the level is no number.
        """
        text = draft.properties.get(DELAY)
        if text is None or is_half(draft):
            return
        try:
            level = int(text)
        except ValueError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"the delay level {text!r} is no number") from error
        if level > 0:
            level = min(level, len(LEVELS))
            draft.properties[DELAY] = str(level)
            put_aside(draft, TOPIC, level - 1)

    # ---- delivery ----

    def _look(self, index: int) -> None:
        """Wait for the next message of a level, if there is one and nobody waits yet."""
        if self._timers[index] is not None:
            return
        queue = self._log.find_queue(TOPIC, index)
        if queue is None:
            return
        entry = self._entry(queue, index)
        if entry is not None:
            due = entry[1] + LEVELS[index] * 1000
            self._timers[index] = self._broker.timers.at(due, lambda: self._deliver(queue, index))

    def _entry(self, queue: LogQueue, index: int) -> tuple[int, int] | None:
        """Position and store time of the next message of a level; None if there is none yet."""
        self._next[index] = max(self._next[index], queue.min_offset)
        while self._next[index] < queue.max_offset:
            entry = queue.entry(self._next[index])
            if entry is not None:
                return entry[0], entry[3]
            self._next[index] += 1
        return None

    def _deliver(self, queue: LogQueue, index: int) -> None:
        self._timers[index] = None
        now = self._broker.clock.now_ms()
        first = self._next[index]
        refused: Refused | None = None
        try:
            for _ in range(MOST_AT_ONCE):
                entry = self._entry(queue, index)
                if entry is None or entry[1] + LEVELS[index] * 1000 > now:
                    break
                self._deliver_one(entry[0])
                self._next[index] += 1
            if self._next[index] > first:
                self._save()
        except Refused as error:
            refused = error
        if self._next[index] > first:
            self._broker.messages.when_committed(lambda error: self._finish(index, first, error))
        if refused is None:
            self._look(index)
        else:
            self._wait(index, refused.remark)

    def _deliver_one(self, position: int) -> None:
        message = self._broker.messages.read(position)
        if message is None:
            return
        draft = original_of(message)
        if draft.topic in self._broker.topics:
            self._broker.messages.append(draft)

    def _finish(self, index: int, first: int, error: StoreError | None) -> None:
        if error is not None:
            # Everything of that turn was taken back.
            self._next[index] = min(self._next[index], first)
            self._wait(index, error.what)

    def _wait(self, index: int, reason: str) -> None:
        """Try again later: the log takes nothing at the moment."""
        logger.warning("%s: messages of delay level %d wait: %s", self._broker.name, index + 1, reason)
        timer = self._timers[index]
        if timer is not None:
            timer.cancel()
        queue = self._log.queue(TOPIC, index)
        self._timers[index] = self._broker.timers.after(RETRY_AFTER, lambda: self._deliver(queue, index))

    # ---- progress ----

    def _save(self) -> None:
        text = ",".join([str(offset) for offset in self._next])
        self._broker.messages.append(
            Draft(PROGRESS_TOPIC, 0, text.encode(), born_timestamp=self._broker.clock.now_ms())
        )

    def _load(self) -> None:
        queue = self._log.find_queue(PROGRESS_TOPIC, 0)
        entry = None if queue is None else queue.entry(queue.max_offset - 1)
        message = None if entry is None else self._broker.messages.read(entry[0])
        if message is not None:
            for index, text in enumerate(message.body.decode().split(",")[: len(LEVELS)]):
                self._next[index] = int(text)
