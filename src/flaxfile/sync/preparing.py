"""Makes the plan of a push or a pull: looks at both sides, and decides what is to be done.

Blocks, and needs no event loop; asks a server by whatever way it is given. Changes nothing on either side.
"""

from __future__ import annotations

import os
import stat
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flaxfile.ignore import IGNORE_FILES, IgnoreRules, texts_below
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

MAX_IGNORE_FILE: Final = 1 << 20


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
        self._planned: tuple[Found, Plan] | None = None

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

    def ignore_files(self, found: Found) -> list[tuple[Node, bytes | None]]:
        """The ignore files of the server, with the texts of those that are the same here."""
        if not self.options.use_ignore_files:
            return []
        return [
            (node, _text_here(self.top / node.path, node))
            for node in found.there.values()
            if node.path.endswith(IGNORE_FILES)
            and node.path.rpartition("/")[2] in IGNORE_FILES
            and node.kind is Kind.FILE
            and node.size <= MAX_IGNORE_FILE
        ]

    def look(self, ask: Ask) -> Look:
        """A look that is to be taken at both sides."""
        options = self.options
        return Look(ask, self.part, links=options.links == "copy", comparison=options.comparison)

    def take(self, look: Look, ready: Future[None] | None = None) -> Found:
        """Take it."""
        return look.run(partial(_walk, self.report.op, self.top, self.rules, self.options), ready)

    def plan(self, found: Found) -> Plan:
        """What is to be done; what was left out goes into the report."""
        if self._planned is not None and self._planned[0] is found:
            return self._planned[1]
        report, walked = self.report, found.walked
        theirs, ignored = kept(found.there, self.rules)
        source, target, sly = walked.nodes, theirs, list[str]()
        if report.op == "pull":
            source, sly = _without_sly_links(theirs)
            target = walked.nodes
            report.ignored = ignored
        report.ignored += walked.ignored
        report.skipped_links = walked.skipped_links + sly
        report.skipped_specials = walked.skipped_specials
        plan = make_plan(source, target, comparison=self.options.comparison, delete=self.options.delete)
        plan.target_entries += found.left_out
        plan.same += found.same
        self._planned = (found, plan)
        return plan

    def nothing_to_do(self, found: Found) -> bool:
        """Whether that is certain, with no further question to the server."""
        if found.empty_there or found.walked.failures or not self.top.exists():
            return False
        if self.report.op == "pull":
            theirs: dict[str, list[bytes]] = {}
            for node, text in self.ignore_files(found):
                if text is None:
                    return False
                theirs.setdefault(node.path.rpartition("/")[0], []).append(text)
            if self.also_heed(theirs):
                return False
        plan = self.plan(found)
        if plan.empty:
            self.report.same = plan.same
        return plan.empty

    def end(self) -> SyncReport:
        """The report, when all has been done."""
        self.report.seconds = time.monotonic() - self.began
        return self.report


def _walk(op: str, top: Path, rules: IgnoreRules, options: SyncOptions, check: Callable[[], None]) -> Walked:
    if op == "push":
        return walk(top, rules, options.links, check=check)
    # What is deleted here must be here: no link leads to what the plan is about.
    return walk(top, rules, options.links, bounded=True, check=check) if top.exists() else Walked()


def _text_here(path: Path, node: Node) -> bytes | None:
    """The text of an ignore file that needs no transfer."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (
            node.size,
            node.mtime_ns,
        ):
            return path.read_bytes()
    except OSError:
        return None
    return None


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
