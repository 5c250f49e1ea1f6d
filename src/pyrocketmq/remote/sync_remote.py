# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncRemote: calls to one server that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.remote.face import SyncFace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.remote.async_remote import Callback, RequestHandler
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport import AsyncTcpTransport, TransportConfig

__all__ = ["SyncRemote"]


class SyncRemote(SyncFace):
    """The blocking twin of AsyncRemote, for any number of threads.

    Callbacks and handlers run on the engine thread, so they must not block.

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
        super().__init__(
            lambda: AsyncRemote(transport_config, remote_config, hooks=hooks, credentials=credentials)
        )

    @property
    def transport(self) -> AsyncTcpTransport:
        """The transport; it belongs to the engine thread, so look at its states only."""
        transport: AsyncTcpTransport = self._async.transport
        return transport

    @property
    def config(self) -> RemoteConfig:
        """Limits of its calls."""
        config: RemoteConfig = self._async.config
        return config

    @property
    def address(self) -> str:
        """The server as ``host:port``."""
        address: str = self._async.address
        return address

    @property
    def waiting(self) -> int:
        """Calls that have not ended."""
        waiting: int = self._async.waiting
        return waiting

    def invoke(self, request: RemotingCommand, timeout: float | None = None) -> RemotingCommand:
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
        return self._call(AsyncRemote.invoke, request, timeout)

    def invoke_oneway(self, request: RemotingCommand) -> None:
        """Send a request that the server does not answer, not even with an error; its flag becomes 2.

        It has left or is about to when this returns; whether it arrived is not known. Raises as ``invoke``.
        """
        self._call(AsyncRemote.invoke_oneway, request)

    def invoke_async(
        self, request: RemotingCommand, callback: Callback, timeout: float | None = None
    ) -> None:
        """Send a request and return at once; ``callback(answer, error)`` is called once, with one of the two.

        The callback is called on the event loop that the connection lives on, and must not block.
        """
        self._run(AsyncRemote.invoke_async, request, callback, timeout)

    def on_request(self, code: int, handler: RequestHandler) -> None:
        """Answer the server's own requests of one code with what ``handler(request)`` gives.

        The handler must not block; it may return an awaitable, or None for no answer. Without a handler such
        requests are answered with code 3.
        """
        self._keep(AsyncRemote.on_request, code, handler)

    def connect(self) -> None:
        """Connect now instead of on first use; does nothing when it is connected."""
        self._call(AsyncRemote.connect)

    def close(self) -> None:
        """Close the connection: calls that wait end with ConnectionClosedError; a new one connects again."""
        self._call(AsyncRemote.close)
