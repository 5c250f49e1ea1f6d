"""ClientStats: the counters of one client, counted where things happen and read in one place.

They are plain numbers, so that counting costs next to nothing; how they are shown to a monitoring system is
not known here.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["COUNTERS", "LATENCY_BOUNDS", "ClientStats", "LatencyCounts"]

COUNTERS: Final[dict[str, str]] = {
    "sent": "Messages that a broker has acknowledged.",
    "sent_bytes": "Bytes of the bodies of acknowledged messages.",
    "not_confirmed": "Acknowledged messages whose flush or copy was not confirmed.",
    "failed": "Messages whose send ended with an error, nothing of them stored.",
    "unknown": "Messages whose send ended with an error after a try without an answer.",
    "oneway": "Messages sent one-way.",
    "retries": "Tries after the first one of a send.",
    "batches": "Requests that held several messages.",
    "submitted": "Messages given to submit.",
    "delivered": "Submitted messages that a broker has acknowledged.",
    "undelivered": "Submitted messages that were given up.",
    "back_pressure_waits": "Sends that waited because too much was under way.",
    "back_pressure_refusals": "Sends refused because too much was under way.",
    "busy_answers": "Answers of brokers that have too much to do.",
    "callback_failures": "Callbacks of the user that raised.",
    "hook_failures": "Hooks that raised.",
    "transactions": "Half messages stored.",
    "committed": "Transactions whose commit was confirmed.",
    "rolled_back": "Transactions whose rollback was confirmed.",
    "left_open": "Transactions left to a check.",
    "end_retries": "Repeated ends of transactions.",
    "end_failures": "Ends of transactions that no broker confirmed.",
    "checks": "Checks of brokers that were served.",
    "check_failures": "Checks whose function raised, took too long or gave no decision.",
    "checks_dropped": "Checks not served because too many waited.",
    "requests": "Requests of request-reply that were sent.",
    "replies": "Replies that reached their request.",
    "late_replies": "Replies that nobody waited for any more.",
    "traces": "Trace records sent.",
    "traces_dropped": "Trace records dropped.",
}
"""Every counter with what it counts."""

LATENCY_BOUNDS: Final = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the latency classes in seconds; a last class has what is above."""


class LatencyCounts:
    """How many calls took how long, in classes; for quantiles as near as the classes are."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BOUNDS) + 1)
        self.total = 0.0
        """Seconds of all calls together."""

    def add(self, seconds: float) -> None:
        """Count one call."""
        self.counts[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """Calls in all."""
        return sum(self.counts)

    def quantile(self, part: float) -> float:
        """The upper bound of the class in which the quantile lies, in seconds; 0.0 without calls."""
        wanted = part * self.count
        seen = 0
        for bound, number in zip(LATENCY_BOUNDS, self.counts, strict=False):
            seen += number
            if seen >= wanted and seen:
                return bound
        return LATENCY_BOUNDS[-1] if seen or self.counts[-1] else 0.0

    def snapshot(self) -> dict[str, object]:
        """Count, seconds in all, quantiles, and the classes by their bounds."""
        classes: dict[str, int] = {
            str(bound): n for bound, n in zip(LATENCY_BOUNDS, self.counts, strict=False)
        }
        return {
            "count": self.count,
            "seconds": self.total,
            "p50": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "p999": self.quantile(0.999),
            "classes": {**classes, "inf": self.counts[-1]},
        }


class ClientStats:
    """Counters of one client since it was made; ``COUNTERS`` says what each of them counts.

    A snapshot begins with the client's labels, such as its id, which tell it from others.

    ``stats.sent += 1`` needs no lock: between the read and the write of a slot the interpreter lets no other
    thread in, as it calls nothing. What other parts hold (windows, connections, routes) is added by
    ``add_source`` and asked for only by ``snapshot``.
    """

    __slots__ = (*COUNTERS, "_counted", "_labels", "_sources")

    sent: int
    sent_bytes: int
    not_confirmed: int
    failed: int
    unknown: int
    oneway: int
    retries: int
    batches: int
    submitted: int
    delivered: int
    undelivered: int
    back_pressure_waits: int
    back_pressure_refusals: int
    busy_answers: int
    callback_failures: int
    hook_failures: int
    transactions: int
    committed: int
    rolled_back: int
    left_open: int
    end_retries: int
    end_failures: int
    checks: int
    check_failures: int
    checks_dropped: int
    requests: int
    replies: int
    late_replies: int
    traces: int
    traces_dropped: int

    def __init__(self) -> None:
        for name in COUNTERS:
            setattr(self, name, 0)
        self._counted: dict[str, Callable[[], int]] = {}
        self._labels: dict[str, Callable[[], str]] = {}
        self._sources: dict[str, Callable[[], Mapping[str, object]]] = {}

    def add_label(self, name: str, label: Callable[[], str]) -> None:
        """Have ``snapshot`` show under a name the text that a function gives then."""
        self._labels[name] = label

    def add_counter(self, name: str, counted: Callable[[], int]) -> None:
        """Add to a counter what a function gives: what is counted in native code."""
        self._counted[name] = counted

    def add_source(self, name: str, source: Callable[[], Mapping[str, object]]) -> None:
        """Have ``snapshot`` show under a name what a function gives then; it must be quick and not wait."""
        self._sources[name] = source

    def snapshot(self) -> dict[str, object]:
        """The labels, all counters by name, and what the sources give."""
        shown: dict[str, object] = {name: label() for name, label in self._labels.items()}
        for name in COUNTERS:
            count: int = getattr(self, name)
            counted = self._counted.get(name)
            shown[name] = count if counted is None else count + counted()
        for name, source in list(self._sources.items()):
            shown[name] = dict(source())
        return shown
