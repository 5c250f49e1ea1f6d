"""The errors of connections, under the name that the founding API gives their module."""

from __future__ import annotations

from pyrocketmq.errors import (
    BackPressureError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    RpcTimeoutError,
    TlsError,
    TransportError,
    TransportStateError,
)

__all__ = [
    "BackPressureError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "RpcTimeoutError",
    "TlsError",
    "TransportError",
    "TransportStateError",
]
