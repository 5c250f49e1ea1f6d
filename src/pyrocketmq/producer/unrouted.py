"""Unrouted: submitted messages whose queue is picked one by one, by a key or a selector, until it is picked.

Where the route is known and the selector answers at once, they go straight into the batch of their queue;
where not, they wait here in their order. How batches are sent is not known here.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from pyrocketmq._native.parcel import check_message
from pyrocketmq.errors import ConfigurationError, RocketMQError
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.producer.callbacks import back_to
from pyrocketmq.producer.singles import KEPT_BYTES

if TYPE_CHECKING:
    from pyrocketmq._native.message import Message
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.producer.buffer import SendBuffer
    from pyrocketmq.producer.callbacks import OnDelivery

__all__ = ["Unrouted"]


class _Waiting(NamedTuple):
    """A message without a queue."""

    message: Message
    on_delivery: OnDelivery | None
    ordered: bool
    picked: Any  # an awaitable of the selector, or None when it has not been asked
    size: int
    epoch: int


class Unrouted:
    """The messages of one buffer that have no queue yet.

    Args:
        buffer: where they go when they have one.
        sender: knows routes and selectors.
    """

    def __init__(self, buffer: SendBuffer, sender: SendCore) -> None:
        self._buffer = buffer
        self._sender = sender
        self._core = sender.core
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # held for a moment, with nothing called inside
        self._lines: dict[str, deque[_Waiting]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def take(self, message: Message, on_delivery: OnDelivery | None, *, ordered: bool) -> None:
        """Put a message into the batch of its queue, or let it wait; called by the thread that submits it."""
        topic = message.topic
        picked: Any = None
        if topic not in self._lines:
            wire_topic = self._core.resource(topic)
            route = self._core.routes.cached(wire_topic)
            if route is not None:
                picked = self._selector(ordered).select(wire_topic, route.pairs, message)
                if not inspect.isawaitable(picked):
                    self._buffer.put_into(topic, _queue(picked), message, on_delivery, ordered=ordered)
                    return
        size = check_message(message, self._core.config.max_message_bytes) + KEPT_BYTES
        # A copy, since the caller may change the message as soon as this returns.
        waiting = _Waiting(
            copy.copy(message), back_to(message, on_delivery), ordered, picked, size, self._buffer.hold(size)
        )
        with self._lock:
            line = self._lines.get(topic)
            is_first = line is None
            if line is None:
                line = self._lines[topic] = deque()
            line.append(waiting)
        if is_first:
            self._loop.call_soon_threadsafe(self._start, topic)

    async def wait(self, end: float | None) -> None:
        """Wait until every message that is here has a queue or is given up, or the time is over."""
        await asyncio.sleep(0)  # until those that were handed over have begun
        tasks = tuple(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=None if end is None else max(0.0, end - monotonic()))

    def cancel(self) -> None:
        """Give up what is here."""
        for task in self._tasks.values():
            task.cancel()

    # ---- on the loop ----

    def _start(self, topic: str) -> None:
        self._tasks[topic] = self._loop.create_task(self._work(topic), name=f"queues of {topic}")

    async def _work(self, topic: str) -> None:
        line = self._lines[topic]
        buffer = self._buffer
        while True:
            with self._lock:
                if not line:
                    del self._lines[topic]
                    break
                one = line[0]
            found: MessageQueue | RocketMQError
            try:
                found = await self._queue_of(one)
            except RocketMQError as error:
                found = error
            except asyncio.CancelledError:
                found = buffer.closed_error()
            line.popleft()
            if isinstance(found, MessageQueue):
                buffer.put_into(topic, found, one.message, one.on_delivery, ordered=one.ordered)
            else:
                buffer.end_one(one.message, one.on_delivery, None, found)
            buffer.let_go(one.size, one.epoch)
        del self._tasks[topic]

    async def _queue_of(self, one: _Waiting) -> MessageQueue:
        wire_topic = self._core.resource(one.message.topic)
        picked = one.picked
        try:
            if picked is None:
                await self._core.ensure_started()
                end = monotonic() + self._sender.settings.timeout
                route = self._sender.targets.known(wire_topic)
                if route is None:
                    route = await self._core.routes.find(wire_topic, end)
                picked = self._selector(one.ordered).select(wire_topic, route.pairs, one.message)
            if inspect.isawaitable(picked):
                picked = await picked
            return _queue(picked)
        except RocketMQError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"the selector failed: {type(error).__name__}: {error}",
                field="selector",
                advice="correct the selector; nothing was sent",
            ) from error

    def _selector(self, ordered: bool) -> Any:
        settings = self._sender.settings
        return settings.key_selector if ordered or settings.selector is None else settings.selector


def _queue(picked: Any) -> MessageQueue:
    try:
        queue: Any = picked if isinstance(picked, MessageQueue) else picked[0]
    except (TypeError, IndexError):
        queue = None
    if not isinstance(queue, MessageQueue):
        raise ConfigurationError(
            f"the selector gave {picked!r}, it must give one of the pairs of queue and broker that it got",
            field="selector",
            advice="return an item of available_queues",
        )
    return queue
