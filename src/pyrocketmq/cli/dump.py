"""``pyrocketmq dump``: a proxy that prints the frames in both directions, for bug reports."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from pyrocketmq.cli.connecting import add_connection_options, transport_of
from pyrocketmq.cli.dumping.passing import DumpingProxy
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import printable, to_json
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.values import count, port
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.nameserver.sources import parse_name_servers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from pyrocketmq.cli.output import Output

__all__ = ["configure", "text_of_event"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq dump localhost:9876 --follow       then use the printed address as name server
  pyrocketmq dump localhost:10911 --port 10912  one broker, on a fixed port
  pyrocketmq dump localhost:9876 --write report.jsonl

Clients connect to the proxy in plain TCP; with --tls it speaks TLS to the target.
Keys, signatures and passwords are shown as ***; bodies are shown, unless --body is 0.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLE
    parser.add_argument("target", metavar="TARGET", help="name server or broker as host:port")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument(
        "--port", type=port, default=0, help="where to listen; 0, the default, takes a free port"
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="stand in for the announced brokers too: routes are changed to lead here",
    )
    parser.add_argument(
        "--body", type=count, default=200, metavar="N", help="characters of each body to show (200)"
    )
    parser.add_argument("--write", metavar="FILE", help="also write everything to a file, as JSON lines")
    add_connection_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print until Ctrl-C."""
    targets = parse_name_servers(arguments.target)
    if len(targets) > 1:
        raise UsageError(
            f"{arguments.target!r} has {len(targets)} addresses, one is dumped at a time",
            field="target",
            advice="give one of them",
        )
    transport = transport_of(arguments, targets[0])
    if transport.tls is not None:
        transport.tls.create_context()  # a file that cannot be used is an error now, not at the first client
    if arguments.write is None:
        asyncio.run(_run(arguments, output, transport, None))
        return Exit.DONE
    try:
        file = Path(arguments.write).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigurationError(
            f"--write {arguments.write!r} cannot be opened: {error.strerror}",
            field="write",
            advice="name a file in a folder that you may write to",
        ) from error
    with file:
        asyncio.run(_run(arguments, output, transport, file))
    return Exit.DONE


async def _run(arguments: argparse.Namespace, output: Output, transport: Any, file: TextIO | None) -> None:
    def tell(event: dict[str, object]) -> None:
        if file is not None:
            file.write(to_json(event) + "\n")
            file.flush()
        output.event(event, text_of_event(event), style=_style_of(event))

    proxy = DumpingProxy(
        transport, tell, host=arguments.host, body_chars=arguments.body, follow=arguments.follow
    )
    try:
        place = await proxy.listen(arguments.port)
        tell({"event": "listen", "time": time.time(), "listen": place, "server": transport.address})
        await asyncio.get_running_loop().create_future()
    finally:
        await proxy.close()


def _style_of(event: Mapping[str, object]) -> str | None:
    if event["event"] != "frame":
        return "dim"
    return "cyan" if event["direction"] == "->" else "green"


def text_of_event(event: Mapping[str, Any]) -> str:
    """One event in a line, or in a few that are indented."""
    seconds = float(event["time"])
    stamp = time.strftime("%H:%M:%S", time.localtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}"
    number = f" #{event['connection']}" if "connection" in event else ""
    text = _TEXTS[event["event"]](event)
    return printable(f"{stamp}{number} {text}").replace("\n", "\n      ")


def _text_of_frame(event: Mapping[str, Any]) -> str:
    parts = [event["direction"], event["kind"], str(event["opaque"]), event["name"]]
    if "ms" in event:
        parts.append(f"after {event['ms']:.1f} ms")
    parts.append(f"({event['language']} {event['release']}, {event['codec']}, {event['bytes']:,} bytes)")
    lines = [" ".join(parts)]
    if "remark" in event:
        lines.append(f"remark: {event['remark']}")
    fields = cast("Mapping[str, object]", event["fields"])
    if fields:
        lines.append(" ".join(f"{name}={_text_of_field(value)}" for name, value in fields.items()))
    if "body_bytes" in event:
        lines.append(
            f"body {event['body_bytes']:,} bytes" + (f": {event['body']}" if "body" in event else "")
        )
    return "\n".join(lines)


def _text_of_field(value: object) -> str:
    if isinstance(value, dict):
        pairs = cast("dict[str, str]", value)
        return "{" + ", ".join(f"{name}={text}" for name, text in pairs.items()) + "}"
    return "null" if value is None else str(value)


_TEXTS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "listen": lambda event: f"listening on {event['listen']} for {event['server']}",
    "follow": lambda event: f"listening on {event['listen']} for {event['server']}, which was announced",
    "open": lambda event: f"open {event['client']} -> {event['server']}",
    "close": lambda event: f"close {event['client']} -> {event['server']}",
    "refused": lambda event: f"no connection to {event['server']} for {event['client']}: {event['reason']}",
    "no-frames": lambda event: f"{event['direction']} these are no frames: {event['what']}",
    "cut": lambda event: (
        f"{event['direction']} ended inside of a frame, after {event['bytes']:,} bytes of it"
    ),
    "bad-frame": lambda event: (
        f"{event['direction']} unreadable frame of {event['bytes']:,} bytes: {event['reason']}"
    ),
    "frame": _text_of_frame,
}
