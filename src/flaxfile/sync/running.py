"""Carries a plan out: folders, copies a few at a time, and deletes when all copies succeeded.

One file that fails is reported and the others go on; what concerns the connection ends the sync.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict, TypeVar, cast

from flaxfile.client.small import SmallFile
from flaxfile.errors import (
    AuthError,
    ConflictError,
    ConnectError,
    FlaxError,
    NotFoundError,
    StalledError,
    from_os_error,
)
from flaxfile.ignore import IgnoreRules, texts_below
from flaxfile.paths import link_stays_inside
from flaxfile.sync.entries import Kind
from flaxfile.sync.packing import SMALL, grouped, read_small, write_small
from flaxfile.sync.plan import Comparison, check_deletes, make_plan
from flaxfile.sync.report import Action, Failure, SyncReport
from flaxfile.sync.sides import LocalSide, RemoteSide, kept
from flaxfile.sync.walk import Links, Walked, walk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.model import Entry
    from flaxfile.sync.entries import Node
    from flaxfile.sync.plan import Plan

__all__ = ["SyncKeywords", "SyncOptions", "pull", "push"]

T = TypeVar("T")
U = TypeVar("U")

ENDS_ALL: Final = (ConnectError, AuthError, StalledError)
"""Errors after which other files would fail too."""
PACKS_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """What a sync may be told."""

    force: bool = False
    """Copy every file, also those that are the same."""
    delete: bool = False
    """Delete what the source does not have."""
    dry_run: bool = False
    """Plan only."""
    checksum: bool = False
    """Compare hashes, whatever the times say."""
    size_only: bool = False
    """Compare sizes alone."""
    delta: bool | Literal["auto"] = False
    """Move of large files only what the version on the other side does not have; "auto": unless the link is
    faster than that."""
    verify_disk: bool = False
    """Read what was written once more, from the disk, before it is in its place."""
    include: Sequence[str] = ()
    """Patterns of what to take although a rule ignores it."""
    exclude: Sequence[str] = ()
    """Patterns of what to leave alone."""
    patterns: Sequence[str] = ()
    """Both of them in an order of one's own: the last one that matches counts, "!" in front includes."""
    use_ignore_files: bool = True
    """Whether .gitignore, .flaxignore and the built-in rules count."""
    links: Links = "skip"
    """Left out, kept as links if they stay inside of the tree, or what they lead to in their place."""
    jobs: int | None = None
    """Files at once; None lets us choose."""
    max_delete: int | None = None
    """Most entries that may be deleted; None for half of all."""
    on_action: Callable[[Action], None] | None = field(default=None, repr=False)
    """Called for each step, when it is done or, with ``dry_run``, planned."""
    on_failure: Callable[[Failure], None] | None = field(default=None, repr=False)
    """Called for each path that fails."""
    progress: Callable[[int, int], None] | None = field(default=None, repr=False)
    """Called with bytes done and bytes in all."""

    @property
    def command_line(self) -> list[str]:
        """All patterns, the one that counts most last."""
        return [*self.patterns, *self.exclude, *(f"!{pattern}" for pattern in self.include)]

    @property
    def comparison(self) -> Comparison:
        """When two files count as the same."""
        return Comparison(force=self.force, checksum=self.checksum, size_only=self.size_only)

    @property
    def files_at_once(self) -> int:
        """How many large files are on the way."""
        return self.jobs or min(8, 2 * (os.cpu_count() or 1))


class SyncKeywords(TypedDict, total=False):
    """The fields of `SyncOptions`, as keywords of `push` and `pull`."""

    force: bool
    delete: bool
    dry_run: bool
    checksum: bool
    size_only: bool
    delta: bool | Literal["auto"]
    verify_disk: bool
    include: Sequence[str]
    exclude: Sequence[str]
    patterns: Sequence[str]
    use_ignore_files: bool
    links: Links
    jobs: int | None
    max_delete: int | None
    on_action: Callable[[Action], None] | None
    on_failure: Callable[[Failure], None] | None
    progress: Callable[[int, int], None] | None


class _Run:
    """What push and pull share: the report, its callbacks, and the order of things."""

    def __init__(
        self, report: SyncReport, options: SyncOptions, local: LocalSide, remote: RemoteSide
    ) -> None:
        self.report = report
        self.options = options
        self.local = local
        self.remote = remote
        self.packing = threading.Lock()
        """Held while the small files of a group are read or written: threads would only take the GIL from
        each other around each short system call.
        """
        self._moved: dict[str, int] = {}
        self._total = 0
        self._done = 0

    def did(self, kind: Literal["copy", "delete", "link", "mkdir"], path: str, size: int = 0) -> None:
        """Note a step."""
        action = Action(kind, path, size)
        self.report.actions.append(action)
        if self.options.on_action is not None:
            self.options.on_action(action)

    def failed(self, path: str, error: FlaxError) -> None:
        """Note a path that did not come over."""
        failure = Failure(path, error)
        self.report.failures.append(failure)
        if self.options.on_failure is not None:
            self.options.on_failure(failure)

    def moved(self, path: str, done: int) -> None:
        """So many bytes of one file are over."""
        self._done += done - self._moved.get(path, 0)
        self._moved[path] = done
        if self.options.progress is not None:
            self.options.progress(self._done, self._total)

    def note_walk(self, walked: Walked) -> None:
        """What the walk of this machine's tree left out, or could not read."""
        self.report.ignored += walked.ignored
        self.report.skipped_links += walked.skipped_links
        self.report.skipped_specials += walked.skipped_specials
        for path, error in walked.failures:
            self.failed(path, error)

    async def settle(self, plan: Plan, *, to_remote: bool) -> None:
        """Decide by hashes what times could not decide."""
        self.report.same += plan.same
        if not plan.compares:
            return
        ours = [pair[0 if to_remote else 1] for pair in plan.compares]
        failures: list[Failure] = []
        hashes, theirs = await asyncio.gather(
            asyncio.to_thread(self.local.hashes, ours, failures), self.remote.nodes(digest=True)
        )
        for failure in failures:
            self.failed(failure.path, failure.error)
        unread = {failure.path for failure in failures}
        for node, _ in plan.compares:
            known = theirs.get(node.path)
            if node.path in unread:
                continue
            if known is not None and known.hash is not None and known.hash == hashes.get(node.path):
                self.report.same += 1
            else:
                plan.copies.append(node)
        plan.copies.sort(key=lambda node: node.path)

    async def carry_out(
        self,
        plan: Plan,
        *,
        copy: Callable[[Sequence[Node]], Awaitable[None]],
        make_folder: Callable[[str], Awaitable[None]],
        make_link: Callable[[Node], Awaitable[None]],
        remove: Callable[[Node], Awaitable[bool]],
    ) -> None:
        """Do it, in the order that never leaves less than there was."""
        options, report = self.options, self.report
        for node in plan.blocked:
            self.failed(
                node.path,
                ConflictError(
                    f"{node.path} is a {node.kind.value} on one side and something else on the other",
                    hint="--delete lets the source win",
                ),
            )
        if options.delete and not options.dry_run:
            check_deletes(len(plan.deletes) + len(plan.blocking), plan.target_entries, options.max_delete)
        if options.dry_run:
            self._tell(plan)
            return
        for node in plan.blocking:
            await self._one(node.path, partial(self._remove, node, remove))
        for path in plan.folders:
            await self._one(path, partial(self._make, path, make_folder))
        self._total = sum(node.size for node in plan.copies)
        await copy(plan.copies)
        for node in plan.links:
            await self._one(node.path, partial(self._link, node, make_link))
        if report.failures:
            # Perhaps what is missing there is what would be deleted here.
            report.deletes_held_back = len(plan.deletes)
            return
        for node in plan.deletes:
            await self._one(node.path, partial(self._remove, node, remove))

    def _tell(self, plan: Plan) -> None:
        """Say what would be done."""
        for node in plan.blocking:
            self.did("delete", node.path, node.size)
        for path in plan.folders:
            self.did("mkdir", path)
        for node in plan.copies:
            self.did("copy", node.path, node.size)
        for node in plan.links:
            self.did("link", node.path)
        for node in plan.deletes:
            self.did("delete", node.path, node.size)

    async def _remove(self, node: Node, remove: Callable[[Node], Awaitable[bool]]) -> None:
        if await remove(node):
            self.did("delete", node.path, node.size)

    async def _make(self, path: str, make_folder: Callable[[str], Awaitable[None]]) -> None:
        await make_folder(path)
        self.did("mkdir", path)

    async def _link(self, node: Node, make_link: Callable[[Node], Awaitable[None]]) -> None:
        await make_link(node)
        self.did("link", node.path)

    async def _one(self, path: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ENDS_ALL:
            raise
        except FlaxError as error:
            self.failed(path, error)

    async def each(self, items: Sequence[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
        """Work on all of them, a few at once; the first error that is not about one file ends it."""
        waiting = iter(items)

        async def worker() -> None:
            for item in waiting:
                await work(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(at_once, len(items))):
                    group.create_task(worker())
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def copy(
        self,
        nodes: Sequence[Node],
        copy_one: Callable[[Node], Awaitable[None]],
        copy_small: Callable[[list[Node]], Awaitable[None]],
    ) -> None:
        """Large files one by one, small ones packed."""

        async def one(node: Node) -> None:
            await self._one(node.path, partial(copy_one, node))

        small = [node for node in nodes if node.size <= SMALL]
        await self.each(list(grouped(small)), copy_small, PACKS_AT_ONCE)
        large = [node for node in nodes if node.size > SMALL]
        await self.each(large, one, self.options.files_at_once)

    def copied(self, node: Node) -> None:
        """One file is over."""
        self.moved(node.path, node.size)
        self.did("copy", node.path, node.size)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others."""
    first: BaseException = errors.exceptions[0]
    return (
        _first(cast("BaseExceptionGroup[BaseException]", first))
        if isinstance(first, BaseExceptionGroup)
        else first
    )


async def push(
    client: AsyncClient, folder: str | os.PathLike[str], remote: str, options: SyncOptions
) -> SyncReport:
    """Make a folder of the server like one of this machine."""
    began = time.monotonic()
    top = Path(folder)
    local, there = LocalSide(top), RemoteSide(client, remote)
    report = SyncReport("push", str(folder), remote, dry_run=options.dry_run)
    run = _Run(report, options, local, there)
    rules = IgnoreRules(
        texts_below(top), command_line=options.command_line, use_files=options.use_ignore_files
    )
    walked, remote_nodes = await asyncio.gather(
        asyncio.to_thread(walk, top, rules, options.links), there.nodes(links=options.links == "copy")
    )
    run.note_walk(walked)
    target, _ = kept(remote_nodes, rules)
    plan = make_plan(walked.nodes, target, comparison=options.comparison, delete=options.delete)
    await run.settle(plan, to_remote=True)

    async def copy_one(node: Node) -> None:
        def progress(done: int, total: int) -> None:
            del total
            run.moved(node.path, done)

        await client.upload(
            local.path(node.path),
            there.key(node.path),
            progress=progress,
            delta=options.delta if node.path in remote_nodes else False,
            verify_disk=options.verify_disk,
        )
        run.copied(node)

    async def copy_small(group: list[Node]) -> None:
        nodes, files = await asyncio.to_thread(_alone, _read_group, group, run)
        for node, result in zip(nodes, await client.upload_small(files), strict=True):
            if isinstance(result, FlaxError):
                run.failed(node.path, result)
            else:
                run.copied(node)

    async def copy(nodes: Sequence[Node]) -> None:
        await run.copy(nodes, copy_one, copy_small)

    async def make_folder(path: str) -> None:
        await client.make_folder(there.key(path))

    async def make_link(node: Node) -> None:
        await client.make_link(there.key(node.path), node.target or "")

    if not walked.nodes and not remote_nodes and not options.dry_run and there.prefix:
        await client.make_folder(there.prefix)
    await run.carry_out(plan, copy=copy, make_folder=make_folder, make_link=make_link, remove=there.remove)
    report.seconds = time.monotonic() - began
    return report


async def pull(
    client: AsyncClient, remote: str, folder: str | os.PathLike[str], options: SyncOptions
) -> SyncReport:
    """Make a folder of this machine like one of the server."""
    began = time.monotonic()
    top = Path(folder)
    local, there = LocalSide(top, follow=options.links == "follow"), RemoteSide(client, remote)
    report = SyncReport("pull", str(folder), remote, dry_run=options.dry_run)
    run = _Run(report, options, local, there)
    remote_nodes = await there.nodes(links=options.links == "copy")
    if not remote_nodes and not await there.exists():
        raise NotFoundError(f"the server has no folder {remote!r}", hint="flaxfile list shows what it has")
    rules = await _rules_of_both(local, there, remote_nodes, options)
    walked = await asyncio.to_thread(_walk_or_make, top, rules, options)
    run.note_walk(walked)
    source, left_out = kept(remote_nodes, rules)
    report.ignored += left_out
    source, sly = _without_sly_links(source)
    report.skipped_links += sly
    plan = make_plan(source, walked.nodes, comparison=options.comparison, delete=options.delete)
    await run.settle(plan, to_remote=False)

    async def copy_one(node: Node) -> None:
        def progress(done: int, total: int) -> None:
            del total
            run.moved(node.path, done)

        target = await asyncio.to_thread(local.target, node.path)
        await client.download(
            there.key(node.path),
            target,
            progress=progress,
            verify_disk=options.verify_disk,
            delta=options.delta,
        )
        run.copied(node)

    async def copy_small(group: list[Node]) -> None:
        got: list[tuple[Node, Entry | FlaxError, memoryview]] = []
        keys = [there.key(node.path) for node in group]
        nodes = iter(group)
        async for _, entry, content in client.download_small(keys):
            got.append((next(nodes), entry, content))
        for node, error in await asyncio.to_thread(_alone, _write_group, got, run):
            if error is None:
                run.copied(node)
            else:
                run.failed(node.path, error)

    async def copy(nodes: Sequence[Node]) -> None:
        await run.copy(nodes, copy_one, copy_small)

    async def make_folder(path: str) -> None:
        await asyncio.to_thread(local.make_folder, path)

    async def remove(node: Node) -> bool:
        return await asyncio.to_thread(local.remove, node)

    async def make_link(node: Node) -> None:
        await asyncio.to_thread(local.make_link, node)

    await run.carry_out(plan, copy=copy, make_folder=make_folder, make_link=make_link, remove=remove)
    report.seconds = time.monotonic() - began
    return report


def _alone(work: Callable[[T, _Run], U], group: T, run: _Run) -> U:
    with run.packing:
        return work(group, run)


def _read_group(group: list[Node], run: _Run) -> tuple[list[Node], list[SmallFile]]:
    """The files of a group that can be read."""
    nodes: list[Node] = []
    files: list[SmallFile] = []
    for node in group:
        try:
            content, mode, mtime_ns = read_small(run.local.path(node.path))
        except FlaxError as error:
            run.failed(node.path, error)
        else:
            nodes.append(node)
            files.append(
                SmallFile(run.remote.key(node.path), content, mode, mtime_ns, run.options.verify_disk)
            )
    return nodes, files


def _write_group(
    got: list[tuple[Node, Entry | FlaxError, memoryview]], run: _Run
) -> list[tuple[Node, FlaxError | None]]:
    """Each file, and why it was not written."""
    results: list[tuple[Node, FlaxError | None]] = []
    for node, entry, content in got:
        error = entry if isinstance(entry, FlaxError) else None
        if not isinstance(entry, FlaxError):
            try:
                write_small(
                    run.local.target(node.path),
                    content,
                    entry.mode,
                    entry.mtime_ns,
                    verify_disk=run.options.verify_disk,
                )
            except FlaxError as refused:
                error = refused
        results.append((node, error))
    return results


def _walk_or_make(top: Path, rules: IgnoreRules, options: SyncOptions) -> Walked:
    """What is here already; the folder is made if there is none."""
    if top.exists():
        # What is deleted here must be here: no link leads to what the plan is about.
        return walk(top, rules, options.links, bounded=True)
    if not options.dry_run:
        try:
            top.mkdir(parents=True)
        except OSError as error:
            raise from_os_error(error, f"making the folder {top}") from error
    return Walked()


async def _rules_of_both(
    local: LocalSide, there: RemoteSide, remote_nodes: dict[str, Node], options: SyncOptions
) -> IgnoreRules:
    """The rules of this machine's tree, and over them those that come with the server's."""
    theirs: dict[str, list[bytes]] = {}
    if options.use_ignore_files:
        theirs = await there.ignore_files(remote_nodes.values(), local)
    ours = texts_below(local.top)

    def texts(folder: str) -> list[bytes]:
        return [*ours(folder), *theirs.get(folder, [])]

    return IgnoreRules(texts, command_line=options.command_line, use_files=options.use_ignore_files)


def _without_sly_links(nodes: list[Node]) -> tuple[list[Node], list[str]]:
    """The entries but for links that would lead out of the folder, and the paths of those."""
    sly = [
        node.path
        for node in nodes
        if node.kind is Kind.LINK and not link_stays_inside(node.path, node.target or "")
    ]
    return [node for node in nodes if node.path not in sly], sly
