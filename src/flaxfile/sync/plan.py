"""What a sync has to do, from what is on both sides: a function without side effects.

Deletes stand last and deepest first; whoever carries the plan out runs them only when all copies succeeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flaxfile.errors import ConflictError
from flaxfile.sync.entries import Kind, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FEW_DELETES", "Comparison", "Plan", "check_deletes", "make_plan"]

FEW_DELETES: Final = 20
"""Up to so many entries may always go."""


class Comparison(NamedTuple):
    """When two files count as the same."""

    force: bool = False
    """Never."""
    checksum: bool = False
    """When size and hash are the same, whatever the times say."""
    size_only: bool = False
    """When the sizes are the same."""


AS_USUAL: Final = Comparison()


class Plan:
    """What to do, in this order.

    Args:
        target_entries: how many entries the target has.
    """

    def __init__(self, target_entries: int = 0) -> None:
        self.blocking: list[Node] = []
        """Entries of the target that stand where another kind of entry has to go, deepest first."""
        self.folders: list[str] = []
        """Folders to make: those that no copied file makes on its way."""
        self.copies: list[Node] = []
        """Source files that are missing or different."""
        self.compares: list[tuple[Node, Node]] = []
        """Source and target files that only their hashes can tell apart."""
        self.links: list[Node] = []
        """Source links that are missing or different."""
        self.deletes: list[Node] = []
        """Entries of the target that the source does not have, deepest first."""
        self.blocked: list[Node] = []
        """Source entries that cannot go where they should, as another kind of entry stands there."""
        self.same = 0
        """Files that need nothing."""
        self.target_entries = target_entries

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do, and nothing to decide or to complain of."""
        return not (
            self.blocking
            or self.folders
            or self.copies
            or self.compares
            or self.links
            or self.deletes
            or self.blocked
        )


def make_plan(
    source: Iterable[Node],
    target: Iterable[Node],
    *,
    comparison: Comparison = AS_USUAL,
    delete: bool = False,
) -> Plan:
    """Compare two trees from which ignored entries have been left out already."""
    there = {node.path: node for node in target}
    plan = Plan(target_entries=len(there))
    wanted: dict[str, Node] = {}
    empty: dict[str, Node] = {}
    for node in sorted(source, key=lambda one: one.path):
        wanted[node.path] = node
        parent = node.path.rpartition("/")[0]
        empty.pop(parent, None)
        if node.kind is Kind.FOLDER:
            empty[node.path] = node
    blocked = _blocked_below(wanted, there)
    for node in wanted.values():
        _decide(plan, node, there, comparison, is_empty=node.path in empty, blocked=blocked, delete=delete)
    gone = [node for path, node in there.items() if path not in wanted]
    gone.sort(key=lambda one: one.path, reverse=True)
    if delete:
        in_the_way = {path for path in blocked if path in there}
        for node in gone:
            # What goes to make room goes first; the rest waits for the copies.
            first = any(node.path.startswith(path + "/") for path in in_the_way)
            (plan.blocking if first else plan.deletes).append(node)
        plan.blocking += sorted((there[path] for path in in_the_way), key=lambda one: one.path, reverse=True)
        plan.blocking.sort(key=lambda one: one.path, reverse=True)
    return plan


def _blocked_below(wanted: Mapping[str, Node], there: Mapping[str, Node]) -> set[str]:
    """Paths of the target whose kind is another one than the source needs there."""
    return {path for path, node in wanted.items() if path in there and (there[path].kind is not node.kind)}


def _decide(
    plan: Plan,
    node: Node,
    there: Mapping[str, Node],
    comparison: Comparison,
    *,
    is_empty: bool,
    blocked: set[str],
    delete: bool,
) -> None:
    known = there.get(node.path)
    if node.path in blocked or any(parent in blocked for parent in _parents(node.path)):
        if not delete:
            if node.kind is not Kind.FOLDER or is_empty:
                plan.blocked.append(node)
            return
        known = None
    if node.kind is Kind.FOLDER:
        if known is None and is_empty:
            plan.folders.append(node.path)
    elif node.kind is Kind.LINK:
        if known is None or known.target != node.target:
            plan.links.append(node)
        else:
            plan.same += 1
    elif known is None or comparison.force or known.size != node.size:
        plan.copies.append(node)
    elif comparison.size_only or (not comparison.checksum and known.mtime_ns == node.mtime_ns):
        plan.same += 1
    else:
        plan.compares.append((node, known))


def _parents(path: str) -> Iterable[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def check_deletes(count: int, entries: int, max_delete: int | None) -> None:
    """Refuse to delete more than was allowed: half of everything is more likely a mistake than a wish."""
    if max_delete is None:
        if count <= FEW_DELETES or count * 2 <= entries:
            return
        limit = "half of all entries"
    elif count <= max_delete:
        return
    else:
        limit = f"{max_delete}, what --max-delete allows"
    raise ConflictError(
        f"{count} of {entries} entries would be deleted, more than {limit}",
        hint=f"if that is what you want: --max-delete {count}; --dry-run shows what would go",
    )
