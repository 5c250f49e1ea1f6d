"""AsyncRemote: calls to one server over one shared connection, on an event loop.

It matches nothing itself, since the connection does that by number, and it judges no answer code: an answer
is an answer. What it adds is connecting on first use, one deadline per call, hooks, signing, and the
dispatch of the server's own requests.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

from pyrocketmq._native.command import RemotingCommand, next_opaque
from pyrocketmq.errors import (
    BackPressureError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    MaxWaitersExceededError,
    SerializationError,
)
from pyrocketmq.model.acl import sign_request
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.flags import CommandFlag
from pyrocketmq.remote.config import PRODUCTION_CONFIG
from pyrocketmq.transport import AsyncTcpTransport
from pyrocketmq.transport.watch import make_probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence
    from types import TracebackType

    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport import Connection, TransportConfig

    RequestHandler = Callable[[RemotingCommand], RemotingCommand | Awaitable[RemotingCommand | None] | None]
    Callback = Callable[[RemotingCommand | None, Exception | None], object]

__all__ = ["AsyncRemote"]

logger = logging.getLogger(__name__)

_ANY_FLAG: Final = int(CommandFlag.RESPONSE | CommandFlag.ONEWAY)
_GO_AWAY: Final = int(ResponseCode.GO_AWAY)
_LEAST_S: Final = 0.001  # a request whose time is over all but in name gets its time-out, not a refusal


class AsyncRemote:
    """Requests to one server and their answers; connects on first use and comes back after a loss.

    All requests share one connection, and none waits for another. To be used on one event loop.

    Args:
        transport_config: where to connect and how, or ``host:port``.
        remote_config: limits of its calls; ``PRODUCTION_CONFIG`` by default.
        hooks: called around each request, in their order.
        credentials: who signs the requests, or a function that gives them; signing comes after all hooks.
    """

    def __init__(
        self,
        transport_config: TransportConfig | str,
        remote_config: RemoteConfig | None = None,
        *,
        hooks: Sequence[RpcHook] = (),
        credentials: CredentialsSource | None = None,
    ) -> None:
        self.transport = AsyncTcpTransport(transport_config, self._serve, reconnect=True, probe=self._probe)
        self.config = PRODUCTION_CONFIG if remote_config is None else remote_config
        self._hooks = tuple(hooks)
        self._credentials = credentials
        self._looked_at = bool(hooks) or credentials is not None
        self._timeout = self.config.timeout
        self._max_waiters = self.config.max_waiters
        self._waiting = 0
        self._handlers: dict[int, RequestHandler] = {}
        self._calls: set[asyncio.Task[RemotingCommand]] = set()

    def __repr__(self) -> str:
        return (
            f"<AsyncRemote to {self.address}, {self.transport.current_state_name}, {self._waiting} waiting>"
        )

    @property
    def address(self) -> str:
        """The server as ``host:port``."""
        return self.transport.config.address

    @property
    def waiting(self) -> int:
        """Calls that have not ended."""
        return self._waiting

    # ---- calls ----

    async def invoke(self, request: RemotingCommand, timeout: float | None = None) -> RemotingCommand:
        """Send a request and wait for its answer, whatever the answer's code is.

        Args:
            request: with flag 0; it gets another number when its own is in use on the connection.
            timeout: seconds for all of it, connecting included; that of the settings by default.

        Raises:
            SerializationError: the request cannot be sent, for example because its flag makes it an answer.
            MaxWaitersExceededError: too many calls wait already.
            ConnectionError: no connection could be made, or it was lost before the answer came.
            BackPressureError: the server did not take earlier requests in time; this one was not sent.
            RpcTimeoutError: no answer came in time.
        """
        if request.flag & _ANY_FLAG:
            _refuse_flag(request.flag)
        if self._waiting >= self._max_waiters:
            self._refuse_more()
        if timeout is None:
            timeout = self._timeout
        self._waiting += 1
        try:
            if self._looked_at:
                return await self._invoke_with_hooks(request, timeout)
            connection = self.transport.ready_connection()
            if connection is None:
                return await self._ask(request, timeout)
            # The plain case without another coroutine around it: that would be a tenth of the whole call.
            begun = monotonic()
            trouble: ConnectionError | Connection = connection
            try:
                answer = await connection.request(request, timeout)
                if answer.code != _GO_AWAY:
                    return answer
            except ConnectionError as error:
                trouble = error
            try:
                return await self._ask(request, timeout, begun + timeout, trouble)
            finally:
                trouble = connection  # an error would have this frame in its trace
        finally:
            self._waiting -= 1

    async def invoke_oneway(self, request: RemotingCommand) -> None:
        """Send a request that the server does not answer, not even with an error; its flag becomes 2.

        It has left or is about to when this returns; whether it arrived is not known. Raises as ``invoke``.
        """
        request.flag = CommandFlag.ONEWAY
        self._prepare(request)
        connection = self.transport.ready_connection()
        if connection is None:
            connection = await self._connection(monotonic() + self._timeout, self._timeout)
        connection.oneway(request)

    def invoke_async(
        self, request: RemotingCommand, callback: Callback, timeout: float | None = None
    ) -> None:
        """Send a request and return at once; ``callback(answer, error)`` is called once, with one of the two.

        The callback is called on the event loop that the connection lives on, and must not block.
        """
        call = asyncio.get_running_loop().create_task(
            self.invoke(request, timeout), name=f"call {self.address}"
        )
        self._calls.add(call)

        def ended(call: asyncio.Task[RemotingCommand]) -> None:
            self._calls.discard(call)
            answer: RemotingCommand | None = None
            error: Exception | None = None
            if call.cancelled():
                error = ConnectionClosedError(
                    f"the call to {self.address} was cancelled, since its event loop ends",
                    address=self.address,
                    maybe_sent=True,
                )
            else:
                raised = call.exception()
                if raised is None:
                    answer = call.result()
                elif isinstance(raised, Exception):
                    error = raised
                else:
                    return  # KeyboardInterrupt and SystemExit end the loop, and nobody may stop them
            try:
                callback(answer, error)
            except Exception:
                logger.exception("the callback of a call to %s failed", self.address)

        call.add_done_callback(ended)

    def on_request(self, code: int, handler: RequestHandler) -> None:
        """Answer the server's own requests of one code with what ``handler(request)`` gives.

        The handler must not block; it may return an awaitable, or None for no answer. Without a handler such
        requests are answered with code 3.
        """
        self._handlers[code] = handler

    # ---- beginning and end ----

    async def connect(self) -> None:
        """Connect now instead of on first use; does nothing when it is connected."""
        await self.transport.connect()

    async def close(self) -> None:
        """Close the connection: calls that wait end with ConnectionClosedError; a new one connects again."""
        await self.transport.close()
        if self._calls:
            await asyncio.wait(tuple(self._calls), timeout=self.transport.config.close_timeout)

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

    def __await__(self) -> Generator[object, None, Self]:
        return self.__aenter__().__await__()

    # ---- one call ----

    async def _ask(
        self,
        request: RemotingCommand,
        timeout: float,
        end: float | None = None,
        trouble: ConnectionError | Connection | None = None,
    ) -> RemotingCommand:
        """All tries of a call, or those after the first: then ``trouble`` is how that one ended.

        It is an error, or the connection that answered that its server goes away.
        """
        if end is None:
            end = monotonic() + timeout
        connection = self.transport.ready_connection() if trouble is None else None
        tries = self.config.max_retries
        has_moved = False
        left = timeout
        while True:
            if isinstance(trouble, ConnectionError):
                # Only what did not leave is tried again: repeating anything else is the caller's choice.
                if tries == 0 or trouble.maybe_sent or not trouble.retryable or monotonic() >= end:
                    try:
                        raise trouble
                    finally:
                        trouble = None  # which has this frame in its trace
                tries -= 1
                connection = None
            elif trouble is not None:
                # The server has not carried it out: once more on another connection, under another number.
                has_moved = True
                self.transport.leave(trouble)
                request.opaque = next_opaque()
                connection = None
            try:
                if connection is None:
                    connection = await self._connection(end, timeout)
                    left = max(_LEAST_S, round(end - monotonic(), 3))
                answer = await connection.request(request, left)
            except ConnectionError as error:
                trouble = error
                continue
            if answer.code != _GO_AWAY or has_moved:
                return answer
            trouble = connection

    async def _invoke_with_hooks(self, request: RemotingCommand, timeout: float) -> RemotingCommand:
        self._prepare(request)
        try:
            answer = await self._ask(request, timeout)
        except BaseException as error:
            self._tell_hooks(request, None, error)
            raise
        self._tell_hooks(request, answer, None)
        return answer

    def _tell_hooks(
        self, request: RemotingCommand, answer: RemotingCommand | None, error: BaseException | None
    ) -> None:
        for hook in self._hooks:
            try:
                hook.after_response(self.address, request, answer, error)
            except Exception:
                logger.exception("a hook failed after request code %d", request.code)

    def _prepare(self, request: RemotingCommand) -> None:
        """What comes before sending; the signature is over everything, so it is the last."""
        for hook in self._hooks:
            hook.before_request(self.address, request)
        credentials = self._credentials
        if credentials is not None:
            sign_request(request, credentials() if callable(credentials) else credentials)

    async def _connection(self, end: float, timeout: float) -> Connection:
        """A connection that takes requests, before the deadline ``end``."""
        try:
            async with asyncio.timeout(max(0, end - monotonic())):
                await self.transport.connect()
                connection = self.transport.connection
                while not connection.can_write:
                    await connection.drain()
        except TimeoutError as error:
            if isinstance(error, ConnectionError):
                raise
            raise self._late(timeout) from error
        return connection

    def _refuse_more(self) -> None:
        raise MaxWaitersExceededError(
            f"{self._waiting:,} calls to {self.address} wait for their answers, max_waiters is "
            f"{self._max_waiters:,}; nothing was sent",
            advice="wait for answers before asking more, or raise max_waiters in the RemoteConfig",
            address=self.address,
        )

    def _late(self, timeout: float) -> BackPressureError | ConnectTimeoutError:
        connection = self.transport.connection if self.transport.is_connected else None
        if connection is not None and not connection.can_write:
            return BackPressureError(
                f"{self.address} did not take earlier requests within {timeout:g} s, this one was not sent",
                likely="the server is overloaded or stopped",
                advice="send less at a time, or raise the time-out",
                address=self.address,
            )
        return ConnectTimeoutError(
            f"no connection to {self.address} within the {timeout:g} s of this call, nothing was sent",
            advice="check the address, or raise the time-out",
            address=self.address,
        )

    def _probe(self) -> RemotingCommand:
        probe = make_probe()
        credentials = self._credentials
        if credentials is not None:
            sign_request(probe, credentials() if callable(credentials) else credentials)
        return probe

    # ---- requests of the server ----

    def _serve(
        self, _: Connection, request: RemotingCommand
    ) -> RemotingCommand | Awaitable[RemotingCommand | None] | None:
        handler = self._handlers.get(request.code)
        if handler is None:
            return RemotingCommand(
                ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
                remark=f"request code {request.code} is not served by this client",
                opaque=request.opaque,
            )
        return handler(request)


def _refuse_flag(flag: int) -> None:
    if flag & CommandFlag.RESPONSE:
        raise SerializationError(
            f"flag is {flag}, its bit 0 says that this is an answer: a broker drops it without a word, "
            "and the message in it is not stored",
            field="flag",
            likely="FlagType.RPC_ONEWAY is 1, which on the wire means an answer",
            advice="use flag 0 for a request, and invoke_oneway() for one that is not answered",
        )
    raise SerializationError(
        f"flag is {flag}, its bit 1 says that nobody waits for an answer",
        field="flag",
        advice="use invoke_oneway(), or flag 0 to wait for the answer",
    )
