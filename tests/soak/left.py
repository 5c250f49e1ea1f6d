"""What the programs say that begin and end something again and again: what is left of each kind."""

from __future__ import annotations

from tests.faults.levels import Level

LIMIT_BYTES = 5_000_000


class Left:
    """Looks at levels before and after, kind by kind, and tells them.

    Args:
        count: how often each kind was begun and ended between the two.
        blocks: more allocated blocks than this are too many.
    """

    def __init__(self, count: int, blocks: int) -> None:
        self._count = count
        self._blocks = blocks
        self._failed = 0
        self._results: list[str] = []

    def look(self, kind: str, before: Level, after: Level, grown: int) -> None:
        """Print and judge one kind; ``grown`` are the bytes by which memory has grown."""
        blocks = after.blocks - before.blocks
        is_level = before[:4] == after[:4] and blocks < self._blocks and grown < LIMIT_BYTES
        self._failed += not is_level
        self._results.append(f"{kind} {blocks:+} blocks {grown / 1e6:+.1f} MB")
        print(f"{kind}: {before}, then {after}, memory {grown / 1e6:+.1f} MB", flush=True)

    def conclude(self, what: str) -> int:
        """Print the line that is repeated at the end; 1 when something was left behind."""
        verdict = f"{self._failed} NOT level" if self._failed else "all level"
        print(
            f"{self._count:,} times {what}, {len(self._results)} kinds: threads, tasks, descriptors "
            f"{verdict}; " + ", ".join(self._results)
        )
        return 1 if self._failed else 0
