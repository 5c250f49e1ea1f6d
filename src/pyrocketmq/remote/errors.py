"""The errors of calls, under the name that the founding API gives their module."""

from __future__ import annotations

from pyrocketmq.errors import (
    ConfigurationError,
    MaxWaitersExceededError,
    RemoteError,
    RpcTimeoutError,
)

__all__ = ["ConfigurationError", "MaxWaitersExceededError", "RemoteError", "RpcTimeoutError"]
