"""Addresses as text and as pairs, and the socket options of a connection."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from pyrocketmq.transport.config import TransportConfig

__all__ = ["format_address", "parse_address", "set_socket_options"]


def parse_address(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Host and port of ``host:port``, ``1.2.3.4:port`` or ``[::1]:port``."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or (host.startswith("[") and not host.endswith("]")):
        host, port = text.strip(), "" if default_port is None else str(default_port)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ConfigurationError(
            f"address {text!r} has several colons",
            field="address",
            advice="write an IPv6 address in brackets: [::1]:9876",
        )
    if not host:
        raise ConfigurationError(
            f"address {text!r} has no host",
            field="address",
            advice="write host:port, for example localhost:9876",
        )
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise ConfigurationError(
            f"address {text!r} has no port from 1 to 65535",
            field="address",
            advice="write host:port, for example localhost:9876",
        )
    return host, int(port)


def format_address(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def set_socket_options(sock: socket.socket, config: TransportConfig) -> None:
    """Send small frames at once, and notice a peer that is gone, as far as the system can."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if config.keep_alive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Names differ between systems; macOS calls the idle time TCP_KEEPALIVE.
        idle = "TCP_KEEPALIVE" if sys.platform == "darwin" else "TCP_KEEPIDLE"
        for name, value in (
            (idle, config.keep_alive_idle),
            ("TCP_KEEPINTVL", config.keep_alive_interval),
            ("TCP_KEEPCNT", config.keep_alive_count),
        ):
            option = getattr(socket, name, None)
            if option is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, max(1, round(value)))
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and config.user_timeout is not None:
        sock.setsockopt(socket.IPPROTO_TCP, option, round(config.user_timeout * 1000))
