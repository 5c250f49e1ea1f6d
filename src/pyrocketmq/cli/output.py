"""What commands print: tables, facts and lines for people, one JSON document or JSON lines for programs.

Plain text when the output is no terminal or the package ``rich`` is not there. Knows no command, and writes
to standard output only; errors go to standard error elsewhere.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Column", "Output", "printable", "shown", "shown_ms", "shown_rate", "shown_time", "to_json"]

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Args:
        key: the member of a row, which is its name in JSON too.
        title: the head of the column for people.
        align: numbers stand on the right.
        show: how a value is written; by default as ``shown`` does.
    """

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    show: Callable[[Any], str] | None = None

    def cell(self, row: Row) -> str:
        """The text of this column in a row."""
        value = row.get(self.key)
        return shown(value) if self.show is None else self.show(value)


def to_json(value: object) -> str:
    """The JSON text of a value, in one line."""
    import orjson  # noqa: PLC0415 - most commands print no JSON

    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
    return orjson.dumps(value, default=_plain, option=options).decode()


def _plain(value: Any) -> object:
    """What orjson does not write by itself: bytes, and kinds of text, numbers and collections."""
    for kind in (str, int):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return dict(cast("Mapping[object, object]", value)) if isinstance(value, Mapping) else list(value)


def shown(value: object) -> str:
    """A value as people read it: numbers with thousands, nothing for None."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in cast("list[object]", value)) or "-"
    return printable(str(value))


def shown_time(ms: int | None) -> str:
    """A moment in ms since 1970 as local time, "-" for none."""
    if not ms or ms < 0:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000)) + f".{ms % 1000:03d}"


def shown_rate(value: float) -> str:
    """A number per second."""
    return f"{value:,.1f}"


def shown_ms(value: float) -> str:
    """Milliseconds, with as many digits as they are worth."""
    return f"{value:,.3f}" if value < 10 else f"{value:,.1f}"


def printable(text: str) -> str:
    """Text of a server that cannot steer the terminal: control characters are shown as escapes."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text
    )


class Output:
    """Where a command's results go.

    Args:
        json: JSON only.
        plain: no colours and no frames, whatever the output is.
        stream: for tests.
    """

    def __init__(self, *, json: bool = False, plain: bool = False, stream: TextIO | None = None) -> None:
        self.json = json
        self.stream = sys.stdout if stream is None else stream
        self.decorated = (
            not json and not plain and _is_terminal(self.stream) and find_spec("rich") is not None
        )
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """The rich console; only for decorated output."""
        if self._console is None:
            from rich.console import Console  # noqa: PLC0415 - optional, and slow to import

            self._console = Console(file=self.stream, highlight=False, soft_wrap=True)
        return self._console

    def line(self, text: str = "", *, style: str | None = None) -> None:
        """A line for people; nothing in JSON."""
        if self.json:
            return
        if self.decorated:
            self.console.print(text, style=style, markup=False)
        else:
            self.stream.write(text + "\n")

    def document(self, value: object) -> None:
        """The one JSON document of a command; nothing for people."""
        if self.json:
            self.stream.write(to_json(value) + "\n")
            self.stream.flush()

    def event(self, value: Row, text: str, *, style: str | None = None) -> None:
        """One of many things that happen: a line, at once, in either form."""
        if self.json:
            self.document(value)
        else:
            self.line(text, style=style)
            self.stream.flush()

    def table(self, columns: Sequence[Column], rows: Sequence[Row], *, empty: str = "none") -> None:
        """Rows of the same kind; in JSON a list of objects with all members of the rows.

        Args:
            columns: what people see of the rows.
            rows: the rows.
            empty: the line that stands for no rows.
        """
        if self.json:
            self.document(rows)
            return
        if not rows:
            self.line(empty)
            return
        cells = [[column.cell(row) for column in columns] for row in rows]
        if self.decorated:
            self._rich_table(columns, cells)
            return
        widths = [
            max(len(column.title), *(len(cell[place]) for cell in cells))
            for place, column in enumerate(columns)
        ]
        for cell in [[column.title for column in columns], *cells]:
            parts = [
                text.rjust(width) if column.align == "right" else text.ljust(width)
                for text, width, column in zip(cell, widths, columns, strict=True)
            ]
            self.line("  ".join(parts).rstrip())

    def _rich_table(self, columns: Sequence[Column], cells: list[list[str]]) -> None:
        from rich.table import Table  # noqa: PLC0415 - optional
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column.title, justify=column.align, overflow="fold")
        for cell in cells:
            table.add_row(*(Text(text) for text in cell))
        self.console.print(table, soft_wrap=False)

    def names(self, names: Sequence[str], *, empty: str) -> None:
        """Names alone, one a line, so that they can be piped on; in JSON a list of text."""
        if self.json:
            self.document(names)
            return
        if not names and _is_terminal(self.stream):
            self.line(empty)
        for name in names:
            self.line(printable(name))

    def done(self, value: Row, text: str) -> None:
        """What was done, in a line; in JSON one object."""
        if self.json:
            self.document(value)
        else:
            self.line(printable(text))

    def facts(self, facts: Row) -> None:
        """Names and values of one thing; in JSON one object."""
        if self.json:
            self.document(facts)
            return
        width = max((len(name) for name in facts), default=0)
        for name, value in facts.items():
            self.line(f"{name:<{width}}  {shown(value)}")


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
