"""Brings a folder of the server to this machine."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flaxfile.errors import FlaxError, NotFoundError, from_os_error
from flaxfile.ignore import IgnoreRules, texts_below
from flaxfile.paths import link_stays_inside
from flaxfile.sync.entries import Kind
from flaxfile.sync.packing import Arrived, write_group
from flaxfile.sync.plan import make_plan
from flaxfile.sync.report import SyncReport
from flaxfile.sync.running import Run
from flaxfile.sync.sides import LocalSide, RemoteSide, kept
from flaxfile.sync.walk import Walked, walk

if TYPE_CHECKING:
    import os

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.model import Entry
    from flaxfile.sync.entries import Node
    from flaxfile.sync.options import SyncOptions

__all__ = ["pull"]


class _Pulling:
    """The steps of a pull.

    Args:
        client: a connected client.
        run: what is noted, and between which sides.
    """

    def __init__(self, client: AsyncClient, run: Run) -> None:
        self._client = client
        self._run = run

    async def copy_one(self, node: Node) -> None:
        """Fetch a large file."""
        run = self._run
        target = await asyncio.to_thread(run.local.target, node.path)
        await self._client.download(
            run.remote.key(node.path),
            target,
            progress=run.progress_of(node),
            verify_disk=run.options.verify_disk,
            delta=run.options.delta,
        )
        run.copied(node)

    async def copy_small(self, group: list[Node]) -> None:
        """Fetch small files in one message."""
        got: list[tuple[Node, Entry | FlaxError, memoryview]] = []
        keys = [self._run.remote.key(node.path) for node in group]
        nodes = iter(group)
        async for _, entry, content in self._client.download_small(keys):
            got.append((next(nodes), entry, content))
        for node, error in await self._run.alone(partial(self._write, got)):
            if error is None:
                self._run.copied(node)
            else:
                self._run.failed(node.path, error)

    def _write(
        self, got: list[tuple[Node, Entry | FlaxError, memoryview]]
    ) -> list[tuple[Node, FlaxError | None]]:
        """Each file, and why it was not written."""
        results: list[tuple[Node, FlaxError | None]] = []
        nodes: list[Node] = []
        files: list[Arrived] = []
        for node, entry, content in got:
            if isinstance(entry, FlaxError):
                results.append((node, entry))
                continue
            try:
                target = self._run.local.target(node.path)
            except FlaxError as refused:
                results.append((node, refused))
            else:
                nodes.append(node)
                files.append(Arrived(target, content, entry.mode, entry.mtime_ns))
        written = write_group(files, verify_disk=self._run.options.verify_disk)
        return results + list(zip(nodes, written, strict=True))

    async def make_folder(self, path: str) -> None:
        """Make a folder here."""
        await asyncio.to_thread(self._run.local.make_folder, path)

    async def make_link(self, node: Node) -> None:
        """Make a link here."""
        await asyncio.to_thread(self._run.local.make_link, node)

    async def remove(self, node: Node) -> bool:
        """Delete an entry here."""
        return await asyncio.to_thread(self._run.local.remove, node)


async def pull(
    client: AsyncClient, remote: str, folder: str | os.PathLike[str], options: SyncOptions
) -> SyncReport:
    """Make a folder of this machine like one of the server."""
    began = time.monotonic()
    top = Path(folder)
    local, there = LocalSide(top, follow=options.links == "follow"), RemoteSide(client, remote)
    report = SyncReport("pull", str(folder), remote, dry_run=options.dry_run)
    run = Run(report, options, local, there)
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
    await run.carry_out(plan, _Pulling(client, run))
    report.seconds = time.monotonic() - began
    return report


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
    good: list[Node] = []
    sly: list[str] = []
    for node in nodes:
        if node.kind is Kind.LINK and not link_stays_inside(node.path, node.target or ""):
            sly.append(node.path)
        else:
            good.append(node)
    return good, sly
