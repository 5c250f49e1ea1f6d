"""Shows a bench while it runs: a rate with its recent course on a terminal, a line for each run elsewhere."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from pyrocketmq.cli.benching.figures import FIGURES
from pyrocketmq.cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType
    from rich.live import Live

    from pyrocketmq.cli.output import Output

__all__ = ["View", "bars_of", "open_view"]

_BARS: Final = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_COURSE: Final = 48


class View(Protocol):
    """Something that shows runs."""

    def begin(self, name: str, number: int, runs: int) -> None:
        """A run begins; 0 is the one that warms up."""
        ...

    def look(self, count: int, seconds: float) -> None:
        """So many messages after so many seconds of the run; called from any thread."""
        ...

    def end(self, figures: Mapping[str, float]) -> None:
        """The run is over."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


def open_view(output: Output) -> View:
    """What fits the output."""
    return LiveView(output) if output.decorated else LineView(output)


def bars_of(values: list[float]) -> str:
    """A row of bars as high as the values, the greatest one full."""
    greatest = max(values, default=0.0)
    if greatest <= 0:
        return ""
    return "".join(_BARS[min(int(value / greatest * len(_BARS)), len(_BARS) - 1)] for value in values)


def line_of(figures: Mapping[str, float]) -> str:
    """Figures with their names, in a line."""
    return ", ".join(
        f"{figure.title.lower()} {figure.show(figures[name])}"
        for name, figure in FIGURES.items()
        if name in figures
    )


class LineView:
    """A line for each run that counts; nothing in JSON."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._what = ""
        self._counts = False

    def begin(self, name: str, number: int, runs: int) -> None:
        """Remember which it is."""
        self._what = f"{name}, run {number} of {runs}"
        self._counts = number > 0

    def look(self, count: int, seconds: float) -> None:
        """Nothing: a file or a pipe has no use for it."""

    def end(self, figures: Mapping[str, float]) -> None:
        """Print the run."""
        if self._counts:
            self._output.line(printable(f"{self._what}: {line_of(figures)}"))
            self._output.stream.flush()

    def close(self) -> None:
        """Nothing more."""


class LiveView:
    """A line that stays in place, with the rate of the last moments as bars; needs rich and a terminal."""

    def __init__(self, output: Output) -> None:
        from rich.live import Live  # noqa: PLC0415 - optional

        self._output = output
        self._what = ""
        self._counts = False
        self._last = (0, 0.0)
        self._course: deque[float] = deque(maxlen=_COURSE)
        self._live: Live = Live(console=output.console, auto_refresh=False, transient=True)
        self._live.start()

    def begin(self, name: str, number: int, runs: int) -> None:
        """Start a course anew."""
        self._what = f"{name}, " + (f"run {number} of {runs}" if number else "warming up")
        self._counts = number > 0
        self._last = (0, 0.0)
        self._course.clear()
        self._live.update(self._picture(0.0), refresh=True)

    def look(self, count: int, seconds: float) -> None:
        """Draw the rate since the last look."""
        last_count, last_seconds = self._last
        if seconds > last_seconds:
            rate = (count - last_count) / (seconds - last_seconds)
            self._last = (count, seconds)
            self._course.append(rate)
            self._live.update(self._picture(rate), refresh=True)

    def end(self, figures: Mapping[str, float]) -> None:
        """Leave a line of the run above."""
        if self._counts:
            self._live.console.print(printable(f"{self._what}: {line_of(figures)}"), markup=False)

    def close(self) -> None:
        """Take the line away."""
        self._live.stop()

    def _picture(self, rate: float) -> RenderableType:
        from rich.text import Text  # noqa: PLC0415 - optional

        return Text.assemble(
            (f"{self._what}  ", "bold"),
            (bars_of(list(self._course)), "cyan"),
            f"  {rate:,.0f}/s" if self._course else "",
        )
