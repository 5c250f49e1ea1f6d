"""Makes a client's connections and hears how they fare. Knows nothing of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flaxfile import libzmq
from flaxfile._core import sockets
from flaxfile.errors import ConnectError, FlaxError
from flaxfile.protocol.messages import MAX_MESSAGE
from flaxfile.security.monitor import HandshakeJudge

if TYPE_CHECKING:
    from flaxfile.reactor import Reactor
    from flaxfile.security.crypto import Identity

__all__ = ["Dialer"]

PATIENCE: Final = 2.0
"""Seconds for which a server that refuses connections is tried: it may be starting."""
OPTIONS: Final = {
    libzmq.SNDHWM: 0,
    libzmq.RCVHWM: 0,
    libzmq.HEARTBEAT_IVL: 2000,
    libzmq.HEARTBEAT_TIMEOUT: 6000,
    libzmq.HANDSHAKE_IVL: 10000,
    libzmq.RECONNECT_IVL: 100,
}
EVENTS: Final = (
    libzmq.CONNECTED
    | libzmq.CLOSED
    | libzmq.DISCONNECTED
    | libzmq.HANDSHAKE_SUCCEEDED
    | libzmq.HANDSHAKE_FAILED_AUTH
    | libzmq.HANDSHAKE_FAILED_PROTOCOL
    | libzmq.HANDSHAKE_FAILED_NO_DETAIL
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
        libzmq.bind()
        self.context = sockets.Context(1 if identity is None else 2)
        self._endpoint = f"tcp://[{host.strip('[]')}]:{port}" if ":" in host else f"tcp://{self.address}"
        self._identity = identity
        self._judge = HandshakeJudge(self.address, encrypted=identity is not None)
        self._monitors: list[sockets.Socket] = []

    def __len__(self) -> int:
        return len(self._monitors)

    def dial(self, reactor: Reactor) -> int:
        """Begin one more connection; the number of its socket."""
        dealer = self.context.socket(libzmq.DEALER)
        for option, value in OPTIONS.items():
            dealer.set(option, value)
        dealer.set_wide(libzmq.MAXMSGSIZE, MAX_MESSAGE)
        dealer.set(libzmq.IPV6, "[" in self._endpoint)
        if self._identity is not None:
            dealer.set(libzmq.CURVE_SERVERKEY, self._identity.server_public)
            dealer.set(libzmq.CURVE_PUBLICKEY, self._identity.client_public)
            dealer.set(libzmq.CURVE_SECRETKEY, self._identity.client_secret)
        monitor = dealer.monitor(EVENTS)
        self._monitors.append(monitor)
        number = reactor.attach(dealer, monitor)
        try:
            dealer.connect(self._endpoint)
        except OSError as error:
            raise ConnectError(
                f"{self.address} is no address to connect to: {error.strerror}", retryable=False
            ) from error
        return number

    def hear(self, *, in_session: bool) -> FlaxError | None:
        """Read what is reported about the connections; the first report that ends them all."""
        first: FlaxError | None = None
        for monitor in self._monitors:
            while (report := monitor.receive()) is not None:
                found = self._judged(*libzmq.parse_report(report), in_session=in_session)
                first = first or found
        return first

    def _judged(self, event: int, value: int, *, in_session: bool) -> FlaxError | None:
        if event == libzmq.DISCONNECTED and in_session:
            return ConnectError(f"the connection to {self.address} was lost")
        if event == libzmq.HANDSHAKE_FAILED_NO_DETAIL and in_session:
            return None  # whoever is in has the right keys: something else is in the way of this connection
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
