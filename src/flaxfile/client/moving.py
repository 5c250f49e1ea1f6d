"""Transfers of a link while the engine moves them: how far each is, how large its window, why it stopped.

For the thread of the link alone. Knows nothing of sockets and of retries.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from flaxfile.causes import cause_error
from flaxfile.client.futures import deny, give
from flaxfile.errors import ProtocolError, StalledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile._core.engine import Engine
    from flaxfile.adaptive import WindowControl
    from flaxfile.errors import FlaxError

__all__ = ["Movements", "Moving"]

LOOK_EVERY: Final = 0.05


class Moving:
    """A transfer, as its last look saw it."""

    def __init__(self, number: int, what: str, control: WindowControl) -> None:
        self.number = number
        self.what = what
        self.control = control
        self.future: Future[None] = Future()
        """Done when all has been moved."""
        self.done_bytes = 0
        self.wire_bytes = 0
        self.still_for = 0.0
        self.chunks_there = 0
        """Chunks from the first one on that are over."""


class Movements:
    """All of them, by number.

    Args:
        engine: moves them.
        patience: seconds that one may stand still.
    """

    def __init__(self, engine: Engine, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._all: dict[int, Moving] = {}
        self._looked = 0.0

    def __len__(self) -> int:
        return len(self._all)

    def begin(self, moving: Moving, setup: Callable[[Engine], None], sockets: int) -> None:
        """Move what ``setup`` adds to the engine over the first so many sockets."""
        engine, number = self._engine, moving.number
        try:
            setup(engine)
            for socket in range(sockets):
                engine.add_route(number, socket, b"")
            self._all[number] = moving
            engine.start(number)
        except (ValueError, KeyError, MemoryError, OSError, BufferError) as error:
            self._all.pop(number, None)
            deny(moving.future, ProtocolError(f"{moving.what} cannot be moved: {error}"))

    def finish(self, moving: Moving, *, hashes: bool) -> bytes:
        """Take a transfer out of the engine, whose files may be closed then; the hashes of its chunks."""
        engine = self._engine
        self._all.pop(moving.number, None)
        found = b""
        if moving.number in engine:
            self._look(moving)
            found = engine.hashes(moving.number) if hashes else b""
            engine.remove(moving.number)
        if not self._all:
            engine.trim()
        return found

    def on_event(self, number: int, cause: int) -> None:
        """The engine has moved all of a transfer (0), or cannot go on with it."""
        moving = self._all.get(number)
        if moving is None:
            return
        self._look(moving)
        if cause == 0:
            give(moving.future, None)
        else:
            deny(moving.future, cause_error(cause, moving.what))

    def refuse(self, number: int, error: FlaxError) -> None:
        """The server cannot go on with a transfer."""
        moving = self._all.get(number)
        if moving is not None:
            deny(moving.future, error)

    def end(self, error: FlaxError) -> None:
        """Nothing is moved any more."""
        for moving in self._all.values():
            deny(moving.future, error)
        self._all.clear()

    def look_after(self, now: float, round_trip: float, least_round_trip: float, *, far: bool) -> None:
        """See how far all are, give up those that stand still, and fit the windows of a far link."""
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        for moving in list(self._all.values()):
            self._look(moving)
            if moving.still_for > self._patience:
                # The server answers, but a chunk or its acknowledgement went astray.
                still = StalledError(f"{moving.what} has not moved for {moving.still_for:.0f} s")
                deny(moving.future, still)
            if far:
                before = moving.control.window
                window = moving.control.look(now, moving.done_bytes, round_trip, least_round_trip)
                if window != before:
                    self._engine.set_window(moving.number, window)

    def _look(self, moving: Moving) -> None:
        moving.done_bytes, moving.wire_bytes, _, moving.still_for = self._engine.progress(moving.number)
        moving.chunks_there = self._engine.first_missing(moving.number, moving.chunks_there)
