"""How much is stored and consumed: totals since the start, and rates over a minute, an hour and a day.

Nothing is counted message by message: offsets of queues and consumer groups only grow, so what they differ by
between two looks is what happened in between. What groups get is what they acknowledge.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import ViewBrokerStatsDataRequestHeader
from pyrocketmq.model.topic_data import BrokerStatsData, BrokerStatsItem
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

    Key: TypeAlias = tuple[str, str]

__all__ = ["Stats"]

LOOK_INTERVAL: Final = 10.0

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_SPANS: Final = ((_MINUTE, 10_000), (_HOUR, 10 * _MINUTE), (24 * _HOUR, _HOUR))
"""How long each rate looks back, and how far its looks are apart."""


class _Look(NamedTuple):
    """The totals at one time, without those that are 0."""

    at_ms: int
    totals: Mapping[Key, int]


_NOTHING: Final = _Look(0, {})


class Stats(Concern):
    """The statistics of a broker since its start: TOPIC_PUT_NUMS by topic, GROUP_GET_NUMS by ``topic@group``,
    BROKER_PUT_NUMS and BROKER_GET_NUMS by cluster.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._offsets: dict[Key, int] = {}
        self._totals: dict[Key, int] = {}
        self._rows: list[deque[_Look]] = [deque() for _ in _SPANS]
        self._stop: Callable[[], None] | None = None
        cluster = broker.config.cluster
        self._sums = {
            "TOPIC_PUT_NUMS": ("BROKER_PUT_NUMS", cluster),
            "GROUP_GET_NUMS": ("BROKER_GET_NUMS", cluster),
        }
        self._mornings: deque[_Look] = deque([_NOTHING, _NOTHING], maxlen=2)

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of statistics."""
        return {RequestCode.VIEW_BROKER_STATS_DATA: self._view}

    async def start(self) -> None:
        """What is there was stored by an earlier run; from now on it is counted."""
        self._offsets = self._look_at_offsets()
        self._look()
        self._stop = self._broker.timers.every(LOOK_INTERVAL, self._look)

    async def stop(self) -> None:
        """Look no more."""
        if self._stop is not None:
            self._stop()

    # ---- counting ----

    def _look_at_offsets(self) -> dict[Key, int]:
        now: dict[Key, int] = {}
        for queue in self._broker.store.log.queues():
            key = "TOPIC_PUT_NUMS", queue.topic
            now[key] = now.get(key, 0) + queue.max_offset
        for topic, group, offset in self._broker.offsets.sums():
            now["GROUP_GET_NUMS", f"{topic}@{group}"] = offset
        return now

    def _count(self) -> None:
        """Bring the totals up to date."""
        now = self._look_at_offsets()
        totals = self._totals
        for key, offset in now.items():
            before = self._offsets.get(key, 0)
            # Less than before: the topic or the offsets were deleted and begin anew, or a group was reset.
            grown = offset - before if offset >= before else offset if key[0] == "TOPIC_PUT_NUMS" else 0
            if grown:
                totals[key] = totals.get(key, 0) + grown
                sum_key = self._sums[key[0]]
                totals[sum_key] = totals.get(sum_key, 0) + grown
        for key in self._offsets.keys() - now.keys():
            totals.pop(key, None)
        self._offsets = now

    def _look(self) -> None:
        self._count()
        look = _Look(self._broker.clock.now_ms(), dict(self._totals))
        for row, (span, step) in zip(self._rows, _SPANS, strict=True):
            if not row or look.at_ms - row[-1].at_ms >= step:
                row.append(look)
            while len(row) > 1 and look.at_ms - row[1].at_ms >= span:
                row.popleft()
        if _day_of(look.at_ms) != _day_of(self._mornings[1].at_ms):
            self._mornings.append(look if self._mornings[1].at_ms else _Look(look.at_ms, {}))

    # ---- telling ----

    def put_tps(self, topic: str) -> float:
        """Messages per second that a topic got during the last minute."""
        self._count()
        return self._item(("TOPIC_PUT_NUMS", topic), 0).tps

    def get_tps(self, group: str, topic: str) -> float:
        """Messages per second that a group has acknowledged during the last minute."""
        self._count()
        return self._item(("GROUP_GET_NUMS", f"{topic}@{group}"), 0).tps

    def broker_totals(self, name: str) -> tuple[int, int, int, float]:
        """Of BROKER_PUT_NUMS or BROKER_GET_NUMS: yesterday morning, this morning, now, and per second."""
        self._count()
        key = name, self._broker.config.cluster
        yesterday, today = [look.totals.get(key, 0) for look in self._mornings]
        return yesterday, today, self._totals.get(key, 0), self._item(key, 0).tps

    def _item(self, key: Key, index: int) -> BrokerStatsItem:
        row, (span, _) = self._rows[index], _SPANS[index]
        if not row:
            return BrokerStatsItem()
        now = self._broker.clock.now_ms()
        first = next((look for look in row if now - look.at_ms <= span), row[-1])
        grown = self._totals.get(key, 0) - first.totals.get(key, 0)
        seconds = max(now - first.at_ms, 1000) / 1000
        return BrokerStatsItem(grown, grown / seconds, 1.0 if grown else 0.0)

    def _view(self, call: Call) -> RemotingCommand:
        header = call.header(ViewBrokerStatsDataRequestHeader)
        self._count()
        key = header.stats_name, header.stats_key
        if key not in self._totals:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"The stats <{header.stats_name}> <{header.stats_key}> not exist"
            )
        return call.answer(body=BrokerStatsData(*[self._item(key, index) for index in range(3)]).encode())


def _day_of(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000).astimezone().date()
