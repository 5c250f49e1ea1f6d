"""A thread with an event loop for one embedded server, so that tests of any kind can use it.

Tests without a loop, with a loop for each test, with asyncio or uvloop: the server never shares theirs. Knows
nothing of what the server does.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from pyrocketmq.errors import TransportStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

__all__ = ["ServerThread"]

T = TypeVar("T")

_SECONDS: Final = 30.0  # nothing that is asked of the loop takes long; a test must not hang for ever


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - imported when a server starts
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class ServerThread:
    """The thread runs from ``start`` to ``stop``; it is a daemon, so a test that dies keeps nothing alive."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """True between ``start`` and ``stop``."""
        return self._loop is not None

    def start(self) -> None:
        """Start the loop."""
        loop = self._loop = _new_loop()
        self._thread = threading.Thread(
            target=self._run, args=(loop,), name="pyrocketmq-testing", daemon=True
        )
        self._thread.start()

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def stop(self) -> None:
        """End the loop and the thread; once more does nothing."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(_SECONDS)

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine on the loop, and wait for it here."""
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._running())
        except BaseException:
            work.close()
            raise
        return self._result(future)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function on the loop, and wait for it here."""

        async def called() -> T:
            return function()

        return self.run(called())

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise TransportStateError(
                "the server for tests is not running", advice="use it inside of `with`, or start() it first"
            )
        if threading.current_thread() is self._thread:
            raise TransportStateError(
                "the server for tests is asked from its own thread, which would wait for itself",
                advice="use the EmbeddedServer there",
            )
        return self._loop

    @staticmethod
    def _result(future: Future[T]) -> T:
        try:
            return future.result(_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            future.cancel()
            raise TransportStateError(
                f"the server for tests did not do it within {_SECONDS:g} s",
                likely="something blocks its event loop",
            ) from None
