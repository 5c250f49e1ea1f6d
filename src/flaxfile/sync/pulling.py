"""Brings a folder of the server to this machine."""

from __future__ import annotations

import asyncio
import io
from functools import partial
from typing import TYPE_CHECKING

from flaxfile.errors import FlaxError, NotFoundError, from_os_error
from flaxfile.sync.packing import Arrived, write_group
from flaxfile.sync.preparing import Preparation
from flaxfile.sync.running import Run, looked
from flaxfile.sync.sides import LocalSide, RemoteSide

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.model import Entry
    from flaxfile.sync.entries import Node
    from flaxfile.sync.looking import Found
    from flaxfile.sync.options import SyncOptions
    from flaxfile.sync.report import SyncReport

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
    client: AsyncClient,
    remote: str,
    folder: str | os.PathLike[str],
    options: SyncOptions,
    begun: tuple[Preparation, Found] | None = None,
) -> SyncReport:
    """Make a folder of this machine like one of the server; what was ``begun`` is gone on with."""
    preparation, found = begun or (Preparation("pull", folder, remote, options), None)
    local = LocalSide(preparation.top, follow=options.links == "follow")
    there = RemoteSide(client, remote)
    run = Run(preparation.report, options, local, there)
    if found is None:
        found = await looked(client, preparation)
    if found.empty_there and not await there.exists():
        raise NotFoundError(f"the server has no folder {remote!r}", hint="flaxfile list shows what it has")
    if preparation.also_heed(await _texts_there(client, there, preparation, found)):
        found = await looked(client, preparation)
    if not options.dry_run:
        await asyncio.to_thread(_make_top, preparation.top)
    run.note_failures(found.walked)
    plan = preparation.plan(found)
    await run.settle(plan, to_remote=False)
    await run.carry_out(plan, _Pulling(client, run))
    return preparation.end()


async def _texts_there(
    client: AsyncClient, there: RemoteSide, preparation: Preparation, found: Found
) -> dict[str, list[bytes]]:
    """The texts of the ignore files that come with the server's tree, by the folder they stand in."""
    texts: dict[str, list[bytes]] = {}
    for node, text in await asyncio.to_thread(preparation.ignore_files, found):
        if text is None:
            buffer = io.BytesIO()
            await client.download(there.key(node.path), buffer)
            text = buffer.getvalue()
        texts.setdefault(node.path.rpartition("/")[0], []).append(text)
    return texts


def _make_top(top: Path) -> None:
    """The folder that all goes to."""
    if not top.exists():
        try:
            top.mkdir(parents=True)
        except OSError as error:
            raise from_os_error(error, f"making the folder {top}") from error
