"""Work on the disk that requests ask for: done in a pool, ended in the reactor's thread.

Knows nothing of what is asked, nor of how a client is answered.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from flaxfile.errors import FlaxError, LimitError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from flaxfile.protocol.header import Header

__all__ = ["Jobs"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

STILL_AFTER: Final = 1.0
"""Seconds of work on a request after which, and then each time, its client is told that it goes on."""
MAX_JOBS: Final = 4096


class Jobs:
    """What is being worked on.

    Args:
        pool: does it.
        post: has something called in the reactor's thread.
        refuse: tells a client that its request failed.
    """

    def __init__(
        self,
        pool: Executor,
        post: Callable[[Callable[[], None]], object],
        refuse: Callable[[bytes, Header, FlaxError], None],
    ) -> None:
        self._pool = pool
        self._post = post
        self._refuse = refuse
        self._all: dict[int, tuple[bytes, Header, float]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._all)

    def run(
        self,
        peer: bytes,
        head: Header,
        work: Callable[[], _T],
        done: Callable[[_T], None],
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        """Have work done in the pool, then ``done`` with its result here; an error becomes the answer.

        ``settled`` is called once when the work is over, before ``done`` or the answer. When this raises,
        nothing was begun and nothing is called; when it returns, nothing was called yet.
        """
        if len(self._all) >= MAX_JOBS:
            raise LimitError("the server has too much to do", retry_after=1.0)
        self._next += 1
        number = self._next

        def finish(result: _T) -> None:
            self._all.pop(number)
            settled()
            try:
                done(result)
            except Exception as fault:  # noqa: BLE001 - told to the client, and logged if it is no refusal
                self._fail(peer, head, fault)

        def fail(error: BaseException) -> None:
            self._all.pop(number)
            settled()
            self._fail(peer, head, error)

        def job() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - handed over to the reactor's thread
                caught = error
                self._post(lambda: fail(caught))
            else:
                self._post(lambda: finish(result))

        try:
            self._pool.submit(job)
        except RuntimeError as error:
            # The pool takes nothing any more: what was begun before is all that is still done.
            raise LimitError("the server is going down", retry_after=5.0) from error
        self._all[number] = (peer, head, time.monotonic())

    def _fail(self, peer: bytes, head: Header, error: BaseException) -> None:
        if not isinstance(error, FlaxError):
            logger.error("a request of type %d", head.type, exc_info=error)
            error = ProtocolError("the server failed inside; its log says why")
        self._refuse(peer, head, error)

    def aside(self, work: Callable[[], object]) -> None:
        """Have something done in the pool that nobody waits for; not when the server ends."""
        with contextlib.suppress(RuntimeError):
            self._pool.submit(work)

    def long_ones(self, now: float) -> list[tuple[bytes, Header]]:
        """Requests whose clients have to be told that they are still worked on; each once a second."""
        found: list[tuple[bytes, Header]] = []
        for number, (peer, head, told) in self._all.items():
            if now - told > STILL_AFTER:
                self._all[number] = (peer, head, now)
                found.append((peer, head))
        return found
