"""Measures two ways of doing one thing in turns, beside a call that does nothing.

A row has two arms, ours and the baseline. A round runs ours, then the baseline, then the empty call, each for
about a millisecond; what slows the machine down slows all three. Knows nothing of what is measured.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.bytesio import WriteBuffer

if TYPE_CHECKING:
    from collections.abc import Callable

    Arm = Callable[[], object]

ROUND_NS: Final = 1_000_000
"""How long one arm runs in one round: short, so that few rounds meet another process."""

EMPTY_CALLS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operation to measure."""

    name: str
    """What is done, for people; unique among all rows."""
    module: str
    """The native module that does it."""
    ours: Arm
    baseline: Arm
    operations: int
    """How often one call of an arm does the operation."""
    check: Callable[[], None]
    """Raises AssertionError unless both arms give the same result."""
    bound: float | None = None
    """The ratio that must hold; None for a row that is only informative."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the quartiles around it."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the rounds of one row showed. Times are nanoseconds for one operation."""

    row: Row
    ours_ns: Spread
    baseline_ns: Spread
    empty_ns: Spread
    ratio: float
    """Median of the baseline through median of ours."""
    round_ratios: Spread
    """The same ratio taken round by round: its quartiles show how far it moved."""

    @property
    def calls(self) -> float:
        """How many empty calls ours costs."""
        return self.ours_ns.median / self.empty_ns.median

    def misses(self, relax: float = 1.0) -> bool:
        """Whether the ratio is under the row's bound times `relax`."""
        return self.row.bound is not None and self.ratio < self.row.bound * relax


def _cpu_clock() -> Callable[[], int]:
    # The thread's own time leaves out what other processes take; where it is too coarse, the wall has to do.
    fine = time.get_clock_info("thread_time").resolution <= 1e-6
    return time.thread_time_ns if fine else time.perf_counter_ns


CLOCK: Final = _cpu_clock()


def empty_calls() -> None:
    """The cheapest call into the native core: a method without arguments that stores one pointer."""
    clear = WriteBuffer().clear
    for _ in range(EMPTY_CALLS):
        clear()


def _time(arm: Arm, times: int) -> int:
    start = CLOCK()
    for _ in range(times):
        arm()
    return CLOCK() - start


def _times_for(arm: Arm) -> int:
    """How often an arm must run to fill a round."""
    times = 1
    while (spent := _time(arm, times)) < ROUND_NS // 4:
        times *= 2
    return max(1, round(times * ROUND_NS / spent))


def spread(samples: list[float]) -> Spread:
    """Median and quartiles."""
    low, _, high = quantiles(samples, n=4, method="inclusive")
    return Spread(median(samples), low, high)


def measure(row: Row, rounds: int) -> Result:
    """Check that both arms of a row agree, then let them run in turns."""
    row.check()
    arms = ((row.ours, row.operations), (row.baseline, row.operations), (empty_calls, EMPTY_CALLS))
    plans = [(arm, operations, _times_for(arm)) for arm, operations in arms]
    samples: list[list[float]] = [[] for _ in plans]
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for kept, (arm, operations, times) in zip(samples, plans, strict=True):
                kept.append(_time(arm, times) / (times * operations))
    finally:
        if collecting:
            gc.enable()
    ours, baseline, empty = samples
    return Result(
        row=row,
        ours_ns=spread(ours),
        baseline_ns=spread(baseline),
        empty_ns=spread(empty),
        ratio=median(baseline) / median(ours),
        round_ratios=spread([b / o for b, o in zip(baseline, ours, strict=True)]),
    )
