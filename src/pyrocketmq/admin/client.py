"""AdminClient: the administration of whole clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pyrocketmq.admin.access import AccessAdmin
from pyrocketmq.admin.cluster import ClusterAdmin
from pyrocketmq.admin.groups import GroupAdmin
from pyrocketmq.admin.messages import MessageAdmin
from pyrocketmq.admin.progress import ProgressAdmin
from pyrocketmq.admin.sending import SendingAdmin
from pyrocketmq.admin.topics import TopicAdmin
from pyrocketmq.nameserver.servers import NameServers
from pyrocketmq.remote.config import PRODUCTION_CONFIG
from pyrocketmq.transport.config import TransportConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from pyrocketmq.nameserver.sources import NameServerSource
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport.tls import TlsConfig

__all__ = ["AdminClient"]


class AdminClient(
    TopicAdmin, GroupAdmin, ProgressAdmin, MessageAdmin, SendingAdmin, ClusterAdmin, AccessAdmin
):
    """What operators do with clusters. It connects on first use; ``async with`` or ``close`` ends it.

    An operation that concerns several brokers goes to all of them at once. When it fails on some, the
    AdminError has the reason of each and says where it was carried out. With one broker its own error is
    raised.

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
        config = transport_config or TransportConfig()
        if address_map is not None:
            config = config.replace(address_map=address_map)
        if tls is not None:
            config = config.replace(tls=tls)
        self._transport_config = config
        self._remote_config = PRODUCTION_CONFIG.copy(timeout=timeout)
        self._credentials = credentials
        self._hooks = tuple(hooks)
        self._brokers = {}
        self._name_servers = NameServers(
            namesrv_addr,
            transport_config=config,
            remote_config=self._remote_config,
            credentials=credentials,
            hooks=hooks,
            timeout=timeout,
        )

    def __repr__(self) -> str:
        return f"<AdminClient over {self._name_servers!r}, {len(self._brokers)} brokers in use>"

    async def close(self) -> None:
        """Close all connections; does nothing when they are closed. A later use opens them again."""
        brokers, self._brokers = self._brokers, {}
        await self._gather([client.close() for client in brokers.values()])
        await self._name_servers.close()

    async def __aenter__(self) -> Self:
        await self._name_servers.refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
