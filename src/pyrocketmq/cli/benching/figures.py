"""Figures: what each one is called, its unit and which way is better; their spread over runs; percentiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["FIGURES", "PERCENTILES", "Figure", "Spread", "latency_figures", "percentile", "spread_of"]

PERCENTILES: Final = {"p50_us": 50.0, "p90_us": 90.0, "p99_us": 99.0, "p99_9_us": 99.9, "max_us": 100.0}
"""The percentiles of a latency, by the names of their figures."""


class Figure(NamedTuple):
    """One kind of number that a run gives."""

    title: str
    more_is_better: bool
    show: Callable[[float], str]


def _shown_number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 1 else f"{value:,.3f}"


def _shown_cpu(value: float) -> str:
    return f"{value:,.2f}"


FIGURES: Final[Mapping[str, Figure]] = {
    "per_second": Figure("MESSAGES/S", more_is_better=True, show=_shown_number),
    "mb_per_second": Figure("MB/S", more_is_better=True, show=_shown_number),
    "ns": Figure("NS", more_is_better=False, show=_shown_number),
    "cpu_us": Figure("CPU US", more_is_better=False, show=_shown_cpu),
    "memory_mb": Figure("PEAK MB", more_is_better=False, show=_shown_number),
    "p50_us": Figure("P50 US", more_is_better=False, show=_shown_number),
    "p90_us": Figure("P90 US", more_is_better=False, show=_shown_number),
    "p99_us": Figure("P99 US", more_is_better=False, show=_shown_number),
    "p99_9_us": Figure("P99.9 US", more_is_better=False, show=_shown_number),
    "max_us": Figure("MAX US", more_is_better=False, show=_shown_number),
}
"""Every figure that a result may have, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs: half of them lie between ``low`` and ``high``."""

    median: float
    low: float
    high: float

    def overlaps(self, other: Spread) -> bool:
        """Whether the two could be the same, as far as these runs show."""
        return self.low <= other.high and other.low <= self.high


def spread_of(values: Sequence[float]) -> Spread:
    """Median and quartiles; of fewer than four values the least and the greatest."""
    ordered = sorted(values)
    if len(ordered) < 4:
        return Spread(median(ordered), ordered[0], ordered[-1])
    return Spread(median(ordered), percentile(ordered, 25), percentile(ordered, 75))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that ``share`` percent of the sorted values do not exceed."""
    place = math.ceil(len(ordered) * share / 100) - 1
    return ordered[min(max(place, 0), len(ordered) - 1)]


def latency_figures(times_ns: Sequence[int]) -> dict[str, float]:
    """The percentiles of times; none of no times."""
    ordered = sorted(times_ns)
    if not ordered:
        return {}
    return {name: percentile(ordered, share) / 1000 for name, share in PERCENTILES.items()}
