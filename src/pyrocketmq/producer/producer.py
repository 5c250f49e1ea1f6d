"""Producer: every kind of send, for threads. What it does not do itself an AsyncProducer does on the engine.

A plain send takes the short way of a direct lane, a connection of the calling thread; whatever is out of the
ordinary, the first failure included, goes on where it always does.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import threading
import time
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pyrocketmq._native.message import Message
from pyrocketmq._native.sender import HandedOneways, check_timeout, message_of
from pyrocketmq._native.submitting import ready_batch
from pyrocketmq.errors import (
    ForkedClientError,
    RocketMQError,
    TransportStateError,
)
from pyrocketmq.producer.accumulating import BlockingBatchCalls
from pyrocketmq.producer.async_producer import SHUTDOWN_TIMEOUT_S, AsyncProducer, make_config

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.parcel import Parcel
    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq._native.table import SendTarget
    from pyrocketmq.client.hooks import SendHook
    from pyrocketmq.client.selectors import QueueSelector
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.nameserver.sources import NameServerSource
    from pyrocketmq.producer.config import ProducerConfig
    from pyrocketmq.remote.engine import Engine

    Body = bytes | bytearray | memoryview | str

__all__ = ["Producer"]

T = TypeVar("T")


class Producer(BlockingBatchCalls):
    """Sends messages, from any number of threads; ``with``, ``start`` or the first send begins it.

    A child made by fork goes on with connections of its own, unless ``after_fork`` says otherwise. Hooks
    run on the engine thread, with the context variables of the thread that sends.

    Args:
        producer_group: name of the application; brokers know all its producers as one group.
        namesrv_addr: name servers, ``a:9876;b:9876``; by default those of the environment (NAMESRV_ADDR).
        config: further settings.
        settings: single settings by their names, before those of ``config``.
    """

    def __init__(
        self,
        producer_group: str | None = None,
        namesrv_addr: str | Sequence[str] | NameServerSource | None = None,
        *,
        config: ProducerConfig | None = None,
        **settings: Any,
    ) -> None:
        self.config = make_config(producer_group, namesrv_addr, config, settings)
        self._direct = self.config.direct_lane
        self._most_direct = self.config.direct_threads
        self._sending: set[int] = set()  # threads in the middle of a plain send
        super().__init__(self._make_async)

    def _make_async(self) -> AsyncProducer:
        return AsyncProducer(config=self.config)

    def _begin(self, current: Engine) -> None:
        before: AsyncProducer | None = getattr(self, "_object", None)
        pid, self._pid = getattr(self, "_pid", 0), os.getpid()
        if pid != self._pid:
            was_used = before is not None and before.is_started
            self._forked_from = pid if was_used and self.config.after_fork == "error" else 0
        super()._begin(current)
        self._sends = self._object._sends
        self._table = self._sends.table
        self._oneways = HandedOneways(self._table, tell=current.post, general=self._sends.begin_oneway)
        self._engine_thread = current.thread_id
        self._sending = set()

    def _current(self) -> Engine:
        current = super()._current()
        if self._forked_from:
            raise ForkedClientError(
                f"this producer was started in process {self._forked_from}; this is its child {self._pid}",
                advice="call start() here, or make it after the fork (gunicorn: in the hook post_fork)",
            )
        return current

    # ---- sends ----

    @overload
    def send(
        self,
        message: Message,
        body: None = None,
        *,
        timeout: float | None = None,
        queue: MessageQueue | None = None,
        selector: QueueSelector | None = None,
        sharding_key: str | None = None,
        ordered: bool | None = None,
        delay_level: int | None = None,
        delay: float | None = None,
        delay_ms: int | None = None,
        deliver_at: datetime | int | None = None,
    ) -> SendResult: ...
    @overload
    def send(
        self,
        message: str,
        body: Body,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        timeout: float | None = None,
        queue: MessageQueue | None = None,
        selector: QueueSelector | None = None,
        sharding_key: str | None = None,
        ordered: bool | None = None,
        delay_level: int | None = None,
        delay: float | None = None,
        delay_ms: int | None = None,
        deliver_at: datetime | int | None = None,
    ) -> SendResult: ...
    def send(
        self,
        message: Message | str,
        body: Body | None = None,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        timeout: float | None = None,
        queue: MessageQueue | None = None,
        selector: QueueSelector | None = None,
        sharding_key: str | None = None,
        ordered: bool | None = None,
        delay_level: int | None = None,
        delay: float | None = None,
        delay_ms: int | None = None,
        deliver_at: datetime | int | None = None,
    ) -> SendResult:
        """As ``AsyncProducer.send``; blocks until it is known what became of the message."""
        is_whole = body is None and tags is None and keys is None and properties is None
        if type(message) is not Message or not is_whole:
            message = message_of(message, body, tags, keys, properties)
        if (
            queue is None
            and selector is None
            and sharding_key is None
            and ordered is None
            and delay_level is None
            and delay is None
            and delay_ms is None
            and deliver_at is None
        ):
            return self._send_plain(message, timeout)
        options = {
            "timeout": timeout,
            "queue": queue,
            "selector": selector,
            "sharding_key": sharding_key,
            "ordered": ordered,
            "delay_level": delay_level,
            "delay": delay,
            "delay_ms": delay_ms,
            "deliver_at": deliver_at,
        }
        result: SendResult = self._call_here(self._object.send, (message,), options)
        return result

    def _send_plain(self, message: Message, timeout: float | None) -> SendResult:
        """On a lane while few threads send; the frames of many travel together on the engine's connection."""
        thread, sending = threading.get_ident(), self._sending
        if thread in sending:  # a signal handler in the middle of a send
            return self._on_engine(message, timeout)
        sending.add(thread)
        try:
            if self._direct and len(sending) <= self._most_direct and thread != self._engine_thread:
                target = self._table.pick(message)
                if target is not None:
                    return self._send_directly(message, timeout, target)
            return self._on_engine(message, timeout)
        finally:
            sending.discard(thread)

    def _on_engine(self, message: Message, timeout: float | None) -> SendResult:
        current = self._current()
        if self._object._core.hooks.active:
            result: SendResult = self._call_here(self._object.send, (message,), {"timeout": timeout})
        else:
            result = current.call_with_ticket(self._object.send_for, message, timeout)
        return result

    def _call_here(
        self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...], options: dict[str, Any]
    ) -> T:
        """Call on the engine; where there are hooks, with the context variables of this thread."""
        current = self._current()
        if self._object._core.hooks.active:
            args = (contextvars.copy_context(), function, args, options)
            result: T = current.call_with(_in_context, args, {})
        else:
            result = current.call_with(function, args, options)
        return result

    def _send_directly(self, message: Message, timeout: float | None, target: SendTarget) -> SendResult:
        """One try on a lane of this thread; what it cannot do goes on where everything else is done."""
        # Whether this is a child made by fork need not be asked: there the table has no queues.
        sends, table = self._sends, self._table
        begun = monotonic()
        seconds = sends.settings.timeout if timeout is None else check_timeout(timeout)
        share = table.share_of(target, seconds)
        try:
            lane = target.link.owner.lanes.lane(share)
            if lane is None:
                return self._on_engine(message, timeout)
            result: SendResult = lane.send_message(
                target.link.encoder, message, target.queue_id, share, topic=target.topic
            )
            outcome: SendResult | RocketMQError = result
            if result.code == 0:
                result.message_queue = target.shown
                table.count(result, len(message.body))
                return result
        except RocketMQError as error:
            outcome = error
        try:
            after: SendResult = self._current().call(sends.go_on, message, target, begun, seconds, outcome)
            return after
        finally:
            del outcome  # an error would have this frame in its trace

    def _send_parcel(self, messages: list[Message], timeout: float) -> Parcel | None:
        thread, sending = threading.get_ident(), self._sending
        if not self._direct or thread in sending or len(sending) >= self._most_direct:
            return None
        parcel = None if thread == self._engine_thread else ready_batch(self._table, messages)
        if parcel is None:
            return None
        target: SendTarget = parcel.sent
        share = self._table.share_of(target, timeout)
        sending.add(thread)
        try:
            lane = target.link.owner.lanes.lane(share)
            outcome = lane and lane.send_parcel(target.link.encoder, parcel, target.queue_id, share)
            if outcome is None:
                return None
            parcel.settle(outcome)
        except RocketMQError as error:
            parcel.settle(error)
        finally:
            sending.discard(thread)
        return parcel

    @overload
    def send_oneway(
        self,
        message: Message,
        body: None = None,
        *,
        queue: MessageQueue | None = None,
        selector: QueueSelector | None = None,
        sharding_key: str | None = None,
    ) -> None: ...
    @overload
    def send_oneway(
        self,
        message: str,
        body: Body,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        queue: MessageQueue | None = None,
        selector: QueueSelector | None = None,
        sharding_key: str | None = None,
    ) -> None: ...
    def send_oneway(
        self,
        message: Message | str,
        body: Body | None = None,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        queue: MessageQueue | None = None,
        selector: QueueSelector | None = None,
        sharding_key: str | None = None,
    ) -> None:
        """As ``AsyncProducer.send_oneway``; blocks while the broker does not keep up."""
        is_whole = body is None and tags is None and keys is None and properties is None
        if type(message) is not Message or not is_whole:
            message = message_of(message, body, tags, keys, properties)
        is_plain = queue is None and selector is None and sharding_key is None
        if is_plain and self._table.oneway_window == 1:
            self._send_plain(message, None)  # each one is answered
        elif not is_plain or threading.get_ident() == self._engine_thread or not self._oneways.put(message):
            options = {"queue": queue, "selector": selector, "sharding_key": sharding_key}
            self._current().call_with(self._object.send_oneway, (message,), options)

    def request(self, message: Message, timeout: float | None = None) -> MessageExt:
        """As ``AsyncProducer.request``; blocks until the reply is here."""
        reply: MessageExt = self._call_here(self._object.request, (message, timeout), {})
        return reply

    def recall(self, topic: str, recall_handle: str, *, timeout: float | None = None) -> str:
        """As ``AsyncProducer.recall``."""
        return self._call(AsyncProducer.recall, topic, recall_handle, timeout=timeout)

    # ---- beginning and end ----

    def start(self) -> None:
        """As ``AsyncProducer.start``; in a child made by fork it begins anew, whatever the settings say."""
        super()._current()
        self._forked_from = 0
        self._call(AsyncProducer.start)

    def shutdown(self, timeout: float = SHUTDOWN_TIMEOUT_S) -> None:
        """As ``AsyncProducer.shutdown``; it may be called in a signal handler and at exit."""
        begun = monotonic()
        if self._pid != os.getpid():
            return  # that of the parent, which nobody has used here
        self._table.is_closed = True
        # In a signal handler the send that it interrupts does not go on before this returns.
        mine = {threading.get_ident()}
        while self._sending - mine and monotonic() - begun < timeout / 2:
            time.sleep(0.001)
        with contextlib.suppress(TransportStateError):  # the engine has closed it when the program ends
            self._call(AsyncProducer.shutdown, max(0.05, timeout - (monotonic() - begun)))

    def close(self) -> None:
        """As ``shutdown``."""
        self.shutdown()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    @property
    def client_id(self) -> str:
        """The name of this client at the brokers."""
        client_id: str = self._async.client_id
        return client_id

    @property
    def is_running(self) -> bool:
        """True between start and shutdown."""
        is_running: bool = self._async.is_running
        return is_running

    # ---- what is known ----

    def queues(self, topic: str, *, timeout: float | None = None) -> list[MessageQueue]:
        """As ``AsyncProducer.queues``."""
        return self._call(AsyncProducer.queues, topic, timeout=timeout)

    def add_hook(self, hook: SendHook) -> None:
        """As ``AsyncProducer.add_hook``; a child made by fork keeps it."""
        self._keep(AsyncProducer.add_hook, hook)

    def remove_hook(self, hook: SendHook) -> None:
        """As ``AsyncProducer.remove_hook``."""
        self._keep(AsyncProducer.remove_hook, hook)

    def stats(self) -> dict[str, object]:
        """As ``AsyncProducer.stats``."""
        stats: dict[str, object] = self._async.stats()
        return stats


async def _in_context(
    context: contextvars.Context,
    function: Callable[..., Coroutine[Any, Any, T]],
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> T:
    return await asyncio.get_running_loop().create_task(function(*args, **options), context=context)
