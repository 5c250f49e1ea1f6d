"""``flaxfile set`` and ``flaxfile get``: one file up or down."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaxfile.cli.connecting import connected, reach_of
from flaxfile.cli.loops import run_async
from flaxfile.cli.options import add_transfer_options, count
from flaxfile.cli.output import format_rate, format_size, printable, table
from flaxfile.cli.progress import ProgressLine
from flaxfile.errors import FlaxError, NotFoundError, StorageError, UsageError
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.output import Output
    from flaxfile.client.async_client import AsyncClient
    from flaxfile.model import Entry, HashKind
    from flaxfile.result import TransferResult

__all__ = ["configure_get", "configure_set", "result_document", "run_get", "run_set"]


def configure_set(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile set big.bin                    upload it under its name\n"
        "  flaxfile set big.bin backup/big.bin     upload it under another one\n"
        "  tar c src | flaxfile set - src.tar      upload what comes in"
    )
    parser.add_argument("file", metavar="FILE", help=say("the file; - is standard input"))
    parser.add_argument("key", metavar="KEY", nargs="?", help=say("its name on the server"))
    parser.add_argument("--if-absent", action="store_true", help=say("only if there is none of that name"))
    parser.add_argument("--if-match", metavar="ETAG", help=say("only over this version"))
    parser.add_argument("--fsync", action="store_true", help=say("done means: on the disk of the server"))
    add_transfer_options(parser)


def run_set(arguments: argparse.Namespace, output: Output) -> int:
    """Upload, show what was done."""
    source: Any
    if arguments.file == "-":
        if arguments.key is None:
            raise UsageError("what comes in has no name", hint="flaxfile set - KEY")
        _check_open(sys.stdin)
        source, key = sys.stdin.buffer, arguments.key
    else:
        source = Path(arguments.file)
        if source.is_dir():
            raise UsageError(f"{source} is a folder", hint=f"flaxfile push {source}")
        if not source.exists():
            raise NotFoundError(f"there is no file {source}", hint=f"this folder is {Path.cwd()}")
        key = source.name if arguments.key is None else arguments.key
        if key.endswith("/"):
            raise UsageError(
                f"{key!r} is no key: it ends with a slash", hint=f"flaxfile set {source} {key}{source.name}"
            )

    async def work() -> TransferResult:
        with ProgressLine(output, key) as line:
            async with connected(reach_of(arguments, output)) as client:
                return await client.upload(
                    source,
                    key,
                    if_absent=arguments.if_absent,
                    if_match=arguments.if_match,
                    resume=not arguments.no_resume,
                    progress=line if output.progress else None,
                    fsync=arguments.fsync,
                    verify_disk=arguments.verify_disk,
                )

    show(run_async(work), output, say("uploaded"), None)
    return 0


def _check_open(stream: Any) -> None:
    if getattr(stream, "name", None) == os.devnull:  # what it becomes when it was closed
        raise UsageError("the standard stream that '-' means is closed")


def configure_get(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile get big.bin                    download it under its name\n"
        "  flaxfile get backup/big.bin /tmp/       download it into a folder\n"
        "  flaxfile get src.tar - | tar x          write it to standard output"
    )
    parser.add_argument("key", metavar="KEY", help=say("its name on the server"))
    parser.add_argument("out", metavar="OUT", nargs="?", help=say("file or folder; - is standard output"))
    parser.add_argument(
        "--force", action="store_true", help=say("also over a file that is write-protected, or the same")
    )
    parser.add_argument("--if-none-match", metavar="ETAG", help=say("only if it is another version"))
    parser.add_argument("--offset", metavar="N", type=count, default=0, help=say("begin at this byte"))
    parser.add_argument("--length", metavar="N", type=count, help=say("so many bytes"))
    add_transfer_options(parser)


def target_of(key: str, out: str | None) -> Path:
    """Where a download goes."""
    name = key.rstrip("/").rpartition("/")[2]
    if out is None:
        return Path(name)
    path = Path(out)
    return path / name if out.endswith(("/", os.sep)) or path.is_dir() else path


def run_get(arguments: argparse.Namespace, output: Output) -> int:
    """Download, show what was done."""
    target: Any
    if arguments.out == "-":
        _check_open(sys.stdout)
        target, shown = sys.stdout.buffer, None
    else:
        target = target_of(arguments.key, arguments.out)
        shown = str(target)
        if target.is_dir():
            raise UsageError(
                f"{target} is a folder",
                hint=f"for a file: flaxfile get {arguments.key} OUT; "
                f"for a folder: flaxfile pull {arguments.key}",
            )
        if target.exists() and not os.access(target, os.W_OK) and not arguments.force:
            raise StorageError(f"{target} is write-protected", hint="--force replaces it all the same")
    # Who fetches a part of it, doubts the disk or names a version does not ask for what is here.
    may_be_here = shown is not None and not (
        arguments.force
        or arguments.offset
        or arguments.length is not None
        or arguments.verify_disk
        or arguments.if_none_match
    )

    async def work() -> TransferResult:
        with ProgressLine(output, arguments.key) as line:
            async with connected(reach_of(arguments, output)) as client:
                same = await _same_here(client, arguments.key, target) if may_be_here else None
                result = await client.download(
                    arguments.key,
                    target,
                    offset=arguments.offset,
                    length=arguments.length,
                    resume=not arguments.no_resume,
                    progress=line if output.progress else None,
                    if_none_match=same.etag if same is not None else arguments.if_none_match,
                    verify_disk=arguments.verify_disk,
                )
                if same is not None and result.not_modified and result.hash_kind == "blake3":
                    return replace(result, hash=same.hash or "")
                return result

    try:
        result = run_async(work)
    except FlaxError as error:
        if shown is None and isinstance(error.__cause__, BrokenPipeError):
            # Whoever read it has had enough; that is no fault of the transfer.
            raise error.__cause__ from None
        raise
    if result.not_modified:
        done = say("unchanged, not fetched again")
        if shown is None:
            output.note(f"{printable(result.key)}: {done}")
        else:
            show(result, output, done, shown if may_be_here else None)
    elif shown is not None:
        show(result, output, say("downloaded"), shown)
    return 0


async def _same_here(client: AsyncClient, key: str, path: Path) -> Entry | None:
    """The stored file, when the one that is here has its size, time, mode and content."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    here = (status.st_size, status.st_mtime_ns, stat.S_IMODE(status.st_mode))
    entry = await client.stat(key)
    if entry.kind != "file" or here != (entry.size, entry.mtime_ns, entry.mode & 0o777):
        return None
    import asyncio  # noqa: PLC0415 - `connecting` loads it, without what it does not need

    # So far it is a guess: both sides read theirs, or know its hash already.
    entry, digest = await asyncio.gather(
        client.stat(key, hash=True), asyncio.to_thread(_hash_of, path, client.hash_kind)
    )
    return entry if digest is not None and digest == entry.hash else None


def _hash_of(path: Path, kind: HashKind) -> str | None:
    from flaxfile.digests import hash_of_file  # noqa: PLC0415 - few commands need it

    try:
        with path.open("rb", buffering=0) as file:
            return hash_of_file(file.fileno(), kind)
    except OSError:
        return None


def result_document(result: TransferResult) -> dict[str, object]:
    """A transfer as programs read it."""
    return {
        "op": "set" if result.op == "put" else result.op,
        "key": result.key,
        "size": result.size,
        "seconds": round(result.seconds, 6),
        "bytes_sent": result.bytes_sent,
        "resumed_from": result.resumed_from,
        "hash": result.hash,
        "hash_kind": result.hash_kind,
        "etag": result.etag,
        **({"not_modified": True} if result.not_modified else {}),
    }


def show(result: TransferResult, output: Output, done: str, saved_to: str | None) -> None:
    """The table of four columns, two pairs a row."""
    output.document(result_document(result) | ({"saved_to": saved_to} if saved_to else {}))
    if output.json or output.quiet:
        return
    output.line(output.style(f"\u2713 {done}", "good"))
    rows = [[say("File"), printable(result.key), say("Size"), format_size(result.size)]]
    if saved_to is not None:
        rows.append([say("Saved to"), printable(saved_to), "", ""])
    if not result.not_modified:
        rows.append(
            [say("Time"), f"{result.seconds:.2f} s", say("Rate"), format_rate(result.size, result.seconds)]
        )
    if result.resumed_from:
        rows.append([say("Resumed at"), format_size(result.resumed_from), "", ""])
    output.lines(table(rows))
    if result.hash_kind == "blake3" and result.hash:
        # That of the other kind is of chunks and says nothing to anybody else.
        output.line(f"BLAKE3  {result.hash}")
