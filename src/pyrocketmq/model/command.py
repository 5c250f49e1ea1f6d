"""RemotingCommand, the unit of every conversation with a server."""

from __future__ import annotations

from pyrocketmq._native.command import RemotingCommand

__all__ = ["RemotingCommand"]
