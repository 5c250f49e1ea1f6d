"""The figures of a run as Markdown and as a chart."""

from __future__ import annotations

import statistics
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
BOUNDS: Final = (
    # row, arm, the one it is compared with, what is asked, what is aimed at: times as quick
    ("1 GB up", "ours", "zmq", 0.80, 0.95),
    ("1 GB down", "ours", "zmq", 0.80, 0.95),
    ("1 GB down", "ours", "sendfile", 0.70, 0.90),
    ("1 GB up", "ours-curve", "zmqc", 0.90, 1.15),
    ("1 GB down", "ours-curve", "zmqc", 0.90, 1.15),
    ("100 MB up", "ours", "zmq", 0.75, 0.90),
    ("100 MB down", "ours", "zmq", 0.75, 0.90),
    ("10 MB up", "ours", "zmq", 0.70, 0.90),
    ("10 MB down", "ours", "zmq", 0.70, 0.90),
    ("2,000 x 10 KB push", "ours", "rsync", 1 / 1.5, 1.0),
    ("2,000 x 10 KB pull", "ours", "rsync", 1 / 1.5, 1.0),
    ("2,000 x 10 KB push, no change", "ours", "rsync", 1 / 1.5, 1.0),
    ("2,000 x 10 KB pull, no change", "ours", "rsync", 1 / 1.5, 1.0),
    ("1 GB up", "ours", "seed", 1.0, 4.0),
    ("1 GB down", "ours", "seed", 1.0, 4.0),
    ("1 GB up", "ours-curve", "seed-curve", 1.0, 1.8),
    ("1 GB down", "ours-curve", "seed-curve", 1.0, 2.4),
    ("100 MB up", "ours", "seed", 1.0, 3.0),
    ("100 MB down", "ours", "seed", 1.0, 2.5),
    ("10 MB up", "ours", "seed", 1.0, 6.0),
    ("10 MB down", "ours", "seed", 1.0, 2.0),
    ("2,000 x 10 KB push", "ours", "seed", 1.0, 12.0),
    ("2,000 x 10 KB pull", "ours", "seed", 1.0, 8.0),
    ("2,000 x 10 KB push, no change", "ours", "seed", 1.0, 3.0),
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
    transfers = [row for row in rows if "memory" not in row.name]
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
    lines += ["", "Times as quick, median of the ratios of each round.", ""]
    lines += ["| case | who | beside | asked | aimed at | found | |", "|---|---|---|---|---|---|---|"]
    for name, arm, other, must, aim in BOUNDS:
        ratio = by_name[name].ratio(arm, other) if name in by_name else None
        if ratio is not None:
            verdict = "aim reached" if ratio >= aim else "reached" if ratio >= must else "**missed**"
            lines.append(
                f"| {name} | {LABELS[arm]} | {LABELS[other]} "
                f"| {must:.2f} | {aim:.2f} | {ratio:.2f} | {verdict} |"
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
    return "\n".join(lines) + "\n"


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
