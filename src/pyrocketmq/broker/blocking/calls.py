# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncBrokerCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.remote.face import SyncFace

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand

__all__ = ["SyncBrokerCalls"]


class SyncBrokerCalls(SyncFace):
    """The blocking twin of BrokerCalls, for any number of threads."""

    @property
    def broker_name(self) -> str:
        """Its name in routes, with which messages and queues in results are marked; "" if none was given."""
        broker_name: str = self._async.broker_name
        return broker_name

    @property
    def address(self) -> str:
        """The broker as ``host:port``."""
        address: str = self._async.address
        return address

    def invoke(self, request: RemotingCommand, *, timeout: float | None = None) -> RemotingCommand:
        """Send any request; the answer, whatever its code."""
        return self._call(BrokerCalls.invoke, request, timeout=timeout)
