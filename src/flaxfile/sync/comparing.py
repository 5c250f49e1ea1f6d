"""Says what is not the same on both sides, by content; changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from flaxfile.errors import NotFoundError
from flaxfile.ignore import IgnoreRules, texts_below
from flaxfile.sync.entries import Kind
from flaxfile.sync.preparing import kept
from flaxfile.sync.report import Difference, Failure
from flaxfile.sync.sides import LocalSide, RemoteSide
from flaxfile.sync.walk import walk

if TYPE_CHECKING:
    import os

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.sync.options import SyncOptions

__all__ = ["compare"]


async def compare(
    client: AsyncClient, folder: str | os.PathLike[str], remote: str, options: SyncOptions
) -> tuple[list[Difference], list[Failure], int]:
    """What is not the same on both sides by content, what cannot be read, and how many files are the same."""
    top = Path(folder)
    local, there = LocalSide(top), RemoteSide(client, remote)
    remote_nodes = await there.nodes(digest=True, links=options.links == "copy")
    if not remote_nodes and not await there.exists():
        raise NotFoundError(f"the server has no folder {remote!r}", hint="flaxfile list shows what it has")
    rules = IgnoreRules(
        texts_below(top), command_line=options.command_line, use_files=options.use_ignore_files
    )
    walked = await asyncio.to_thread(walk, top, rules, options.links)
    failures = [Failure(path, error) for path, error in walked.failures]
    files = {node.path: node for node in walked.nodes if node.kind is Kind.FILE}
    hashes = await asyncio.to_thread(local.hashes, files.values(), failures, client.hash_kind)
    unread = {failure.path for failure in failures}
    # A link is what it leads to, as a text that no hash looks like.
    ours = {path: hashes.get(path) for path in files}
    ours |= {node.path: f"-> {node.target}" for node in walked.nodes if node.kind is Kind.LINK}
    theirs = {
        node.path: f"-> {node.target}" if node.kind is Kind.LINK else node.hash
        for node in kept(remote_nodes, rules)[0]
        if node.kind is not Kind.FOLDER
    }
    found: list[Difference] = []
    same = 0
    for path in sorted(ours.keys() | theirs.keys()):
        if path in unread:
            continue
        if path not in theirs:
            found.append(Difference(path, "only here"))
        elif path not in ours:
            found.append(Difference(path, "only there"))
        elif ours[path] != theirs[path]:
            found.append(Difference(path, "different"))
        else:
            same += 1
    return found, failures, same
