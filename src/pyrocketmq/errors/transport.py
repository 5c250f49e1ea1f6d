"""Errors between this program and a server: connections, and requests without an answer. They do not know
what was asked.
"""

from __future__ import annotations

import builtins

from .base import RocketMQError


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
