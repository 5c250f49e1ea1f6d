"""Measures the client on the wire against raw C, arm after arm in many rounds, and checks the ratios.

python -m benchmarks.wire --rounds 7 --check
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from orjson import OPT_INDENT_2, dumps

from benchmarks.machine import facts, version_of

from .sink import Sink, pinned, processors, run_raw, running_sink

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
README: Final = HERE / "README.md"
BEGIN: Final = "<!-- table: begin, written by python -m benchmarks.wire --report -->"
END: Final = "<!-- table: end -->"
INTERRUPTED: Final = 130

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison with the raw generator."""

    name: str
    arm: str
    raw: str
    figure: str
    """``rate``: calls in a second, more is better; ``p50_us``: microseconds, less is better."""
    bound: float | None = None

    @property
    def is_rate(self) -> bool:
        """More is better."""
        return self.figure == "rate"

    def keeps(self, ratio: float, relax: float) -> bool:
        """Whether a ratio is within the bound, which ``relax`` below 1 widens."""
        if self.bound is None:
            return True
        return ratio >= self.bound * relax if self.is_rate else ratio <= self.bound / relax


RAW: Final = {
    "raw": ("-m", "blast"),
    "raw-binary": ("-m", "blast", "-r"),
    "raw-one": ("-m", "pingpong"),
}
ROWS: Final = (
    Row("1,024 tasks, AsyncRemote.invoke", "invoke", "raw", "rate", 0.12),
    Row("1,024 tasks, Connection.request", "request", "raw", "rate"),
    Row("1,024 tasks, Connection.send_message", "send", "raw", "rate", 0.28),
    Row("the same, binary headers on both sides", "send-binary", "raw-binary", "rate"),
    Row("one at a time, direct lane, invoke", "one-lane", "raw-one", "p50_us", 1.3),
    Row("one at a time, direct lane, send_message", "one-lane-send", "raw-one", "p50_us", 1.3),
    Row("one at a time, spinning lane, invoke", "one-lane-spin", "raw-one", "p50_us", 0.8),
    Row("one at a time, spinning lane, send_message", "one-lane-send-spin", "raw-one", "p50_us", 0.8),
    Row("one at a time, awaited on uvloop, invoke", "one-invoke", "raw-one", "p50_us", 1.45),
    Row("one at a time, awaited on uvloop, send_message", "one-send", "raw-one", "p50_us", 1.45),
    Row("one at a time, through the engine thread", "one-engine", "raw-one", "p50_us"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one row."""

    row: Row
    ours: list[Figures]
    raw: list[Figures]

    @property
    def ratios(self) -> list[float]:
        """Ours by raw, round by round."""
        figure = self.row.figure
        return [ours[figure] / raw[figure] for ours, raw in zip(self.ours, self.raw, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return median(self.ratios)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Where the middle half of the rounds lies."""
        low, _, high = quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    def middle(self, side: list[Figures], figure: str) -> float:
        """The median of one side."""
        return median(figures[figure] for figures in side)


class WrongCountError(Exception):
    """The sink saw something else than the client says."""


def measured(arm: str, sink: Sink, where: int | None, counts: dict[str, int]) -> Figures:
    """One run of an arm, whose count the sink confirms."""
    sink.reset()
    if arm in RAW:
        count = counts["raw-one" if arm == "raw-one" else "raw"]
        found = run_raw(sink, where, *RAW[arm], "-n", str(count))
        figures = {
            "count": count,
            "rate": found["requests_per_s"],
            "cpu_us": found["client_cpu_us_per_message"],
            "p50_us": found.get("p50_us", 0.0),
        }
    else:
        count = counts["one" if arm.startswith("one") else "many"]
        command = [sys.executable, "-m", f"{__package__}.client", arm]
        command += ["--port", str(sink.port), "--count", str(count)]
        done = subprocess.run(pinned(where, *command), cwd=ROOT, check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
    check_count(arm, figures, sink.stats())
    return figures


def check_count(arm: str, figures: Figures, seen: dict[str, Any]) -> None:
    """Every message arrived whole, with its id, once."""
    # The raw generator sends whole groups, so its last one may go over the count.
    exact = figures["count"] if arm not in RAW else seen["messages"]
    good = seen["messages"] == seen["messages_with_id"] == exact >= figures["count"]
    if not good or seen["errors"]:
        raise WrongCountError(f"{arm}: {figures['count']} were sent, the sink saw {seen}")


def measure(rows: list[Row], rounds: int, counts: dict[str, int]) -> list[Result]:
    """All arms in turns, round by round; what slows the machine down slows all of a round."""
    where = processors()
    arms = list(dict.fromkeys([row.raw for row in rows] + [row.arm for row in rows]))
    found: dict[str, list[Figures]] = {arm: [] for arm in arms}
    with running_sink(where.sink) as sink:
        for number in range(1, rounds + 1):
            for arm in arms:
                if sys.stderr.isatty():
                    print(f"\rround {number}/{rounds}, {arm}\033[K", end="\r", file=sys.stderr, flush=True)
                found[arm].append(measured(arm, sink, where.client, counts))
    return [Result(row, found[row.arm], found[row.raw]) for row in rows]


# ---- what is shown ----


def shown(row: Row, value: float) -> str:
    return f"{value:,.0f}/s" if row.is_rate else f"{value:.1f} us"


def asked(row: Row) -> str:
    return "" if row.bound is None else f"{'>=' if row.is_rate else '<='} {row.bound:g}"


def line_of(result: Result) -> str:
    """One line of the table on a terminal."""
    row = result.row
    low, high = result.quartiles
    mark = "" if row.keeps(result.ratio, 1.0) else "  MISSED"
    return (
        f"{row.name:48} {shown(row, result.middle(result.ours, row.figure)):>12} "
        f"{shown(row, result.middle(result.raw, row.figure)):>12} {result.ratio:6.2f} x "
        f"{low:5.2f}-{high:<5.2f} {asked(row):>8} {result.middle(result.ours, 'cpu_us'):6.2f} us{mark}"
    )


def markdown(results: list[Result], machine: dict[str, str]) -> str:
    """The table and the machine it is from."""
    lines = [
        "| calls | ours | raw C | ratio | quartiles | asked | CPU per call, us | of raw C, us |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        row = result.row
        low, high = result.quartiles
        cells = (
            row.name,
            shown(row, result.middle(result.ours, row.figure)),
            shown(row, result.middle(result.raw, row.figure)),
            f"**{result.ratio:.2f}**",
            f"{low:.2f}-{high:.2f}",
            asked(row) + ("" if row.keeps(result.ratio, 1.0) else " (missed)"),
            f"{result.middle(result.ours, 'cpu_us'):.2f}",
            f"{result.middle(result.raw, 'cpu_us'):.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"- {name}: {value}" for name, value in machine.items())])


def replaced(page: str, table: str) -> str:
    """The page with another table between its marks."""
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
            "bound": result.row.bound,
            "ratio": result.ratio,
            "ratios": result.ratios,
            "ours": result.ours,
            "raw": result.raw,
        }
        for result in results
    ]
    return dumps({"format": 1, "machine": machine, "rows": rows}, option=OPT_INDENT_2)


# ---- the command ----


def scheduling() -> str:
    """Whether other programs could get in between."""
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        return "before all other programs (real time)"
    return "like all other programs"


def positive(text: str) -> int:
    """A number of rounds that quartiles can be taken of."""
    number = int(text)
    if number < 3:
        raise argparse.ArgumentTypeError(f"{number} rounds show no spread, use 3 or more")
    return number


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wire", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rows", nargs="+", default=[], metavar="WORD", help="only rows with such a word")
    parser.add_argument("--rounds", type=positive, default=11, help="rounds of all arms (default 11)")
    parser.add_argument("--scale", type=float, default=1.0, help="this many times the calls of each run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--report", action="store_true", help="renew the table in benchmarks/wire/README.md")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a ratio misses its bound")
    parser.add_argument(
        "--relax", type=float, default=1.0, metavar="FACTOR", help="widen the bounds, 0.5 for busy machines"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = parse(arguments)
    rows = [row for row in ROWS if not options.rows or any(word in row.name for word in options.rows)]
    if not rows:
        print(f"no row matches {' '.join(options.rows)}", file=sys.stderr)
        return 2
    counts = {"raw": 1_000_000, "raw-one": 10_000, "many": 200_000, "one": 10_000}
    counts = {name: max(2_000, int(count * options.scale)) for name, count in counts.items()}
    try:
        results = measure(rows, options.rounds, counts)
    except KeyboardInterrupt:
        print("\ninterrupted, nothing was written", file=sys.stderr)
        return INTERRUPTED
    print(f"{'':48} {'ours':>12} {'raw C':>12} {'ratio':>8} {'quartiles':>11} {'asked':>8} {'CPU':>9}")
    for result in results:
        print(line_of(result))
    machine = facts(options.rounds) | {"scheduling": scheduling(), "uvloop": version_of("uvloop")}
    if options.json:
        options.json.write_bytes(as_json(results, machine))
    if options.report:
        README.write_text(replaced(README.read_text(), markdown(results, machine)))
    if not options.check:
        return 0
    missed = [result for result in results if not result.row.keeps(result.ratio, options.relax)]
    for result in missed:
        print(f"missed: {result.row.name}: {result.ratio:.2f} x, {asked(result.row)} asked", file=sys.stderr)
    return 1 if missed else 0
