"""A bar on a terminal while lines are sent: how many, how fast, and of a file how far."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from pyrocketmq.cli.output import Output
    from pyrocketmq.cli.sending.tally import Tally

__all__ = ["Bar"]

_EVERY_S: Final = 0.1


class Bar:
    """Shows a tally inside of ``with``; nothing where the output is no terminal or rich is not there.

    Args:
        output: the terminal.
        tally: what it shows.
        total: bytes of the file; None where nobody knows.
    """

    def __init__(self, output: Output, tally: Tally, total: int | None) -> None:
        self.done_bytes = 0
        self._output = output
        self._tally = tally
        self._total = total
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._output.decorated:
            self._thread = threading.Thread(target=self._draw, name="send-progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _draw(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        with Progress(
            BarColumn(),
            TextColumn("{task.fields[sent]:,} sent"),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TextColumn("[red]{task.fields[failed]}"),
            TimeElapsedColumn(),
            console=self._output.console,
            auto_refresh=False,
            transient=True,
        ) as progress:
            task = progress.add_task("", total=self._total, sent=0, rate=0.0, failed="")
            while not self._end.wait(_EVERY_S):
                self._update(progress, task)

    def _update(self, progress: Progress, task: TaskID) -> None:
        tally = self._tally
        elapsed = progress.tasks[0].elapsed or 0.0
        progress.update(
            task,
            completed=self.done_bytes,
            sent=tally.sent,
            rate=tally.sent / elapsed if elapsed else 0.0,
            failed=f"{tally.failed:,} failed" if tally.failed else "",
            refresh=True,
        )
