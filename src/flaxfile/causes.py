"""Why the engine stopped a transfer, as an error that a user can read. Serves both sides."""

from __future__ import annotations

import os

from flaxfile.errors import ConflictError, FlaxError, IntegrityError, StorageError, from_os_error

__all__ = ["cause_error"]


def cause_error(cause: int, what: str) -> FlaxError:
    """What stopped the engine, as an error."""
    if cause == -1:
        return IntegrityError(f"a chunk of {what} was damaged on its way, each time it was sent")
    if cause == -2:
        return ConflictError(
            f"{what} changed while it was read", hint="try again when nobody writes to it", retryable=True
        )
    if cause > 0:
        return from_os_error(OSError(cause, os.strerror(cause)), f"moving {what}")
    return StorageError(f"moving {what} failed ({cause})")
