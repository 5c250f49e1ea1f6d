"""Pools of connections to one server, which are shared: there is never one for each request in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from pyrocketmq.errors import ConfigurationError, ConnectionClosedError
from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.remote.config import PRODUCTION_CONFIG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport import TransportConfig

__all__ = ["AsyncConnectionPool", "Lease"]

DEFAULT_MAX_SIZE: Final = 5
_BUSY: Final = 256  # users of one connection before another is opened; sharing costs nothing below that


class AsyncConnectionPool:
    """A few connections to one server, shared by all who ask::

        async with pool.get_connection() as remote:
            answer = await remote.invoke(request)

    Connections are opened by need: the second when the first has hundreds of users at once, and so on.

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
        if max_size < 1:
            raise ConfigurationError(
                f"max_size is {max_size!r}, it must be at least 1 connection",
                field="max_size",
                advice="leave it at 5; one connection carries thousands of requests at once",
            )
        self._transport_config = transport_config
        self._remote_config = PRODUCTION_CONFIG if remote_config is None else remote_config
        self._max_size = self._remote_config.pool_size if max_size == DEFAULT_MAX_SIZE else max_size
        self._hooks = tuple(hooks)
        self._credentials = credentials
        self._leases: dict[AsyncRemote, int] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"<AsyncConnectionPool, {self.size} of {self._max_size} connections>"

    @property
    def size(self) -> int:
        """Connections that were made so far and not closed."""
        return len(self._leases)

    def get_connection(self) -> Lease:
        """A connection to use inside ``async with``; others use it at the same time."""
        return Lease(self)

    async def close(self) -> None:
        """Close all connections; calls that wait end with ConnectionClosedError."""
        self._closed = True
        remotes, self._leases = tuple(self._leases), {}
        for remote in remotes:
            await remote.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _take(self) -> AsyncRemote:
        if self._closed:
            raise ConnectionClosedError(
                "the pool is closed, nothing was sent", advice="make a new pool, or close it later"
            )
        best = min(self._leases, key=self._load, default=None)
        if best is None or (self._load(best) >= _BUSY and self.size < self._max_size):
            best = AsyncRemote(
                self._transport_config,
                self._remote_config,
                hooks=self._hooks,
                credentials=self._credentials,
            )
            self._leases[best] = 0
        self._leases[best] += 1
        return best

    def _give_back(self, remote: AsyncRemote) -> None:
        if remote in self._leases:  # not when the pool was closed meanwhile
            self._leases[remote] -= 1

    def _load(self, remote: AsyncRemote) -> int:
        return max(self._leases[remote], remote.waiting)


class Lease:
    """The use of a pooled connection, from entering it to leaving it."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._remotes: list[AsyncRemote] = []

    async def __aenter__(self) -> AsyncRemote:
        remote = self._pool._take()
        self._remotes.append(remote)
        return remote

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool._give_back(self._remotes.pop())
