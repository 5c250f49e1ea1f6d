"""Singles: submitted messages that no batch may hold: delayed, timed, half messages, those of retry topics.

They leave one by one, by the general way of sends.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyrocketmq._native.parcel import check_message
from pyrocketmq.client.hooks import SendKind
from pyrocketmq.errors import RocketMQError
from pyrocketmq.producer.callbacks import back_to

if TYPE_CHECKING:
    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.producer.buffer import SendBuffer
    from pyrocketmq.producer.callbacks import OnDelivery

__all__ = ["KEPT_BYTES", "Singles"]

KEPT_BYTES: Final = 320
"""What a message that is kept takes besides its bytes."""

_MOST_TASKS: Final = 256


class _Single(NamedTuple):
    """A message that leaves by itself."""

    message: Message
    options: dict[str, Any]
    on_delivery: OnDelivery | None
    size: int
    epoch: int


class Singles:
    """The messages of one buffer that leave alone.

    Args:
        buffer: counts them, and is told how they ended.
        sender: sends them.
    """

    def __init__(self, buffer: SendBuffer, sender: SendCore) -> None:
        self._buffer = buffer
        self._sender = sender
        self._line: deque[_Single] = deque()
        self._running = 0

    def take(
        self, message: Message, on_delivery: OnDelivery | None, *, ordered: bool, queue: MessageQueue | None
    ) -> None:
        """Take a message; called by the thread that submits it."""
        size = check_message(message, self._sender.core.config.max_message_bytes) + KEPT_BYTES
        options: dict[str, Any] = {"ordered": ordered}
        if queue is not None:
            options["queue"] = queue
        # A copy, since the caller may change the message as soon as this returns.
        twin = copy.copy(message)
        epoch = self._buffer.hold(size)
        self._line.append(_Single(twin, options, back_to(message, on_delivery), size, epoch))
        self._buffer.wake_up()

    def send(self) -> None:
        """Begin with as many as may be under way."""
        while self._line and self._running < _MOST_TASKS:
            self._running += 1
            self._buffer.spawn(self._deliver(self._line.popleft()))

    def give_up(self, error: RocketMQError) -> None:
        """End those that have not begun."""
        while self._line:
            one = self._line.popleft()
            self._buffer.end_one(one.message, one.on_delivery, None, error)
            self._buffer.let_go(one.size, one.epoch)

    async def _deliver(self, one: _Single) -> None:
        buffer = self._buffer
        result: SendResult | None = None
        error: RocketMQError | None = None
        try:
            result = await self._sender.deliver(one.message, one.options, kind=SendKind.SUBMIT)
        except RocketMQError as failed:
            error = failed
        except asyncio.CancelledError:
            error = buffer.closed_error()
        self._running -= 1
        buffer.end_one(one.message, one.on_delivery, result, error)
        buffer.let_go(one.size, one.epoch)
        if self._line:
            self.send()
