"""The five states of a transport and the steps between them; does no I/O."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import TransportStateError

if TYPE_CHECKING:
    from collections.abc import Callable

    StateCallback = Callable[["TransportState", "TransportState"], object]

__all__ = ["StateMachine", "TransportState"]

logger = logging.getLogger(__name__)


class TransportState(Enum):
    """Where a transport is in its life."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSING = "closing"
    CLOSED = "closed"


_NEXT: Final = {
    TransportState.DISCONNECTED: {TransportState.CONNECTING, TransportState.CLOSED},
    TransportState.CONNECTING: {
        TransportState.CONNECTED,
        TransportState.DISCONNECTED,
        TransportState.CLOSING,
    },
    TransportState.CONNECTED: {TransportState.DISCONNECTED, TransportState.CLOSING},
    TransportState.CLOSING: {TransportState.CLOSED},
    # Whoever closed it may open it again.
    TransportState.CLOSED: {TransportState.CONNECTING},
}


class StateMachine:
    """Holds the state, refuses steps that make no sense, and tells those who want to know.

    Args:
        name: whose state it is, for error texts.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._state = TransportState.DISCONNECTED
        self._callbacks: list[StateCallback] = []

    def __repr__(self) -> str:
        return f"<StateMachine {self.name} {self._state.name}>"

    @property
    def state(self) -> TransportState:
        """The state it is in."""
        return self._state

    @property
    def current_state_name(self) -> str:
        """Its name, for example ``CONNECTED``."""
        return self._state.name

    @property
    def is_connected(self) -> bool:
        """True in the state CONNECTED."""
        return self._state is TransportState.CONNECTED

    def may_become(self, state: TransportState) -> bool:
        """True when the step is possible from here."""
        return state in _NEXT[self._state]

    def become(self, state: TransportState) -> None:
        """Take a step and tell the callbacks.

        Raises:
            TransportStateError: there is no such step from here; nothing changes.
        """
        before = self._state
        if state not in _NEXT[before]:
            possible = ", ".join(sorted(step.name for step in _NEXT[before]))
            raise TransportStateError(
                f"the transport to {self.name} is {before.name}, it can become {possible}, not {state.name}",
                advice="connect first"
                if before is TransportState.DISCONNECTED
                else "wait for its next state",
                address=self.name,
            )
        self._state = state
        for callback in tuple(self._callbacks):
            try:
                callback(before, state)
            except Exception:
                logger.exception("a state callback of the transport to %s failed", self.name)

    def on_change(self, callback: StateCallback) -> Callable[[], None]:
        """Call ``callback(old, new)`` after each step from now on; the function returned here ends that."""
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove
