"""Shows a running server: a live table on a terminal with rich, lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol, cast

from pyrocketmq.cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType
    from rich.live import Live

    from pyrocketmq.cli.output import Output
    from pyrocketmq.cli.serving.watching import Look

__all__ = ["LineView", "LiveView", "View"]


class View(Protocol):
    """Something that shows looks."""

    def start(self, facts: Mapping[str, object]) -> None:
        """The server is up."""
        ...

    def show(self, look: Look) -> None:
        """A new look."""
        ...

    def stop(self) -> None:
        """The server goes down."""
        ...


class LineView:
    """A line for each topic and group that has changed; JSON lines if that is wanted."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last: Look | None = None

    def start(self, facts: Mapping[str, object]) -> None:
        """Say where the servers are."""
        self._output.event({"event": "up", "time": time.time(), **facts}, up_text(facts))

    def show(self, look: Look) -> None:
        """Say what is new; nothing if nothing is."""
        last, self._last = self._last, look
        if last is not None and not look.differs_from(last):
            return
        if last is None and not look.topics and not look.groups:
            return
        if self._output.json:
            value = {"event": "look", "time": time.time(), **asdict(look)}
            self._output.event(value, "")
            return
        stamp = time.strftime("%H:%M:%S")
        topics = {row.topic: (row.total, row.messages) for row in (last.topics if last else ())}
        for row in look.topics:
            if (row.total, row.messages) != topics.get(row.topic):
                rate = f"{row.per_second:,.1f}/s"
                self._line(f"{stamp} topic {row.topic}: {row.messages:,} messages, {rate}")
        groups = {(row.group, row.topic): (row.lag, row.total) for row in (last.groups if last else ())}
        for group in look.groups:
            if (group.lag, group.total) != groups.get((group.group, group.topic)):
                rate = f"{group.per_second:,.1f}/s"
                self._line(f"{stamp} group {group.group}: {group.lag:,} behind in {group.topic}, {rate}")

    def _line(self, text: str) -> None:
        self._output.line(printable(text))
        self._output.stream.flush()

    def stop(self) -> None:
        """Nothing more."""


class LiveView:
    """Tables that stay in place; needs rich and a terminal."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._facts: Mapping[str, object] = {}
        self._live: Live | None = None

    def start(self, facts: Mapping[str, object]) -> None:
        """Say where the servers are, and begin the tables."""
        from rich.live import Live  # noqa: PLC0415 - optional

        self._output.line(up_text(facts))
        self._live = Live(console=self._output.console, auto_refresh=False, transient=False)
        self._live.start()

    def show(self, look: Look) -> None:
        """Draw anew."""
        if self._live is not None:
            self._live.update(tables(look), refresh=True)

    def stop(self) -> None:
        """Leave the last tables on the screen."""
        if self._live is not None:
            self._live.stop()


def up_text(facts: Mapping[str, object]) -> str:
    """The lines that say where everything is."""
    brokers = cast("Mapping[str, str]", facts["brokers"])
    lines = [f"name server {facts['nameserver']}"]
    lines += [f"{name}    {address}" for name, address in brokers.items()]
    lines.append(f"messages are kept in {facts['data'] or 'memory'}; Ctrl-C ends it")
    return printable("\n".join(lines))


def tables(look: Look) -> RenderableType:
    """The tables of one look, for rich."""
    from rich.console import Group  # noqa: PLC0415 - optional
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    topics = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("TOPIC", "QUEUES", "MESSAGES", "IN/S"):
        topics.add_column(title, justify="left" if title == "TOPIC" else "right")
    for row in look.topics:
        rate = Text(f"{row.per_second:,.1f}", style="green" if row.per_second else "dim")
        topics.add_row(Text(printable(row.topic)), f"{row.queues:,}", f"{row.messages:,}", rate)
    parts: list[RenderableType] = [Text(""), topics if look.topics else Text("no topics yet", style="dim")]
    if look.groups:
        groups = Table(box=None, header_style="bold", pad_edge=False)
        for title in ("GROUP", "TOPIC", "BEHIND", "OUT/S"):
            groups.add_column(title, justify="left" if title in ("GROUP", "TOPIC") else "right")
        for group in look.groups:
            lag = Text(f"{group.lag:,}", style="yellow" if group.lag else "dim")
            rate = Text(f"{group.per_second:,.1f}", style="green" if group.per_second else "dim")
            groups.add_row(Text(printable(group.group)), Text(printable(group.topic)), lag, rate)
        parts += [Text(""), groups]
    hits = f", {look.fault_hits:,} requests hit by faults" if look.fault_hits else ""
    parts += [Text(""), Text(f"{look.connections:,} connections{hits}", style="dim")]
    return Group(*parts)
