"""TCP transports: one that blocks its thread, and one for an event loop that owns a native connection."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Self

from pyrocketmq._native.frame import FrameReader, decode_frame
from pyrocketmq.errors import (
    ConnectionClosedError,
    ProtocolError,
    RpcTimeoutError,
    TransportStateError,
)
from pyrocketmq.transport.abc import Transport
from pyrocketmq.transport.async_tcp import AsyncTcpTransport
from pyrocketmq.transport.config import TransportConfig
from pyrocketmq.transport.dial import dial_blocking
from pyrocketmq.transport.states import StateMachine, TransportState
from pyrocketmq.transport.whole import whole_frame

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from typing_extensions import Buffer

    from pyrocketmq._native.command import RemotingCommand

__all__ = ["AsyncTcpTransport", "TcpTransport"]

_READ_BYTES = 262_144


class TcpTransport(Transport):
    """Whole frames over a socket of its own; each call blocks its thread, for one thread at a time.

    Args:
        config: where to connect and how, or ``host:port``.
    """

    def __init__(self, config: TransportConfig | str) -> None:
        self.config = TransportConfig.from_address(config) if isinstance(config, str) else config
        self.states = StateMachine(self.config.address)
        self._sock: socket.socket | None = None
        self._reader = FrameReader(self.config.max_frame_bytes)

    def __repr__(self) -> str:
        return f"<TcpTransport to {self.config.address}, {self.current_state_name}>"

    @property
    def current_state_name(self) -> str:
        """Name of the state, for example ``CONNECTED``."""
        return self.states.current_state_name

    @property
    def is_connected(self) -> bool:
        """True while frames can be sent."""
        return self.states.is_connected

    def connect(self) -> None:
        """Open the connection; does nothing when it is open.

        Raises:
            ConnectionError: no connection could be made; ConnectTimeoutError and TlsError are kinds of it.
        """
        if self.is_connected:
            return
        self.states.become(TransportState.CONNECTING)
        try:
            sock = dial_blocking(self.config)
        except BaseException:
            self.states.become(TransportState.DISCONNECTED)
            raise
        self._sock = sock
        self._reader = FrameReader(self.config.max_frame_bytes)
        self.states.become(TransportState.CONNECTED)

    def output(self, msg: Buffer | RemotingCommand) -> None:
        """Send one frame, given as its bytes or as the command that becomes one.

        Raises:
            ConnectionClosedError: the connection is lost.
            RpcTimeoutError: the peer did not take it within ``timeout``; the connection is closed then.
        """
        sock = self._open_socket()
        frame = whole_frame(msg, self.config)
        end = time.monotonic() + self.config.timeout
        view = memoryview(frame)
        try:
            while view:
                sock.settimeout(_seconds_until(end))
                view = view[sock.send(view) :]
        except TimeoutError as error:
            # Part of the frame may have left, so nothing can follow it.
            self._lose()
            raise RpcTimeoutError(
                f"{self.config.address} did not take {len(frame):,} bytes within {self.config.timeout:g} s",
                likely="the server is overloaded or stopped",
                address=self.config.address,
            ) from error
        except OSError as error:
            raise self._lost(f"it is lost ({error})", maybe_sent=True) from error

    def recv(self, timeout: float | None = None) -> bytes:
        """Wait for the next frame and return its bytes, length word included.

        Args:
            timeout: seconds; that of the settings by default.

        Raises:
            RpcTimeoutError: no whole frame came in time; what has come of it is kept.
            ConnectionClosedError: the connection is lost.
            ProtocolError: the peer broke the framing; the connection is closed.
        """
        timeout = self.config.timeout if timeout is None else timeout
        end = time.monotonic() + timeout
        while True:
            sock = self._open_socket()
            try:
                frame = self._reader.next_bytes()
            except ProtocolError:
                self._lose()
                raise
            if frame is not None:
                return frame
            try:
                # A time-out of 0 would mean not to wait at all, with another error.
                sock.settimeout(max(1e-6, end - time.monotonic()))
                data = sock.recv(_READ_BYTES)
            except TimeoutError as error:
                raise RpcTimeoutError(
                    f"no frame from {self.config.address} within {timeout:g} s", address=self.config.address
                ) from error
            except OSError as error:
                raise self._lost(f"it is lost ({error})") from error
            if not data:
                begun = self._reader.buffered
                part = f" in the middle of a frame, {begun:,} bytes of it had come" if begun else ""
                raise self._lost(f"the peer closed it{part}")
            self._reader.feed(data)

    def recv_command(self, timeout: float | None = None) -> RemotingCommand:
        """As ``recv``, decoded."""
        return decode_frame(self.recv(timeout))

    def close(self) -> None:
        """Close the connection; does nothing when it is closed."""
        if self.states.state in (TransportState.CLOSED, TransportState.CLOSING):
            return
        if self.is_connected:
            self.states.become(TransportState.CLOSING)
        self._close_socket()
        self.states.become(TransportState.CLOSED)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_socket(self) -> socket.socket:
        if self._sock is None:
            raise TransportStateError(
                f"the transport to {self.config.address} is {self.current_state_name}, not CONNECTED",
                advice="call connect() first",
                address=self.config.address,
            )
        return self._sock

    def _close_socket(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()

    def _lose(self) -> None:
        self._close_socket()
        self.states.become(TransportState.DISCONNECTED)

    def _lost(self, what: str, *, maybe_sent: bool = False) -> ConnectionClosedError:
        self._lose()
        return ConnectionClosedError(
            f"the connection to {self.config.address} is closed: {what}",
            address=self.config.address,
            maybe_sent=maybe_sent,
        )


def _seconds_until(end: float) -> float:
    """What is left of a deadline, however many small steps were taken towards it.

    Raises:
        TimeoutError: nothing is left.
    """
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
