"""Runs all arms by turns, checks every file by its hash, and writes figures, report and chart.

A claim is a ratio within one run, as the machine may be busy: A, B, C, A, B, C ..., the median of the ratios
of each round. Files lie in memory, so that no disk is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import xxhash

from benchmarks.machine import facts, version_of
from flaxfile import Client

from .arms import ARMS, Arm, Cost, make_arms
from .report import CHART, REPORT, missed, write_chart, write_report

if TYPE_CHECKING:
    from collections.abc import Sequence

MB: Final = 1_000_000
SIZES: Final = {"10 MB": 10 * MB, "100 MB": 100 * MB, "1 GB": 1000 * MB}
PARTS: Final = ("files", "commands", "trees", "refusals", "delta", "memory")
RESULTS: Final = Path(__file__).parents[1] / "results" / "flaxfile"
TREE_FILES: Final = 2000
TREE_FILE_BYTES: Final = 10_000


@dataclass(slots=True)
class Row:
    """One case: what each arm needed in each round."""

    name: str
    size: int
    """Bytes; 0 where only the time counts."""
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, arm: str, cost: Cost) -> None:
        """One more."""
        self.costs.setdefault(arm, []).append(cost)

    def seconds(self, arm: str) -> list[float]:
        """Of every round."""
        return [cost.seconds for cost in self.costs.get(arm, [])]

    def ratio(self, arm: str, other: str) -> float | None:
        """How much quicker than the other, as the median over the rounds."""
        pairs = list(zip(self.seconds(arm), self.seconds(other), strict=False))
        return statistics.median(theirs / ours for ours, theirs in pairs) if pairs else None


def digest(path: Path) -> str:
    """What a file holds."""
    found = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def digest_tree(top: Path) -> str:
    """What a tree holds: names and content."""
    found = xxhash.xxh3_128()
    for path in sorted(top.rglob("*")):
        if path.is_file() and ".flaxfile" not in path.parts and path.name != "flaxfile.toml":
            found.update(os.fsencode(path.relative_to(top)) + b"\0" + path.read_bytes())
    return found.hexdigest()


def make_file(path: Path, size: int) -> None:
    """Bytes that nothing can make smaller."""
    block = os.urandom(min(size, 16 * MB))
    with path.open("wb") as file:
        left = size
        while left:
            left -= file.write(block[: min(left, len(block))])


def make_tree(top: Path) -> None:
    """Many small files in a few folders."""
    for number in range(TREE_FILES):
        path = top / f"d{number % 20:02d}" / f"f{number:04d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(TREE_FILE_BYTES))


def check(name: str, wanted: str, found: str) -> None:
    """Bytes that are wrong end the run."""
    if wanted != found:
        sys.exit(f"{name}: what arrived is not what was sent")


def measure_files(arms: dict[str, Arm], folder: Path, size_names: Sequence[str], rounds: int) -> list[Row]:
    """One file up and down, by the API where there is one."""
    rows = []
    for size_name in size_names:
        size = SIZES[size_name]
        source, target = folder / "source.bin", folder / "target.bin"
        make_file(source, size)
        wanted = digest(source)
        up, down = Row(f"{size_name} up", size), Row(f"{size_name} down", size)
        for number in range(rounds + 1):
            for arm in turned(list(arms.values()), number):
                key = f"file{number}.bin"
                if arm.can("up"):
                    cost = arm.transfer("up", source, key)
                    check(f"{arm.name} up", wanted, digest(arm.store / key))
                    _note(up, arm, cost, number)
                else:
                    shutil.copy(source, arm.store / key)
                cost = arm.transfer("down", target, key)
                check(f"{arm.name} down", wanted, digest(target))
                _note(down, arm, cost, number)
                target.unlink()
                (arm.store / key).unlink()
        source.unlink()
        rows += [up, down]
    return rows


def _note(row: Row, arm: Arm, cost: Cost, number: int) -> None:
    """The first round warms up and does not count."""
    if number:
        row.add(arm.name, cost)


def turned(arms: list[Arm], number: int) -> list[Arm]:
    """Another one begins in each round."""
    at = number % len(arms)
    return arms[at:] + arms[:at]


def measure_commands(arms: dict[str, Arm], folder: Path, rounds: int) -> list[Row]:
    """10 MB up and down by the command line, interpreter start and all."""
    source = folder / "source.bin"
    make_file(source, 10 * MB)
    wanted = digest(source)
    up, down = Row("10 MB up, command", 10 * MB), Row("10 MB down, command", 10 * MB)
    for number in range(rounds + 1):
        for arm in turned([arm for arm in arms.values() if arm.name in {"ours", "seed", "rsync"}], number):
            key, target = f"file{number}.bin", folder / "target.bin"
            target.unlink(missing_ok=True)  # who finds it here has nothing to fetch
            for row, verb in ((up, "up"), (down, "down")):
                if arm.name == "rsync":
                    cost = arm.transfer(verb, source if verb == "up" else target, key)
                else:
                    words = ["set", str(source), key] if verb == "up" else ["get", key, str(target)]
                    cost = Cost(*arm.flaxfile(*words, cwd=folder))
                check(f"{arm.name} {verb}", wanted, digest(arm.store / key if verb == "up" else target))
                _note(row, arm, cost, number)
            target.unlink()
            (arm.store / key).unlink()
    source.unlink()
    return [up, down]


def measure_trees(arms: dict[str, Arm], folder: Path, rounds: int) -> list[Row]:
    """A tree of many small files: over to an empty place, again without a change, and back."""
    source, target = folder / "tree", folder / "back"
    make_tree(source)
    wanted = digest_tree(source)
    names = ("push", "push, no change", "pull", "pull, no change")
    rows = {name: Row(f"{TREE_FILES:,} x 10 KB {name}", 0) for name in names}
    for number in range(rounds + 1):
        for arm in turned([arm for arm in arms.values() if arm.name in {"ours", "seed", "rsync"}], number):
            there = f"tree{number}"
            for name in names:
                verb = name.split(",")[0]
                cost = Cost(*_sync(arm, verb, source if verb == "push" else target, there, folder))
                check(
                    f"{arm.name} {name}", wanted, digest_tree(arm.store / there if verb == "push" else target)
                )
                _note(rows[name], arm, cost, number)
            shutil.rmtree(target)
            shutil.rmtree(arm.store / there)
    shutil.rmtree(source)
    return list(rows.values())


def _sync(arm: Arm, verb: str, local: Path, there: str, folder: Path) -> tuple[float, float]:
    if arm.name == "rsync":
        far = f"rsync://127.0.0.1:{arm.port}/files/{there}/"
        return arm.command(["rsync", "-a", *([f"{local}/", far] if verb == "push" else [far, f"{local}/"])])
    words = [str(local), there] if verb == "push" else [there, str(local)]
    return arm.flaxfile(verb, *words, cwd=folder)


def measure_wrong_password(arms: dict[str, Arm], folder: Path, rounds: int) -> list[Row]:
    """How long until a wrong password, and none at all, is refused."""
    rows = [Row("wrong password refused", 0), Row("missing password refused", 0)]
    arm = arms.get("ours-curve")
    if arm is None:
        return []
    for _ in range(rounds):
        for row, password in zip(rows, ("another password, as long", ""), strict=True):
            began = time.perf_counter()
            with contextlib.suppress(RuntimeError):
                environment = {**arm.environment, "FLAXFILE_PASSWORD": password}
                code = _code([sys.executable, "-m", "flaxfile", "list"], environment, folder)
                if code != 5:
                    sys.exit(f"a wrong password ended with {code}, not with 5")
            row.add("ours", Cost(time.perf_counter() - began, 0.0))
    return rows


def _code(words: list[str], environment: dict[str, str], folder: Path) -> int:
    return subprocess.run(words, env=environment, cwd=folder, capture_output=True, check=False).returncode


def measure_memory(folder: Path, build: Path, size: int, names: list[str]) -> list[Row]:
    """Most memory of both sides in one large transfer each way, in processes that did nothing else."""
    rows = [Row("2 GiB up, memory", size), Row("2 GiB down, memory", size)]
    source, target = folder / "source.bin", folder / "target.bin"
    make_file(source, size)
    for row, verb in zip(rows, ("up", "down"), strict=True):
        for name in names:
            with make_arms([name], folder / "memory", build) as arms:
                arm = arms[name]
                if verb == "down":
                    shutil.copy(source, arm.store / "file.bin")
                row.add(name, arm.transfer(verb, source if verb == "up" else target, "file.bin"))
                target.unlink(missing_ok=True)
    source.unlink()
    return rows


def measure_delta(arms: dict[str, Arm], folder: Path) -> list[Row]:
    """What is sent of a large file in which ten bytes have changed since it was stored."""
    arm = arms.get("ours")
    if arm is None:
        return []
    source = folder / "source.bin"
    row = Row("one block of 64 MiB changed", 0)
    source.write_bytes(os.urandom(64 << 20))
    with Client("127.0.0.1", arm.port) as client:
        client.upload(source, "changing.bin")
        with source.open("r+b") as file:
            file.seek(40 * MB)
            file.write(os.urandom(10))
        began = time.perf_counter()
        sent = client.upload(source, "changing.bin", delta=True).bytes_sent
        row.add(arm.name, Cost(time.perf_counter() - began, 0.0, sent_mib=sent / (1 << 20)))
    check("delta", digest(source), digest(arm.store / "changing.bin"))
    source.unlink()
    (arm.store / "changing.bin").unlink()
    return [row]


def main(words: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flaxfile", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--folder", type=Path, default=None, help="where the files lie (default: in memory)")
    parser.add_argument("--build", type=Path, default=Path("build/bench"))
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where report, chart and figures go"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when a bound is missed")
    parser.add_argument(
        "--relax", type=float, default=1.0, metavar="FACTOR", help="widen the bounds, 0.5 for busy machines"
    )
    options = parser.parse_args(words)
    names = [name for name in options.arms if name != "rsync" or shutil.which("rsync")]
    options.build.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    base = options.folder or (memory if memory.is_dir() else None)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="flaxfile-bench-", dir=base) as made:
        folder = Path(made)
        with make_arms(names, folder / "arms", options.build.resolve()) as arms:
            if "files" in options.parts:
                rows += measure_files(arms, folder, options.sizes, options.rounds)
            if "commands" in options.parts:
                rows += measure_commands(arms, folder, options.rounds)
            if "trees" in options.parts:
                rows += measure_trees(arms, folder, options.rounds)
            if "refusals" in options.parts:
                rows += measure_wrong_password(arms, folder, options.rounds)
            if "delta" in options.parts:
                rows += measure_delta(arms, folder)
        if "memory" in options.parts:
            chosen = [name for name in names if name in {"ours", "seed"}]
            rows += measure_memory(folder, options.build.resolve(), 2 << 30, chosen)
    about = {**facts(options.rounds), "pyzmq": version_of("pyzmq")}
    text = write_report(rows, about)
    print(text)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / REPORT).write_text(text, encoding="utf-8")
    (options.results / CHART).write_text(write_chart(rows), encoding="utf-8")
    document = {
        "machine": about,
        "rows": {
            row.name: {arm: [astuple(cost) for cost in costs] for arm, costs in row.costs.items()}
            for row in rows
        },
    }
    (options.results / "figures.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if not options.check:
        return 0
    wrong = missed(rows, options.relax)
    for line in wrong:
        print(f"missed: {line}")
    return 1 if wrong else 0
