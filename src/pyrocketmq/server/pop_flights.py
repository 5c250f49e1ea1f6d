"""Messages that were popped and are neither acknowledged nor due again: in memory, and as records of a topic
of the broker's own, from which they are found again after a restart.

Must not know what becomes of a message whose time is over.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from pyrocketmq.model.message_ext import decode_messages_strict
from pyrocketmq.server.call import Refused
from pyrocketmq.server.messages import Draft
from pyrocketmq.server.saving import Saver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.timers import Timer

__all__ = ["Flight", "Flights", "Place"]

logger = logging.getLogger(__name__)

AGAIN_MS: Final = 1000
"""When a message that could not be made visible again is tried the next time."""

_TAKEN: Final = "c"
_DONE: Final = "d"


class Place(NamedTuple):
    """A queue as one group sees it."""

    group: str
    topic: str
    queue_id: int


class Flight:
    """One popped message."""

    __slots__ = ("due_ms", "offset", "place", "pop_ms", "record")

    def __init__(self, place: Place, offset: int, pop_ms: int, due_ms: int, record: int) -> None:
        self.place = place
        self.offset = offset
        self.pop_ms = pop_ms
        self.due_ms = due_ms
        self.record = record
        """Where the record that tells of it lies in the topic of the broker's own, -1 for nowhere."""


class Flights:
    """All popped messages of a broker.

    Args:
        broker: whose they are.
        expired: called with each message whose time is over, in the order of the times; it stays in flight if
            this raises `Refused`.
    """

    def __init__(self, broker: Broker, expired: Callable[[Flight], object]) -> None:
        self._broker = broker
        self._expired = expired
        self._flights: dict[Place, dict[int, Flight]] = {}
        self._due: list[tuple[int, int, Flight]] = []
        self._numbers = itertools.count()
        self._timer: Timer | None = None
        # Records with messages in flight, oldest first: how many messages.
        self._records: dict[int, int] = {}
        self._topic = f"rmq_sys_REVIVE_LOG_{broker.config.cluster}"
        self._is_kept = broker.store.folder is not None
        self._saver = Saver(broker, "pops", self._snapshot)

    # ---- beginning and end ----

    def start(self) -> None:
        """Find what was in flight when the broker stopped."""
        self._broker.topics.ensure(self._topic)
        if self._is_kept:
            self._load(int(self._saver.load().get("from", 0)))
        self._arm()

    async def stop(self) -> None:
        """Save what is new."""
        if self._timer is not None:
            self._timer.cancel()
        await self._saver.close()

    def _load(self, offset: int) -> None:
        log = self._broker.store.log
        queue = log.queue(self._topic, 0)
        offset = max(offset, queue.min_offset)
        while offset < queue.max_offset:
            cut = log.cut(queue, offset, 1000, 1 << 20)
            for message in decode_messages_strict(cut.data) if cut.data else ():
                try:
                    self._replay(orjson.loads(message.body), message.queue_offset)
                except (ValueError, LookupError, TypeError) as error:
                    logger.warning(
                        "%s: a record of popped messages cannot be read: %s", self._broker.name, error
                    )
            offset = max(cut.next_offset, offset + 1)

    def _replay(self, record: dict[str, Any], offset: int) -> None:
        place = Place(record["g"], record["t"], record["q"])
        pop_ms: int = record["p"]
        if record["k"] == _TAKEN:
            for message in record["o"]:
                self._put(Flight(place, message, pop_ms, pop_ms + record["i"], offset))
        else:
            for message in record["o"]:
                flight = self.find(place, message)
                if flight is not None and flight.pop_ms == pop_ms:
                    self._drop(flight)

    def _snapshot(self) -> dict[str, Any]:
        """Where the records that are needed begin."""
        queue = self._broker.store.log.find_queue(self._topic, 0)
        end = 0 if queue is None else queue.next_offset
        return {"from": next(iter(self._records), end)}

    # ---- taking and giving back ----

    def take(self, place: Place, offsets: Iterable[int], pop_ms: int, invisible_ms: int) -> None:
        """Let messages be in flight from now on; what was known of them does not hold any more.

        Raises:
            Refused: that cannot be written down.
        """
        taken = list(offsets)
        record = self._write(_TAKEN, place, taken, pop_ms, invisible_ms)
        for offset in taken:
            self._put(Flight(place, offset, pop_ms, pop_ms + invisible_ms, record))
        self._arm()

    def find(self, place: Place, offset: int) -> Flight | None:
        """The message in flight, or None."""
        return self._flights.get(place, {}).get(offset)

    def finish(self, flights: Iterable[Flight]) -> None:
        """Let messages of one pop of one queue be in flight no more.

        Raises:
            Refused: that cannot be written down.
        """
        done = list(flights)
        if not done:
            return
        first = done[0]
        self._write(_DONE, first.place, [flight.offset for flight in done], first.pop_ms)
        for flight in done:
            self._drop(flight)

    def forget(self, topic: str) -> None:
        """Let no message of a topic be in flight, since the topic is gone."""
        for place in [place for place in self._flights if place.topic == topic]:
            self.forget_place(place)

    def forget_place(self, place: Place) -> None:
        """Let no message of a queue be in flight, since its group goes elsewhere."""
        by_pop: dict[int, list[Flight]] = {}
        for flight in list(self._flights.get(place, {}).values()):
            by_pop.setdefault(flight.pop_ms, []).append(flight)
        for flights in by_pop.values():
            self.finish(flights)

    def count(self, group: str, topic: str) -> int:
        """How many messages of a topic a group has in flight."""
        return sum(
            [
                len(flights)
                for place, flights in self._flights.items()
                if place.group == group and place.topic == topic
            ]
        )

    def _put(self, flight: Flight) -> None:
        flights = self._flights.setdefault(flight.place, {})
        former = flights.get(flight.offset)
        if former is not None:
            self._release(former.record)
        flights[flight.offset] = flight
        if flight.record >= 0:
            self._records[flight.record] = self._records.get(flight.record, 0) + 1
        heapq.heappush(self._due, (flight.due_ms, next(self._numbers), flight))

    def _drop(self, flight: Flight) -> None:
        flights = self._flights.get(flight.place, {})
        if flights.get(flight.offset) is flight:
            del flights[flight.offset]
            if not flights:
                del self._flights[flight.place]
            self._release(flight.record)

    def _release(self, record: int) -> None:
        if record >= 0:
            left = self._records[record] - 1
            if left:
                self._records[record] = left
            else:
                del self._records[record]
                self._saver.changed()

    def _write(self, kind: str, place: Place, offsets: list[int], pop_ms: int, invisible_ms: int = 0) -> int:
        if not self._is_kept:
            return -1
        record = {
            "k": kind,
            "g": place.group,
            "t": place.topic,
            "q": place.queue_id,
            "p": pop_ms,
            "i": invisible_ms,
            "o": offsets,
        }
        draft = Draft(self._topic, 0, orjson.dumps(record), born_timestamp=self._broker.clock.now_ms())
        return self._broker.messages.append(draft).queue_offset

    # ---- expiry ----

    def _is_current(self, flight: Flight) -> bool:
        return self.find(flight.place, flight.offset) is flight

    def _arm(self) -> None:
        while self._due and not self._is_current(self._due[0][2]):
            heapq.heappop(self._due)
        due = self._due[0][0] if self._due else None
        if self._timer is not None:
            if self._timer.callback is not None and due is not None and self._timer.due_ms <= due:
                return
            self._timer.cancel()
        self._timer = None if due is None else self._broker.timers.at(due, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._broker.clock.now_ms()
        while self._due and self._due[0][0] <= now:
            flight = heapq.heappop(self._due)[2]
            if not self._is_current(flight):
                continue
            try:
                self._expired(flight)
            except Refused as refused:
                logger.warning(
                    "%s: a popped message is not visible again yet: %s", self._broker.name, refused.remark
                )
                flight.due_ms = now + AGAIN_MS
                heapq.heappush(self._due, (flight.due_ms, next(self._numbers), flight))
        self._arm()
