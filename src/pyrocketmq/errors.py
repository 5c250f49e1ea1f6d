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
     |    |    |    +-- LoopClosedError                    the event loop it lives on was closed
     |    |    +-- ConnectTimeoutError (TimeoutError)
     |    |    +-- BrokerUnreachableError             the address that a broker announces
     |    |    +-- TlsError                           the handshake failed
     |    +-- BackPressureError                     the peer takes data too slowly; nothing was sent
     |    +-- TransportStateError (RuntimeError)    a transport cannot do this in its state
     |    +-- RemoteError                           a request has no answer
     |         +-- RpcTimeoutError (TimeoutError)      none came in time; the request was sent
     |         +-- MaxWaitersExceededError             too many wait already; also a BackPressureError
     +-- ServerError                        a server answered that it does not do what was asked
     |    +-- BrokerError                      a broker did
     |    |    +-- BrokerBusyError                it has too much to do; later, or another broker
     |    |    +-- BrokerUnavailableError         it takes no requests: closing, a slave, its disk is full
     |    |    +-- TopicNotFoundError             it has no such topic
     |    |    +-- GroupNotFoundError             it has no such group
     |    |    +-- ClientOfflineError             no client of the group, or not this one, is connected to it
     |    |    +-- NotFoundError                  it has no such message, user or rule
     |    |    +-- NoPermissionError              topic or broker may not be read or written
     |    |    +-- AclError                       the access key is unknown, wrong or without the right
     |    |    +-- InvalidRequestError (ValueError)  an argument is not one it takes
     |    |    +-- SubscriptionNotReadyError      it knows no subscription yet; a heartbeat helps
     |    |    +-- UnsupportedRequestError        its release does not know the request
     |    +-- NameServerError                  a name server did
     |         +-- RouteNotFoundError             no name server knows the topic
     +-- NoNameServerError                  no name server could be asked
     +-- AdminError                         an operation on several servers failed on some of them
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
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AclError",
    "AdminError",
    "BackPressureError",
    "BrokerBusyError",
    "BrokerError",
    "BrokerUnavailableError",
    "BrokerUnreachableError",
    "ClientOfflineError",
    "ConfigurationError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "DecompressionError",
    "DeserializationError",
    "GroupNotFoundError",
    "InvalidMessageError",
    "InvalidRequestError",
    "LoopClosedError",
    "MaxWaitersExceededError",
    "MessageError",
    "MessageTooLargeError",
    "MissingExtraError",
    "NameServerError",
    "NoNameServerError",
    "NoPermissionError",
    "NotFoundError",
    "ProtocolError",
    "RemoteError",
    "RemotingCommandError",
    "RocketMQError",
    "RouteNotFoundError",
    "RpcTimeoutError",
    "SerializationError",
    "ServerError",
    "StoreDamagedError",
    "StoreError",
    "StoreFullError",
    "StoreLockedError",
    "SubscriptionNotReadyError",
    "SubscriptionParseError",
    "TlsError",
    "TopicNotFoundError",
    "TransportError",
    "TransportStateError",
    "UnsupportedRequestError",
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


class BrokerUnreachableError(ConnectionError):
    """The address that a broker announces cannot be reached from here; ``advice`` has an ``address_map``."""

    code = "C204"


class TlsError(ConnectionError):
    """The TLS handshake failed; trying again without a change fails in the same way."""

    code = "C205"
    retryable = False


class LoopClosedError(ConnectionClosedError):
    """The event loop of a connection was closed while a request waited for its answer."""

    code = "C209"
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


class ServerError(RocketMQError):
    """A server answered that it does not do what was asked.

    Args:
        response_code: the number that it answered.
        code_name: its name, for example ``SYSTEM_BUSY``.
        remark: the server's own words.
        request: name of the request, for example ``SEND_MESSAGE_V2``.
        address: the server, as ``host:port``.
        topic: the topic of the request, if it has one.
        group: the group of the request, if it has one.
        retryable: None keeps what the class says.
    """

    code = "B500"
    server: ClassVar[str] = "server"

    def __init__(
        self,
        what: str = "",
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        response_code: int = 1,
        code_name: str = "SYSTEM_ERROR",
        remark: str | None = None,
        request: str = "",
        address: str | None = None,
        topic: str | None = None,
        group: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        self.response_code = response_code
        self.code_name = code_name
        self.remark = remark
        self.request = request
        self.address = address
        self.topic = topic
        self.group = group
        if retryable is not None:
            self.retryable = retryable
        super().__init__(what or self._describe(), field=field, likely=likely, advice=advice)

    def _describe(self) -> str:
        text = f"{self.server} {self.address or '(unknown address)'} answered {self.code_name}"
        text += f" ({self.response_code})"
        if self.request:
            text += f" to {self.request}"
        about = [
            f"{name} {value!r}" for name, value in (("topic", self.topic), ("group", self.group)) if value
        ]
        if about:
            text += f" for {', '.join(about)}"
        return f"{text}: {self.remark}" if self.remark else text


class BrokerError(ServerError):
    """A broker answered that it does not do what was asked; its subclasses say what the caller can do."""

    code = "B501"
    server = "broker"


class BrokerBusyError(BrokerError):
    """A broker has too much to do at the moment; try later, or another broker."""

    code = "B502"
    retryable = True


class BrokerUnavailableError(BrokerError):
    """A broker takes no such requests now: it is closing or a slave, or its disk is full."""

    code = "B503"
    retryable = True


class TopicNotFoundError(BrokerError):
    """A broker has no such topic, and does not create it by itself."""

    code = "B504"


class GroupNotFoundError(BrokerError):
    """A broker has no such group, and does not create it by itself."""

    code = "B505"


class ClientOfflineError(BrokerError):
    """No client of the group, or not the one that was asked for, is connected to a broker."""

    code = "B506"
    retryable = True


class NotFoundError(BrokerError):
    """A broker has no such message, offset, user or rule."""

    code = "B507"


class NoPermissionError(BrokerError):
    """A topic, a group or a broker may not be read or written, whoever asks."""

    code = "B508"


class AclError(BrokerError):
    """Access control refuses: the access key is unknown, its signature wrong, or it lacks the right."""

    code = "A601"


class InvalidRequestError(BrokerError, ValueError):
    """A broker does not take an argument of the request; ``remark`` says which."""

    code = "B509"


class SubscriptionNotReadyError(BrokerError):
    """A broker does not know the subscription yet, or an older one; it does after a heartbeat."""

    code = "B510"
    retryable = True


class UnsupportedRequestError(BrokerError):
    """A broker does not know this kind of request; its release is too old, or the port is another."""

    code = "B511"


class NameServerError(ServerError):
    """A name server answered that it does not do what was asked."""

    code = "R100"
    server = "name server"


class RouteNotFoundError(NameServerError):
    """No name server knows on which brokers the topic is."""

    code = "R101"


class NoNameServerError(RocketMQError):
    """No name server could be asked: the list is empty, or none of it answered.

    Args:
        failures: why each of them could not be asked, by address.
    """

    code = "R102"
    retryable = True

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        failures: Mapping[str, RocketMQError] | None = None,
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.failures = dict(failures or {})


class AdminError(RocketMQError):
    """An operation on several servers failed on some of them, or cannot be carried out.

    Args:
        failures: why it failed, by address of the server.
        done: the addresses where it was carried out.
    """

    code = "O701"

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        failures: Mapping[str, RocketMQError] | None = None,
        done: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.failures = dict(failures or {})
        self.done = done
        self.retryable = bool(self.failures) and all(error.retryable for error in self.failures.values())


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
