"""Every exception of the package, in one tree.

    RocketMQError
     +-- ConfigurationError (ValueError)       a setting or an argument cannot be used
     +-- MissingExtraError (ImportError)       an optional package is needed and not installed
     +-- RemotingCommandError
     |    +-- SerializationError (ValueError)    a command cannot be put on the wire
     |    +-- DeserializationError (ValueError)  received bytes cannot be read; the stream goes on
     |    +-- ProtocolError                      the peer broke the framing; the connection must close
     +-- MessageError
          +-- InvalidMessageError (ValueError)   a message breaks a rule every broker enforces
          +-- MessageTooLargeError (ValueError)  a message is over a size limit
          +-- DecompressionError (ValueError)    a body cannot be unpacked

Each class has a stable ``code`` that the page docs/errors.md explains. ``retryable`` says whether the same
call may succeed later, ``maybe_sent`` whether the message may have been stored although the call failed.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "ConfigurationError",
    "DecompressionError",
    "DeserializationError",
    "InvalidMessageError",
    "MessageError",
    "MessageTooLargeError",
    "MissingExtraError",
    "ProtocolError",
    "RemotingCommandError",
    "RocketMQError",
    "SerializationError",
]


class RocketMQError(Exception):
    """Root of all errors of this package.

    Args:
        what: what failed, with the real value, size or kind and the limit.
        field: the field, setting or argument at fault, if it is one.
        likely: the probable cause, where it is not in ``what`` already.
        advice: what to do next.
    """

    code: ClassVar[str] = "X000"
    retryable: bool = False
    maybe_sent: bool = False

    def __init__(
        self, what: str, *, field: str | None = None, likely: str | None = None, advice: str | None = None
    ) -> None:
        self.what = what
        self.field = field
        self.likely = likely
        self.advice = advice
        super().__init__(what)

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.what}"]
        if self.likely:
            lines.append(f"  Likely: {self.likely}")
        if self.advice:
            lines.append(f"  Try:    {self.advice}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the class with ``args`` alone and lose the keyword fields.
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[RocketMQError], args: tuple[object, ...], state: dict[str, object]) -> RocketMQError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(RocketMQError, ValueError):
    """A setting or an argument cannot be used; ``field`` names it."""

    code = "G101"


class MissingExtraError(RocketMQError, ImportError):
    """An optional package is needed and not installed; ``advice`` is the pip command."""

    code = "G102"


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
