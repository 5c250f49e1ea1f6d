"""The errors of commands, under the name that the founding API gives their module."""

from __future__ import annotations

from pyrocketmq.errors import DeserializationError, ProtocolError, RemotingCommandError, SerializationError

__all__ = ["DeserializationError", "ProtocolError", "RemotingCommandError", "SerializationError"]
