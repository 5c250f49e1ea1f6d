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

from .base import RocketMQError
from .messages import DecompressionError, InvalidMessageError, MessageError, MessageTooLargeError
from .remoting import DeserializationError, ProtocolError, RemotingCommandError, SerializationError
from .sending import (
    BatchSendError,
    HalfMessageError,
    ReplyTimeoutError,
    SendError,
    SendParts,
    SendTimeoutError,
    SendTry,
    Undelivered,
    UndeliveredError,
)
from .servers import (
    AclError,
    AdminError,
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    ClientOfflineError,
    GroupNotFoundError,
    InvalidRequestError,
    NameServerError,
    NoNameServerError,
    NoPermissionError,
    NotFoundError,
    RouteNotFoundError,
    ServerError,
    SubscriptionNotReadyError,
    TopicNotFoundError,
    UnsupportedRequestError,
)
from .storage import StoreDamagedError, StoreError, StoreFullError, StoreLockedError
from .transport import (
    BackPressureError,
    BrokerUnreachableError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    LoopClosedError,
    MaxWaitersExceededError,
    RemoteError,
    RpcTimeoutError,
    TlsError,
    TransportError,
    TransportStateError,
)
from .usage import (
    ClientClosedError,
    ConfigurationError,
    ForkedClientError,
    MissingExtraError,
    SubscriptionParseError,
)

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
    "SendParts",
    "SendTimeoutError",
    "SendTry",
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
    "Undelivered",
    "UndeliveredError",
    "UnsupportedRequestError",
]

# Tracebacks and pickles name an error as programs import it, wherever in here it is written.
for _name in __all__:
    globals()[_name].__module__ = __name__
