"""Turns results into text: lines for the terminal, a Markdown table, JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from orjson import OPT_INDENT_2, dumps

if TYPE_CHECKING:
    from .micro.arms import Result

BEGIN: Final = "<!-- table: begin, written by python -m benchmarks --report -->"
END: Final = "<!-- table: end -->"


def heading() -> str:
    """The first line of the table on a terminal."""
    return f"{'':52} {'ours':>9} {'baseline':>10} {'ratio':>7} {'quartiles':>13} {'bound':>6} {'calls':>6}"


def line_of(result: Result) -> str:
    """One line of the table on a terminal."""
    row, spread = result.row, result.round_ratios
    bound = f"{row.bound:g}" if row.bound else ""
    mark = "  UNDER ITS BOUND" if result.misses() else ""
    times = f"{result.ours_ns.median:6.1f} ns {result.baseline_ns.median:7.1f} ns {result.ratio:5.1f} x"
    quartiles = f"{spread.low:6.1f}-{spread.high:<6.1f}"
    return f"{row.name:52} {times} {quartiles} {bound:>6} {result.calls:6.1f}{mark}"


def markdown(results: list[Result], machine: dict[str, str]) -> str:
    """The table and the machine it is from."""
    lines = [
        "| operation | ours, ns | baseline, ns | ratio | quartiles | asked | empty calls |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        row, spread = result.row, result.round_ratios
        asked = f"{row.bound:g}{' (missed)' if result.misses() else ''}" if row.bound else ""
        cells = (
            row.name,
            f"{result.ours_ns.median:,.1f}",
            f"{result.baseline_ns.median:,.1f}",
            f"**{result.ratio:.1f}**",
            f"{spread.low:.1f}-{spread.high:.1f}",
            asked,
            f"{result.calls:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    empty = sorted(result.empty_ns.median for result in results)[len(results) // 2]
    lines += ["", f"An empty call took {empty:.1f} ns.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    return "\n".join(lines)


def replace_table(page: str, table: str) -> str:
    """The page with the text between its two marks replaced."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no marks {BEGIN!r} and {END!r} to write between")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def as_json(results: list[Result], machine: dict[str, str]) -> bytes:
    """All figures for programs."""
    rows = [
        {
            "name": result.row.name,
            "module": result.row.module,
            "bound": result.row.bound,
            "ratio": result.ratio,
            "round_ratios": asdict(result.round_ratios),
            "ours_ns": asdict(result.ours_ns),
            "baseline_ns": asdict(result.baseline_ns),
            "empty_ns": asdict(result.empty_ns),
            "empty_calls": result.calls,
        }
        for result in results
    ]
    return dumps({"format": 1, "machine": machine, "rows": rows}, option=OPT_INDENT_2)
