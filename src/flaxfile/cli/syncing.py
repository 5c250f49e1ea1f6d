"""``flaxfile push`` and ``pull``: whole folders."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from flaxfile.cli.connecting import connected, reach_of
from flaxfile.cli.looking import begin
from flaxfile.cli.options import add_hash, add_verify_disk, count, positive
from flaxfile.cli.output import format_count, format_rate, format_size, printable, table
from flaxfile.cli.progress import ProgressLine
from flaxfile.errors import ConnectError, NotFoundError, PartialError, StalledError, UsageError
from flaxfile.sync.options import SyncOptions
from flaxfile.sync.preparing import Preparation
from flaxfile.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flaxfile.cli.options import Parser
    from flaxfile.cli.output import Output
    from flaxfile.client.async_client import AsyncClient
    from flaxfile.sync import Action, Failure, SyncReport

__all__ = ["add_rules", "configure_pull", "configure_push", "run_pull", "run_push"]


DELTAS: Final = ("auto", "always", "never")
WATCH_PAUSE: Final = 2.0
"""Seconds before a watch tries again to reach its server."""


class _Pattern(argparse.Action):
    """Keeps ``--include`` and ``--exclude`` in the order they stand in."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        del parser
        known = list(getattr(namespace, self.dest) or [])
        known.append(f"!{values}" if option_string == "--include" else str(values))
        setattr(namespace, self.dest, known)


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Which files count, for every command that looks at a folder."""
    group = parser.add_argument_group(say("which files"))
    for name, text in (
        ("--include", "take these although a rule ignores them"),
        ("--exclude", "leave these alone"),
    ):
        group.add_argument(name, dest="patterns", metavar="GLOB", action=_Pattern, default=[], help=say(text))
    group.add_argument(
        "--no-ignore", action="store_true", help=say("ignore files and built-in rules do not count")
    )
    group.add_argument(
        "--links", choices=("skip", "copy", "follow"), default="skip", help=say("what links are")
    )


def _add_sync_options(parser: Parser) -> None:
    parser.add_argument("--force", action="store_true", help=say("copy files that are the same, too"))
    parser.add_argument("--delete", action="store_true", help=say("delete what the source does not have"))
    parser.add_argument("--max-delete", metavar="N", type=count, help=say("at most so many entries"))
    parser.add_argument("--dry-run", action="store_true", help=say("only say what would be done"))
    parser.add_argument("--checksum", action="store_true", help=say("compare hashes, not times"))
    parser.add_argument("--size-only", action="store_true", help=say("compare sizes alone"))
    parser.add_argument(
        "--delta",
        nargs="?",
        choices=DELTAS,
        default="never",
        help=say("of large files move what is new alone; auto: if the link is slow"),
    )
    parser.may_leave_out("--delta", DELTAS, "always")
    parser.add_argument("--jobs", "--concurrency", metavar="N", type=positive, help=say("files at once"))
    parser.add_argument(
        "--max-concurrency",
        metavar="N",
        type=positive,
        help=say("bound of --jobs, as in 1.7.1; there are never more than 16 sockets"),
    )
    add_verify_disk(parser)
    add_hash(parser)
    add_rules(parser)


def configure_push(parser: Parser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile push photos                       to the folder photos of the server\n"
        "  flaxfile push src backup/src --delete      and delete there what is gone here\n"
        "  flaxfile push src backup/src --dry-run     only say what would be done\n"
        "  flaxfile push src backup/src --watch       again whenever something changes"
    )
    parser.add_argument("folder", metavar="DIR", help=say("a folder of this machine"))
    parser.add_argument("remote", metavar="REMOTE", nargs="?", help=say("a folder of the server"))
    parser.add_argument("--watch", action="store_true", help=say("again whenever something changes"))
    _add_sync_options(parser)


def configure_pull(parser: Parser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile pull photos                       into the folder photos\n"
        "  flaxfile pull backup/src src --delete      and delete here what is gone there"
    )
    parser.add_argument("remote", metavar="REMOTE", help=say("a folder of the server"))
    parser.add_argument("folder", metavar="DIR", nargs="?", help=say("a folder of this machine"))
    _add_sync_options(parser)


def _options(arguments: argparse.Namespace, output: Output, op: str, line: ProgressLine) -> SyncOptions:
    verb = {"copy": say("copy"), "delete": say("delete"), "link": say("link"), "mkdir": say("folder")}

    def on_action(action: Action) -> None:
        if output.json:
            output.document(
                {
                    "op": op,
                    "action": action.kind,
                    "key": action.path,
                    "size": action.size,
                    "dry_run": arguments.dry_run,
                }
            )
        if arguments.dry_run or arguments.verbose:
            output.line(f"{verb[action.kind]:<8}{printable(action.path)}")
        line.label(action.path)

    def on_failure(failure: Failure) -> None:
        output.document(
            {
                "op": op,
                "action": "fail",
                "key": failure.path,
                "error": {
                    "code": failure.error.code,
                    "name": failure.error.name,
                    "message": failure.error.message,
                },
            }
        )

    return SyncOptions(
        force=arguments.force,
        delete=arguments.delete,
        dry_run=arguments.dry_run,
        checksum=arguments.checksum,
        size_only=arguments.size_only,
        delta="auto" if arguments.delta == "auto" else arguments.delta == "always",
        verify_disk=arguments.verify_disk,
        patterns=arguments.patterns,
        use_ignore_files=not arguments.no_ignore,
        links=arguments.links,
        jobs=_jobs(arguments),
        max_delete=arguments.max_delete,
        on_action=on_action,
        on_failure=on_failure,
        progress=line if output.progress else None,
    )


def _jobs(arguments: argparse.Namespace) -> int | None:
    """Files at once, if they are not left to us."""
    jobs: int | None = arguments.jobs
    most: int | None = arguments.max_concurrency
    return jobs if most is None else min(most, SyncOptions(jobs=jobs).files_at_once)


def _check(arguments: argparse.Namespace) -> None:
    chosen = [name for name in ("force", "checksum", "size_only") if getattr(arguments, name)]
    if len(chosen) > 1:
        raise UsageError(
            f"--{chosen[0].replace('_', '-')} and --{chosen[1].replace('_', '-')} contradict each other"
        )


def _sync(
    arguments: argparse.Namespace, output: Output, op: Literal["push", "pull"], folder: Path, remote: str
) -> int:
    """Push or pull, once."""
    line = ProgressLine(output, str(folder) if op == "push" else remote)
    options = _options(arguments, output, op, line)
    preparation = Preparation(op, folder, remote, options)
    reach = reach_of(arguments, output)
    # Whoever sits at a terminal is told that it goes on, which takes the loop.
    begun = None if output.progress else begin(reach, preparation)
    if begun is not None and begun.report is not None:
        return _show(begun.report, output)
    from flaxfile.cli.loops import run_async  # noqa: PLC0415 - what has nothing to do does without

    async def work() -> SyncReport:
        from flaxfile.sync import pull, push  # noqa: PLC0415

        with line:
            known = (preparation, begun.found) if begun is not None else None
            async with connected(reach, begun.link if begun is not None else None) as client:
                if op == "push":
                    return await push(client, folder, remote, options, known)
                return await pull(client, remote, folder, options, known)

    return _show(run_async(work), output)


def _watch(arguments: argparse.Namespace, output: Output, folder: Path, remote: str) -> int:
    """Push again and again."""
    from flaxfile.cli.loops import run_async  # noqa: PLC0415 - as above

    async def once(client: AsyncClient) -> None:
        from flaxfile.sync import push  # noqa: PLC0415

        with ProgressLine(output, str(folder)) as line:
            report = await push(client, folder, remote, _options(arguments, output, "push", line))
        _show(report, output)

    async def work() -> int:
        import asyncio  # noqa: PLC0415

        from flaxfile.sync.watching import watching  # noqa: PLC0415

        async with connected(reach_of(arguments, output)) as client, watching(folder) as changed:
            output.note(say("watching {folder}; Ctrl-C ends it", folder=folder))
            while True:
                try:
                    await once(client)
                except (ConnectError, StalledError) as error:
                    # A server that restarts is no reason to stop watching.
                    output.error(error)
                    await asyncio.sleep(WATCH_PAUSE)
                else:
                    await changed()

    return run_async(work)


def run_push(arguments: argparse.Namespace, output: Output) -> int:
    """Push, and again with ``--watch``."""
    _check(arguments)
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}", hint=f"for a file: flaxfile set {folder}")
    remote = folder.absolute().name if arguments.remote is None else arguments.remote
    if arguments.watch:
        return _watch(arguments, output, folder, remote)
    return _sync(arguments, output, "push", folder, remote)


def run_pull(arguments: argparse.Namespace, output: Output) -> int:
    """Pull."""
    _check(arguments)
    name = arguments.remote.strip("/").rpartition("/")[2]
    folder = Path(name if arguments.folder is None else arguments.folder)
    return _sync(arguments, output, "pull", folder, arguments.remote)


def _show(report: SyncReport, output: Output) -> int:
    """What failed and what was left out, and the table; the exit code."""
    code = PartialError.code if report.failures else 0
    output.document(
        {
            "op": report.op,
            "summary": {
                "local": report.local,
                "remote": report.remote,
                "dry_run": report.dry_run,
                "copied": report.copied,
                "bytes": report.bytes_copied,
                "same": report.same,
                "linked": report.linked,
                "deleted": report.deleted,
                "failed": len(report.failures),
                "ignored": report.ignored,
                "skipped_links": len(report.skipped_links),
                "skipped_specials": len(report.skipped_specials),
                "deletes_held_back": report.deletes_held_back,
                "seconds": round(report.seconds, 6),
            },
        }
    )
    if output.json:
        return code
    for failure in report.failures:
        output.warn(
            say("{path} failed: {error}", path=printable(failure.path), error=printable(str(failure.error)))
        )
    if report.skipped_links:
        output.warn(
            say(
                "{count} links are left out; --links copy or --links follow takes them along",
                count=len(report.skipped_links),
            )
        )
    if report.skipped_specials:
        output.warn(say("{count} pipes, sockets or devices are left out", count=len(report.skipped_specials)))
    if report.deletes_held_back:
        output.warn(say("{count} deletes wait until no copy fails", count=report.deletes_held_back))
    if output.quiet:
        return code
    done = say("would be done") if report.dry_run else say("done")
    output.line(
        output.style(f"\u2713 {done}", "good") if report.ok else output.style(say("done in part"), "bad")
    )
    output.lines(
        table(
            [
                [say("Copied"), format_count(report.copied), say("Size"), format_size(report.bytes_copied)],
                [say("Same"), format_count(report.same), say("Deleted"), format_count(report.deleted)],
                [
                    say("Failed"),
                    format_count(len(report.failures)),
                    say("Ignored"),
                    format_count(report.ignored),
                ],
                [
                    say("Time"),
                    f"{report.seconds:.2f} s",
                    say("Rate"),
                    format_rate(report.bytes_copied, report.seconds),
                ],
            ]
        )
    )
    return code
