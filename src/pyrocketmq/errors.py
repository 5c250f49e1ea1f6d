"""Every exception of the package, in one tree.

    RocketMQError
     +-- ConfigurationError (ValueError)       a setting or an argument cannot be used
     +-- MissingExtraError (ImportError)       an optional package is needed and not installed
     +-- RemotingCommandError
     |    +-- SerializationError (ValueError)    a command cannot be put on the wire
     |    +-- DeserializationError (ValueError)  received bytes cannot be read; the stream goes on
     |    +-- ProtocolError                      the peer broke the framing; the connection must close
     +-- TransportError
     |    +-- ConnectionError (the built-in one)    a connection cannot be made
     |    |    +-- ConnectionClosedError              it was closed, or is lost
     |    |    +-- ConnectTimeoutError (TimeoutError)
     |    |    +-- TlsError                           the handshake failed
     |    +-- BackPressureError                     the peer takes data too slowly; nothing was sent
     |    +-- TransportStateError (RuntimeError)    a transport cannot do this in its state
     |    +-- RemoteError                           a request has no answer
     |         +-- RpcTimeoutError (TimeoutError)      none came in time; the request was sent
     |         +-- MaxWaitersExceededError             too many wait already; also a BackPressureError
     +-- SubscriptionParseError (ValueError)   the expression of a subscription cannot be read
     +-- MessageError
     |    +-- InvalidMessageError (ValueError)   a message breaks a rule every broker enforces
     |    +-- MessageTooLargeError (ValueError)  a message is over a size limit
     |    +-- DecompressionError (ValueError)    a body cannot be unpacked
     +-- StoreError                              the embedded broker's storage refuses or has failed
          +-- StoreFullError                     the disk or its quota is full; later writes may work
          +-- StoreDamagedError                  a data file is not what was written
          +-- StoreLockedError                   another process owns the data folder

Each class has a stable ``code`` that the page docs/errors.md explains. ``retryable`` says whether the same
call may succeed later, ``maybe_sent`` whether the message may have been stored although the call failed.
"""

from __future__ import annotations

import builtins
from typing import Any, ClassVar

__all__ = [
    "BackPressureError",
    "ConfigurationError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "DecompressionError",
    "DeserializationError",
    "InvalidMessageError",
    "MaxWaitersExceededError",
    "MessageError",
    "MessageTooLargeError",
    "MissingExtraError",
    "ProtocolError",
    "RemoteError",
    "RemotingCommandError",
    "RocketMQError",
    "RpcTimeoutError",
    "SerializationError",
    "StoreDamagedError",
    "StoreError",
    "StoreFullError",
    "StoreLockedError",
    "SubscriptionParseError",
    "TlsError",
    "TransportError",
    "TransportStateError",
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


class TransportError(RocketMQError):
    """Something between this program and a server failed.

    Args:
        address: the server, as ``host:port``.
        maybe_sent: whether the peer may have got the request; None keeps what the class says.
    """

    code = "C200"
    retryable = True

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        address: str | None = None,
        maybe_sent: bool | None = None,
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.address = address
        if maybe_sent is not None:
            self.maybe_sent = maybe_sent


class ConnectionError(TransportError, builtins.ConnectionError):  # noqa: A001
    """A connection cannot be made; it is the built-in ConnectionError too."""

    code = "C201"


class ConnectionClosedError(ConnectionError):
    """A connection was closed or is lost; ``maybe_sent`` says whether the peer may have got the request."""

    code = "C202"


class ConnectTimeoutError(ConnectionError, TimeoutError):
    """No connection was made within ``connect_timeout``."""

    code = "C203"


class TlsError(ConnectionError):
    """The TLS handshake failed; trying again without a change fails in the same way."""

    code = "C205"
    retryable = False


class BackPressureError(TransportError):
    """The peer takes data more slowly than it is given; nothing of this request was sent."""

    code = "C206"


class TransportStateError(TransportError, RuntimeError):
    """A transport cannot do this in the state that it is in."""

    code = "C207"
    retryable = False


class RemoteError(TransportError):
    """A request has no answer."""

    code = "C210"


class RpcTimeoutError(RemoteError, TimeoutError):
    """No answer came within the time-out; the request was sent and may have been carried out."""

    code = "C208"
    maybe_sent = True


class MaxWaitersExceededError(RemoteError, BackPressureError):
    """As many requests wait for an answer as may; nothing of this one was sent."""

    code = "C211"


class SubscriptionParseError(RocketMQError, ValueError):
    """The expression of a subscription cannot be read.

    Args:
        position: the character at fault, counted from 1; None if it is no single one.
    """

    code = "F601"

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.position = position


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


class StoreError(RocketMQError):
    """The storage of the embedded broker refuses, or has failed and takes no more messages."""

    code = "S600"


class StoreFullError(StoreError):
    """There is no space for what should be stored; nothing of it was acknowledged."""

    code = "S601"
    retryable = True


class StoreDamagedError(StoreError):
    """A data file is not what was written; ``what`` names the file and the place."""

    code = "S602"


class StoreLockedError(StoreError):
    """Another process owns the data folder; ``what`` has its id."""

    code = "S603"
