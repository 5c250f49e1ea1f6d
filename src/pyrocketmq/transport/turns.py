"""Turns at connecting: of all async transports of a process, one at a time tries an address.

Those who wait share the failure of the one in front, and those who sleep until their next attempt are woken
when somebody has reached the address. Attempts after a failure are also bounded in number, so that a server
that comes back is not run over. Knows no sockets; an address is any hashable thing.
"""

from __future__ import annotations

import asyncio
import copy
import os
import threading
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import ConnectionError, TlsError  # noqa: A004

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Hashable

__all__ = ["TURNS", "Turns"]

# With the burst at most 200 in any second.
_REPEATS_PER_SECOND: Final = 180.0
_BURST: Final = 10
# A server that takes connections and drops them at once must not wake everybody each time.
_WAKING_INTERVAL_S: Final = 5.0


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody who waits on a loop, maybe that of another thread."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[ConnectionError | None]
    again: bool = False


@dataclass(slots=True)
class _Address:
    """What is known of one address."""

    taken: bool = False
    waiting: deque[_Waiter] = field(default_factory=deque["_Waiter"])
    sleeping: set[_Waiter] = field(default_factory=set["_Waiter"])
    next_repeat: float = 0.0
    woken_at: float = float("-inf")


class Turns:
    """Whose turn it is at each address. Safe across threads.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin anew; in a forked child nobody is left who could end a turn of the parent."""
        self._lock = threading.Lock()
        self._addresses: dict[Hashable, _Address] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    @asynccontextmanager
    async def turn(self, address: Hashable, *, again: bool = False) -> AsyncGenerator[None]:
        """Be the one who tries the address.

        Args:
            address: what is tried.
            again: a former attempt has failed, or its connection was lost: then the bound on repeats holds.

        Raises:
            ConnectionError: the attempt that this one waited for has failed.
        """
        pause = await self._enter(address, again)
        failure: ConnectionError | None = None
        reached = False
        try:
            if pause:
                await asyncio.sleep(pause)
            yield
            reached = True
        except ConnectionError as error:
            # What is wrong with a handshake is a matter of each one's own settings.
            failure = None if isinstance(error, TlsError) else error
            raise
        finally:
            self._leave(address, failure, reached=reached)

    async def pause(self, address: Hashable, seconds: float) -> bool:
        """Sleep before an attempt; True when somebody reached the address, so that it ended sooner."""
        if seconds <= 0:
            return False
        loop = asyncio.get_running_loop()
        sleeper = _Waiter(loop, loop.create_future())
        with self._lock:
            self._addresses.setdefault(address, _Address()).sleeping.add(sleeper)
        try:
            async with asyncio.timeout(seconds):
                await sleeper.future
        except TimeoutError:
            return False
        finally:
            with self._lock:
                state = self._addresses.get(address)
                if state is not None:
                    state.sleeping.discard(sleeper)
                    self._tidy(address, state)
        return True

    async def _enter(self, address: Hashable, again: bool) -> float:
        """Wait for the turn; returns the seconds to wait before using it."""
        loop = asyncio.get_running_loop()
        with self._lock:
            state = self._addresses.setdefault(address, _Address())
            if not state.taken:
                state.taken = True
                return self._pause_of(state) if again else 0.0
            waiter = _Waiter(loop, loop.create_future(), again)
            state.waiting.append(waiter)
        try:
            failure = await waiter.future
        except asyncio.CancelledError:
            with self._lock:
                if waiter in state.waiting:
                    state.waiting.remove(waiter)
            if waiter.future.done() and not waiter.future.cancelled() and waiter.future.result() is None:
                self._leave(address, None, reached=False)  # the turn came in the same moment
            raise
        if failure is not None:
            raise copy.copy(failure) from failure
        with self._lock:
            return self._pause_of(state) if again else 0.0

    def _pause_of(self, state: _Address) -> float:
        now = self._clock()
        state.next_repeat = (
            max(state.next_repeat, now - _BURST / _REPEATS_PER_SECOND) + 1 / _REPEATS_PER_SECOND
        )
        return max(0.0, state.next_repeat - now)

    def _leave(self, address: Hashable, failure: ConnectionError | None, *, reached: bool) -> None:
        told: list[_Waiter] = []
        with self._lock:
            state = self._addresses.get(address)
            if state is None:  # forgotten in a fork
                return
            if failure is not None:
                told.extend(state.waiting)
                state.waiting.clear()
            now = self._clock()
            if reached and state.sleeping and now - state.woken_at >= _WAKING_INTERVAL_S:
                state.woken_at = now
                told.extend(state.sleeping)
                state.sleeping.clear()
        for waiter in told:
            self._tell(waiter, failure, address)
        while True:
            with self._lock:
                waiter_in_front = state.waiting.popleft() if state.waiting else None
                if waiter_in_front is None:
                    state.taken = False
                    self._tidy(address, state)
                    return
            if self._tell(waiter_in_front, None, address, gives_turn=True):
                return

    def _tell(
        self,
        waiter: _Waiter,
        failure: ConnectionError | None,
        address: Hashable,
        *,
        gives_turn: bool = False,
    ) -> bool:
        def tell() -> None:
            if not waiter.future.done():
                waiter.future.set_result(failure)
            elif gives_turn:
                self._leave(address, None, reached=False)  # cancelled on the way

        try:
            waiter.loop.call_soon_threadsafe(tell)
        except RuntimeError:
            return False  # its loop is closed
        return True

    def _tidy(self, address: Hashable, state: _Address) -> None:
        # What is known of its repeats can go when it no longer makes a difference.
        rested = state.next_repeat <= self._clock() - _BURST / _REPEATS_PER_SECOND
        if rested and not (state.taken or state.waiting or state.sleeping):
            self._addresses.pop(address, None)


TURNS: Final = Turns()
"""The ones of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=TURNS.forget)
