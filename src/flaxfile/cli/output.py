"""How a command talks: results to standard output, messages to standard error, or one JSON object a line.

Knows nothing of servers and transfers.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, Final, TextIO

from flaxfile.texts import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flaxfile.errors import FlaxError

__all__ = ["Output", "columns_of", "format_count", "format_rate", "format_size", "printable", "table"]

_STYLES: Final = {
    "key": "36",
    "size": "33",
    "good": "1;32",
    "bad": "1;31",
    "warn": "33",
    "time": "35",
    "dim": "2",
}


def format_size(size: float) -> str:
    """A size as people read it, in steps of 1024 as the seed did."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TB"


def format_rate(size: int, seconds: float) -> str:
    """Bytes a second."""
    return f"{size / (1 << 20) / max(seconds, 1e-9):.2f} MB/s"


def format_count(number: int) -> str:
    """A number with marks between thousands."""
    return f"{number:,}"


def printable(text: str) -> str:
    """A name that a terminal can show: no control characters, no bytes that are not text."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogateescape").decode("ascii", "replace")
        if not "\udc80" <= character <= "\udcff"
        else f"\\x{ord(character) - 0xDC00:02x}"
        for character in text
    )


def columns_of(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def table(
    rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), right: frozenset[int] = frozenset()
) -> list[str]:
    """Columns of equal width, two spaces between them."""
    lines = [header, *rows] if header else list(rows)
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    shown: list[str] = []
    for line in lines:
        cells: list[str] = []
        for at, (cell, width) in enumerate(zip(line, widths, strict=True)):
            space = " " * (width - columns_of(cell))
            cells.append(space + cell if at in right else cell + space)
        shown.append("  ".join(cells).rstrip())
    return shown


class Output:
    """Where a command's words go.

    Args:
        as_json: whether results are JSON, one object a line.
        quiet: whether only results and errors are said.
        progress: whether a terminal gets a progress line.
        stdout, stderr: the streams.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        progress: bool = True,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.json = as_json
        self.quiet = quiet
        self._out = sys.stdout if stdout is None else stdout
        self._err = sys.stderr if stderr is None else stderr
        self.terminal = self._err.isatty()
        self.progress = progress and self.terminal and not quiet and not as_json
        color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._color_out = color and self._out.isatty()
        self._color_err = color and self.terminal

    @property
    def stderr(self) -> TextIO:
        """The stream of messages."""
        return self._err

    def style(self, text: str, kind: str) -> str:
        """Coloured where standard output is a terminal that shows colours."""
        return f"\x1b[{_STYLES[kind]}m{text}\x1b[0m" if self._color_out else text

    def line(self, text: str = "") -> None:
        """One line of the result, for people; JSON has its own."""
        if not self.json:
            self._out.write(text + "\n")

    def plain(self, text: str) -> None:
        """A result that is a text for a program, whatever the form of results."""
        self._out.write(text + "\n")

    def lines(self, lines: Sequence[str]) -> None:
        """Several of them."""
        for text in lines:
            self.line(text)

    def document(self, document: Mapping[str, object]) -> None:
        """One object of the result, for programs."""
        if self.json:
            # Names that are not text keep their bytes: escapes survive every reader of JSON.
            self._out.write(json.dumps(document, ensure_ascii=True, default=str) + "\n")
            self._out.flush()

    def note(self, text: str) -> None:
        """Something worth knowing, not a result."""
        if not self.quiet:
            self._err.write(text + "\n")

    def warn(self, text: str) -> None:
        """Something that may surprise."""
        if not self.quiet:
            self._err.write(f"{self._mark(say('warning:'), 'warn')} {text}\n")

    def error(self, error: FlaxError) -> None:
        """What went wrong and what to do, as the last words."""
        document = {
            "code": error.code,
            "name": error.name,
            "message": printable(error.message),
            "hint": error.hint,
        }
        if self.json:
            try:
                self.document({"error": document})
            except BrokenPipeError:
                raise
            except OSError:
                pass  # where results go is full: people read the other stream
            else:
                return
        name = say(error.name)
        shown = f"{printable(error.message)}" if name == error.name else f"{name}: {printable(error.message)}"
        self._err.write(f"{self._mark(say('error:'), 'bad')} {shown}\n")
        if error.hint:
            self._err.write(say("  hint: {hint}", hint=printable(error.hint)) + "\n")

    def _mark(self, text: str, kind: str) -> str:
        return f"\x1b[{_STYLES[kind]}m{text}\x1b[0m" if self._color_err else text

    def flush(self) -> None:
        """Everything out, so that a reader who went away is noticed here."""
        self._out.flush()
