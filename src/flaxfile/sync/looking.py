"""Finds out what both sides of a sync hold, at the same time: the tree here is read while the server lists
its own, and what is the same on both sides is left out as soon as it is seen.

Blocks, and needs no event loop: a sync that finds nothing to do is over before one is there. Knows nothing of
what is done about the rest.
"""

from __future__ import annotations

import queue
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple

from flaxfile.client.entries import entry_from
from flaxfile.errors import StorageError, UsageError
from flaxfile.ignore import IGNORE_FILES
from flaxfile.paths import check_key
from flaxfile.protocol.messages import Type, objects
from flaxfile.sync.entries import Kind, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from flaxfile.client.asking import Answer
    from flaxfile.model import Entry
    from flaxfile.sync.plan import Comparison
    from flaxfile.sync.walk import Walked

    Ask = Callable[[Type, dict[str, object]], Future[Answer]]

__all__ = ["Found", "Look", "Part"]


class Part:
    """The part of a store below a prefix.

    Args:
        prefix: a folder of the store; empty for all of it.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.strip("/") if prefix != "/" else ""
        if self.prefix:
            check_key(self.prefix)
        self.start = f"{self.prefix}/" if self.prefix else ""

    def node(self, entry: Entry) -> Node | None:
        """What an entry of the store is in the tree; None for the top itself."""
        if entry.key == self.prefix and entry.kind == "file":
            raise UsageError(
                f"{self.prefix!r} is a file of the server, no folder", hint=f"flaxfile get {self.prefix}"
            )
        # Its key has been checked, so what is left of it is one too.
        if not entry.key.startswith(self.start):
            raise StorageError(f"the server listed {entry.key!r}, which is not below {self.prefix!r}")
        inside = entry.key[len(self.start) :].rstrip("/")
        if not inside:
            return None
        kind = {"dir": Kind.FOLDER, "link": Kind.LINK}.get(entry.kind, Kind.FILE)
        size = 0 if kind is Kind.FOLDER else entry.size
        return Node(inside, kind, size, entry.mtime_ns, entry.mode, hash=entry.hash, target=entry.target)


class Found(NamedTuple):
    """What is on both sides."""

    walked: Walked
    """What was read here; ``nodes`` without what is the same there."""
    there: dict[str, Node]
    """What the server has by its path, without what is the same here; ignore files are always among it."""
    same: int
    """Files that are the same."""
    left_out: int
    """Entries that stand on both sides and in neither of the two."""

    @property
    def empty_there(self) -> bool:
        """Whether the server has nothing below the prefix."""
        return not (self.there or self.left_out)


class _Pages:
    """A listing as it comes in: each page is asked for by whoever hears of the one before."""

    def __init__(self, ask: Ask, wish: dict[str, object]) -> None:
        self._ask = ask
        self._wish = wish
        self._came: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
        self._asked: Future[Answer] | None = None
        self._wanted = True
        self._failure: BaseException | None = None

    def begin(self, ready: Future[None] | None) -> None:
        """Ask for the first one, when what has to be ready is."""
        if ready is None:
            self._next(None)
        else:
            ready.add_done_callback(self._begin)

    def _begin(self, ready: Future[None]) -> None:
        try:
            ready.result()
            self._next(None)
        except BaseException as error:  # noqa: BLE001 - raised to whoever reads the pages
            self._fail(error)

    def _next(self, cursor: str | None) -> None:
        wish = self._wish if cursor is None else {**self._wish, "cursor": cursor}
        self._asked = self._ask(Type.LIST, wish)
        self._asked.add_done_callback(self._take)

    def _take(self, answer: Future[Answer]) -> None:
        try:
            page = answer.result().json()
            cursor = page.get("cursor")
            if isinstance(cursor, str) and self._wanted:
                self._next(cursor)
            self._came.put(page)
            if not isinstance(cursor, str):
                self._came.put(None)
        except BaseException as error:  # noqa: BLE001 - raised to whoever reads the pages
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._came.put(error)

    def check(self) -> None:
        """Raise if no more of them will come, for whoever does something else meanwhile."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Nobody wants more of them; whoever waits for one is let go."""
        self._wanted = False
        if self._asked is not None:
            self._asked.cancel()
        self._fail(CancelledError())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The entries, in their order."""
        while True:
            page = self._came.get()
            if page is None:
                return
            if isinstance(page, BaseException):
                raise page
            yield from objects(page, "entries")


class Look:
    """One look at both sides.

    Args:
        ask: sends a request to the server; its answer may come on any thread.
        part: of the store.
        links: whether links count.
        comparison: when two files are the same.
    """

    def __init__(self, ask: Ask, part: Part, *, links: bool, comparison: Comparison) -> None:
        self._part = part
        self._comparison = comparison
        wish: dict[str, object] = {"prefix": part.prefix, "folders": True, "links": links}
        self._pages = _Pages(ask, wish)

    def stop(self) -> None:
        """End it; from another thread."""
        self._pages.stop()

    def run(self, walk: Callable[[Callable[[], None]], Walked], ready: Future[None] | None = None) -> Found:
        """Look. The server is asked as soon as ``ready`` is done; ``walk`` gets what it calls now and then,
        so that it ends when the server cannot be asked.
        """
        self._pages.begin(ready)
        try:
            return self._sift(walk(self._pages.check))
        finally:
            self._pages.stop()

    def _sift(self, walked: Walked) -> Found:
        comparison = self._comparison
        here = {node.path: node for node in walked.nodes}
        there: dict[str, Node] = {}
        begin = len(self._part.start)
        sift, by_time = not (comparison.force or comparison.checksum), not comparison.size_only
        same = left_out = 0
        for item in self._pages:
            key = item.get("key")
            # A path that was found here needs no other check; whether it is below the prefix is one.
            known = here.get(key[begin:]) if sift and isinstance(key, str) else None
            if known is not None and item.get("key") == self._part.start + known.path:
                if known.kind is Kind.FILE:
                    if (
                        item.get("size") == known.size
                        and item.get("kind") == "file"
                        and not (by_time and item.get("mtime_ns") != known.mtime_ns)
                        and not known.path.endswith(IGNORE_FILES)
                    ):
                        del here[known.path]
                        same += 1
                        left_out += 1
                        continue
                elif known.kind is Kind.FOLDER and item.get("kind") == "dir":
                    del here[known.path]
                    left_out += 1
                    continue
            node = self._part.node(entry_from(item, "xxh3"))
            if node is not None:
                there[node.path] = node
        walked.nodes = list(here.values())
        return Found(walked, there, same, left_out)
