"""Draws a result as an SVG of its own: a bar with whiskers for each row and figure, the machine below."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.benching.figures import FIGURES, PERCENTILES

if TYPE_CHECKING:
    from pyrocketmq.cli.benching.figures import Spread
    from pyrocketmq.cli.benching.result import Result

__all__ = ["draw"]

_LABEL_WIDTH: Final = 260
_PLOT_WIDTH: Final = 440
_VALUE_WIDTH: Final = 140
_ROW_HEIGHT: Final = 24
_TOP: Final = 60

# The colours follow the reader's scheme, so that one file serves light and dark pages.
_STYLE: Final = """
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .head { font-weight: 600 }
  .small { fill: #59636e; font-size: 11px }
  .page { fill: #ffffff }
  .bar { fill: #2f7ed8 }
  .old { fill: #b7c4d1 }
  .whisker { stroke: #1f2328; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .page { fill: #0d1117 }
    .old { fill: #444c56 }
    .whisker { stroke: #e6edf3 }
  }
"""


def draw(result: Result, before: Result | None = None) -> str:
    """The picture; with an earlier result, its bars in grey below those of this one."""
    width = _LABEL_WIDTH + _PLOT_WIDTH + _VALUE_WIDTH
    top = float(_TOP)
    parts: list[str] = []
    for name in FIGURES:
        bars = _bars_of(name, result, before)
        if not bars:
            continue
        greatest = max(spread.high for _, spread, _ in bars) or 1.0
        better = "more is better" if FIGURES[name].more_is_better else "less is better"
        parts.append(f'<text class="head" x="12" y="{top + 12:.0f}">{FIGURES[name].title}</text>')
        parts.append(f'<text class="small" x="110" y="{top + 12:.0f}">{better}</text>')
        top += _ROW_HEIGHT
        for label, spread, kind in bars:
            text = FIGURES[name].show(spread.median)
            parts += _bar((label, text, kind), spread, top, _PLOT_WIDTH / greatest)
            top += _ROW_HEIGHT
        top += _ROW_HEIGHT / 2
    facts = [f"{name}: {fact}" for name, fact in result.machine.items()]
    for line in (*(" \u00b7 ".join(facts[n : n + 3]) for n in range(0, len(facts), 3)), result.when):
        parts.append(f'<text class="small" x="12" y="{top + 12:.0f}">{escape(line)}</text>')
        top += 16
    height = top + 12
    settings = ", ".join(f"{name} {value}" for name, value in result.settings.items() if value is not None)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" role="img">',
            f"<title>pyrocketmq bench {escape(result.bench)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height:.0f}"/>',
            f'<text class="title" x="12" y="24">pyrocketmq bench {escape(result.bench)}</text>',
            f'<text class="small" x="12" y="42">{escape(settings)}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _bars_of(name: str, result: Result, before: Result | None) -> list[tuple[str, Spread, str]]:
    """Label, figure and class of each bar. Percentiles of one row are bars of one plot, under the first."""
    if name in PERCENTILES and name != next(iter(PERCENTILES)):
        return []
    names = list(PERCENTILES) if name in PERCENTILES else [name]
    bars: list[tuple[str, Spread, str]] = []
    for row in result.rows:
        for figure in names:
            spread = row.spread(figure)
            if spread is None:
                continue
            label = row.name if len(names) == 1 else f"{row.name} {_short(figure)}"
            bars.append((label, spread, "bar"))
            old = (
                next((old.spread(figure) for old in before.rows if old.name == row.name), None)
                if before
                else None
            )
            if old is not None:
                bars.append(("before", old, "old"))
    return bars


def _short(figure: str) -> str:
    return FIGURES[figure].title.removesuffix(" US").lower()


def _bar(texts: tuple[str, str, str], spread: Spread, top: float, scale: float) -> list[str]:
    """Label, bar, figure and whiskers; the texts are the label, the figure and the class of the bar."""
    label, figure, kind = texts
    middle = top + _ROW_HEIGHT / 2
    low, end, high = (_LABEL_WIDTH + scale * value for value in (spread.low, spread.median, spread.high))
    place = f'x="{_LABEL_WIDTH}" y="{top + 5:.1f}" width="{end - _LABEL_WIDTH:.1f}"'
    after = max(end, high) + 8
    parts = [
        f'<text x="{_LABEL_WIDTH - 12}" y="{middle + 4:.1f}" text-anchor="end">{escape(label)}</text>',
        f'<rect class="{kind}" {place} height="{_ROW_HEIGHT - 10}" rx="2"/>',
        f'<text x="{after:.1f}" y="{middle + 4:.1f}">{figure}</text>',
    ]
    if high > low:
        # A line with a short upright stroke at each end.
        strokes = f"M{low:.1f} {middle - 4:.1f}v8M{high:.1f} {middle - 4:.1f}v8"
        parts.append(f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{high:.1f}{strokes}"/>')
    return parts
