"""The errors of brokers, under the name that the founding API gives their module."""

from __future__ import annotations

from pyrocketmq.errors import (
    AclError,
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    ClientOfflineError,
    GroupNotFoundError,
    InvalidRequestError,
    NoPermissionError,
    NotFoundError,
    SubscriptionNotReadyError,
    TopicNotFoundError,
    UnsupportedRequestError,
)

__all__ = [
    "AclError",
    "BrokerBusyError",
    "BrokerError",
    "BrokerUnavailableError",
    "ClientOfflineError",
    "GroupNotFoundError",
    "InvalidRequestError",
    "NoPermissionError",
    "NotFoundError",
    "SubscriptionNotReadyError",
    "TopicNotFoundError",
    "UnsupportedRequestError",
]
