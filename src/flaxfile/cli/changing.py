"""``flaxfile delete`` and ``flaxfile move``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flaxfile.cli.connecting import connected, reach_of
from flaxfile.cli.loops import run_async
from flaxfile.cli.options import count
from flaxfile.cli.output import printable
from flaxfile.cli.signals import ask
from flaxfile.errors import UsageError
from flaxfile.paths import check_key
from flaxfile.sync.plan import check_deletes
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.output import Output
    from flaxfile.client.async_client import AsyncClient

__all__ = ["configure_delete", "configure_move", "run_delete", "run_move"]


def configure_delete(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n  flaxfile delete old.bin other.bin\n  flaxfile delete photos --recursive --yes"
    )
    parser.add_argument("keys", metavar="KEY", nargs="+", help=say("a file or folder of the server"))
    parser.add_argument("--recursive", action="store_true", help=say("folders with all that is in them"))
    parser.add_argument("--yes", action="store_true", help=say("do not ask"))
    parser.add_argument("--max-delete", metavar="N", type=count, help=say("at most so many entries"))


def run_delete(arguments: argparse.Namespace, output: Output) -> int:
    """Delete them all, or none where a name cannot be one."""
    keys = [key.removesuffix("/") for key in arguments.keys]
    for key in keys:
        check_key(key)

    async def work() -> None:
        async with connected(reach_of(arguments, output)) as client:
            if arguments.recursive:
                await _check(client, keys, arguments, output)
            for key in keys:
                await client.delete(key, recursive=arguments.recursive)
                output.line(say("deleted: {key}", key=printable(key)))
                output.document({"op": "delete", "key": key})

    run_async(work)
    return 0


async def _check(client: AsyncClient, keys: list[str], arguments: argparse.Namespace, output: Output) -> None:
    """Count what would go, and ask on a terminal."""
    everything = gone = 0
    async for entry in client.list(""):
        everything += 1
        gone += any(entry.key == key or entry.key.startswith(key + "/") for key in keys)
    if arguments.yes and arguments.max_delete is None:
        return
    check_deletes(gone, everything, arguments.max_delete)
    if arguments.yes or gone <= len(keys) or not (sys.stdin.isatty() and output.terminal):
        return
    if not ask(say("Delete {gone} entries? [y/N] ", gone=gone), output):
        raise UsageError("nothing was deleted", hint="--yes does not ask")


def configure_move(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say("example:\n  flaxfile move draft.txt done/final.txt")
    parser.add_argument("a", metavar="A", help=say("what it is called now"))
    parser.add_argument("b", metavar="B", help=say("what it will be called"))


def run_move(arguments: argparse.Namespace, output: Output) -> int:
    """Rename it."""
    check_key(arguments.a)
    check_key(arguments.b)

    async def work() -> None:
        async with connected(reach_of(arguments, output)) as client:
            await client.move(arguments.a, arguments.b)

    run_async(work)
    output.line(say("moved: {a} -> {b}", a=printable(arguments.a), b=printable(arguments.b)))
    output.document({"op": "move", "key": arguments.a, "to": arguments.b})
    return 0
