"""Measures the embedded broker, in memory and on disk, beside a real one; prints a table, checks bounds.

python -m benchmarks.broker --rounds 5 --check
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.broker.arms import ARMS, Arm, build_generator, plain_write_rate, running, settle
from benchmarks.machine import facts
from benchmarks.report import replace_table

README: Final = Path(__file__).parent / "README.md"
SECONDS: Final = 1.0  # of one load
FILL: Final = 100_000  # messages in each queue that is pulled from
WARM_UP: Final = 60_032  # batches, more than 1 GiB of log


@dataclass(frozen=True)
class Work:
    """One kind of load.

    Attributes:
        first: how many requests (for pulls: messages) the first load has; later ones take about a second.
        least: messages a second that the broker in memory has to reach.
        counted: messages that one unit of `-n` stands for.
        record: bytes that a message takes in the log.
    """

    name: str
    options: tuple[str, ...]
    first: int
    least: float
    counted: int = 1
    record: int = 320
    is_pull: bool = False


WORKS: Final = (
    Work("single sends, JSON", ("-b", "100"), 30_016, 300_000),
    Work("single sends, binary", ("-b", "100", "-r"), 30_016, 300_000),
    Work(
        "batches of 100", ("-b", "100", "-B", "100", "-w", "256"), 1_024, 3_000_000, counted=100, record=257
    ),
    Work("pulls of 32, JSON", ("-m", "pull", "-w", "16", "-T", str(FILL)), 100_000, 1_000_000, is_pull=True),
)
DISK_SHARE: Final = 0.6
FILE_SHARE: Final = 0.4  # of what a plain file takes, where that is less than the above
FILE: Final = "plain file"


@dataclass
class Series:
    """The rates of one arm at one work, messages a second by the wall and by the CPU time of the broker."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    @property
    def median(self) -> float:
        """The usual rate."""
        return statistics.median(self.wall)

    @property
    def spread(self) -> str:
        """Lowest and highest."""
        return f"{_rate(min(self.wall))} to {_rate(max(self.wall))}"


def _rate(value: float) -> str:
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.0f} k"


def one_load(arm: Arm, work: Work, generator: Path, count: int, topic: str) -> tuple[float, float]:
    """Rates of one load by wall and by CPU time, of messages that the broker really has."""
    before = 0 if work.is_pull else arm.stored(topic)
    cpu = arm.cpu_seconds()
    found = arm.load(generator, "-t", topic, "-n", str(count), *work.options)
    used = max(arm.cpu_seconds() - cpu, 0.01)
    messages = int(found["messages"])
    if not work.is_pull:
        stored = arm.stored_at_last(topic, before + messages) - before
        if stored != messages and arm.name != "real":
            raise RuntimeError(f"{arm.name}: {messages:,} messages were answered, {stored:,} are there")
        messages = stored
    return messages / float(found["seconds"]), messages / used


def measure(work: Work, rounds: int, generator: Path, names: list[str]) -> dict[str, Series]:
    """Rounds in which each broker gets its turn; all of them run all the time, on one core."""
    series = {name: Series() for name in names}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="broker-bench-")))
        arms = [stack.enter_context(running(name, folder / name)) for name in names]
        counts: dict[str, int] = {}
        for arm in arms:
            arm.make_topic("bench-topic")
            if work.is_pull:
                fill = FILL * 8 // 100
                arm.load(generator, "-n", str(fill + 64 - fill % 64), "-b", "100", "-B", "100")
            elif arm.name == "memory":
                # As in a broker that runs for a while: the memory of the log has been used before.
                arm.make_topic("warm-up")
                arm.load(
                    generator, "-t", "warm-up", "-n", str(WARM_UP), "-b", "100", "-B", "100", "-w", "256"
                )
            # The first load warms up, and says how much takes a second.
            one_load(arm, work, generator, work.first, "bench-topic")
            rate, _ = one_load(arm, work, generator, work.first, "bench-topic")
            counts[arm.name] = max(64, int(rate * SECONDS) // work.counted // 64 * 64)
        for _ in range(rounds):
            for arm in arms:
                settle()
                wall, cpu = one_load(arm, work, generator, counts[arm.name], "bench-topic")
                series[arm.name].wall.append(wall)
                series[arm.name].cpu.append(cpu)
            if "disk" in names and not work.is_pull:
                rate = plain_write_rate(folder) / work.record
                series.setdefault(FILE, Series()).wall.append(rate)
                series[FILE].cpu.append(rate)
    return series


def ratio(first: Series, second: Series) -> float:
    """How many times quicker the first is, as the median of the ratios round by round."""
    return statistics.median([a / b for a, b in zip(first.wall, second.wall, strict=True)])


def lines_of(results: dict[str, dict[str, Series]]) -> list[str]:
    """The table."""
    lines = [
        "| load | broker | messages/s | lowest to highest | per CPU second of the broker | to real |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, series in results.items():
        for arm, found in series.items():
            is_ours = arm not in ("real", FILE)
            times = f"{ratio(found, series['real']):.1f} x" if "real" in series and is_ours else ""
            lines.append(
                f"| {name} | {arm} | **{_rate(found.median)}** | {found.spread} "
                f"| {_rate(statistics.median(found.cpu))} | {times} |"
            )
    return lines


def misses(results: dict[str, dict[str, Series]], relax: float) -> list[str]:
    """What is under its bound."""
    found: list[str] = []
    for work in WORKS:
        series = results.get(work.name)
        if series is None:
            continue
        memory = series["memory"]
        if max(memory.wall) < work.least * relax:
            found.append(
                f"{work.name}: {_rate(max(memory.wall))} in memory, {_rate(work.least * relax)} asked"
            )
        if "real" in series and ratio(memory, series["real"]) <= 1.0:
            found.append(f"{work.name}: {ratio(memory, series['real']):.2f} x of the real broker")
        if "disk" in series and not work.is_pull:
            best = max(series["disk"].wall)
            asked = min(work.least * DISK_SHARE * relax, series[FILE].median * FILE_SHARE)
            if best < asked:
                found.append(f"{work.name}: {_rate(best)} on disk, {_rate(asked)} asked")
    return found


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.broker", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="loads of about a second for each broker (default 7)"
    )
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="which brokers")
    parser.add_argument("--works", nargs="+", default=[], metavar="WORD", help="only loads with such a word")
    parser.add_argument(
        "--report", action="store_true", help="renew the table in benchmarks/broker/README.md"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when something is under its bound")
    parser.add_argument("--relax", type=float, default=1.0, help="multiply the bounds, 0.5 for busy machines")
    options = parser.parse_args()
    results: dict[str, dict[str, Series]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="broker-load-") as folder,
        build_generator(Path(folder)) as generator,
    ):
        for work in WORKS:
            if not options.works or any(word in work.name for word in options.works):
                results[work.name] = measure(work, options.rounds, generator, options.arms)
                print("\n".join(lines_of({work.name: results[work.name]})[2:]), flush=True)
    if options.report:
        machine = [f"- {name}: {value}" for name, value in facts(options.rounds).items()]
        README.write_text(replace_table(README.read_text(), "\n".join([*lines_of(results), "", *machine])))
    missed = misses(results, options.relax) if options.check else []
    for text in missed:
        print(f"under its bound: {text}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
