"""What a sync did, would do, or could not do. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from flaxfile.errors import PartialError

if TYPE_CHECKING:
    from flaxfile.errors import FlaxError

__all__ = ["Action", "Difference", "Failure", "SyncReport"]


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a sync, done or, with ``dry_run``, only planned."""

    kind: Literal["copy", "delete", "link", "mkdir"]
    path: str
    """Relative to the top of both sides."""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """One path that could not be brought over, and why."""

    path: str
    error: FlaxError


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that is not the same on both sides."""

    path: str
    what: Literal["only here", "only there", "different"]


@dataclass(slots=True)
class SyncReport:
    """What happened in all."""

    op: Literal["push", "pull"]
    local: str
    remote: str
    dry_run: bool = False
    actions: list[Action] = field(default_factory=list[Action])
    """In the order they were done."""
    failures: list[Failure] = field(default_factory=list[Failure])
    same: int = 0
    """Files that needed nothing."""
    ignored: int = 0
    skipped_links: list[str] = field(default_factory=list[str])
    skipped_specials: list[str] = field(default_factory=list[str])
    deletes_held_back: int = 0
    """Entries that were not deleted because a copy failed."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything that should be the same now is."""
        return not self.failures

    @property
    def copied(self) -> int:
        """Files that were copied."""
        return sum(action.kind == "copy" for action in self.actions)

    @property
    def linked(self) -> int:
        """Links that were made."""
        return sum(action.kind == "link" for action in self.actions)

    @property
    def deleted(self) -> int:
        """Files and folders that were deleted."""
        return sum(action.kind == "delete" for action in self.actions)

    @property
    def bytes_copied(self) -> int:
        """Bytes of the files that were copied."""
        return sum(action.size for action in self.actions if action.kind == "copy")

    def raise_for_failures(self) -> None:
        """Raise if some files failed."""
        if self.failures:
            first = self.failures[0]
            raise PartialError(
                f"{len(self.failures)} of the files failed, the first one {first.path}: {first.error}",
                hint="the same command tries those again",
            )
