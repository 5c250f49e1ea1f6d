"""Makes the plan of a push or a pull: looks at both sides, and decides what is to be done.

Blocks, and needs no event loop; asks a server by whatever way it is given. Changes nothing on either side.
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flaxfile.ignore import IgnoreRules, texts_below
from flaxfile.paths import link_stays_inside
from flaxfile.sync.entries import Kind
from flaxfile.sync.looking import Look, Part
from flaxfile.sync.plan import make_plan
from flaxfile.sync.report import SyncReport
from flaxfile.sync.walk import Walked, walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from flaxfile.sync.entries import Node
    from flaxfile.sync.looking import Ask, Found
    from flaxfile.sync.options import SyncOptions
    from flaxfile.sync.plan import Plan

__all__ = ["Preparation", "kept"]


class Preparation:
    """What comes before anything is done.

    Args:
        op: which way it goes.
        folder: of this machine.
        remote: folder of the store.
        options: of the sync.
    """

    def __init__(
        self, op: Literal["push", "pull"], folder: str | os.PathLike[str], remote: str, options: SyncOptions
    ) -> None:
        self.began = time.monotonic()
        self.top = Path(folder)
        self.part = Part(remote)
        self.options = options
        self.report = SyncReport(op, os.fspath(folder), remote, dry_run=options.dry_run)
        self.texts = texts_below(self.top)
        """Of the ignore files here."""
        self.rules = self._rules(self.texts)

    def _rules(self, texts: Callable[[str], list[bytes]]) -> IgnoreRules:
        return IgnoreRules(
            texts, command_line=self.options.command_line, use_files=self.options.use_ignore_files
        )

    def also_heed(self, theirs: dict[str, list[bytes]]) -> bool:
        """Put the ignore files of the server over those here; whether that may make a difference."""
        ours = self.texts
        if all(ours(folder) == texts for folder, texts in theirs.items()):
            return False
        self.rules = self._rules(lambda folder: [*ours(folder), *theirs.get(folder, [])])
        return True

    def look(self, ask: Ask) -> Look:
        """A look that is to be taken at both sides."""
        options = self.options
        return Look(ask, self.part, links=options.links == "copy", comparison=options.comparison)

    def take(self, look: Look, ready: Future[None] | None = None) -> Found:
        """Take it."""
        return look.run(partial(_walk, self.report.op, self.top, self.rules, self.options), ready)

    def plan(self, found: Found) -> Plan:
        """What is to be done; what was left out, and the files that are the same, go into the report."""
        report, walked = self.report, found.walked
        report.same += found.same
        report.ignored += walked.ignored
        report.skipped_links += walked.skipped_links
        report.skipped_specials += walked.skipped_specials
        theirs, left_out = kept(found.there, self.rules)
        source, target = walked.nodes, theirs
        if report.op == "pull":
            report.ignored += left_out
            theirs, sly = _without_sly_links(theirs)
            report.skipped_links += sly
            source, target = theirs, walked.nodes
        plan = make_plan(source, target, comparison=self.options.comparison, delete=self.options.delete)
        plan.target_entries += found.left_out
        return plan

    def end(self) -> SyncReport:
        """The report, when all has been done."""
        self.report.seconds = time.monotonic() - self.began
        return self.report


def _walk(op: str, top: Path, rules: IgnoreRules, options: SyncOptions) -> Walked:
    if op == "push":
        return walk(top, rules, options.links)
    # What is deleted here must be here: no link leads to what the plan is about.
    return walk(top, rules, options.links, bounded=True) if top.exists() else Walked()


def kept(nodes: dict[str, Node], rules: IgnoreRules) -> tuple[list[Node], int]:
    """The entries that a sync may touch, and how many it may not."""
    touched = [node for node in nodes.values() if not rules.ignored(node.path, node.kind is Kind.FOLDER)]
    return touched, len(nodes) - len(touched)


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
