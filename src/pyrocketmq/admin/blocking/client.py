# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncAdminClient: the administration of whole clusters, blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.blocking.access import SyncAccessAdmin
from pyrocketmq.admin.blocking.cluster import SyncClusterAdmin
from pyrocketmq.admin.blocking.groups import SyncGroupAdmin
from pyrocketmq.admin.blocking.messages import SyncMessageAdmin
from pyrocketmq.admin.blocking.progress import SyncProgressAdmin
from pyrocketmq.admin.blocking.sending import SyncSendingAdmin
from pyrocketmq.admin.blocking.topics import SyncTopicAdmin
from pyrocketmq.admin.client import AdminClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyrocketmq.nameserver.sources import NameServerSource
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport.config import TransportConfig
    from pyrocketmq.transport.tls import TlsConfig

__all__ = ["SyncAdminClient"]


class SyncAdminClient(
    SyncTopicAdmin,
    SyncGroupAdmin,
    SyncProgressAdmin,
    SyncMessageAdmin,
    SyncSendingAdmin,
    SyncClusterAdmin,
    SyncAccessAdmin,
):
    """The blocking twin of AdminClient, for any number of threads.

    Args:
        namesrv_addr: ``a:9876;b:9876``, an iterable of addresses, the URL of an address service, a source, or
            None for the environment variable NAMESRV_ADDR.
        credentials: who signs the requests.
        address_map: where to connect in place of an announced ``host:port``: mapping or function.
        tls: TLS settings; None connects in plain TCP.
        timeout: seconds for one request to one server, connecting included.
        transport_config: further settings of the connections.
        hooks: called around each request.
    """

    def __init__(
        self,
        namesrv_addr: NameServerSource | str | Iterable[str] | None = None,
        *,
        credentials: CredentialsSource | None = None,
        address_map: Mapping[str, str] | Callable[[str], str] | None = None,
        tls: TlsConfig | None = None,
        timeout: float = 5.0,
        transport_config: TransportConfig | None = None,
        hooks: Sequence[RpcHook] = (),
    ) -> None:
        super().__init__(
            lambda: AdminClient(
                namesrv_addr,
                credentials=credentials,
                address_map=address_map,
                tls=tls,
                timeout=timeout,
                transport_config=transport_config,
                hooks=hooks,
            )
        )

    def close(self) -> None:
        """Close all connections; does nothing when they are closed. A later use opens them again."""
        self._call(AdminClient.close)
