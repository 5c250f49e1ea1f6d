"""FaultTable: which brokers are better left alone for a while, after failures and slow answers.

It only remembers and judges: time comes from a clock that is given, probing and sending are done by others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FaultTable"]

# What Java's client does with a slow broker: seconds an answer took -> seconds of rest, slowest first.
_RESTS: Final = ((15.0, 30.0), (5.0, 10.0), (3.0, 6.0), (1.8, 5.0), (0.55, 2.0))
_FIRST_REST: Final = 1.0  # after a failure; each further one in a row doubles it
_LONGEST_REST: Final = 30.0


@dataclass(slots=True)
class _Fault:
    """What is held against one broker."""

    until: float
    failures: int = 0
    unreachable: bool = False


class FaultTable:
    """Brokers that failed or were slow, and until when others are preferred to them.

    A broker that rests is still used when there is no other. May be used from any thread.

    Args:
        slow: whether slow answers count too, not only failures.
        clock: seconds that never go back.
    """

    def __init__(self, *, slow: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._slow = slow
        self._clock = clock
        self._faults: dict[str, _Fault] = {}
        self._watchers: list[Callable[[str, float], object]] = []

    def __repr__(self) -> str:
        return f"<FaultTable, resting: {', '.join(self.resting()) or 'none'}>"

    def record(self, broker: str, latency: float) -> None:
        """Take note of an answer that took ``latency`` seconds; a quick one clears what was against it."""
        rest = next((rest for limit, rest in _RESTS if latency >= limit), 0.0) if self._slow else 0.0
        if rest:
            self._rest(broker, rest, failures=0, unreachable=False)
        elif broker in self._faults:
            self._clear(broker)

    def record_failure(self, broker: str, *, unreachable: bool = False) -> None:
        """Take note of a failure; the rest doubles with each in a row.

        Failures of requests that were under way together count as one: the broker rests already.

        Args:
            broker: its name.
            unreachable: no connection could be made, so one that can be made again clears it.
        """
        fault = self._faults.get(broker)
        if fault is not None and fault.until > self._clock():
            fault.unreachable = fault.unreachable and unreachable
            return
        failures = 1 if fault is None else fault.failures + 1
        rest = min(_FIRST_REST * 2.0 ** (failures - 1), _LONGEST_REST)
        self._rest(broker, rest, failures=failures, unreachable=unreachable)

    def rest_on(self, broker: str, seconds: float) -> None:
        """Take note that a probe was not answered: it rests for ``seconds`` at least, or until one is."""
        fault = self._faults.get(broker)
        until = self._clock() + seconds
        if fault is None or fault.until < until:
            self._rest(broker, seconds, failures=1 if fault is None else fault.failures, unreachable=True)
        else:
            fault.unreachable = True

    def reached(self, broker: str) -> None:
        """Take note that a probe was answered, or a connection made: it need rest no more for being away."""
        fault = self._faults.get(broker)
        if fault is not None and fault.unreachable:
            self._clear(broker)

    def forget(self, broker: str) -> None:
        """Drop a broker that no route names any more."""
        if broker in self._faults:
            self._clear(broker)

    def is_available(self, broker: str) -> bool:
        """False while others are to be preferred to it."""
        fault = self._faults.get(broker)
        return fault is None or fault.until <= self._clock()

    def until(self, broker: str) -> float:
        """Until when it rests, on this table's clock; 0 when nothing is held against it."""
        fault = self._faults.get(broker)
        return 0.0 if fault is None else fault.until

    def rests_for(self, broker: str) -> float:
        """Seconds until it is available again; 0 when it is."""
        fault = self._faults.get(broker)
        return 0.0 if fault is None else max(0.0, fault.until - self._clock())

    def resting(self) -> list[str]:
        """The brokers that rest now, and are worth a probe."""
        now = self._clock()
        return [name for name, fault in tuple(self._faults.items()) if fault.until > now]

    def ordered(self, brokers: Iterable[str]) -> list[str]:
        """The brokers in the order to try them: available ones as given, then by how soon they are again."""
        return sorted(brokers, key=self.rests_for)

    def watch(self, watcher: Callable[[str, float], object]) -> None:
        """Call ``watcher(broker, until)`` at each change; ``until`` is 0 when it need not rest."""
        self._watchers.append(watcher)

    def _rest(self, broker: str, rest: float, *, failures: int, unreachable: bool) -> None:
        until = self._clock() + rest
        self._faults[broker] = _Fault(until, failures, unreachable)
        self._tell(broker, until)

    def _clear(self, broker: str) -> None:
        if self._faults.pop(broker, None) is not None:
            self._tell(broker, 0.0)

    def _tell(self, broker: str, until: float) -> None:
        for watcher in self._watchers:
            watcher(broker, until)
