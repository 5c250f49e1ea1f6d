"""What a sync did, would do, or could not do. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from flaxfile.errors import PartialError

if TYPE_CHECKING:
    from flaxfile.errors import FlaxError

__all__ = ["Action", "Difference", "Failure", "SyncReport"]


class Action(NamedTuple):
    """One step of a sync, done or, with ``dry_run``, only planned."""

    kind: Literal["copy", "delete", "link", "mkdir"]
    path: str
    """Relative to the top of both sides."""
    size: int = 0


class Failure(NamedTuple):
    """One path that could not be brought over, and why."""

    path: str
    error: FlaxError


class Difference(NamedTuple):
    """One path that is not the same on both sides."""

    path: str
    what: Literal["only here", "only there", "different"]


class SyncReport:
    """What happened in all.

    Args:
        op: what was done.
        local: the folder of this machine.
        remote: the folder of the server.
        dry_run: whether it was only planned.
    """

    def __init__(
        self, op: Literal["push", "pull"], local: str, remote: str, *, dry_run: bool = False
    ) -> None:
        self.op = op
        self.local = local
        self.remote = remote
        self.dry_run = dry_run
        self.actions: list[Action] = []
        """In the order they were done."""
        self.failures: list[Failure] = []
        self.same = 0
        """Files that needed nothing."""
        self.ignored = 0
        self.skipped_links: list[str] = []
        self.skipped_specials: list[str] = []
        self.deletes_held_back = 0
        """Entries that were not deleted because a copy failed."""
        self.seconds = 0.0

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"SyncReport({shown})"

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
