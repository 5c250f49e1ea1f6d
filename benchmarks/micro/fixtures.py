"""Runs the rows of a file under pytest-benchmark: each arm is a benchmark of its own, grouped by row.

The ratio of ours comes from one interleaved run and stands in its `extra_info`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from .arms import measure

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from .arms import Row

ROUNDS: Final = 25


def each_arm(rows: list[Row]) -> pytest.MarkDecorator:
    """Parametrize a test with the names of all rows and both arms."""
    cases = [(row.name, arm) for row in rows for arm in ("ours", "baseline")]
    return pytest.mark.parametrize(("row", "arm"), cases, ids=[f"{row}-{arm}" for row, arm in cases])


def run_arm(benchmark: BenchmarkFixture, rows: list[Row], name: str, arm: str) -> None:
    """Benchmark one arm of the row of that name."""
    (row,) = [row for row in rows if row.name == name]
    benchmark.group = f"{row.name} (x {row.operations:,})"
    if arm == "ours":
        result = measure(row, ROUNDS)
        benchmark.extra_info["ratio"] = round(result.ratio, 2)
        benchmark.extra_info["bound"] = row.bound
        benchmark.extra_info["ns_per_operation"] = round(result.ours_ns.median, 1)
        benchmark.extra_info["empty_calls"] = round(result.calls, 1)
    benchmark(row.ours if arm == "ours" else row.baseline)
