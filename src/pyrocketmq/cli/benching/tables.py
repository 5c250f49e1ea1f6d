"""Prints results: a table of figures with their spread, a comparison with an earlier result, the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.cli.benching.figures import FIGURES
from pyrocketmq.cli.output import Column, printable

if TYPE_CHECKING:
    from pyrocketmq.cli.benching.figures import Spread
    from pyrocketmq.cli.benching.result import Result
    from pyrocketmq.cli.output import Output

__all__ = ["comparison_of", "print_comparison", "print_result"]

_LEAST_RUNS: Final = 3
"""Fewer runs have no spread that could tell a change from chance."""


def print_result(result: Result, output: Output) -> None:
    """The table, what went wrong, and what the figures were measured on."""
    names = [name for name in FIGURES if any(row.spread(name) for row in result.rows)]
    columns = [Column("name", "")] + [Column(name, FIGURES[name].title, "right") for name in names]
    rows: list[dict[str, object]] = []
    for row in result.rows:
        spreads = row.spreads()
        rows.append({"name": row.name, **{name: _shown(name, spread) for name, spread in spreads.items()}})
    output.table(columns, rows)
    runs = max((len(row.runs) for row in result.rows), default=0)
    if runs > 1:
        output.line(f"medians of {runs} runs; behind them how far the middle half of the runs is apart")
    if result.counts:
        output.line(", ".join(f"{number:,} {what}" for what, number in result.counts.items()))
    for text, number in result.failures.items():
        output.line(printable(f"{number:,} times: {text}"), style="red")
    output.line(printable("; ".join(f"{name} {fact}" for name, fact in result.machine.items())), style="dim")


def _shown(name: str, spread: Spread) -> str:
    text = FIGURES[name].show(spread.median)
    if spread.median and spread.high > spread.low:
        text += f" \u00b1{(spread.high - spread.low) / 2 / spread.median:.0%}"
    return text


def comparison_of(now: Result, before: Result) -> list[dict[str, Any]]:
    """Each figure that both have: before, now, how many times as good it is, and whether runs can tell."""
    found: list[dict[str, Any]] = []
    earlier = {row.name: row for row in before.rows}
    for row in now.rows:
        past = earlier.get(row.name)
        if past is None:
            continue
        for name, spread in row.spreads().items():
            old = past.spread(name)
            if old is None or not old.median or not spread.median:
                continue
            ratio = spread.median / old.median
            times = ratio if FIGURES[name].more_is_better else 1 / ratio
            if min(len(row.runs), len(past.runs)) < _LEAST_RUNS:
                verdict = "unknown"
            else:
                verdict = "same" if spread.overlaps(old) else "better" if times > 1 else "worse"
            found.append(
                {
                    "name": row.name,
                    "figure": name,
                    "before": old.median,
                    "now": spread.median,
                    "times_as_good": times,
                    "verdict": verdict,
                }
            )
    return found


def print_comparison(now: Result, before: Result, output: Output) -> None:
    """One line for each figure that both have, and what was not alike."""
    compared = comparison_of(now, before)
    output.line()
    output.line(f"compared with the result of {printable(before.when)}:", style="bold")
    rows = [
        {
            **row,
            "title": FIGURES[row["figure"]].title.lower(),
            "before": FIGURES[row["figure"]].show(row["before"]),
            "now": FIGURES[row["figure"]].show(row["now"]),
        }
        for row in compared
    ]
    columns = [
        Column("name", ""),
        Column("title", ""),
        Column("before", "BEFORE", "right"),
        Column("now", "NOW", "right"),
        Column("times_as_good", "TIMES AS GOOD", "right", lambda times: f"{times:.2f}"),
        Column("verdict", ""),
    ]
    output.table(columns, rows, empty="they have no row in common")
    if any(row["verdict"] == "unknown" for row in compared):
        output.line(f"fewer than {_LEAST_RUNS} runs cannot tell a change from chance", style="yellow")
    for what, old, new in (
        ("setting", before.settings, now.settings),
        ("machine", before.machine, now.machine),
    ):
        for name in {**old, **new}:
            if old.get(name) != new.get(name) and name != "load before":
                output.line(
                    printable(f"other {what}: {name} was {old.get(name, '-')}, is {new.get(name, '-')}"),
                    style="yellow",
                )
