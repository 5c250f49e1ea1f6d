"""ConnectionPool: the blocking twin of AsyncConnectionPool."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyrocketmq.remote.engine import engine
from pyrocketmq.remote.face import SyncFace
from pyrocketmq.remote.pool import DEFAULT_MAX_SIZE, AsyncConnectionPool, Lease
from pyrocketmq.remote.sync_remote import SyncRemote

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pyrocketmq.remote.async_remote import AsyncRemote
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport import TransportConfig

__all__ = ["ConnectionPool"]


class ConnectionPool(SyncFace):
    """The blocking twin of AsyncConnectionPool, for any number of threads::

        with pool.get_connection() as remote:
            answer = remote.invoke(request)

    Args:
        transport_config: where to connect and how, or ``host:port``.
        remote_config: limits of the calls.
        max_size: connections at most; at its default ``pool_size`` of the ``remote_config`` counts.
        hooks: called around each request.
        credentials: who signs the requests, or a function that gives them.
    """

    def __init__(
        self,
        transport_config: TransportConfig | str,
        remote_config: RemoteConfig | None = None,
        max_size: int = DEFAULT_MAX_SIZE,
        *,
        hooks: Sequence[RpcHook] = (),
        credentials: CredentialsSource | None = None,
    ) -> None:
        super().__init__(
            lambda: AsyncConnectionPool(
                transport_config, remote_config, max_size, hooks=hooks, credentials=credentials
            )
        )

    @property
    def size(self) -> int:
        """Connections that were made so far and not closed."""
        size: int = self._async.size
        return size

    @contextmanager
    def get_connection(self) -> Generator[SyncRemote]:
        """A connection to use inside ``with``; others use it at the same time."""
        lease: Lease = self._run(AsyncConnectionPool.get_connection)
        remote: AsyncRemote = engine().call(lease.__aenter__)
        try:
            yield SyncRemote.over(remote)
        finally:
            engine().call(lease.__aexit__, None, None, None)

    def close(self) -> None:
        """Close all connections; calls that wait end with ConnectionClosedError."""
        self._call(AsyncConnectionPool.close)
