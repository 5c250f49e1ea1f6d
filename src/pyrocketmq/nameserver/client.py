"""NameServerClient: all operations of one name server, on one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pyrocketmq.nameserver.calls import NameServerChanges, NameServerQueries
from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.transport.config import TransportConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook

__all__ = ["NameServerClient"]


class NameServerClient(NameServerQueries, NameServerChanges):
    """The operations of one name server. It connects on first use; ``async with`` or ``close`` ends it.

    Every method takes ``timeout``: seconds for this one call, by default that of the settings. A 4.9 name
    server does not answer requests that it does not know, so these end with RpcTimeoutError there.

    Args:
        host: name or address of the server.
        port: its port.
        transport_config: further settings of the connection; its host and port are not used.
        remote_config: time-out and other settings of requests.
        credentials: who signs the requests.
        hooks: called around each request.
    """

    def __init__(
        self,
        host: str,
        port: int = 9876,
        *,
        transport_config: TransportConfig | None = None,
        remote_config: RemoteConfig | None = None,
        credentials: CredentialsSource | None = None,
        hooks: Sequence[RpcHook] = (),
    ) -> None:
        config = (transport_config or TransportConfig()).replace(host=host, port=port)
        self._remote = AsyncRemote(config, remote_config, hooks=hooks, credentials=credentials)
        self._address = config.address

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._address}, {self._remote.transport.current_state_name}>"

    @property
    def address(self) -> str:
        """The server as ``host:port``."""
        return self._address

    @property
    def is_connected(self) -> bool:
        """True while the connection is open."""
        return self._remote.transport.is_connected

    async def connect(self) -> None:
        """Open the connection now; does nothing when it is open."""
        await self._remote.connect()

    async def close(self) -> None:
        """Close the connection; does nothing when it is closed."""
        await self._remote.close()

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def invoke(self, request: RemotingCommand, *, timeout: float | None = None) -> RemotingCommand:
        """Send any request; the answer, whatever its code."""
        return await self._remote.invoke(request, timeout)

    async def _ask(self, request: RemotingCommand, timeout: float | None) -> tuple[RemotingCommand, str]:
        return await self._remote.invoke(request, timeout), self._address
