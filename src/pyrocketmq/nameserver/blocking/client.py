# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncNameServerClient: all operations of one name server, blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.nameserver.blocking.calls import SyncNameServerChanges, SyncNameServerQueries
from pyrocketmq.nameserver.client import NameServerClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport.config import TransportConfig

__all__ = ["SyncNameServerClient"]


class SyncNameServerClient(SyncNameServerQueries, SyncNameServerChanges):
    """The blocking twin of NameServerClient, for any number of threads.

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
        super().__init__(
            lambda: NameServerClient(
                host,
                port,
                transport_config=transport_config,
                remote_config=remote_config,
                credentials=credentials,
                hooks=hooks,
            )
        )

    @property
    def address(self) -> str:
        """The server as ``host:port``."""
        address: str = self._async.address
        return address

    @property
    def is_connected(self) -> bool:
        """True while the connection is open."""
        is_connected: bool = self._async.is_connected
        return is_connected

    def connect(self) -> None:
        """Open the connection now; does nothing when it is open."""
        self._call(NameServerClient.connect)

    def close(self) -> None:
        """Close the connection; does nothing when it is closed."""
        self._call(NameServerClient.close)

    def invoke(self, request: RemotingCommand, *, timeout: float | None = None) -> RemotingCommand:
        """Send any request; the answer, whatever its code."""
        return self._call(NameServerClient.invoke, request, timeout=timeout)
