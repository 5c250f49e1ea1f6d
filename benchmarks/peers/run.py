"""Measures our producer beside its rivals, arm after arm in many rounds; writes a report, checks bounds.

python -m benchmarks.peers --rows awaited submit --rounds 7 --check
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.machine import facts, version_of
from benchmarks.wire.run import scheduling
from benchmarks.wire.sink import processors

from .peers import CPP_PACKAGE, JAVA_VERSION, ArmError, BuildError, Peers
from .report import lines_of, write_report
from .results import SILENT, Result, write
from .rounds import Plan, Rounds
from .target import broker_target, sink_target
from .works import CPP, REAL_ROWS, SINK_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .target import Target
    from .works import Row

RESULTS: Final = Path(__file__).parents[1] / "results"
INTERRUPTED: Final = 130
JAVA_WARM_UP: Final = 7.0
SLOW_SINK: Final = 1_500_000  # messages a second, a fraction of what ours submits
COUNTED: Final = ("lost",)  # figures that do not depend on how quick the machine is
ROWS: Final = {"sink": SINK_ROWS, "real": REAL_ROWS}


def show(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def conditions(also: list[str], rounds: int) -> dict[str, str]:
    """What the figures of a row depend on."""
    more = {"C++ client": CPP_PACKAGE} if CPP in also else {}
    return facts(rounds) | {
        "scheduling": scheduling(),
        "uvloop": version_of("uvloop"),
        "Java client": JAVA_VERSION,
        "Go client": go_version(),
        "day": time.strftime("%Y-%m-%d"),
        **more,
    }


def go_version() -> str:
    """The released Go client that the module file asks for."""
    text = (Path(__file__).parent / "go" / "go.mod").read_text(encoding="utf-8")
    return text.partition("rocketmq-client-go/v2 v")[2].split()[0]


@contextmanager
def target_for(row: Row, folder: Path, sink: Target | None) -> Iterator[Target]:
    """Where a row sends: to the sink, a slow one of its own, or a real broker where there is no sink."""
    if sink is None:
        # Each row has a broker of its own, so that what one leaves behind does not slow the next.
        place = Path(tempfile.mkdtemp(dir=folder))
        with broker_target(place) as target:
            yield target
        shutil.rmtree(place, ignore_errors=True)
    elif row.count:
        with sink_target(processors().sink, SLOW_SINK) as target:
            yield target
    else:
        yield sink


def run(place: str, options: argparse.Namespace) -> list[Result]:
    """Measure the rows that were asked for; each is written down after each of its rounds."""
    rows = [row for row in ROWS[place] if chosen(row, options)]
    results: list[Result] = []
    on_sink = place == "sink"
    plan = Plan(options.rounds, options.scale, options.scale, options.warm_up)

    def keep(result: Result) -> None:
        kept = write(options.results / f"{place}.json", [result], ROWS[place])
        write_report(options.results, place, kept)

    where = processors()
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True))
        )
        peers = Peers(folder, where.client if on_sink else None)
        sink = stack.enter_context(sink_target(where.sink)) if on_sink else None
        for row in rows:
            arms = row.arms_of(options.peers, options.also if on_sink else [])
            with target_for(row, folder, sink) as target:
                result = Rounds(row, arms, peers, target, plan, tell=show).run(
                    keep, partial(conditions, options.also)
                )
            results.append(result)
            show("")
            print("\n".join(lines_of(result)), flush=True)
    return results


def chosen(row: Row, options: argparse.Namespace) -> bool:
    """Whether a row has one of the words in its name, and one of the sizes, where they are given."""
    named = not options.rows or any(word in row.name for word in options.rows)
    return named and (not options.sizes or row.work.size in options.sizes)


def positive(text: str) -> int:
    """A number of rounds."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} rounds measure nothing, use 1 or more")
    return number


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--on", choices=ROWS, nargs="+", default=list(ROWS), help="the counting sink, a real broker, or both"
    )
    parser.add_argument("--rows", nargs="+", default=[], metavar="WORD", help="only rows with such a word")
    parser.add_argument("--sizes", nargs="+", type=int, default=[], help="bytes of bodies, only these")
    parser.add_argument("--peers", nargs="+", default=[], metavar="NAME", help="only these peers")
    parser.add_argument(
        "--also", nargs="+", choices=(CPP,), default=[], help="the C++ client, in the rows that it can do"
    )
    parser.add_argument("--rounds", type=positive, default=7, help="rounds of all arms (default 7)")
    parser.add_argument("--scale", type=float, default=1.0, help="this many seconds for each run (default 1)")
    parser.add_argument(
        "--warm-up",
        type=float,
        default=JAVA_WARM_UP,
        metavar="SECONDS",
        help="of Java, others need 1 (default 7)",
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the report and all figures go"
    )
    parser.add_argument(
        "--check",
        nargs="?",
        const="ratios",
        choices=("ratios", "counts"),
        help="exit with 1 when a ratio misses its bound; with `counts` only when messages are lost "
        "or an arm never answers",
    )
    parser.add_argument(
        "--relax", type=float, default=1.0, metavar="FACTOR", help="widen the bounds, 0.5 for busy machines"
    )
    parser.add_argument(
        "--list", action="store_true", help="print the rows and what is asked, measure nothing"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = parse(arguments)
    if options.list:
        for place in options.on:
            print(*(f"{place}: {row.name}: {', '.join(row.arms)}" for row in ROWS[place]), sep="\n")
        return 0
    if not hasattr(os, "sched_setaffinity"):
        print("these figures need Linux, where programs can be kept on one processor", file=sys.stderr)
        return 2
    try:
        results = [result for place in options.on for result in run(place, options)]
    except KeyboardInterrupt:
        print("\ninterrupted; the rounds before are written", file=sys.stderr)
        return INTERRUPTED
    except (ArmError, BuildError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    if not options.check:
        return 0
    missed = [line for result in results for line in missed_in(result, options)]
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0


def missed_in(result: Result, options: argparse.Namespace) -> list[str]:
    """What a row does not keep of what is checked."""
    asked = [found for found in result.found if options.check == "ratios" or found.bound.figure in COUNTED]
    return [f"{result.row.name}: {arm}: {SILENT}" for arm in result.silent] + [
        f"{result.row.name}: {found.arm}: {found.told}"
        for found in asked
        if not found.bound.keeps(found.ratio, options.relax)
    ]
