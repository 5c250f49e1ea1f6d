"""The thread that runs an engine: what other threads want of it is posted, what it wants of them are
callbacks.

Knows nothing of messages and their meaning.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import socket
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from flaxfile import libzmq
from flaxfile._core import engine as core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Context", "Handler", "Message", "Reactor", "Socket"]

logger = logging.getLogger(__name__)

TICK: Final = 0.05
"""Seconds between two calls of `Handler.on_tick`, at least."""


class Message(NamedTuple):
    """What came in and is not for the engine."""

    origin: int
    """Number of the socket."""
    peer: bytes
    """Routing id of the connection; empty for a client."""
    user: str
    """User-Id that authentication gave the connection."""
    strange: int
    """1: no header of ours, 2: data of a transfer that the engine does not have, 3: damaged on its way."""
    header: bytes
    payload: bytes


class Socket(Protocol):
    """What is needed of a socket, of pyzmq or of our own."""

    @property
    def underlying(self) -> int:
        """The address of libzmq's socket."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Context(Protocol):
    """What is needed of a context."""

    def term(self) -> None:
        """End it."""
        ...


class Handler(Protocol):
    """What a reactor tells, always from its own thread."""

    def on_message(self, message: Message) -> None:
        """A message that the engine does not deal with itself."""

    def on_transfer(self, transfer: int, cause: int) -> None:
        """A transfer is complete (0), or failed."""

    def on_aux(self) -> None:
        """A watched socket may have something."""

    def on_tick(self, now: float) -> None:
        """Some time has passed."""

    def on_end(self, cause: BaseException | None) -> None:
        """The last call: the thread ends, by `Reactor.stop` or because of ``cause``."""


class Reactor:
    """One engine on its own thread.

    Args:
        sockets: connected or bound; from `start` on they belong to the thread.
        handler: who is told.
        memory: bytes that all buffers for sending may have.
        name: of the thread.
        context: of the sockets; ended by the thread as its last deed.
        others: sockets that are watched for the handler, see `Handler.on_aux`.
        router: whether the one socket is a ROUTER.
    """

    def __init__(
        self,
        sockets: Sequence[Socket],
        handler: Handler,
        *,
        memory: int,
        name: str,
        context: Context,
        others: Sequence[Socket] = (),
        router: bool = False,
    ) -> None:
        libzmq.bind()
        self._sockets = list(sockets)
        self._handler = handler
        self._posted: collections.deque[Callable[[], None]] = collections.deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.settimeout(0)
        self._wake_write.settimeout(0)
        self.engine = core.Engine(
            [item.underlying for item in sockets],
            router,
            self._wake_read.fileno(),
            self._wake_write.fileno(),
            memory,
        )
        self._others = list(others)
        self._context = context
        self.finished: Future[None] = Future()
        """Done when the thread has closed everything."""
        self.engine.watch([item.underlying for item in self._others])
        self._woken = False
        self._stopping = False
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def attach(self, item: Socket, *watched: Socket) -> int:
        """Add a socket, and what is watched for it, from the thread itself; the number of the socket."""
        number = self.engine.attach(item.underlying)
        self._sockets.append(item)
        self._others += watched
        self.engine.watch([other.underlying for other in self._others])
        return number

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def post(self, call: Callable[[], None]) -> bool:
        """Have a call made in the thread, soon; False when it has ended."""
        with self._lock:
            if self._ended.is_set():
                return False
            self._posted.append(call)
            if not self._woken:
                self._woken = True
                with contextlib.suppress(BlockingIOError):
                    self._wake_write.send(b"p")
            return True

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""

        def end() -> None:
            self._stopping = True

        self.post(end)

    def join(self, timeout: float | None = None) -> bool:
        """Whether the thread has ended."""
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        cause: BaseException | None = None
        try:
            self._work()
        except BaseException as error:
            cause = error
            logger.debug("the thread %s ends", self._thread.name, exc_info=True)
        with self._lock:
            self._ended.set()
        # Who posted until now is heard: somebody may wait for it.
        while self._posted:
            with contextlib.suppress(Exception):
                self._run_posted()
        try:
            self._handler.on_end(cause)
        except Exception:
            logger.exception("the end of %s", self._thread.name)
        self.engine.close()
        for item in self._sockets + self._others:
            item.close()
        self._wake_read.close()
        self._wake_write.close()
        self._context.term()
        self.finished.set_result(None)

    def _work(self) -> None:
        next_tick = time.monotonic() + TICK
        while not self._stopping:
            result = self.engine.step(int(TICK * 1000))
            kind = result[0]
            if kind == core.STEP_MESSAGE:
                _, origin, peer, user, strange, header, payload = result
                self._handler.on_message(
                    Message(origin, peer, user.decode("utf-8", "replace"), strange, header, payload or b"")
                )
            elif kind == core.STEP_TRANSFER:
                self._handler.on_transfer(result[1], result[2])
            elif kind == core.STEP_AUX:
                self._handler.on_aux()
            elif kind == core.STEP_ERROR:
                raise OSError(result[1], os.strerror(result[1]))
            if self._woken or kind == core.STEP_WAKE:
                self._run_posted()
            now = time.monotonic()
            if now >= next_tick:
                self._handler.on_tick(now)
                next_tick = time.monotonic() + TICK

    def _run_posted(self) -> None:
        self._woken = False
        while self._posted:
            self._posted.popleft()()
