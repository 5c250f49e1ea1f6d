"""Lines: one at a time, in the order of arrival, for each key; what keeps ordered sends in order.

Knows no messages and no time-outs; to be used on one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Lines", "Place"]


class Place:
    """A place in a line, taken at once; ``turn`` waits for it, ``leave`` lets the next one in."""

    __slots__ = ("_key", "_left", "_lines", "_turn")

    def __init__(self, lines: Lines, key: Hashable, turn: asyncio.Future[None] | None) -> None:
        self._lines = lines
        self._key = key
        self._turn = turn
        self._left = False

    async def turn(self) -> None:
        """Wait until nobody is in front; cancelling this leaves the line."""
        if self._turn is not None:
            try:
                await self._turn
            except BaseException:
                self.leave()
                raise

    def leave(self) -> None:
        """Let the next one in; once more does nothing."""
        if not self._left:
            self._left = True
            self._lines._leave(self._key, self._turn)


class Lines:
    """Many lines, which are there as long as somebody is in them."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[asyncio.Future[None] | None]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._lines

    def join(self, key: Hashable) -> Place:
        """Take the last place in a line, without waiting for the turn."""
        line = self._lines.get(key)
        if line is None:
            # In front there is whoever has the turn, who waits for nothing.
            self._lines[key] = deque([None])
            return Place(self, key, None)
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        return Place(self, key, turn)

    def _leave(self, key: Hashable, turn: asyncio.Future[None] | None) -> None:
        line = self._lines[key]
        was_first = line[0] is turn
        line.remove(turn)
        if not line:
            del self._lines[key]
        elif was_first:
            following = line[0]
            if following is not None and not following.done():
                following.set_result(None)
