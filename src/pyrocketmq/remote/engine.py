"""The engine thread: one event loop per process, on which all blocking clients do their work.

It runs what it is given and wakes who waits for it. It does not know what a request or a client is.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, NamedTuple, ParamSpec, Protocol, TypeVar

from pyrocketmq._native.handover import HandOver, keep_forever
from pyrocketmq.errors import TransportStateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq._native.handover import Ticket

# Here and not where it is used: an import that goes on while another thread forks leaves its locks held in
# the child, and brings at-fork functions in the middle of those that run.
_new_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    import uvloop
except ImportError:
    _new_loop = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

__all__ = ["Engine", "EngineStats", "engine"]

T = TypeVar("T")
P = ParamSpec("P")

_CLOSE_SECONDS: Final = 1.0  # for what is still open when the engine stops
_STOP_SECONDS: Final = 3.0  # for the engine thread to end


class Closable(Protocol):
    """Something that is closed on the engine's loop."""

    async def close(self) -> None:
        """Close it."""
        ...


class EngineStats(NamedTuple):
    """What an engine has done so far, and what it does now."""

    calls: int
    wakes: int
    in_progress: int


class Engine:
    """A thread with an event loop, uvloop where it is installed; use ``engine()`` to get it.

    The thread is a daemon: it keeps no program alive. When the interpreter ends, clients that are still open
    are closed, and calls that are not done end with TransportStateError.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = _new_loop()
        self._queue = HandOver(self._loop)
        self._open: weakref.WeakSet[Closable] = weakref.WeakSet()
        self._stopping = False
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="pyrocketmq-engine", daemon=True
        )
        self._thread.start()
        started.wait()

    def __repr__(self) -> str:
        state = "running" if self.is_running else "stopped"
        return f"<Engine of process {self.pid}, {state}, {self._queue.in_progress:,} calls in progress>"

    @property
    def is_running(self) -> bool:
        """True while calls are taken."""
        return not self._stopping and self._thread.is_alive()

    @property
    def is_current_thread(self) -> bool:
        """True on the engine thread itself, where nothing may block."""
        return threading.current_thread() is self._thread

    @property
    def thread_id(self) -> int:
        """What ``threading.get_ident`` gives on the engine thread."""
        return self._thread.ident or 0

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Its event loop."""
        return self._loop

    def call(
        self, function: Callable[..., Awaitable[T]], *args: Any, timeout: float | None = None, **kwargs: Any
    ) -> T:
        """Run ``function(*args, **kwargs)`` on the engine thread and wait for what it gives.

        Ctrl-C is noticed within 0.2 s, and the call is cancelled then.

        ``timeout`` is the seconds for the call; without one the function has to end by itself. It is not
        handed on: a function with a ``timeout`` of its own gets it by position, or by ``call_with``.

        Raises:
            RpcTimeoutError: the call was not done in time, and is cancelled.
            TransportStateError: called on the engine thread itself, or the engine has stopped.
        """
        return self.call_with(function, args, kwargs, timeout)

    def call_with(
        self,
        function: Callable[..., Awaitable[T]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        timeout: float | None = None,
    ) -> T:
        """As ``call``, with the arguments in a tuple and a dict."""
        result: T = self._queue.call(function, args, kwargs, timeout)
        return result

    def call_with_ticket(self, function: Callable[..., Awaitable[T] | None], *args: Any) -> T:
        """As ``call``, for a function that is given a ticket before its arguments.

        It gives None when it keeps the ticket, by which it ends the call later, else what is to be awaited.
        """
        result: T = self._queue.call_with_ticket(function, args)
        return result

    def post(self, function: Callable[[Ticket], None]) -> None:
        """Run a function with a ticket on the engine thread, soon; it ends the ticket, and nobody waits."""
        self._queue.post(function)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a plain function on the engine thread and wait for its result."""
        result: T = self._queue.call(function, args, kwargs)
        return result

    def submit(self, function: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> Future[T]:
        """As ``call``, without waiting; cancelling the future cancels the call.

        Callbacks of the future run on the engine thread, so they must not block.
        """
        future: Future[T] = Future()
        self._queue.submit(function, args, kwargs, future)
        return future

    def close_at_exit(self, resource: Closable) -> None:
        """Close something when the engine stops, unless it is gone by then."""
        self._open.add(resource)

    def stats(self) -> EngineStats:
        """Counters since the engine was started: a burst of calls wakes its loop once."""
        return EngineStats(self._queue.calls, self._queue.wakes, self._queue.in_progress)

    def stop(self) -> None:
        """Close what is open and end the thread; ``engine()`` starts another one afterwards."""
        if self._stopping:
            return
        self._stopping = True
        self._queue.refuse(_stopped())
        with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
            self._loop.call_soon_threadsafe(self._begin_end)
        if not self.is_current_thread:
            self._thread.join(_STOP_SECONDS)

    # ---- on the engine thread ----

    def _run(self, started: threading.Event) -> None:
        loop = self._loop
        self._queue.attach()
        loop.call_soon(started.set)
        try:
            loop.run_forever()
        finally:
            self._stopping = True
            self._queue.close(_stopped())
            loop.close()

    def _begin_end(self) -> None:
        self._ending = self._loop.create_task(self._end())

    async def _end(self) -> None:
        resources = list(self._open)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.gather(*(resource.close() for resource in resources), return_exceptions=True)
        tasks = asyncio.all_tasks() - {self._ending}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
        await self._loop.shutdown_asyncgens()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._loop.shutdown_default_executor()
        self._loop.stop()


def _stopped() -> TransportStateError:
    return TransportStateError(
        "the engine thread has stopped, nothing can be asked of a server",
        likely="the interpreter is ending",
        advice="close clients before the program ends, and join threads that use them",
    )


_engine: Engine | None = None
_lock = threading.Lock()
_exiting = False


def engine() -> Engine:
    """The engine of this process; started by the first call, and by the first one after a fork."""
    current = _engine
    if current is not None and not current._stopping and current.pid == os.getpid():
        return current
    return _start()


def _start() -> Engine:
    global _engine  # noqa: PLW0603
    with _lock:
        if _engine is not None and _engine.pid != os.getpid():
            _forget()  # made by a fork that told nobody
        if _exiting:
            raise _stopped()
        if _engine is None or not _engine.is_running:
            _engine = Engine()
        return _engine


def _forget() -> None:
    """In a child made by fork: the parent's engine has no thread here.

    Its loop shares the kernel's list of sockets with that of the parent, which would lose entries if the loop
    were ever closed or destroyed here.
    """
    global _engine
    inherited, _engine = _engine, None
    if inherited is not None:
        keep_forever(inherited)


def _stop_at_exit() -> None:
    global _exiting  # noqa: PLW0603
    _exiting = True
    if _engine is not None and _engine.pid == os.getpid():
        _engine.stop()


def _forget_in_child() -> None:
    _forget()
    _lock.release()


atexit.register(_stop_at_exit)
if hasattr(os, "register_at_fork"):
    # Nobody forks while the engine is being started: the child would have half of one, and a held lock.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget_in_child)
