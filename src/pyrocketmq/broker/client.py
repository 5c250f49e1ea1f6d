"""BrokerClient: all operations of one broker, on one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pyrocketmq.broker.groups import GroupCalls
from pyrocketmq.broker.membership import MembershipCalls
from pyrocketmq.broker.offsets import OffsetCalls
from pyrocketmq.broker.operating import OperatingCalls
from pyrocketmq.broker.popping import PoppingCalls
from pyrocketmq.broker.reading import ReadingCalls
from pyrocketmq.broker.sending import SendingCalls
from pyrocketmq.broker.topics import TopicCalls
from pyrocketmq.broker.users import UserCalls
from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.transport.config import TransportConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from pyrocketmq.remote.async_remote import RequestHandler
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook

__all__ = ["BrokerClient"]


class BrokerClient(
    SendingCalls,
    ReadingCalls,
    OffsetCalls,
    PoppingCalls,
    MembershipCalls,
    GroupCalls,
    TopicCalls,
    OperatingCalls,
    UserCalls,
):
    """The operations of one broker. It connects on first use; ``async with`` or ``close`` ends it.

    Every method takes ``timeout``: seconds for this one call, by default that of the settings. A call is
    tried once; a refusal is a BrokerError whose class says what can be done.

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
        config = (transport_config or TransportConfig()).replace(host=host, port=port)
        if broker_name:
            config = config.replace(announced_as=broker_name)
        self._remote = AsyncRemote(config, remote_config, hooks=hooks, credentials=credentials)
        self._owned = True
        self._broker_name = broker_name

    @classmethod
    def over(cls, remote: AsyncRemote, *, broker_name: str = "") -> Self:
        """The same operations on a connection that somebody else owns and closes."""
        client = cls.__new__(cls)
        client._remote = remote
        client._owned = False
        client._broker_name = broker_name
        return client

    def __repr__(self) -> str:
        name = f"{self.broker_name} " if self.broker_name else ""
        return f"<{type(self).__name__} of {name}{self.address}, {self._remote.transport.current_state_name}>"

    @property
    def is_connected(self) -> bool:
        """True while the connection is open."""
        return self._remote.transport.is_connected

    def on_request(
        self,
        code: int,
        handler: RequestHandler,
    ) -> None:
        """Answer the broker's own requests of one code with what ``handler(request)`` gives."""
        self._remote.on_request(code, handler)

    async def connect(self) -> None:
        """Open the connection now; does nothing when it is open."""
        await self._remote.connect()

    async def close(self) -> None:
        """Close the connection; does nothing when it is closed, or belongs to somebody else."""
        if self._owned:
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
