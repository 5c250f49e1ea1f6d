"""Errors of the bytes of a command, whichever way they go. They know no connection."""

from __future__ import annotations

from .base import RocketMQError


class RemotingCommandError(RocketMQError):
    """A command cannot be encoded or decoded."""

    code = "P200"


class SerializationError(RemotingCommandError, ValueError):
    """A command cannot be put on the wire; nothing was written."""

    code = "P201"


class DeserializationError(RemotingCommandError, ValueError):
    """Received bytes cannot be read as what they should be; the stream itself is still in step."""

    code = "P202"


class ProtocolError(RemotingCommandError):
    """The peer broke the framing, so nothing after it can be trusted; the connection must close."""

    code = "P203"
