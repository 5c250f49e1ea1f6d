"""A result: rows of runs with their figures, the settings and the machine; to JSON and from it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from pyrocketmq.cli.benching.figures import FIGURES, Spread, spread_of
from pyrocketmq.cli.benching.machine import machine_facts
from pyrocketmq.cli.problems import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BenchRow", "Result", "read_result"]

FORMAT: Final = 1


@dataclass(slots=True)
class BenchRow:
    """What was measured under one name: the figures of each run."""

    name: str
    runs: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    def spread(self, figure: str) -> Spread | None:
        """A figure over the runs that have it."""
        values = [run[figure] for run in self.runs if figure in run]
        return spread_of(values) if values else None

    def spreads(self) -> dict[str, Spread]:
        """All of its figures, in the order of the columns."""
        found = {name: self.spread(name) for name in FIGURES}
        return {name: spread for name, spread in found.items() if spread is not None}


@dataclass(slots=True)
class Result:
    """All that one bench found."""

    bench: str
    settings: Mapping[str, object]
    rows: list[BenchRow] = field(default_factory=list[BenchRow])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Messages sent, failed, and found in the topic afterwards."""
    failures: dict[str, int] = field(default_factory=dict[str, int])
    """How often each error was met, by its text."""
    machine: dict[str, str] = field(default_factory=machine_facts)
    when: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))

    def row(self, name: str) -> BenchRow:
        """The row of a name; a new one if there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        self.rows.append(BenchRow(name))
        return self.rows[-1]

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds of it."""
        return {
            "format": FORMAT,
            "bench": self.bench,
            "time": self.when,
            "settings": dict(self.settings),
            "machine": self.machine,
            "counts": self.counts,
            "failures": self.failures,
            "rows": [
                {
                    "name": row.name,
                    "figures": {
                        name: {"median": spread.median, "low": spread.low, "high": spread.high}
                        for name, spread in row.spreads().items()
                    },
                    "runs": row.runs,
                }
                for row in self.rows
            ],
        }


def read_result(path: str) -> Result:
    """A result that was written before.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    import orjson  # noqa: PLC0415 - only to compare

    try:
        value: object = orjson.loads(Path(path).read_bytes())
        return _result_of(value)
    except OSError as error:
        raise UsageError(
            f"--compare {path!r} cannot be read: {error.strerror or error}",
            field="compare",
            advice="name a file that `pyrocketmq bench ... --output FILE` has written",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--compare {path!r} holds no result of pyrocketmq bench: {error}",
            field="compare",
            advice="name a file that `pyrocketmq bench ... --output FILE` has written",
        ) from error


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _result_of(value: object) -> Result:
    if not _is_object(value) or value.get("format") != FORMAT:
        raise ValueError(f'it has no "format": {FORMAT}')
    rows = [BenchRow(str(row["name"]), [_run_of(run) for run in row["runs"]]) for row in value["rows"]]
    if not all(row.runs for row in rows):
        raise ValueError("a row without runs")
    return Result(
        str(value["bench"]),
        dict(value["settings"]),
        rows,
        machine={str(name): str(fact) for name, fact in value["machine"].items()},
        when=str(value["time"]),
    )


def _run_of(run: object) -> dict[str, float]:
    if not _is_object(run):
        raise ValueError("a run is no object")
    figures = {name: float(run[name]) for name in FIGURES if name in run}
    if not all(math.isfinite(figure) for figure in figures.values()):
        raise ValueError("a figure is no number")
    return figures
