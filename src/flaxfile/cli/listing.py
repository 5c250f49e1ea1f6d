"""``flaxfile list``, ``stat`` and ``ping``: what the server has, and whether it is there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flaxfile.cli.connecting import connected, reach_of, settings_of
from flaxfile.cli.loops import run_async
from flaxfile.cli.options import add_shown_hash, positive
from flaxfile.cli.output import format_count, format_size, printable, table
from flaxfile.cli.progress import ProgressLine
from flaxfile.errors import NotFoundError
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.options import Parser
    from flaxfile.cli.output import Output
    from flaxfile.model import Entry

__all__ = [
    "configure_list",
    "configure_ping",
    "configure_stat",
    "entry_document",
    "run_list",
    "run_ping",
    "run_stat",
]


def configure_list(parser: Parser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile list                     one row for each file and folder at the top\n"
        "  flaxfile list photos --detailed   one row for each file below photos\n"
        "  flaxfile list --json --hash       for programs, with hashes"
    )
    parser.add_argument("prefix", metavar="PREFIX", nargs="?", default="", help=say("a folder or a key"))
    parser.add_argument("--detailed", action="store_true", help=say("one row a file"))
    add_shown_hash(parser)
    parser.add_argument("--limit", metavar="N", type=positive, help=say("at most so many"))


def entry_document(op: str, entry: Entry) -> dict[str, object]:
    """An entry as programs read it."""
    return {
        "op": op,
        "key": entry.key,
        "kind": entry.kind,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "mode": entry.mode,
        "etag": entry.etag,
        "hash": entry.hash,
        "hash_kind": entry.hash_kind,
    }


def _when(mtime_ns: int, form: str = "%Y-%m-%d %H:%M") -> str:
    try:
        return time.strftime(form, time.localtime(mtime_ns / 1e9)) if mtime_ns else "-"
    except (OverflowError, ValueError, OSError):
        return "-"


@dataclass(slots=True)
class _Top:
    """All that stands under one name at the top."""

    size: int = 0
    files: int = 0
    mtime_ns: int = 0
    is_folder: bool = False


async def _entries(arguments: argparse.Namespace, output: Output) -> list[Entry]:
    found: list[Entry] = []
    with ProgressLine(output, arguments.prefix or "/"):
        async with connected(reach_of(arguments, output)) as client:
            async for entry in client.list(arguments.prefix, hash=arguments.hash_kind is not None):
                found.append(entry)
                if (arguments.detailed or output.json) and len(found) == arguments.limit:
                    break
    return found


def run_list(arguments: argparse.Namespace, output: Output) -> int:
    """The rows, and their sum."""
    entries = run_async(lambda: _entries(arguments, output))
    files = [entry for entry in entries if entry.kind == "file"]
    if not entries:
        if arguments.prefix:
            raise NotFoundError(
                f"nothing is called {arguments.prefix!r}", hint="flaxfile list shows what there is"
            )
        output.note(say("the server has no files"))
        return 0
    if output.json:
        for entry in entries:
            output.document(entry_document("list", entry))
    elif arguments.detailed or arguments.hash_kind is not None:
        _show_files(files, output, hashes=arguments.hash_kind is not None)
    else:
        _show_tops(entries, arguments, output)
    total = sum(entry.size for entry in files)
    output.line()
    output.line(say("total: {files} files, {size}", files=format_count(len(files)), size=format_size(total)))
    return 0


def _hash_label(kind: str | None) -> str:
    return f"{say('Hash')} ({kind})" if kind else say("Hash")


def _show_files(files: list[Entry], output: Output, *, hashes: bool) -> None:
    header = [say("Key"), say("Size"), say("Changed")]
    if hashes:
        header.append(_hash_label(next((entry.hash_kind for entry in files if entry.hash_kind), None)))
    rows = [
        [printable(entry.key), format_size(entry.size), _when(entry.mtime_ns, "%Y-%m-%d %H:%M:%S")]
        + ([entry.hash or "-"] if hashes else [])
        for entry in files
    ]
    output.lines(table(rows, header=header, right=frozenset({1})))


def _show_tops(entries: list[Entry], arguments: argparse.Namespace, output: Output) -> None:
    tops: dict[str, _Top] = {}
    for entry in entries:
        name, slash, _ = entry.key.partition("/")
        top = tops.setdefault(name, _Top())
        top.is_folder |= bool(slash) or entry.kind != "file"
        if entry.kind == "file":
            top.size += entry.size
            top.files += 1
        top.mtime_ns = max(top.mtime_ns, entry.mtime_ns)
    rows = [
        [
            printable(name) + ("/" if top.is_folder else ""),
            say("folder") if top.is_folder else say("file"),
            format_size(top.size),
            format_count(top.files),
            _when(top.mtime_ns),
        ]
        for name, top in sorted(tops.items())[: arguments.limit]
    ]
    header = [say("Key"), say("Type"), say("Size"), say("Files"), say("Changed")]
    output.lines(table(rows, header=header, right=frozenset({2, 3})))


def configure_stat(parser: Parser) -> None:
    """Its arguments."""
    parser.epilog = say("example:\n  flaxfile stat photos/cat.jpg")
    add_shown_hash(parser)
    parser.add_argument("key", metavar="KEY", help=say("a file or folder of the server"))


def run_stat(arguments: argparse.Namespace, output: Output) -> int:
    """All that is known of one entry."""

    async def work() -> Entry:
        async with connected(reach_of(arguments, output)) as client:
            return await client.stat(arguments.key, hash=arguments.hash_kind is not None)

    entry = run_async(work)
    output.document(entry_document("stat", entry))
    rows = [
        [
            say("Key"),
            printable(entry.key),
            say("Type"),
            say("file") if entry.kind == "file" else say("folder"),
        ],
        [
            say("Size"),
            f"{format_size(entry.size)} ({format_count(entry.size)})",
            say("Mode"),
            f"{entry.mode & 0o7777:04o}",
        ],
        [say("Changed"), _when(entry.mtime_ns, "%Y-%m-%d %H:%M:%S"), "ETag", entry.etag],
    ]
    output.lines(table(rows))
    if entry.hash is not None:
        output.line(f"{_hash_label(entry.hash_kind)}  {entry.hash}")
    return 0


def configure_ping(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""
    parser.epilog = say("example:\n  flaxfile ping --server files.example")


def run_ping(arguments: argparse.Namespace, output: Output) -> int:
    """Five round trips."""

    async def work() -> list[float]:
        async with connected(reach_of(arguments, output)) as client:
            return [await client.ping() for _ in range(5)]

    times = run_async(work)
    _, target = settings_of(arguments)
    output.document({"op": "ping", "server": target.address, "seconds": min(times), "all": times})
    output.line(
        say(
            "{address} answers in {best:.2f} ms (best of {count}, slowest {worst:.2f} ms)",
            address=target.address,
            best=min(times) * 1000,
            worst=max(times) * 1000,
            count=len(times),
        )
    )
    return 0
