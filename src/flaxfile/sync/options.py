"""What a sync may be told. Values only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

from flaxfile.sync.plan import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flaxfile.sync.report import Action, Failure
    from flaxfile.sync.walk import Links

__all__ = ["SyncKeywords", "SyncOptions"]


class SyncOptions(NamedTuple):
    """What a sync may be told."""

    force: bool = False
    """Copy every file, also those that are the same."""
    delete: bool = False
    """Delete what the source does not have."""
    dry_run: bool = False
    """Plan only."""
    checksum: bool = False
    """Compare hashes, whatever the times say."""
    size_only: bool = False
    """Compare sizes alone."""
    delta: bool | Literal["auto"] = False
    """Move of large files only what the version on the other side does not have; "auto": unless the link is
    faster than that."""
    verify_disk: bool = False
    """Read what was written once more, from the disk, before it is in its place."""
    include: Sequence[str] = ()
    """Patterns of what to take although a rule ignores it."""
    exclude: Sequence[str] = ()
    """Patterns of what to leave alone."""
    patterns: Sequence[str] = ()
    """Both of them in an order of one's own: the last one that matches counts, "!" in front includes."""
    use_ignore_files: bool = True
    """Whether .gitignore, .flaxignore and the built-in rules count."""
    links: Links = "skip"
    """Left out, kept as links if they stay inside of the tree, or what they lead to in their place."""
    jobs: int | None = None
    """Files at once; None lets us choose."""
    max_delete: int | None = None
    """Most entries that may be deleted; None for half of all."""
    on_action: Callable[[Action], None] | None = None
    """Called for each step, when it is done or, with ``dry_run``, planned."""
    on_failure: Callable[[Failure], None] | None = None
    """Called for each path that fails."""
    progress: Callable[[int, int], None] | None = None
    """Called with bytes done and bytes in all."""

    @property
    def command_line(self) -> list[str]:
        """All patterns, the one that counts most last."""
        return [*self.patterns, *self.exclude, *(f"!{pattern}" for pattern in self.include)]

    @property
    def comparison(self) -> Comparison:
        """When two files count as the same."""
        return Comparison(force=self.force, checksum=self.checksum, size_only=self.size_only)

    @property
    def files_at_once(self) -> int:
        """How many large files are on the way."""
        return self.jobs or min(8, 2 * (os.cpu_count() or 1))


class SyncKeywords(TypedDict, total=False):
    """The fields of `SyncOptions`, as keywords of `push` and `pull`."""

    force: bool
    delete: bool
    dry_run: bool
    checksum: bool
    size_only: bool
    delta: bool | Literal["auto"]
    verify_disk: bool
    include: Sequence[str]
    exclude: Sequence[str]
    patterns: Sequence[str]
    use_ignore_files: bool
    links: Links
    jobs: int | None
    max_delete: int | None
    on_action: Callable[[Action], None] | None
    on_failure: Callable[[Failure], None] | None
    progress: Callable[[int, int], None] | None
