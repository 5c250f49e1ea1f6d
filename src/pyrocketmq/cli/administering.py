"""What the commands of administration share: their options, and one operation in a loop of its own."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, TypeVar

from pyrocketmq.admin import AdminClient
from pyrocketmq.cli.connecting import (
    add_connection_options,
    add_name_server_option,
    address_map_of,
    credentials_of,
    name_servers_of,
    tls_of,
)
from pyrocketmq.cli.values import positive_count, size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any, Protocol

    from pyrocketmq.admin.results import Result
    from pyrocketmq.cli.output import Output

    class Run(Protocol):
        """What one command does."""

        def __call__(self, arguments: argparse.Namespace, output: Output, /) -> int:
            """Do it, give the exit code."""
            ...

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


__all__ = [
    "add_command",
    "add_message_options",
    "add_place_options",
    "add_subcommands",
    "administer",
    "rows_of",
]

T = TypeVar("T")


def add_subcommands(parser: argparse.ArgumentParser) -> Commands:
    """Let a command have commands of its own, one of which must be given."""
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_command(commands: Commands, name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    """One command of administration; its own arguments are added to the result."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_name_server_option(parser)
    add_connection_options(parser)
    parser.set_defaults(run=run)
    return parser


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """``--cluster`` and ``--broker``: everywhere, unless one of them is given."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--cluster", metavar="NAME", help="only the brokers of this cluster")
    group.add_argument("--broker", metavar="NAME", help="only this broker, by its name or address")


def add_message_options(parser: argparse.ArgumentParser, *, count: int) -> None:
    """``--count`` and ``--size`` of messages that measure."""
    parser.add_argument(
        "--count", type=positive_count, default=count, metavar="N", help=f"messages to send ({count})"
    )
    parser.add_argument("--size", type=size, default=128, metavar="BYTES", help="of the body of each (128)")


def administer(arguments: argparse.Namespace, work: Callable[[AdminClient], Awaitable[T]]) -> T:
    """Do something with the client that the options ask for."""
    name_servers = name_servers_of(arguments)
    options: dict[str, Any] = {
        "credentials": credentials_of(arguments),
        "address_map": address_map_of(arguments) or None,
        "tls": tls_of(arguments),
        "timeout": arguments.timeout,
    }

    async def run() -> T:
        async with AdminClient(name_servers, **options) as client:
            return await work(client)

    return asyncio.run(run())


def rows_of(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Records as rows of a table."""
    return [result.to_dict() for result in results]
