"""The one progress line of a transfer or a sync, on a terminal, by rich when it is installed.

Draws at most ten times a second, and only when something has lasted a while: the rest needs no line. Until it
is known how far something is (connecting, listing, hashing what is there) the line shows that it goes on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

from flaxfile.cli.output import format_rate, format_size, printable

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

    from flaxfile.cli.output import Output

__all__ = ["ProgressLine"]

PATIENCE: Final = 0.3
"""Seconds before the line shows: it costs the import of rich."""


class ProgressLine:
    """Shows how far something is, from calls with (done, total).

    Args:
        output: where to.
        label: what is moved.
    """

    def __init__(self, output: Output, label: str) -> None:
        self._output = output
        self._label = printable(label)
        self._began = time.monotonic()
        self._drawn = 0.0
        self._bar: Any = None
        self._task: Any = None
        self._plain = False
        self._waiting: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        if self._output.progress:
            self._wait(PATIENCE)
        return self

    def _wait(self, seconds: float) -> None:
        import asyncio  # noqa: PLC0415 - where nobody looks, no event loop may be needed

        self._waiting = asyncio.get_running_loop().call_later(seconds, self._still_there)

    def _still_there(self) -> None:
        """Nothing was told for a while: show the line all the same."""
        if self._bar is None and not self._plain:
            self._open()
        if self._plain:
            now = time.monotonic()
            if now - self._drawn >= 1:
                self._drawn = now
                self._draw_plain(0, None, now)
            self._wait(1)

    def __call__(self, done: int, total: int | None) -> None:
        """So much of so much."""
        if not self._output.progress:
            return
        now = time.monotonic()
        if now - self._began < PATIENCE or now - self._drawn < 0.1:
            return
        self._drawn = now
        if self._bar is None and not self._plain:
            self._open()
        if self._plain:
            self._draw_plain(done, total, now)
        else:
            bar: Any = self._bar
            bar.update(self._task, completed=done, total=total)

    def label(self, text: str) -> None:
        """Something else is moved now."""
        if self._output.progress:
            self._label = printable(text)
            if self._bar is not None:
                self._bar.update(self._task, description=self._label)

    def _open(self) -> None:
        try:
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import (  # noqa: PLC0415
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
        except ImportError:
            self._plain = True
            return
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f}%"),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(file=self._output.stderr),
            auto_refresh=True,
            refresh_per_second=10,
            transient=True,
        )
        self._task = self._bar.add_task(self._label, total=None)
        self._bar.start()

    def _draw_plain(self, done: int, total: int | None, now: float) -> None:
        if total is None:
            text = f"{now - self._began:19.0f} s"
        else:
            share = f"{100 * done / total:3.0f} %" if total else "     "
            text = f"{share} {format_size(done):>12} {format_rate(done, now - self._began):>14}"
        self._output.stderr.write(f"\r{self._label[:40]:<40} {text:<33}")
        self._output.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        if self._bar is not None:
            self._bar.stop()
        elif self._plain and self._drawn:
            self._output.stderr.write("\r\x1b[K")
            self._output.stderr.flush()
