"""Received frames that wait to be taken, and those who wait for frames; knows nothing of connections."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Inbox"]


class Inbox:
    """Frames in the order in which they came, each given to one receiver. For one event loop.

    Attributes:
        held_bytes: size of all frames that nobody has taken.
    """

    def __init__(self) -> None:
        self.held_bytes = 0
        self._frames: deque[bytes] = deque()
        self._receivers: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def clear(self) -> None:
        """Forget the frames; receivers go on waiting."""
        self._frames.clear()
        self.held_bytes = 0

    def put(self, frame: bytes) -> None:
        """A frame has come."""
        self._frames.append(frame)
        self.held_bytes += len(frame)
        self._wake_one()

    def take(self) -> bytes:
        """The oldest frame; there must be one."""
        frame = self._frames.popleft()
        self.held_bytes -= len(frame)
        if self._frames:
            self._wake_one()
        return frame

    async def arrival(self) -> None:
        """Wait until there is something new to look at: a frame, or the end."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receivers.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and self._frames:
                self._wake_one()  # the frame this one was woken for goes to the next
            raise

    def wake_all(self) -> None:
        """Nothing will come any more."""
        while self._receivers:
            self._wake_one()

    def _wake_one(self) -> None:
        while self._receivers:
            future = self._receivers.popleft()
            if not future.done():
                future.set_result(None)
                return
