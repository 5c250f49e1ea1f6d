"""Runs a command in an event loop that signals end."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from flaxfile.cli.signals import TerminatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["run_async"]

T = TypeVar("T")

# asyncio does without ssl where there is none, and a command needs no TLS: that is a tenth of its start.
if "ssl" in sys.modules or "asyncio" in sys.modules:
    import asyncio
else:
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        import asyncio
    finally:
        del sys.modules["ssl"]


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one command in a loop of its own; SIGTERM cancels it as Ctrl-C does."""
    terminated = False

    async def guarded() -> T:
        task = asyncio.current_task()

        def stop() -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                task.cancel()

        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        try:
            return await work()
        except asyncio.CancelledError:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only then

            # What threads still read is not waited for: files may be large, and disks slow.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
            raise

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if terminated:
            raise TerminatedError from None
        raise
