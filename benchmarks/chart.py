"""Draws ratios as an SVG: bars on a logarithmic scale, whiskers for the quartiles, marks for the bounds."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .micro.arms import Result

LABEL_WIDTH: Final = 400
PLOT_WIDTH: Final = 420
VALUE_WIDTH: Final = 80
ROW_HEIGHT: Final = 24
TITLE: Final = "Times quicker than the fastest plain Python, orjson and struct"
LEGEND: Final = (
    "median of interleaved rounds; whiskers: quartiles; upright marks: what is asked; logarithmic scale"
)
TOP: Final = 56
BOTTOM: Final = 44
LOWEST: Final = 0.25
TICKS: Final = (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

# The colours follow the reader's scheme, so that one file serves light and dark pages.
STYLE: Final = """
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .small { fill: #59636e }
  .page { fill: #ffffff }
  .bar { fill: #2f7ed8 }
  .free { fill: #8fb8e6 }
  .slow { fill: #c9510c }
  .grid { stroke: #d1d9e0 }
  .one { stroke: #59636e }
  .whisker { stroke: #1f2328; stroke-width: 1.5 }
  .bound { stroke: #b35900; stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .page { fill: #0d1117 }
    .free { fill: #2b5a94 }
    .slow { fill: #e8793a }
    .grid { stroke: #30363d }
    .one { stroke: #9198a1 }
    .whisker { stroke: #e6edf3 }
    .bound { stroke: #f0a13c }
  }
"""


def bar_chart(results: list[Result]) -> str:
    """The chart of all rows, in the order given."""
    highest = max(max(result.round_ratios.high, result.row.bound or 1) for result in results) * 1.1
    width = LABEL_WIDTH + PLOT_WIDTH + VALUE_WIDTH
    bottom = TOP + ROW_HEIGHT * len(results)

    def across(ratio: float) -> float:
        share = math.log(max(ratio, LOWEST) / LOWEST) / math.log(highest / LOWEST)
        return LABEL_WIDTH + PLOT_WIDTH * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + BOTTOM}" role="img">',
        "<title>How many times quicker the native core is than plain Python</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{bottom + BOTTOM}"/>',
        f'<text class="title" x="12" y="24">{TITLE}</text>',
        f'<text class="small" x="12" y="42">{LEGEND}</text>',
    ]
    for tick in TICKS:
        if tick <= highest:
            x = across(tick)
            kind = "one" if tick == 1 else "grid"
            parts.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
            parts.append(
                f'<text class="small" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
            )
    for number, result in enumerate(results):
        parts += bar(result, TOP + ROW_HEIGHT * number, across)
    return "\n".join([*parts, "</svg>", ""])


def bar(result: Result, top: float, across: Callable[[float], float]) -> list[str]:
    """Label, bar, whiskers, bound and figure of one row."""
    middle = top + ROW_HEIGHT / 2
    start, end = sorted((across(1), across(result.ratio)))
    low, high = across(result.round_ratios.low), across(result.round_ratios.high)
    kind = "slow" if result.misses() or result.ratio < 1 else "bar" if result.row.bound else "free"
    after = max(high, end, across(result.row.bound or 0)) + 8
    # A line with a short upright stroke at each end.
    whisker = f"M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 4:.1f}v8M{high:.1f} {middle - 4:.1f}v8"
    place = f'x="{start:.1f}" y="{top + 5:.1f}" width="{end - start:.1f}" height="{ROW_HEIGHT - 10}"'
    label = escape(result.row.name)
    parts = [
        f'<text x="{LABEL_WIDTH - 12}" y="{middle + 4:.1f}" text-anchor="end">{label}</text>',
        f'<rect class="{kind}" {place} rx="2"/>',
        f'<path class="whisker" d="{whisker}"/>',
    ]
    if result.row.bound:
        x = across(result.row.bound)
        parts.append(
            f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 2}" y2="{top + ROW_HEIGHT - 2}"/>'
        )
    parts.append(f'<text x="{after:.1f}" y="{middle + 4:.1f}">{result.ratio:.1f}</text>')
    return parts
