# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncBrokerClient: all operations of one broker, blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.groups import SyncGroupCalls
from pyrocketmq.broker.blocking.membership import SyncMembershipCalls
from pyrocketmq.broker.blocking.offsets import SyncOffsetCalls
from pyrocketmq.broker.blocking.operating import SyncOperatingCalls
from pyrocketmq.broker.blocking.popping import SyncPoppingCalls
from pyrocketmq.broker.blocking.reading import SyncReadingCalls
from pyrocketmq.broker.blocking.sending import SyncSendingCalls
from pyrocketmq.broker.blocking.topics import SyncTopicCalls
from pyrocketmq.broker.blocking.users import SyncUserCalls
from pyrocketmq.broker.client import BrokerClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq.remote.async_remote import RequestHandler
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport.config import TransportConfig

__all__ = ["SyncBrokerClient"]


class SyncBrokerClient(
    SyncSendingCalls,
    SyncReadingCalls,
    SyncOffsetCalls,
    SyncPoppingCalls,
    SyncMembershipCalls,
    SyncGroupCalls,
    SyncTopicCalls,
    SyncOperatingCalls,
    SyncUserCalls,
):
    """The blocking twin of BrokerClient, for any number of threads.

    Callbacks and handlers run on the engine thread, so they must not block.

    Args:
        host: name or address of the broker.
        port: its port.
        broker_name: its name in routes; messages and queues in results are marked with it.
        transport_config: further settings of the connection; its host and port are not used.
        remote_config: time-out and other settings of requests.
        credentials: who signs the requests.
        hooks: called around each request.
    """

    def __init__(
        self,
        host: str,
        port: int = 10911,
        *,
        broker_name: str = "",
        transport_config: TransportConfig | None = None,
        remote_config: RemoteConfig | None = None,
        credentials: CredentialsSource | None = None,
        hooks: Sequence[RpcHook] = (),
    ) -> None:
        super().__init__(
            lambda: BrokerClient(
                host,
                port,
                broker_name=broker_name,
                transport_config=transport_config,
                remote_config=remote_config,
                credentials=credentials,
                hooks=hooks,
            )
        )

    @property
    def is_connected(self) -> bool:
        """True while the connection is open."""
        is_connected: bool = self._async.is_connected
        return is_connected

    def on_request(self, code: int, handler: RequestHandler) -> None:
        """Answer the broker's own requests of one code with what ``handler(request)`` gives."""
        self._keep(BrokerClient.on_request, code, handler)

    def connect(self) -> None:
        """Open the connection now; does nothing when it is open."""
        self._call(BrokerClient.connect)

    def close(self) -> None:
        """Close the connection; does nothing when it is closed, or belongs to somebody else."""
        self._call(BrokerClient.close)
