"""``flaxfile verify``: a folder beside what the server has, or what the server has beside what it had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flaxfile.cli.connecting import connected, reach_of
from flaxfile.cli.loops import run_async
from flaxfile.cli.options import add_hash
from flaxfile.cli.output import format_count, printable
from flaxfile.cli.progress import ProgressLine
from flaxfile.cli.syncing import add_rules
from flaxfile.errors import NotFoundError, PartialError
from flaxfile.sync import SyncOptions, compare
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.output import Output
    from flaxfile.sync import Difference, Failure

__all__ = ["configure_verify", "run_verify"]


def configure_verify(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile verify photos        the folder photos here beside that of the server\n"
        "  flaxfile verify src backup/src\n"
        "  flaxfile verify backup        no folder here: the server reads its files again\n"
        "  flaxfile verify               all that it has"
    )
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help=say("a folder of this machine, or else of the server")
    )
    parser.add_argument("remote", metavar="REMOTE", nargs="?", help=say("a folder of the server"))
    add_hash(parser)
    add_rules(parser)


def run_verify(arguments: argparse.Namespace, output: Output) -> int:
    """Say what is different."""
    if arguments.folder is None:
        return _verify_store("", arguments, output)
    folder = Path(arguments.folder)
    if not folder.is_dir():
        if arguments.remote is not None or folder.exists():
            raise NotFoundError(f"there is no folder {folder}")
        return _verify_store(arguments.folder, arguments, output)
    remote = folder.absolute().name if arguments.remote is None else arguments.remote
    return _verify_folder(folder, remote, arguments, output)


def _verify_folder(folder: Path, remote: str, arguments: argparse.Namespace, output: Output) -> int:
    options = SyncOptions(
        patterns=arguments.patterns, use_ignore_files=not arguments.no_ignore, links=arguments.links
    )

    async def work() -> tuple[list[Difference], list[Failure], int]:
        with ProgressLine(output, str(folder)):
            async with connected(reach_of(arguments, output)) as client:
                return await compare(client, folder, remote, options)

    differences, failures, same = run_async(work)
    words = {"only here": say("only here"), "only there": say("only there"), "different": say("different")}
    for difference in differences:
        output.document({"op": "verify", "key": difference.path, "difference": difference.what})
        output.line(f"{words[difference.what]:<12}{printable(difference.path)}")
    for failure in failures:
        output.document({"op": "verify", "key": failure.path, "difference": "unreadable"})
        output.warn(
            say("{path} failed: {error}", path=printable(failure.path), error=printable(str(failure.error)))
        )
    output.document(
        {"op": "verify", "summary": {"same": same, "different": len(differences), "failed": len(failures)}}
    )
    output.line(
        say(
            "{same} files are the same, {different} are not",
            same=format_count(same),
            different=format_count(len(differences)),
        )
    )
    return PartialError.code if differences or failures else 0


def _verify_store(prefix: str, arguments: argparse.Namespace, output: Output) -> int:
    rows: list[str] = []

    async def work() -> dict[str, int]:
        counts: dict[str, int] = {"same": 0, "different": 0, "failed": 0, "new": 0}
        with ProgressLine(output, prefix or "/"):
            await count(counts)
        return counts

    async def count(counts: dict[str, int]) -> None:
        async with connected(reach_of(arguments, output)) as client:
            async for entry in client.list(prefix, hash=True, again=True):
                if entry.hash is None:
                    counts["failed"] += 1
                    output.document({"op": "verify", "key": entry.key, "difference": "unreadable"})
                    rows.append(f"{say('unreadable'):<12}{printable(entry.key)}")
                elif entry.known_hash is None:
                    counts["new"] += 1
                elif entry.known_hash == entry.hash:
                    counts["same"] += 1
                else:
                    counts["different"] += 1
                    output.document({"op": "verify", "key": entry.key, "difference": "damaged"})
                    rows.append(f"{say('damaged'):<12}{printable(entry.key)}")
            if prefix and not any(counts.values()) and (await client.stat(prefix.rstrip("/"))).kind != "dir":
                raise NotFoundError(f"{prefix!r} went away meanwhile")

    counts = run_async(work)
    output.lines(rows)
    output.document({"op": "verify", "summary": counts})
    output.line(
        say(
            "the server read again: {same} files are as before, {different} damaged, {failed} unreadable, "
            "{new} read for the first time",
            **{name: format_count(count) for name, count in counts.items()},
        )
    )
    return PartialError.code if counts["different"] or counts["failed"] else 0
