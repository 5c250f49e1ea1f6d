"""Measures the rows of `benchmarks/micro`, prints a table, writes reports and checks the required ratios.

python -m benchmarks --rows batch --rounds 51 --check
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Final

from . import micro
from .chart import bar_chart
from .machine import facts
from .micro.arms import Result, Row, measure
from .report import as_json, heading, line_of, markdown, replace_table

HERE: Final = Path(__file__).parent
README: Final = HERE / "README.md"
CHART: Final = HERE.parent / "docs" / "img" / "core-benchmarks.svg"

REFUSED: Final = 2
INTERRUPTED: Final = 130


def all_rows() -> list[Row]:
    """The rows of all files in `benchmarks/micro`, those with a required ratio first."""
    rows: list[Row] = []
    for module in pkgutil.iter_modules(micro.__path__):
        if module.name.startswith("test_"):
            rows += importlib.import_module(f"{micro.__name__}.{module.name}").ROWS
    return sorted(rows, key=lambda row: row.bound is None)


def chosen_rows(words: list[str]) -> list[Row]:
    """The rows whose name or module holds one of the words; all when there are no words."""
    rows = all_rows()
    if not words:
        return rows
    return [row for row in rows if any(word in row.name or word == row.module for word in words)]


def positive(text: str) -> int:
    """A number of rounds that quartiles can be taken of."""
    number = int(text)
    if number < 5:
        raise argparse.ArgumentTypeError(f"{number} rounds show no spread, use 5 or more")
    return number


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument(
        "--rows", nargs="+", default=[], metavar="WORD", help="only rows with such a word in the name"
    )
    parser.add_argument(
        "--rounds", type=positive, default=101, help="rounds of about 3 ms per row (default 101)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the chart of ratios")
    parser.add_argument(
        "--report", action="store_true", help="renew the table in benchmarks/README.md and its chart"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when a ratio is under its bound")
    parser.add_argument(
        "--relax",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiply the bounds of --check, 0.5 for busy machines",
    )
    parser.add_argument("--list", action="store_true", help="show the rows and their bounds, measure nothing")
    return parser.parse_args(arguments)


def measure_all(rows: list[Row], rounds: int) -> list[Result]:
    """Measure rows one after the other, printing each when it is there."""
    results = []
    print(heading(), flush=True)
    for number, row in enumerate(rows, 1):
        if sys.stderr.isatty():
            print(f"\r{number}/{len(rows)} {row.name}\033[K", end="\r", file=sys.stderr, flush=True)
        result = measure(row, rounds)
        results.append(result)
        print(line_of(result), flush=True)
    return results


def write_reports(results: list[Result], rounds: int, options: argparse.Namespace) -> None:
    machine = facts(rounds)
    if options.json:
        options.json.write_bytes(as_json(results, machine))
    if options.svg:
        options.svg.write_text(bar_chart(results))
    if options.report:
        README.write_text(replace_table(README.read_text(), markdown(results, machine)))
        CHART.parent.mkdir(parents=True, exist_ok=True)
        CHART.write_text(bar_chart(results))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = parse(arguments)
    rows = chosen_rows(options.rows)
    if not rows:
        print(f"no row matches {' '.join(options.rows)}; --list shows all", file=sys.stderr)
        return REFUSED
    if options.list:
        for row in rows:
            print(f"{row.module:<11} {row.name}" + (f", at least {row.bound:g} x" if row.bound else ""))
        return 0
    try:
        results = measure_all(rows, options.rounds)
    except KeyboardInterrupt:
        print("\ninterrupted, nothing was written", file=sys.stderr)
        return INTERRUPTED
    write_reports(results, options.rounds, options)
    if not options.check:
        return 0
    missed = [result for result in results if result.misses(options.relax)]
    for result in missed:
        bound = (result.row.bound or 0) * options.relax
        print(
            f"under its bound: {result.row.name}: {result.ratio:.1f} x, at least {bound:g} x asked",
            file=sys.stderr,
        )
    return 1 if missed else 0
