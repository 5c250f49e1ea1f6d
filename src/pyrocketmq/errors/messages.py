"""Errors of one message: its size, its parts, its compressed body."""

from __future__ import annotations

from .base import RocketMQError


class MessageError(RocketMQError):
    """A message cannot be sent or read."""

    code = "M400"


class MessageTooLargeError(MessageError, ValueError):
    """A message is over a size limit; ``what`` has the size and the limit."""

    code = "M401"


class InvalidMessageError(MessageError, ValueError):
    """A message breaks a rule that every broker enforces; ``field`` names the part at fault."""

    code = "M402"


class DecompressionError(MessageError, ValueError):
    """A compressed body cannot be unpacked, or would be larger than allowed."""

    code = "M403"
