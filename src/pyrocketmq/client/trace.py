"""TraceDispatcher: writes what a client sent into the trace topic, where tools look messages up.

It is a hook that only keeps what it sees; a task of its own makes records of it and sends them, several in a
message. When the broker does not keep up, records are dropped and counted: sends never wait for their traces.
How a record is written is known by ``model.trace``, how a message is sent by the function it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from time import time_ns
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.handover import keep_forever
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.message import Message
from pyrocketmq.client.hooks import TIMER_PROPERTIES, EndContext, SendContext, SendHook, SendKind
from pyrocketmq.errors import ConfigurationError, DeserializationError, RocketMQError, SerializationError
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.model.trace import TraceBean, TraceContext, TraceType, encode_trace
from pyrocketmq.transport.loops import watch_loop
from pyrocketmq.transport.utils import format_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq.client.stats import ClientStats

__all__ = ["TRACE_TOPIC", "TraceDispatcher", "trace_group"]

TRACE_TOPIC: Final = "RMQ_SYS_TRACE_TOPIC"

MAX_RECORDS: Final = 100
MAX_BODY_BYTES: Final = 128_000
MAX_KEY_BYTES: Final = 16_000  # properties have 32,767 bytes, and keys may take two of them a character

NORMAL: Final = 0
HALF: Final = 1
COMMIT: Final = 2
DELAY: Final = 3
ORDER: Final = 4

logger = logging.getLogger(__name__)

_repeats: Final = RepeatedFaults(logger)


def trace_group(group: str, number: int = 0) -> str:
    """The producer group of the traces of a group's sends; brokers take 120 characters at most."""
    return f"_INNER_TRACE_PRODUCER-{group}-PRODUCE-{number}"[:120]


class TraceDispatcher(SendHook):
    """Traces of one client; add it to the client's hooks, ``start`` and ``close`` it with the client.

    Args:
        send: sends a message, on the event loop that ``start`` runs on.
        stats: where records are counted, as sent and as dropped.
        topic: where they go.
        max_waiting: sends that may wait to be traced; what comes then is dropped.
        interval: seconds after which a record is sent at the latest.
        batch: records that are sent at once when there are so many.
    """

    def __init__(
        self,
        send: Callable[[Message], Awaitable[SendResult]],
        stats: ClientStats,
        *,
        topic: str = TRACE_TOPIC,
        max_waiting: int = 2048,
        interval: float = 1.0,
        batch: int = MAX_RECORDS,
    ) -> None:
        if max_waiting < 1:
            raise ConfigurationError(f"max_waiting is {max_waiting!r}, not 1 or more", field="max_waiting")
        if not interval > 0:
            raise ConfigurationError(f"interval is {interval!r} seconds, not above 0", field="interval")
        if not 1 <= batch <= MAX_RECORDS:
            raise ConfigurationError(f"batch is {batch!r}, not 1 to {MAX_RECORDS}", field="batch")
        self._send = send
        self._stats = stats
        self._topic = topic
        self._max_waiting = max_waiting
        self._interval = interval
        self._batch = batch
        self._waiting: deque[tuple[int, SendContext | EndContext]] = deque()
        self._records: Iterator[TraceContext] = iter(())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._due = asyncio.Event()
        self._is_woken = False
        self._is_closing = False
        self._pid = os.getpid()

    @property
    def waiting(self) -> int:
        """Sends that wait to be traced."""
        return len(self._waiting)

    # ---- what clients tell it, from any thread ----

    def after_send(self, context: SendContext) -> None:
        """Keep a send for its trace."""
        if context.topic == self._topic or (context.result is None and context.error is None):
            return  # a one-way send has no outcome that a trace could tell
        if context.result is not None and not context.result.trace_on:
            return
        self._keep(context)

    def after_end_transaction(self, context: EndContext) -> None:
        """Keep the end of a transaction for its trace."""
        self._keep(context)

    def _keep(self, context: SendContext | EndContext) -> None:
        waiting = self._waiting
        if len(waiting) >= self._max_waiting:
            self._stats.traces_dropped += 1
            return
        waiting.append((time_ns() // 1_000_000, context))
        if len(waiting) >= self._batch and not self._is_woken and self._loop is not None:
            self._is_woken = True
            with contextlib.suppress(RuntimeError):  # its loop is closed, so nobody sends any more
                self._loop.call_soon_threadsafe(self._due.set)

    # ---- its own task ----

    def start(self) -> None:
        """Begin to send, on the running loop; once more on the same loop does nothing."""
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():
            self._forget_parent()
        if self._task is not None and self._loop is loop:
            return
        watch_loop(loop, self)
        self._loop = loop
        self._is_closing = False
        self._due = asyncio.Event()
        self._is_woken = False
        self._task = loop.create_task(self._run(), name="pyrocketmq trace")

    def loop_closes(self) -> None:
        """Stop, since the event loop is about to close; ``start`` goes on with what waits."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def _forget_parent(self) -> None:
        """In a child made by fork: what waits is traced by the parent."""
        keep_forever((self._task, self._due, self._loop))
        self._pid = os.getpid()
        self._task = None
        self._waiting.clear()
        self._records = iter(())

    async def close(self, timeout: float = 3.0) -> None:
        """Send what waits, as far as ``timeout`` seconds allow, and stop; the rest is dropped and counted."""
        task, self._task = self._task, None
        self._is_closing = True
        if task is not None:
            self._due.set()
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(task, timeout)
        self._stats.traces_dropped += len(self._waiting) + sum(1 for _ in self._records)
        self._waiting.clear()

    async def flush(self) -> None:
        """Send what waits now."""
        while await self._send_some():
            pass

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._interval)
            is_last = self._is_closing
            self._due.clear()
            self._is_woken = False
            try:
                await self.flush()
            except Exception:
                logger.exception("traces of sends are lost")

    async def _send_some(self) -> bool:
        """Send one message of records; False when none waits."""
        texts: list[str] = []
        keys: set[str] = set()
        size = key_size = 0
        while len(texts) < self._batch and size < MAX_BODY_BYTES and key_size < MAX_KEY_BYTES:
            found = self._next()
            if found is None:
                break
            text, its_keys = found
            texts.append(text)
            size += len(text)
            key_size += sum([len(key.encode()) + 1 for key in its_keys - keys])
            keys |= its_keys
        if not texts:
            return False
        try:
            await self._send(Message(self._topic, "".join(texts), keys=sorted(keys - {""}) or None))
        except asyncio.CancelledError:
            self._stats.traces_dropped += len(texts)
            raise
        except RocketMQError as error:
            self._stats.traces_dropped += len(texts)
            _repeats.warning(self._topic, "%d trace records were not stored: %s", len(texts), error.what)
        else:
            self._stats.traces += len(texts)
        return True

    def _next(self) -> tuple[str, set[str]] | None:
        """The next record and its keys; what it is about waits no more."""
        while True:
            record = next(self._records, None)
            if record is None:
                if not self._waiting:
                    return None
                time_ms, context = self._waiting.popleft()
                if isinstance(context, EndContext):
                    self._records = iter((_end_record(context, time_ms),))
                else:
                    self._records = _send_records(context)
                continue
            try:
                return encode_trace(record)
            except SerializationError as error:
                self._stats.traces_dropped += 1
                logger.debug("a send is not traced: %s", error)


def _send_records(context: SendContext) -> Iterator[TraceContext]:
    """A record for each message, so that each message of a batch is found by its own id."""
    result = context.result
    offset_ids = ((result.offset_msg_id if result is not None else None) or "").split(",")
    sent_as = "" if result is None or context.is_batch else result.msg_id
    if len(context.results) == len(context.messages):
        offset_ids = [each.offset_msg_id or "" for each in context.results]
    for number, message in enumerate(context.messages):
        offset_id = offset_ids[number] if number < len(offset_ids) else ""
        bean = TraceBean(
            context.topic,
            message.unique_id or sent_as or "",
            message.tags or "",
            message.keys or "",
            context.address or _host_of(offset_id),
            len(message.body),
            _type_of(context, message),
            offset_id,
        )
        yield TraceContext(
            TraceType.PUB,
            [bean],
            context.begun_ms,
            (result.region_id if result is not None else None) or "",
            context.group,
            round(context.seconds * 1000),
            success=context.error is None,
        )


def _end_record(context: EndContext, time_ms: int) -> TraceContext:
    message = context.message
    bean = TraceBean(
        message.topic,
        message.unique_id or "",
        message.tags or "",
        message.keys or "",
        context.address,
        len(message.body),
        COMMIT,
        transaction_id=context.transaction_id,
        transaction_state=context.state,
        from_transaction_check=context.from_check,
    )
    return TraceContext(TraceType.END_TRANSACTION, [bean], time_ms, "", context.group)


def _host_of(offset_id: str) -> str:
    try:
        place = decode_offset_message_id(offset_id)
    except DeserializationError:
        return ""
    return format_address(place.ip, place.port)


def _type_of(context: SendContext, message: Message) -> int:
    if context.kind is SendKind.HALF:
        return HALF
    if message.delay_level or any(name in message.properties for name in TIMER_PROPERTIES):
        return DELAY
    return ORDER if message.sharding_key else NORMAL
