"""Errors of the files that the embedded broker keeps messages in."""

from __future__ import annotations

from .base import RocketMQError


class StoreError(RocketMQError):
    """The storage of the embedded broker refuses, or has failed and takes no more messages."""

    code = "S600"


class StoreFullError(StoreError):
    """There is no space for what should be stored; nothing of it was acknowledged."""

    code = "S601"
    retryable = True


class StoreDamagedError(StoreError):
    """A data file is not what was written; ``what`` names the file and the place."""

    code = "S602"


class StoreLockedError(StoreError):
    """Another process owns the data folder; ``what`` has its id."""

    code = "S603"
