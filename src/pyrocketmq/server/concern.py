"""What every part of a broker has in common. The package's docstring tells how a part plugs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.connection import Connection
    from pyrocketmq.server.call import Handler

__all__ = ["Concern"]


class Concern:
    """One part of a broker. All it does happens on the event loop of the server."""

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes it serves."""
        return {}

    async def start(self) -> None:
        """Called once, before the broker takes its first request, in the order in which parts were added."""

    async def stop(self) -> None:
        """Called once, while the store is still open, in the opposite order. It must not wait for clients."""

    def connection_lost(self, connection: Connection) -> None:
        """Called when a client's connection is gone."""
