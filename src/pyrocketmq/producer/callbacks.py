"""Callbacks of submitted messages, and what threads wait at for room; nothing of how messages are sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.message import Message
from pyrocketmq.errors import RocketMQError

if TYPE_CHECKING:
    from pyrocketmq.client.hooks import SendContext
    from pyrocketmq.producer.buffer import SendBuffer

__all__ = ["Gate", "Hooked", "OnDelivery", "back_to"]

OnDelivery: TypeAlias = Callable[[Message, SendResult | None, RocketMQError | None], object]
"""Called with the message, its result or None, and the error or None."""

_SLICE_S = 0.1  # Ctrl-C is noticed within this time


class Gate:
    """What a thread waits at for room; has the methods of a future that the native part needs."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def done(self) -> bool:
        """Whether it is open."""
        return not self._lock.locked()

    def set_result(self, _: None) -> None:
        """Open it."""
        if self._lock.locked():
            self._lock.release()

    def wait(self, seconds: float) -> None:
        """Wait until it is open; signals are noticed at least ten times a second."""
        self._lock.acquire(timeout=min(seconds, _SLICE_S))


class Hooked:
    """An on_delivery callback that tells the hooks of the send first."""

    __slots__ = ("_buffer", "_context", "_inner")

    def __init__(self, buffer: SendBuffer, context: SendContext, inner: OnDelivery | None) -> None:
        self._buffer = buffer
        self._context = context
        self._inner = inner

    def __call__(self, message: Message, result: SendResult | None, error: RocketMQError | None) -> None:
        """The message has its outcome."""
        self._buffer.tell_hooks(self._context, result, error)
        if self._inner is not None:
            self._inner(message, result, error)
        elif error is not None:
            self._buffer.note_lost([message], 1, error)


def back_to(message: Message, on_delivery: OnDelivery | None) -> OnDelivery | None:
    """The callback of a copy, which is given the message itself."""
    if on_delivery is None:
        return None
    wanted = on_delivery
    return lambda _, result, error: wanted(message, result, error)
