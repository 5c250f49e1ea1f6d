"""Functions that make remotes, under the names of the founding API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.remote.config import PRODUCTION_CONFIG
from pyrocketmq.remote.lane import DirectRemote
from pyrocketmq.remote.sync_remote import SyncRemote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport import TransportConfig

__all__ = ["create_async_remote", "create_sync_remote"]


def create_async_remote(
    transport_config: TransportConfig | str,
    remote_config: RemoteConfig | None = None,
    *,
    hooks: Sequence[RpcHook] = (),
    credentials: CredentialsSource | None = None,
) -> AsyncRemote:
    """A remote that is usable at once and connects on first use; awaiting it connects it and gives it.

    Args:
        transport_config: where to connect and how, or ``host:port``.
        remote_config: limits of its calls.
        hooks: called around each request.
        credentials: who signs the requests, or a function that gives them.
    """
    return AsyncRemote(transport_config, remote_config, hooks=hooks, credentials=credentials)


def create_sync_remote(
    transport_config: TransportConfig | str,
    remote_config: RemoteConfig | None = None,
    *,
    hooks: Sequence[RpcHook] = (),
    credentials: CredentialsSource | None = None,
) -> SyncRemote:
    """A remote whose calls block, for any number of threads; it connects on first use, or by ``with``.

    Args:
        transport_config: where to connect and how, or ``host:port``.
        remote_config: limits of its calls; with ``direct_lane`` each thread has a connection of its own.
        hooks: called around each request, on the engine thread.
        credentials: who signs the requests, or a function that gives them.
    """
    direct = (PRODUCTION_CONFIG if remote_config is None else remote_config).direct_lane
    kind = DirectRemote if direct else SyncRemote
    return kind(transport_config, remote_config, hooks=hooks, credentials=credentials)
