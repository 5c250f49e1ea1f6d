"""The errors of connections, under the name that the founding API gives their module."""

from __future__ import annotations

from pyrocketmq.errors import (
    BackPressureError,
    BrokerUnreachableError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    LoopClosedError,
    RpcTimeoutError,
    TlsError,
    TransportError,
    TransportStateError,
)

__all__ = [
    "BackPressureError",
    "BrokerUnreachableError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "LoopClosedError",
    "RpcTimeoutError",
    "TlsError",
    "TransportError",
    "TransportStateError",
]
