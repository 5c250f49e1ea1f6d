"""Makes a client's connections and hears how they fare. Knows nothing of messages."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import zmq
from zmq.utils.monitor import parse_monitor_message

from flaxfile.errors import ConnectError, FlaxError
from flaxfile.protocol.messages import MAX_MESSAGE
from flaxfile.security.monitor import HandshakeJudge

if TYPE_CHECKING:
    from flaxfile.reactor import Reactor
    from flaxfile.security import Identity

__all__ = ["Dialer"]

PATIENCE: Final = 2.0
"""Seconds for which a server that refuses connections is tried: it may be starting."""
EVENTS: Final = (
    zmq.Event.CONNECTED
    | zmq.Event.CLOSED
    | zmq.Event.DISCONNECTED
    | zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_AUTH
    | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
    | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
)


class Dialer:
    """All connections of one link.

    Args:
        host: of the server.
        port: of the server.
        identity: keys, None for plain connections.
    """

    def __init__(self, host: str, port: int, identity: Identity | None) -> None:
        self.address = f"{host}:{port}"
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1 if identity is None else 2)
        self._endpoint = f"tcp://[{host.strip('[]')}]:{port}" if ":" in host else f"tcp://{self.address}"
        self._identity = identity
        self._judge = HandshakeJudge(self.address, encrypted=identity is not None)
        self._monitors: list[zmq.Socket[bytes]] = []

    def __len__(self) -> int:
        return len(self._monitors)

    def dial(self, reactor: Reactor) -> int:
        """Begin one more connection; the number of its socket."""
        dealer = self.context.socket(zmq.DEALER)
        dealer.sndhwm = 0
        dealer.rcvhwm = 0
        dealer.maxmsgsize = MAX_MESSAGE
        dealer.linger = 0
        dealer.heartbeat_ivl = 2000
        dealer.heartbeat_timeout = 6000
        dealer.handshake_ivl = 10000
        dealer.reconnect_ivl = 100
        dealer.ipv6 = "[" in self._endpoint
        if self._identity is not None:
            dealer.curve_serverkey = self._identity.server_public
            dealer.curve_publickey = self._identity.client_public
            dealer.curve_secretkey = self._identity.client_secret
        monitor = dealer.get_monitor_socket(EVENTS)
        self._monitors.append(monitor)
        number = reactor.attach(dealer, monitor)
        try:
            dealer.connect(self._endpoint)
        except zmq.ZMQError as error:
            raise ConnectError(
                f"{self.address} is no address to connect to: {error.strerror}", retryable=False
            ) from error
        return number

    def hear(self, *, in_session: bool) -> FlaxError | None:
        """Read what is reported about the connections; the first report that ends them all."""
        first: FlaxError | None = None
        for monitor in self._monitors:
            with contextlib.suppress(zmq.Again):
                while True:
                    report = parse_monitor_message(monitor.recv_multipart(zmq.NOBLOCK))
                    found = self._judged(int(report["event"]), int(report["value"]), in_session=in_session)
                    first = first or found
        return first

    def _judged(self, event: int, value: int, *, in_session: bool) -> FlaxError | None:
        if event == zmq.Event.DISCONNECTED and in_session:
            return ConnectError(f"the connection to {self.address} was lost")
        try:
            self._judge.hear(event, value)
        except FlaxError as error:
            return error
        return None

    def late(self, waited: float, timeout: float) -> FlaxError | None:
        """Why there is no connection, once it has been waited for long enough."""
        if waited > timeout or (self._judge.nobody_listens and waited > PATIENCE):
            return self._judge.late(round(waited, 1))
        return None
