"""Brings a folder of this machine to the server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flaxfile.client.small import SmallFile
from flaxfile.errors import FlaxError
from flaxfile.sync.packing import read_group
from flaxfile.sync.preparing import Preparation
from flaxfile.sync.running import Run, looked
from flaxfile.sync.sides import LocalSide, RemoteSide

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.sync.entries import Node
    from flaxfile.sync.looking import Found
    from flaxfile.sync.options import SyncOptions
    from flaxfile.sync.report import SyncReport

__all__ = ["push"]


class _Pushing:
    """The steps of a push.

    Args:
        client: a connected client.
        run: what is noted, and between which sides.
        known: paths that the server has already.
    """

    def __init__(self, client: AsyncClient, run: Run, known: Collection[str]) -> None:
        self._client = client
        self._run = run
        self._known = known

    async def copy_one(self, node: Node) -> None:
        """Send a large file."""
        run = self._run
        await self._client.upload(
            run.local.path(node.path),
            run.remote.key(node.path),
            progress=run.progress_of(node),
            delta=run.options.delta if node.path in self._known else False,
            verify_disk=run.options.verify_disk,
        )
        run.copied(node)

    async def copy_small(self, group: list[Node]) -> None:
        """Send small files in one message."""
        nodes: list[Node] = []
        files: list[SmallFile] = []
        for node, found in zip(group, await self._run.alone(partial(self._read, group)), strict=True):
            if isinstance(found, FlaxError):
                self._run.failed(node.path, found)
            else:
                nodes.append(node)
                files.append(found)
        for node, result in zip(nodes, await self._client.upload_small(files), strict=True):
            if isinstance(result, FlaxError):
                self._run.failed(node.path, result)
            else:
                self._run.copied(node)

    def _read(self, group: list[Node]) -> list[SmallFile | FlaxError]:
        """The files of a group, or why one cannot be read."""
        run = self._run
        found = read_group([run.local.path(node.path) for node in group])
        return [
            result
            if isinstance(result, FlaxError)
            else SmallFile(run.remote.key(node.path), *result, run.options.verify_disk)
            for node, result in zip(group, found, strict=True)
        ]

    async def make_folder(self, path: str) -> None:
        """Make a folder there."""
        await self._client.make_folder(self._run.remote.key(path))

    async def make_link(self, node: Node) -> None:
        """Make a link there."""
        await self._client.make_link(self._run.remote.key(node.path), node.target or "")

    async def remove(self, node: Node) -> bool:
        """Delete an entry there."""
        return await self._run.remote.remove(node)


async def push(
    client: AsyncClient,
    folder: str | os.PathLike[str],
    remote: str,
    options: SyncOptions,
    begun: tuple[Preparation, Found] | None = None,
) -> SyncReport:
    """Make a folder of the server like one of this machine; what was ``begun`` is gone on with."""
    preparation, found = begun or (Preparation("push", folder, remote, options), None)
    there = RemoteSide(client, remote)
    run = Run(preparation.report, options, LocalSide(preparation.top), there)
    if found is None:
        found = await looked(client, preparation)
    run.note_failures(found.walked)
    plan = preparation.plan(found)
    await run.settle(plan, to_remote=True)
    if found.empty_there and not found.walked.nodes and not options.dry_run and there.prefix:
        await client.make_folder(there.prefix)
    await run.carry_out(plan, _Pushing(client, run, found.there.keys()))
    return preparation.end()
