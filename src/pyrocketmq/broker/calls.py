"""The way of every request to a broker, on which the operations stand; knows none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pyrocketmq.broker.answers import broker_error
from pyrocketmq.model.enums import ResponseCode

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.json_body import JsonBody
    from pyrocketmq.remote.async_remote import AsyncRemote

    Body = TypeVar("Body", bound=JsonBody)

__all__ = ["BrokerCalls"]


class BrokerCalls:
    """What all operations share."""

    _remote: AsyncRemote
    _broker_name: str

    @property
    def broker_name(self) -> str:
        """Its name in routes, with which messages and queues in results are marked; "" if none was given."""
        return self._broker_name

    @property
    def address(self) -> str:
        """The broker as ``host:port``."""
        return self._remote.address

    async def invoke(self, request: RemotingCommand, *, timeout: float | None = None) -> RemotingCommand:
        """Send any request; the answer, whatever its code."""
        return await self._remote.invoke(request, timeout)

    async def _call(
        self, request: RemotingCommand, timeout: float | None, *, also: tuple[int, ...] = ()
    ) -> RemotingCommand:
        """Send a request whose answer has to be a success, or one of the codes in ``also``."""
        answer = await self._remote.invoke(request, timeout)
        if answer.code == ResponseCode.SUCCESS or answer.code in also:
            return answer
        raise broker_error(request, answer, self.address)

    async def _read(self, request: RemotingCommand, timeout: float | None, kind: type[Body]) -> Body:
        """Send a request whose answer has a body; one without it is an empty one."""
        answer = await self._call(request, timeout)
        return kind.decode(answer.body or b"{}")
