"""Calls of functions that the user has given, plain or asynchronous, without ever blocking the event loop.

Knows nothing of what they are for.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call_user", "is_asynchronous"]


def is_asynchronous(function: Callable[..., object]) -> bool:
    """True for what ``async def`` has made, or an object with such a ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - not whether it can be called, but how it is
    )


async def call_user(function: Callable[..., Any], *args: object, name: str) -> Any:
    """The result of a function: an asynchronous one runs here, a plain one in a thread of its own.

    The thread is a daemon: a function that never ends keeps no program alive. When the wait is cancelled,
    what it gives later is dropped.

    Raises:
        RuntimeError: it raised what is no error, such as SystemExit.
        Exception: what it raised itself.
    """
    if is_asynchronous(function):
        return await function(*args)
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function, *args)
        except BaseException as raised:  # noqa: BLE001 - it is raised where the result is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(settle, done, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    result = await done
    return await result if inspect.isawaitable(result) else result


def settle(done: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    """Give a future its result, unless nobody waits for it."""
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        done.set_exception(error)
    else:
        # What asks a program to end would end the event loop here, and it was asked in another thread.
        stopped = RuntimeError(f"the function raised {type(error).__name__}")
        stopped.__cause__ = error
        done.set_exception(stopped)
