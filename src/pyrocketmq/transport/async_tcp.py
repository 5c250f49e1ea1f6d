"""The transport of an event loop: owns one native connection, its states, and its coming back."""

from __future__ import annotations

import asyncio
import copy
import logging
from typing import TYPE_CHECKING, Self

from pyrocketmq._native.connection import Connection
from pyrocketmq._native.frame import decode_frame
from pyrocketmq.errors import (
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    LoopClosedError,
    RpcTimeoutError,
    TransportStateError,
)
from pyrocketmq.logging.repeats import LONG_INTERVAL_S, RepeatedFaults
from pyrocketmq.transport.abc import AsyncTransport
from pyrocketmq.transport.backoff import Backoff
from pyrocketmq.transport.config import TransportConfig
from pyrocketmq.transport.dial import dial
from pyrocketmq.transport.inbox import Inbox
from pyrocketmq.transport.loops import watch_loop
from pyrocketmq.transport.states import StateMachine, TransportState
from pyrocketmq.transport.turns import TURNS
from pyrocketmq.transport.watch import Watch, make_probe
from pyrocketmq.transport.whole import whole_frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Buffer

    from pyrocketmq._native.command import RemotingCommand

    Handler = Callable[
        [Connection, RemotingCommand], RemotingCommand | Awaitable[RemotingCommand | None] | None
    ]

__all__ = ["AsyncTcpTransport"]

logger = logging.getLogger(__name__)
_repeats = RepeatedFaults(logger, longest=LONG_INTERVAL_S)

_LOOK_S = 0.05  # between two looks at what still waits on a connection that is being left
_HELD_BYTES = 4 * 1024 * 1024  # received frames that nobody has taken; then the peer has to wait


class AsyncTcpTransport(AsyncTransport):
    """One connection at a time to one server, on the loop that connects it.

    With all other transports of the process, one at a time tries an address.

    With a ``handler`` the connection answers requests itself and is used through ``connection``: requests
    and their answers are matched there. Without one, frames that are no answer to a request of
    ``connection`` are given out by ``recv``.

    Args:
        config: where to connect and how, or ``host:port``.
        handler: called with each request of the peer, see ``Connection``.
        reconnect: come back by itself after a connection is lost or refused, until ``close``.
        backoff: the waits between attempts; by default those of the settings.
        probe: makes the request that finds out whether a silent server is there; any answer will do.
    """

    def __init__(
        self,
        config: TransportConfig | str,
        handler: Handler | None = None,
        *,
        reconnect: bool = False,
        backoff: Backoff | None = None,
        probe: Callable[[], RemotingCommand] = make_probe,
    ) -> None:
        self.config = TransportConfig.from_address(config) if isinstance(config, str) else config
        self.states = StateMachine(self.config.address)
        self.backoff = backoff or Backoff(self.config.reconnect_min, self.config.reconnect_max)
        self._handler = handler
        self._reconnect = reconnect
        self._wanted = False  # from a call of connect() to one of close()
        self._probe = probe
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: Watch | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._connection: Connection | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._last_error: ConnectionError | None = None
        self._inbox = Inbox()

    def __repr__(self) -> str:
        return f"<AsyncTcpTransport to {self.config.address}, {self.current_state_name}>"

    @property
    def current_state_name(self) -> str:
        """Name of the state, for example ``CONNECTED``."""
        return self.states.current_state_name

    @property
    def is_connected(self) -> bool:
        """True while requests can be made."""
        return self.states.is_connected

    def ready_connection(self) -> Connection | None:
        """The open connection if it takes a request at once, else None.

        Raises:
            TransportStateError: it belongs to another event loop than the running one.
        """
        connection = self._connection
        if connection is None or not connection.is_ready:
            return None
        # The connection refuses other threads; on its own thread another loop runs only while this does not,
        # and that is quicker to ask than which one runs.
        if self._loop is None or not self._loop.is_running():
            self._refuse_loop()
        return connection

    @property
    def connection(self) -> Connection:
        """The open connection.

        Raises:
            ConnectionClosedError: there is none at the moment; nothing was sent.
        """
        connection = self._connection
        if connection is None or not connection.is_open:
            raise ConnectionClosedError(
                f"the transport to {self.config.address} is {self.current_state_name}, nothing was sent",
                advice="await connect() first",
                address=self.config.address,
            )
        return connection

    async def connect(self) -> None:
        """Open the connection; does nothing when it is open.

        All callers share one attempt. Soon after a failure the attempt waits until the back-off lets it go;
        when that is longer than ``connect_timeout``, the last error is raised at once.

        Raises:
            ConnectionError: no connection could be made; ConnectTimeoutError and TlsError are kinds of it.
            TransportStateError: it is being closed, or belongs to another event loop.
        """
        self._live_on(asyncio.get_running_loop())
        if self.is_connected and self._connection is not None:
            if self._connection.is_open:
                return
            await self._connection.wait_closed()  # it has ended, and the states do not know it yet
        if self.states.state is TransportState.CLOSING:
            raise TransportStateError(
                f"the transport to {self.config.address} is CLOSING",
                advice="await close() first",
                address=self.config.address,
            )
        self._wanted = True
        wait = self.backoff.seconds_left_when_wanted
        attempt = self._running_attempt
        if attempt is None and wait > self.config.connect_timeout and self._last_error is not None:
            raise _later(self._last_error, self.config.address, wait) from self._last_error
        if attempt is None:
            self._attempt = attempt = asyncio.create_task(
                self._try_once(wait), name=f"connect {self.config.address}"
            )
            attempt.add_done_callback(_look_at)
        # Shielded, since the attempt belongs to all who wait for it.
        await asyncio.shield(attempt)

    async def output(self, msg: Buffer | RemotingCommand) -> None:
        """Send one frame, as bytes or as the command that becomes one; waits while the buffer is full."""
        connection = self.connection
        frame = whole_frame(msg, self.config)
        await connection.drain()
        connection.output(frame)

    async def recv(self, timeout: float | None = None) -> bytes:
        """Wait for the next frame and return its bytes, length word included.

        Args:
            timeout: seconds; that of the settings by default.

        Raises:
            RpcTimeoutError: no whole frame came in time.
            ConnectionClosedError: the connection is lost, and all frames were given out.
            TransportStateError: the transport has a handler, which gets the frames.
        """
        if self._handler is not None:
            raise TransportStateError(
                f"the transport to {self.config.address} gives its frames to a handler",
                advice="make the transport without a handler to use recv()",
                address=self.config.address,
            )
        timeout = self.config.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(timeout):
                while not self._inbox:
                    _ = self.connection  # raises when nothing can arrive
                    await self._inbox.arrival()
        except TimeoutError as error:
            raise RpcTimeoutError(
                f"no frame from {self.config.address} within {timeout:g} s", address=self.config.address
            ) from error
        before = self._inbox.held_bytes
        frame = self._inbox.take()
        if self._inbox.held_bytes <= _HELD_BYTES // 2 < before and self._connection is not None:
            self._connection.continue_reading()
        return frame

    async def recv_command(self, timeout: float | None = None) -> RemotingCommand:
        """As ``recv``, decoded."""
        return decode_frame(await self.recv(timeout))

    async def close(self) -> None:
        """Send what is written and close; does nothing when it is closed.

        What cannot be sent within ``close_timeout`` is dropped.
        """
        if self.states.state is TransportState.CLOSED:
            return
        self._wanted = False
        # In rounds: what is cancelled may have started another in the same moment.
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        self._keeper = None
        self._end_watch()
        connection = self._connection
        if connection is not None:
            if self.is_connected:
                self.states.become(TransportState.CLOSING)
                connection.close()
            await connection.wait_closed(self.config.close_timeout)
        if self.states.may_become(TransportState.CLOSED):
            self.states.become(TransportState.CLOSED)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            # Nobody gets this object, so nobody could close it: it must not go on trying.
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def leave(self, connection: Connection) -> None:
        """Make no more requests on a connection whose server asked to go away; the next call opens another.

        The requests that wait on it go on, for at most ``timeout`` seconds, then it is closed.
        """
        if connection is not self._connection or not self.is_connected:
            return
        self._end_watch()
        self._connection = None
        self.states.become(TransportState.DISCONNECTED)
        logger.info("%s asked to connect anew", self.config.address)
        task = asyncio.get_running_loop().create_task(
            _finish(connection, self.config), name=f"leave {self.config.address}"
        )
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        self._keep()

    def loop_closes(self) -> None:
        """End every request with LoopClosedError; called before the event loop closes."""
        error = LoopClosedError(
            f"the event loop of the connection to {self.config.address} was closed",
            advice="close the client before its loop, for example with 'async with'",
            address=self.config.address,
        )
        self._end_watch()
        for task in self._tasks:
            task.cancel()
        connection = self._connection
        if connection is not None:
            connection.abort(error)
        if self.states.may_become(TransportState.DISCONNECTED):
            self.states.become(TransportState.DISCONNECTED)
        self._connection = self._attempt = self._keeper = self._loop = None

    # ---- the loop it lives on ----

    def _live_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._loop:
            return
        busy = self.is_connected or self._running_attempt is not None or self._keeper is not None
        if busy and self._loop is not None and not self._loop.is_closed():
            self._refuse_loop()
        self._loop = loop
        watch_loop(loop, self)

    def _refuse_loop(self) -> None:
        raise TransportStateError(
            f"the connection to {self.config.address} lives on another event loop than the running one",
            likely="it is shared by threads, or an earlier loop of this thread made it and was not closed",
            advice="use a client of its own for each loop, or hand calls over with "
            "asyncio.run_coroutine_threadsafe(call, loop)",
            address=self.config.address,
        )

    # ---- one attempt ----

    async def _try_once(self, wait: float) -> None:
        try:
            target = (*self.config.target, self.config.tls is not None)
            await TURNS.pause(target, wait)
            async with TURNS.turn(target, again=self.backoff.failures > 0):
                self.states.become(TransportState.CONNECTING)
                connection = await dial(self.config, self._make)
        except ConnectionError as error:
            self._last_error = error
            self.backoff.failed()
            self._disconnected()
            _repeats.warning(self.config.address, "%s", error.what)
            self._keep()
            raise
        except BaseException:
            self._disconnected()
            raise
        self._connection = connection
        self._inbox.clear()
        self._last_error = None
        self.states.become(TransportState.CONNECTED)
        if not connection.is_open:
            # It was lost while its callbacks could not know it yet.
            self._lost(connection, connection.error)
        elif self._handler is not None:
            self._watch = Watch(connection, self.config, self._probe)

    def _disconnected(self) -> None:
        # It is not CONNECTING when the attempt ended before its turn.
        if self.states.state is TransportState.CONNECTING:
            self.states.become(TransportState.DISCONNECTED)

    @property
    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for task in (self._attempt, self._keeper, *self._leaving) if task is not None]

    @property
    def _running_attempt(self) -> asyncio.Task[None] | None:
        # One that is done may still be here: waiting for it would not even yield to the loop.
        return None if self._attempt is None or self._attempt.done() else self._attempt

    def _make(self) -> Connection:
        config = self.config
        return Connection(
            self._handler,
            address=config.address,
            codec=config.header_codec,
            max_frame_bytes=config.max_frame_bytes,
            write_buffer_bytes=config.write_buffer_bytes,
            on_lost=self._lost,
            on_frame=None if self._handler is not None else self._take_frame,
            on_timeouts=self._timed_out,
        )

    def _timed_out(self, connection: Connection) -> None:
        if self._watch is not None and connection is self._connection:
            self._watch.timed_out()

    def _end_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.end()

    # ---- after the connection is lost ----

    def _lost(self, connection: Connection, error: ConnectionClosedError | None) -> None:
        if connection is not self._connection:
            return
        self._end_watch()
        self._inbox.wake_all()
        if not self.is_connected:
            return
        self._last_error = error
        if connection.stats().frames_in:
            # Only a server that answers is well again; one that takes and drops connections is not.
            self.backoff.succeeded()
        self.backoff.failed()
        self.states.become(TransportState.DISCONNECTED)
        what = error.what if error else f"the connection to {self.config.address} is closed"
        _repeats.warning(self.config.address, "%s", what)
        self._keep()

    def _keep(self) -> None:
        if self._reconnect and self._wanted and self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(
                self._come_back(), name=f"reconnect {self.config.address}"
            )

    async def _come_back(self) -> None:
        try:
            target = (*self.config.target, self.config.tls is not None)
            while not self.is_connected:
                # Wait here: connect() would wait less, since somebody may want it now.
                while self._running_attempt is None and (wait := self.backoff.seconds_left):
                    if await TURNS.pause(target, wait):
                        self.backoff.retry_now()
                try:
                    await self.connect()
                except ConnectionError as error:
                    logger.debug("%s", error.what)
            _repeats.eased(self.config.address)
            _repeats.log(
                ("again", self.config.address), logging.INFO, "connected to %s again", self.config.address
            )
        finally:
            self._keeper = None

    # ---- frames for recv ----

    def _take_frame(self, frame: bytes) -> None:
        self._inbox.put(frame)
        if self._inbox.held_bytes > _HELD_BYTES and self._connection is not None:
            self._connection.hold_reading()


def _look_at(attempt: asyncio.Task[None]) -> None:
    """Take note of how an attempt ended: everybody who waits for it gets the error, and nobody may."""
    if not attempt.cancelled():
        attempt.exception()


def _later(last: ConnectionError, address: str, wait: float) -> ConnectionError:
    """The last error once more, for a call that is not even tried."""
    error = copy.copy(last)
    error.what = f"{address} is tried again in {wait:.1f} s; last time: {last.what}"
    error.args = (error.what,)
    return error


async def _finish(connection: Connection, config: TransportConfig) -> None:
    """Let the requests that wait on a connection end, then close it."""
    try:
        async with asyncio.timeout(config.timeout):
            while connection.is_open and connection.in_flight:  # noqa: ASYNC110 - a count in C has no event
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        pass
    finally:
        connection.close()
    await connection.wait_closed(config.close_timeout)
