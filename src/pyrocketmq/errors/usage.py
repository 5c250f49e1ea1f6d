"""Errors of how a program uses the package: its settings and arguments, what it has installed, and when it
calls a client. Nothing was sent.
"""

from __future__ import annotations

from .base import RocketMQError


class ConfigurationError(RocketMQError, ValueError):
    """A setting or an argument cannot be used; ``field`` names it."""

    code = "G101"


class MissingExtraError(RocketMQError, ImportError):
    """An optional package is needed and not installed; ``advice`` is the pip command."""

    code = "G102"


class ForkedClientError(RocketMQError, RuntimeError):
    """A client that was started before a fork is used in the child, and was told not to start anew there."""

    code = "F501"


class ClientClosedError(RocketMQError, RuntimeError):
    """A client cannot be used: it was shut down, or it lives on another event loop."""

    code = "F502"


class SubscriptionParseError(RocketMQError, ValueError):
    """The expression of a subscription cannot be read.

    Args:
        position: the character at fault, counted from 1; None if it is no single one.
    """

    code = "F601"

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.position = position
