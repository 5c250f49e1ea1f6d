"""Every exception of the package, in one tree.

    RocketMQError
     +-- ConfigurationError (ValueError)       a setting or an argument cannot be used
     +-- MissingExtraError (ImportError)       an optional package is needed and not installed
     +-- ForkedClientError (RuntimeError)      a client of the parent process is used after a fork
     +-- ClientClosedError (RuntimeError)      a client was shut down, or lives on another event loop
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
     +-- SendError                          a message was not sent, whatever was tried
     |    +-- SendTimeoutError (TimeoutError)  not within its time-out
     +-- ReplyTimeoutError (TimeoutError)   no reply came to a request that was sent
     +-- HalfMessageError                   a transaction did not begin: its message was not confirmed
     +-- BatchSendError                     a part of a batch was not sent; the results say which
     +-- UndeliveredError                   submitted messages were not delivered
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
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = [
    "AclError",
    "AdminError",
    "BackPressureError",
    "BatchSendError",
    "BrokerBusyError",
    "BrokerError",
    "BrokerUnavailableError",
    "BrokerUnreachableError",
    "ClientClosedError",
    "ClientOfflineError",
    "ConfigurationError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "DecompressionError",
    "DeserializationError",
    "ForkedClientError",
    "GroupNotFoundError",
    "HalfMessageError",
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
    "ReplyTimeoutError",
    "RocketMQError",
    "RouteNotFoundError",
    "RpcTimeoutError",
    "SendError",
    "SendTimeoutError",
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
    "UndeliveredError",
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


class ForkedClientError(RocketMQError, RuntimeError):
    """A client that was started before a fork is used in the child, and was told not to start anew there."""

    code = "F501"


class ClientClosedError(RocketMQError, RuntimeError):
    """A client cannot be used: it was shut down, or it lives on another event loop."""

    code = "F502"


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


class SendTry(NamedTuple):
    """One try of a send that failed."""

    broker: str
    """Name of the broker."""
    address: str
    """Its address, as ``host:port``."""
    queue_id: int
    seconds: float
    """How long the try took."""
    error: RocketMQError
    """Why it failed."""

    @property
    def maybe_sent(self) -> bool:
        """True when the broker may have stored the message all the same."""
        return self.error.maybe_sent

    @property
    def outcome(self) -> str:
        """How it ended, in a few words."""
        error = self.error
        if isinstance(error, RpcTimeoutError):
            return f"did not answer within {self.seconds:.1f} s"
        if isinstance(error, ServerError):
            return f"answered {error.code_name}"
        if isinstance(error, BackPressureError):
            return f"took no more data for {self.seconds:.1f} s"
        if isinstance(error, ConnectionError):
            return "lost the connection" if error.maybe_sent else "could not be reached"
        return f"failed ({type(error).__name__})"


class SendParts(NamedTuple):
    """Where the time of a send went, in seconds."""

    queued: float = 0.0
    """Waiting in this client for room, or for an ordered send in front."""
    network: float = 0.0
    """Finding routes and making connections."""
    broker: float = 0.0
    """From a request's leaving to its answer, or to the end of its wait."""


class SendError(RocketMQError):
    """A message was not sent, or no broker confirmed it: every try that made sense failed.

    Args:
        topic: the topic of the message.
        tries: the tries, in their order.
        planned: how many tries were planned.
        elapsed: seconds that the send took.
        timeout: seconds that it might take.
        msg_id: the client's id of the message, by which a stored copy is found.
        keys: the keys of the message.
        parts: where the time went.
        last: what failed besides the tries, for example a missing route.
    """

    code = "S300"

    def __init__(
        self,
        what: str = "",
        *,
        topic: str = "",
        tries: tuple[SendTry, ...] = (),
        planned: int = 1,
        elapsed: float = 0.0,
        timeout: float = 0.0,
        msg_id: str | None = None,
        keys: str | None = None,
        parts: SendParts | None = None,
        last: RocketMQError | None = None,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.topic = topic
        self.tries = tries
        self.planned = planned
        self.elapsed = elapsed
        self.timeout = timeout
        self.msg_id = msg_id
        self.keys = keys
        self.parts = parts or SendParts()
        self.last = last
        self.maybe_sent = any(one.maybe_sent for one in tries)
        final = last or (tries[-1].error if tries else None)
        self.retryable = self.maybe_sent or (final is not None and final.retryable)
        super().__init__(
            what or self._describe(), field=field, likely=likely, advice=advice or self._advise()
        )

    @property
    def broker(self) -> str | None:
        """Name of the broker that was tried last."""
        return self.tries[-1].broker if self.tries else None

    @property
    def address(self) -> str | None:
        """Its address."""
        return self.tries[-1].address if self.tries else None

    @property
    def attempts(self) -> int:
        """How many tries there were."""
        return len(self.tries)

    def _describe(self) -> str:
        said = [
            f"{one.broker} ({one.address}) {one.outcome}" + (f", {count} times" if count > 1 else "")
            for one, count in _in_rows(self.tries)
        ]
        if self.last is not None:
            said.append(self.last.what)
        parts = self.parts
        text = f'topic "{self.topic}" after {self.elapsed:.1f} s of {self.timeout:g} s: '
        text += "; then ".join(said) or "no broker was tried"
        text += f". {self.attempts} tries (queued {parts.queued:.1f} s, network {parts.network:.1f} s, "
        text += f"broker {parts.broker:.1f} s)."
        if self.maybe_sent:
            number = next(at for at, one in enumerate(self.tries, 1) if one.maybe_sent)
            text += f"\n  Try {number} may have been stored: msg_id {self.msg_id}"
            text += f"; keys {self.keys}" if self.keys else ""
        else:
            text += "\n  Nothing was stored"
        return f"{text}. retryable={self.retryable} maybe_sent={self.maybe_sent}"

    def _advise(self) -> str | None:
        final = self.last or (self.tries[-1].error if self.tries else None)
        if self.maybe_sent:
            return "send it again if consumers can drop copies (same msg_id), or look for the msg_id"
        return final.advice if final is not None else None


class SendTimeoutError(SendError, TimeoutError):
    """A message was not sent within its time-out; ``tries`` has what happened meanwhile."""

    code = "S301"


class BatchSendError(RocketMQError):
    """A part of a batch was not sent, or no broker confirmed it; the rest is stored.

    Args:
        topic: the topic of the messages.
        results: for each message, in their order, its SendResult or why it has none.
    """

    code = "S302"

    def __init__(
        self,
        what: str = "",
        *,
        topic: str = "",
        results: tuple[Any, ...] = (),
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.topic = topic
        self.results = results
        errors = self.errors
        self.maybe_sent = any(error.maybe_sent for error in errors.values())
        self.retryable = bool(errors) and all(error.retryable for error in errors.values())
        first = next(iter(errors.values()), None)
        if not what:
            what = f'topic "{topic}": {len(errors):,} of {len(results):,} messages were not sent'
            if first is not None:
                what += f", the first because: {first.what}"
        advice = advice or "look at results, and send again those that have an error there"
        super().__init__(what, field=field, likely=likely, advice=advice)

    @property
    def errors(self) -> dict[int, RocketMQError]:
        """The errors, by the place of their message."""
        return {at: one for at, one in enumerate(self.results) if isinstance(one, RocketMQError)}


class Undelivered(NamedTuple):
    """A submitted message that was not delivered."""

    message: Any
    """The Message, with its unique id; made again from what was to be sent."""
    error: RocketMQError
    """Why it was not delivered; ``error.maybe_sent`` says whether it may be stored all the same."""


class UndeliveredError(RocketMQError):
    """Submitted messages without a callback were not delivered.

    Args:
        count: how many.
        failures: the first of them, at most a thousand.
    """

    code = "S303"

    def __init__(
        self,
        what: str = "",
        *,
        count: int = 0,
        failures: tuple[Undelivered, ...] = (),
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.count = count
        self.failures = failures
        self.maybe_sent = any(failure.error.maybe_sent for failure in failures)
        self.retryable = bool(failures) and all(failure.error.retryable for failure in failures)
        if not what:
            what = f"{count:,} submitted messages were not delivered"
            if failures:
                what += f", the first because: {failures[0].error.what}"
        advice = advice or "submit the messages in failures again, or give submit an on_delivery callback"
        super().__init__(what, field=field, likely=likely, advice=advice)

    def joined(self, other: UndeliveredError) -> UndeliveredError:
        """One error for both."""
        return UndeliveredError(count=self.count + other.count, failures=self.failures + other.failures)


def _in_rows(tries: tuple[SendTry, ...]) -> list[tuple[SendTry, int]]:
    """Tries that ended alike one after the other, as one with their number."""
    rows: list[tuple[SendTry, int]] = []
    for one in tries:
        if rows:
            last, count = rows[-1]
            if (last.broker, last.address, type(last.error)) == (one.broker, one.address, type(one.error)):
                rows[-1] = (one, count + 1)
                continue
        rows.append((one, 1))
    return rows


class ReplyTimeoutError(RocketMQError, TimeoutError):
    """No reply came to a request in time; the request itself is stored, and may be answered later."""

    code = "S310"
    retryable = True
    maybe_sent = True


class HalfMessageError(RocketMQError):
    """A transaction did not begin: the broker could not confirm a flush or copy of its half message.

    Nothing was done locally, and the half message is rolled back.
    """

    code = "S320"
    retryable = True


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
