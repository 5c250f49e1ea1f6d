"""The figures of a run as Markdown and as a chart."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from benchmarks.chart import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .run import Row

LABELS: Final = {
    "ours": "flaxfile 2",
    "ours-curve": "flaxfile 2, password",
    "seed": "flaxfile 1.7.1",
    "seed-curve": "flaxfile 1.7.1, password",
    "zmq": "raw ZeroMQ",
    "zmqc": "raw ZeroMQ, CURVE",
    "sendfile": "sendfile",
    "rsync": "rsync daemon",
    "cp": "cp",
}
REPORT: Final = "REPORT.md"
CHART: Final = "files.svg"
TIMES, CPU, SECONDS, MEMORY, SENT = "times as quick", "CPU s/GB", "seconds", "MiB at most", "MiB sent"


@dataclass(frozen=True, slots=True)
class Bound:
    """What is asked of a row."""

    row: str
    arm: str
    other: str
    """The one it is compared with; empty where a figure stands for itself."""
    must: float
    aim: float
    kind: str = TIMES

    def found(self, rows: dict[str, Row]) -> float | None:
        """What was measured; None if it was not."""
        row = rows.get(self.row)
        if row is None or not row.costs.get(self.arm):
            return None
        costs = row.costs[self.arm]
        if self.kind == TIMES:
            return row.ratio(self.arm, self.other)
        if self.kind == CPU:
            return statistics.median(cost.cpu for cost in costs) / (row.size / 1e9)
        if self.kind == SECONDS:
            return statistics.median(row.seconds(self.arm))
        if self.kind == MEMORY:
            return max(max(cost.client_peak_mib, cost.server_peak_mib) for cost in costs)
        return max(cost.sent_mib for cost in costs)

    def keeps(self, found: float, asked: float, relax: float = 1.0) -> bool:
        """Whether what was found is as good as ``asked``, which ``relax`` below 1 widens."""
        return found >= asked * relax if self.kind == TIMES else found <= asked / relax


BOUNDS: Final = (
    Bound("1 GB up", "ours", "zmq", 0.80, 0.95),
    Bound("1 GB down", "ours", "zmq", 0.80, 0.95),
    Bound("1 GB down", "ours", "sendfile", 0.70, 0.90),
    Bound("1 GB up", "ours-curve", "zmqc", 0.90, 1.15),
    Bound("1 GB down", "ours-curve", "zmqc", 0.90, 1.15),
    Bound("100 MB up", "ours", "zmq", 0.75, 0.90),
    Bound("100 MB down", "ours", "zmq", 0.75, 0.90),
    Bound("10 MB up", "ours", "zmq", 0.70, 0.90),
    Bound("10 MB down", "ours", "zmq", 0.70, 0.90),
    Bound("2,000 x 10 KB push", "ours", "rsync", 1 / 1.5, 1.0),
    Bound("2,000 x 10 KB pull", "ours", "rsync", 1 / 1.5, 1.0),
    Bound("2,000 x 10 KB push, no change", "ours", "rsync", 1 / 1.5, 1.0),
    Bound("2,000 x 10 KB pull, no change", "ours", "rsync", 1 / 1.5, 1.0),
    Bound("1 GB up", "ours", "seed", 1.0, 4.0),
    Bound("1 GB down", "ours", "seed", 1.0, 4.0),
    Bound("1 GB up", "ours-curve", "seed-curve", 1.0, 1.8),
    Bound("1 GB down", "ours-curve", "seed-curve", 1.0, 2.4),
    Bound("100 MB up", "ours", "seed", 1.0, 3.0),
    Bound("100 MB down", "ours", "seed", 1.0, 2.5),
    Bound("10 MB up", "ours", "seed", 1.0, 6.0),
    Bound("10 MB down", "ours", "seed", 1.0, 2.0),
    Bound("2,000 x 10 KB push", "ours", "seed", 1.0, 12.0),
    Bound("2,000 x 10 KB pull", "ours", "seed", 1.0, 8.0),
    Bound("2,000 x 10 KB push, no change", "ours", "seed", 1.0, 3.0),
    Bound("1 GB up", "ours", "", 1.0, 0.6, CPU),
    Bound("1 GB down", "ours", "", 1.0, 0.6, CPU),
    Bound("1 GB up", "ours-curve", "", 2.2, 1.8, CPU),
    Bound("1 GB down", "ours-curve", "", 2.2, 1.8, CPU),
    Bound("10 MB up, command", "ours", "", 0.15, 0.10, SECONDS),
    Bound("10 MB down, command", "ours", "", 0.15, 0.10, SECONDS),
    Bound("wrong password refused", "ours", "", 1.5, 0.6, SECONDS),
    Bound("missing password refused", "ours", "", 1.5, 0.6, SECONDS),
    Bound("2 GiB up, memory", "ours", "", 96.0, 64.0, MEMORY),
    Bound("2 GiB down, memory", "ours", "", 96.0, 64.0, MEMORY),
    Bound("one block of 64 MiB changed", "ours", "", 0.4, 0.1, SENT),
)
WIDTH: Final = 760
LABEL: Final = 210
BAR: Final = 16


def figure(row: Row, arm: str) -> str:
    """Median with its range, as a rate where bytes count."""
    seconds = row.seconds(arm)
    if not seconds:
        return "-"
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    if row.size:
        return f"{row.size / 1e9 / middle:.2f} [{row.size / 1e9 / high:.2f}-{row.size / 1e9 / low:.2f}]"
    return f"{middle:.3f} [{low:.3f}-{high:.3f}]"


def cpu(row: Row, arm: str) -> str:
    """Seconds of processor time for a GB, both sides."""
    costs = row.costs.get(arm)
    if not costs or not row.size:
        return "-"
    return f"{statistics.median(cost.cpu for cost in costs) / (row.size / 1e9):.2f}"


def write_report(rows: Sequence[Row], about: dict[str, str]) -> str:
    """All of it."""
    lines = ["# FlaxFile beside its rivals", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    transfers = [row for row in rows if "memory" not in row.name and "changed" not in row.name]
    arms = [arm for arm in LABELS if any(arm in row.costs for row in transfers)]
    lines += ["", "GB/s of the client's wall time, or seconds where no size counts: median [range].", ""]
    lines += ["| | " + " | ".join(LABELS[arm] for arm in arms) + " |", "|---|" + "---|" * len(arms)]
    for row in transfers:
        lines.append(f"| {row.name} | " + " | ".join(figure(row, arm) for arm in arms) + " |")
    lines += ["", "Processor seconds for a GB, both sides together.", ""]
    lines += ["| | " + " | ".join(LABELS[arm] for arm in arms) + " |", "|---|" + "---|" * len(arms)]
    for row in transfers:
        if row.size:
            lines.append(f"| {row.name} | " + " | ".join(cpu(row, arm) for arm in arms) + " |")
    by_name = {row.name: row for row in rows}
    lines += ["", "What is asked: times as quick is the median of the ratios of each round.", ""]
    lines += ["| case | who | what | asked | aimed at | found | |", "|---|---|---|---|---|---|---|"]
    for bound in BOUNDS:
        found = bound.found(by_name)
        if found is not None:
            verdict = (
                "aim reached"
                if bound.keeps(found, bound.aim)
                else "reached"
                if bound.keeps(found, bound.must)
                else "**missed**"
            )
            what = f"{bound.kind} as {LABELS[bound.other]}" if bound.other else bound.kind
            lines.append(
                f"| {bound.row} | {LABELS[bound.arm]} | {what} "
                f"| {bound.must:.2f} | {bound.aim:.2f} | {found:.2f} | {verdict} |"
            )
    memory = [row for row in rows if "memory" in row.name]
    if memory:
        lines += [
            "",
            "Most memory in MiB, client / server.",
            "",
            "| | flaxfile 2 | flaxfile 1.7.1 |",
            "|---|---|---|",
        ]
        for row in memory:
            cells = []
            for arm in ("ours", "seed"):
                cost = row.costs.get(arm, [None])[0]
                cells.append(f"{cost.client_peak_mib:.0f} / {cost.server_peak_mib:.0f}" if cost else "-")
            lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    if any(row.size and "memory" not in row.name for row in rows):
        lines += ["", f"![Rates of single files]({CHART})"]
    return "\n".join(lines) + "\n"


def missed(rows: Sequence[Row], relax: float) -> list[str]:
    """The bounds that do not hold even when they are widened by ``relax``."""
    by_name = {row.name: row for row in rows}
    lines = []
    for bound in BOUNDS:
        found = bound.found(by_name)
        if found is not None and not bound.keeps(found, bound.must, relax):
            beside = f" beside {LABELS[bound.other]}" if bound.other else ""
            lines.append(
                f"{bound.row}, {LABELS[bound.arm]}{beside}: {found:.2f} {bound.kind}, not {bound.must:.2f}"
            )
    return lines


def write_chart(rows: Sequence[Row]) -> str:
    """Bars of the rates of single files, a group for each case."""
    shown = [row for row in rows if row.size and "memory" not in row.name and "command" not in row.name]
    top = 50
    parts: list[str] = []
    most = max((row.size / 1e9 / min(row.seconds(arm)) for row in shown for arm in row.costs), default=1.0)
    y = top
    for row in shown:
        parts.append(f'<text class="title" x="12" y="{y + 14}">{escape(row.name)}</text>')
        y += 22
        for arm in LABELS:
            seconds = row.seconds(arm)
            if not seconds:
                continue
            rate = row.size / 1e9 / statistics.median(seconds)
            scale = (WIDTH - LABEL - 90) / most
            low, high = row.size / 1e9 / max(seconds), row.size / 1e9 / min(seconds)
            kind = "bar" if arm.startswith("ours") else "slow" if arm.startswith("seed") else "free"
            middle = y + BAR / 2
            place = f'x="{LABEL}" y="{y + 2}" width="{rate * scale:.1f}" height="{BAR - 4}"'
            label = f'x="{LABEL - 10}" y="{y + 12}" text-anchor="end"'
            parts += [
                f'<text class="small" {label}>{escape(LABELS[arm])}</text>',
                f'<rect class="{kind}" {place} rx="2"/>',
                f'<path class="whisker" d="M{LABEL + low * scale:.1f} {middle}H{LABEL + high * scale:.1f}"/>',
                f'<text class="small" x="{LABEL + high * scale + 8:.1f}" y="{y + 12}">{rate:.2f}</text>',
            ]
            y += BAR
        y += 12
    legend = "median of interleaved rounds, lines from slowest to quickest; files in memory, checked by hash"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 10}" role="img">',
        "<title>Rates of single files</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{y + 10}"/>',
        '<text class="title" x="12" y="22">One file over loopback, GB/s</text>',
        f'<text class="small" x="12" y="40">{legend}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>", ""])
