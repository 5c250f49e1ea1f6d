"""Draws figures of several arms as an SVG: bars with whiskers for each row, on a logarithmic scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.chart import STYLE

LABEL_WIDTH: Final = 300
PLOT_WIDTH: Final = 480
VALUE_WIDTH: Final = 90
BAR_HEIGHT: Final = 14
GAP: Final = 10
TOP: Final = 48
BOTTOM: Final = 34
LEGEND: Final = "bars: median of interleaved rounds; whiskers: lowest and highest; logarithmic scale"
KINDS: Final = {"ours": "bar", "Java": "java", "Go": "go"}
MORE_STYLE: Final = """
  .java { fill: #c9510c }
  .go { fill: #2a9d8f }
  .raw { fill: #8c959f }
  @media (prefers-color-scheme: dark) { .java { fill: #e8793a } .go { fill: #4fc4b5 } .raw { fill: #6e7681 } }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One arm of a row."""

    arm: str
    value: float
    least: float
    most: float
    label: str

    @property
    def kind(self) -> str:
        """Whose it is."""
        return KINDS.get(self.arm.partition(",")[0], "raw")


def bars(groups: list[tuple[str, list[Bar]]], title: str) -> str:
    """The plot of all rows, in the order given."""
    values = [value for _, group in groups for bar in group for value in (bar.least, bar.most) if value > 0]
    lowest = 10 ** math.floor(math.log10(min(values)))
    highest = max(values) * 1.2
    bottom = TOP + sum(BAR_HEIGHT * len(group) + GAP for _, group in groups)
    width = LABEL_WIDTH + PLOT_WIDTH + VALUE_WIDTH

    def across(value: float) -> float:
        share = math.log(max(value, lowest) / lowest) / math.log(highest / lowest)
        return LABEL_WIDTH + PLOT_WIDTH * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + BOTTOM}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}{MORE_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{bottom + BOTTOM}"/>',
        f'<text class="title" x="12" y="22">{escape(title)}</text>',
        f'<text class="small" x="12" y="40">{LEGEND}</text>',
    ]
    tick = lowest
    while tick <= highest:
        x, label = across(tick), tick_label(tick)
        parts += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>',
            f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{label}</text>',
        ]
        tick *= 10
    top = float(TOP)
    for name, group in groups:
        middle = top + BAR_HEIGHT * len(group) / 2 + 4
        parts.append(f'<text x="8" y="{middle:.1f}">{escape(name)}</text>')
        for bar in group:
            start, end = across(lowest), across(bar.value)
            low, high, line = across(bar.least), across(bar.most), top + BAR_HEIGHT / 2
            place = f'x="{start:.1f}" y="{top + 1:.1f}" width="{end - start:.1f}" height="{BAR_HEIGHT - 2}"'
            side = f'x="{LABEL_WIDTH - 6}" y="{line + 4:.1f}" text-anchor="end"'
            parts += [
                f'<rect class="{bar.kind}" {place}/>',
                f'<path class="whisker" d="M{low:.1f} {line:.1f}H{high:.1f}"/>',
                f'<text class="small" {side}>{escape(bar.arm)}</text>',
                f'<text class="small" x="{max(end, high) + 6:.1f}" y="{line + 4:.1f}">{bar.label}</text>',
            ]
            top += BAR_HEIGHT
        top += GAP
    return "\n".join([*parts, "</svg>", ""])


def tick_label(value: float) -> str:
    """A power of ten in short."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"
