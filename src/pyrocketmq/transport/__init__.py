"""Bytes over a socket: connecting, states, TLS, whole frames out and in."""

from pyrocketmq._native.connection import Connection, ConnectionStats
from pyrocketmq.transport.abc import AsyncTransport, Transport
from pyrocketmq.transport.backoff import Backoff
from pyrocketmq.transport.config import TransportConfig
from pyrocketmq.transport.states import StateMachine, TransportState
from pyrocketmq.transport.tcp import AsyncTcpTransport, TcpTransport
from pyrocketmq.transport.tls import TlsConfig

__all__ = [
    "AsyncTcpTransport",
    "AsyncTransport",
    "Backoff",
    "Connection",
    "ConnectionStats",
    "StateMachine",
    "TcpTransport",
    "TlsConfig",
    "Transport",
    "TransportConfig",
    "TransportState",
]
