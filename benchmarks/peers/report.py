"""Turns results into text: lines for the terminal, and REPORT.md with its plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .plots import Bar, bars
from .results import NAMES, SILENT, read
from .works import LOOP, REAL_ROWS, SINK_ROWS, THREAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .results import Found, Result
    from .works import Figure

REPORT: Final = "REPORT.md"
PLACES: Final = {"sink": SINK_ROWS, "real": REAL_ROWS}
TITLES: Final = {
    "sink": "Against the counting sink",
    "real": "Against Apache RocketMQ 5.5.0, asynchronous flush",
}
HEAD: Final = """# Our producer beside its rivals

Written by `make bench-peers`; [benchmarks/peers](../peers/README.md) has the method.
All figures of all rounds are in [sink.json](sink.json) and [real.json](real.json).
"""
PLOTS: Final[tuple[tuple[Figure, str], ...]] = (
    ("rate", "messages a second, more is better"),
    ("p50_us", "microseconds of one send at a time, median, less is better"),
    ("cpu_us", "microseconds of the client's processor time for a message, less is better"),
)


def number(value: float) -> str:
    """Three figures, and a letter for thousands and millions."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}" if value < 1000 * size else f"{value / size:,.0f}{letter}"
    return f"{value:.3g}"


def shown(figure: Figure, value: float) -> str:
    """A figure with its unit."""
    units = {"rate": "/s", "p50_us": " us", "p99_us": " us", "cpu_us": " us", "over_mb": " MiB", "lost": ""}
    return f"{number(value)}{units[figure]}"


def lines_of(result: Result) -> list[str]:
    """A row on a terminal."""
    row = result.row
    lines = [row.name]
    for arm in result.arms:
        if arm in result.silent:
            lines.append(f"  {arm:16} {SILENT}")
            continue
        spread = result.spread(arm, row.figure)
        cpu = shown("cpu_us", result.spread(arm, "cpu_us").middle)
        ends = f"{shown(row.figure, spread.least)} to {shown(row.figure, spread.most)}"
        tail = "  p99 " + shown("p99_us", result.spread(arm, "p99_us").middle) if has_p99(result, arm) else ""
        lines.append(
            f"  {arm:16} {shown(row.figure, spread.middle):>12}  {ends:24}  CPU {cpu:>10}{tail}"
            f"  {server_cell(result, arm)}"
        )
    found = result.found
    return [
        *lines,
        *(f"    {'kept  ' if each.is_kept else 'MISSED'} {each.arm}: {each.told}" for each in found),
    ]


def has_p99(result: Result, arm: str) -> bool:
    """Whether an arm of a row that is about latency has its tail."""
    return result.row.figure == "p50_us" and result.has(arm, "p99_us")


def write_report(folder: Path, changed: str, results: list[Result]) -> None:
    """Renew REPORT.md and the plots of what has changed."""
    parts = [HEAD]
    for place, rows in PLACES.items():
        found = results if place == changed else read(folder / f"{place}.json", rows)
        if not found:
            continue
        parts.append(f"## {TITLES[place]}\n")
        for figure, title in PLOTS:
            drawn = list(drawable(found, figure))
            if drawn:
                name = f"{place}-{figure.removesuffix('_us')}.svg"
                (folder / name).write_text(bars(drawn, f"{TITLES[place]}: {title}"), encoding="utf-8")
                parts.append(f"![{title}]({name})\n")
        parts += ["### What is asked, and what was reached\n", *asked_table(found), ""]
        parts += ["### All arms\n", *figure_table(found), ""]
        notes = [note for result in found for note in result.notes]
        if notes:
            parts += ["### What failed\n", *(f"- {note}" for note in notes), ""]
        parts += [f"- {name}: {value}" for name, value in common(found).items()]
        parts.append("")
    (folder / REPORT).write_text("\n".join(parts), encoding="utf-8")


def drawable(results: list[Result], figure: Figure) -> Iterator[tuple[str, list[Bar]]]:
    """The rows of one plot."""
    for result in results:
        if figure in ("cpu_us", result.row.figure):
            arms = [arm for arm in result.arms if result.has(arm, figure)]
            spreads = [(arm, result.spread(arm, figure)) for arm in arms]
            found = [
                Bar(arm, each.middle, each.least, each.most, number(each.middle)) for arm, each in spreads
            ]
            if found:
                yield result.row.name, found


def asked_table(results: list[Result]) -> list[str]:
    """Each bound, with the median and the quartiles of the rounds."""
    lines = [
        "| row | what | beside | asked | reached | lowest to highest | |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    lines += [f"| {' | '.join(asked_cells(result, found))} |" for result in results for found in result.found]
    return lines


def asked_cells(result: Result, found: Found) -> tuple[str, ...]:
    bound = found.bound
    face = " (thread)" if found.arm == THREAD and LOOP in result.row.ours else ""
    return (
        f"{result.row.name}{face}",
        NAMES[bound.figure],
        " or ".join(bound.against),
        f"{'>=' if bound.is_least else '<='} {bound.value:g}",
        f"**{found.ratio:.3g}**" if found.ratios else SILENT,
        f"{min(found.ratios):.3g} to {max(found.ratios):.3g}" if found.ratios else "",
        "" if found.is_kept else "**missed**",
    )


def figure_table(results: list[Result]) -> list[str]:
    """Each arm with its figures."""
    lines = [
        "| row | peer | median | lowest to highest | p99 | CPU for a message | server | load |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        for arm in result.arms:
            if arm in result.silent:
                lines.append(f"| {result.row.name} | {arm} | {SILENT} |  |  |  |  | |")
                continue
            spread = result.spread(arm, result.row.figure)
            figure = result.row.figure
            cells = (
                result.row.name,
                arm,
                f"**{shown(figure, spread.middle)}**",
                f"{shown(figure, spread.least)} to {shown(figure, spread.most)}",
                shown("p99_us", result.spread(arm, "p99_us").middle) if has_p99(result, arm) else "",
                shown("cpu_us", result.spread(arm, "cpu_us").middle),
                server_cell(result, arm),
                result.facts["load at the end"],
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def server_cell(result: Result, arm: str) -> str:
    """How busy the sink was; of a real broker how much it did not store."""
    if result.has(arm, "sink_busy"):
        return f"{result.spread(arm, 'sink_busy').middle:.0%} busy"
    if result.has(arm, "lost"):
        lost = [figures["lost"] / figures["count"] for figures in result.rounds_of(arm)]
        return f"{sum(lost) / len(lost):.2%} not stored"
    return ""


def common(results: list[Result]) -> dict[str, str]:
    """The conditions of all rows; several where they differ."""
    found: dict[str, list[str]] = {}
    for result in results:
        for name, value in result.facts.items():
            if name != "load at the end" and value not in found.setdefault(name, []):
                found[name].append(value)
    return {name: "; ".join(values) for name, values in found.items()}
