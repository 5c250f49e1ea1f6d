"""Carries a plan out: folders, copies a few at a time, and deletes when all copies succeeded.

One file that fails is reported and the others go on; what concerns the connection ends the sync. Knows
nothing of which way it goes.
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar, cast

from flaxfile.errors import AuthError, ConflictError, ConnectError, FlaxError, StalledError
from flaxfile.sync.packing import SMALL, grouped
from flaxfile.sync.plan import check_deletes
from flaxfile.sync.report import Action, Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from flaxfile.client.async_client import AsyncClient
    from flaxfile.sync.entries import Node
    from flaxfile.sync.looking import Found
    from flaxfile.sync.options import SyncOptions
    from flaxfile.sync.plan import Plan
    from flaxfile.sync.preparing import Preparation
    from flaxfile.sync.report import SyncReport
    from flaxfile.sync.sides import LocalSide, RemoteSide
    from flaxfile.sync.walk import Walked

__all__ = ["Run", "Steps", "looked"]

T = TypeVar("T")

ENDS_ALL: Final = (ConnectError, AuthError, StalledError)
"""Errors after which other files would fail too."""
PACKS_AT_ONCE: Final = 3


class Steps(Protocol):
    """How each step of a plan is done on the side that is changed."""

    async def copy_one(self, node: Node) -> None:
        """Bring a large file over."""

    async def copy_small(self, group: list[Node]) -> None:
        """Bring small files over in one message."""

    async def make_folder(self, path: str) -> None:
        """Make a folder."""

    async def make_link(self, node: Node) -> None:
        """Make a link."""

    async def remove(self, node: Node) -> bool:
        """Delete an entry; False for a folder that still holds something that was left alone."""
        ...


async def looked(client: AsyncClient, preparation: Preparation) -> Found:
    """What is on both sides; a thread looks."""
    look = preparation.look(client.asker())
    try:
        return await asyncio.to_thread(preparation.take, look)
    except asyncio.CancelledError:
        look.stop()
        raise


class Run:
    """What push and pull share: the report, its callbacks, and the order of things."""

    def __init__(
        self, report: SyncReport, options: SyncOptions, local: LocalSide, remote: RemoteSide
    ) -> None:
        self.report = report
        self.options = options
        self.local = local
        self.remote = remote
        self._packing = threading.Lock()
        self._moved: dict[str, int] = {}
        self._total = 0
        self._done = 0

    def did(self, kind: Literal["copy", "delete", "link", "mkdir"], path: str, size: int = 0) -> None:
        """Note a step."""
        action = Action(kind, path, size)
        self.report.actions.append(action)
        if self.options.on_action is not None:
            self.options.on_action(action)

    def failed(self, path: str, error: FlaxError) -> None:
        """Note a path that did not come over."""
        failure = Failure(path, error)
        self.report.failures.append(failure)
        if self.options.on_failure is not None:
            self.options.on_failure(failure)

    def progress_of(self, node: Node) -> Callable[[int, int], None]:
        """What is told how far one file is."""
        return lambda done, _total: self._moved_to(node.path, done)

    def _moved_to(self, path: str, done: int) -> None:
        """So many bytes of one file are over."""
        self._done += done - self._moved.get(path, 0)
        self._moved[path] = done
        if self.options.progress is not None:
            self.options.progress(self._done, self._total)

    def note_failures(self, walked: Walked) -> None:
        """What the walk of this machine's tree could not read."""
        for path, error in walked.failures:
            self.failed(path, error)

    async def settle(self, plan: Plan, *, to_remote: bool) -> None:
        """Decide by hashes what times could not decide."""
        self.report.same += plan.same
        if not plan.compares:
            return
        ours = [pair[0 if to_remote else 1] for pair in plan.compares]
        failures: list[Failure] = []
        kind = self.remote.client.hash_kind
        hashes, theirs = await asyncio.gather(
            asyncio.to_thread(self.local.hashes, ours, failures, kind), self.remote.nodes(digest=True)
        )
        for failure in failures:
            self.failed(failure.path, failure.error)
        unread = {failure.path for failure in failures}
        for node, _ in plan.compares:
            known = theirs.get(node.path)
            if node.path in unread:
                continue
            if known is not None and known.hash is not None and known.hash == hashes.get(node.path):
                self.report.same += 1
            else:
                plan.copies.append(node)
        plan.copies.sort(key=lambda node: node.path)

    async def carry_out(self, plan: Plan, steps: Steps) -> None:
        """Do it, in the order that never leaves less than there was."""
        options, report = self.options, self.report
        for node in plan.blocked:
            self.failed(
                node.path,
                ConflictError(
                    f"{node.path} is a {node.kind.value} on one side and something else on the other",
                    hint="--delete lets the source win",
                ),
            )
        if options.delete and not options.dry_run:
            check_deletes(len(plan.deletes) + len(plan.blocking), plan.target_entries, options.max_delete)
        if options.dry_run:
            self._tell(plan)
            return
        for node in plan.blocking:
            await self._one(node.path, partial(self._remove, node, steps))
        for path in plan.folders:
            await self._one(path, partial(self._make, path, steps))
        self._total = sum(node.size for node in plan.copies)
        await self._copy(plan.copies, steps)
        for node in plan.links:
            await self._one(node.path, partial(self._link, node, steps))
        if report.failures:
            # Perhaps what is missing there is what would be deleted here.
            report.deletes_held_back = len(plan.deletes)
            return
        for node in plan.deletes:
            await self._one(node.path, partial(self._remove, node, steps))

    def _tell(self, plan: Plan) -> None:
        """Say what would be done."""
        for node in plan.blocking:
            self.did("delete", node.path, node.size)
        for path in plan.folders:
            self.did("mkdir", path)
        for node in plan.copies:
            self.did("copy", node.path, node.size)
        for node in plan.links:
            self.did("link", node.path)
        for node in plan.deletes:
            self.did("delete", node.path, node.size)

    async def _remove(self, node: Node, steps: Steps) -> None:
        if await steps.remove(node):
            self.did("delete", node.path, node.size)

    async def _make(self, path: str, steps: Steps) -> None:
        await steps.make_folder(path)
        self.did("mkdir", path)

    async def _link(self, node: Node, steps: Steps) -> None:
        await steps.make_link(node)
        self.did("link", node.path)

    async def _one(self, path: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ENDS_ALL:
            raise
        except FlaxError as error:
            self.failed(path, error)

    async def _each(self, items: Sequence[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
        """Work on all of them, a few at once; the first error that is not about one file ends it."""
        waiting = iter(items)

        async def worker() -> None:
            for item in waiting:
                await work(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(at_once, len(items))):
                    group.create_task(worker())
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def _copy(self, nodes: Sequence[Node], steps: Steps) -> None:
        """Large files one by one, small ones packed."""

        async def one(node: Node) -> None:
            await self._one(node.path, partial(steps.copy_one, node))

        small = [node for node in nodes if node.size <= SMALL]
        await self._each(list(grouped(small)), steps.copy_small, PACKS_AT_ONCE)
        large = [node for node in nodes if node.size > SMALL]
        await self._each(large, one, self.options.files_at_once)

    def copied(self, node: Node) -> None:
        """One file is over."""
        self._moved_to(node.path, node.size)
        self.did("copy", node.path, node.size)

    async def alone(self, work: Callable[[], T]) -> T:
        """Read or write the small files of one group in a thread, those of no other group meanwhile: threads
        would only take the GIL from each other around each short system call.
        """

        def locked() -> T:
            with self._packing:
                return work()

        return await asyncio.to_thread(locked)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others."""
    first: BaseException = errors.exceptions[0]
    return (
        _first(cast("BaseExceptionGroup[BaseException]", first))
        if isinstance(first, BaseExceptionGroup)
        else first
    )
