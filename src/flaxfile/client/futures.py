"""Ends futures whose waiter may have been cancelled this very moment."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from flaxfile.errors import FlaxError

__all__ = ["deny", "give"]

_T = TypeVar("_T")


def give(future: Future[_T], value: _T) -> None:
    """Set the result, if that is still wanted."""
    with contextlib.suppress(InvalidStateError):
        future.set_result(value)


def deny(future: Future[Any], error: FlaxError) -> None:
    """Set the error, if there is no other end yet."""
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)
