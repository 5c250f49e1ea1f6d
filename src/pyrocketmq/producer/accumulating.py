"""submit, flush and send_batch of producers, for asynchronous and for blocking code.

What becomes of the messages is the business of SendBuffer and BatchSends; here is only when these begin and
end, and what is done at exit with what nobody has waited for.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import weakref
from concurrent.futures import TimeoutError as FutureTimeoutError
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq._native.sender import check_timeout
from pyrocketmq._native.submitting import AsyncSubmit, BlockingSubmit
from pyrocketmq.errors import RocketMQError, UndeliveredError
from pyrocketmq.producer.batches import BatchSends, listed
from pyrocketmq.producer.buffer import SendBuffer
from pyrocketmq.remote.face import SyncFace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq._native.parcel import Parcel
    from pyrocketmq.client.core import ClientCore
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.producer.config import ProducerConfig

__all__ = ["BatchCalls", "BlockingBatchCalls"]

logger = logging.getLogger(__name__)

AT_EXIT_S: Final = 3.0
"""Seconds that a program waits at its end for what was submitted and not flushed."""


class BatchCalls(AsyncSubmit):
    """Sends of many messages at a time; a part of AsyncProducer."""

    config: ProducerConfig
    _core: ClientCore
    _sends: SendCore

    async def send_batch(
        self,
        *messages: Message | Iterable[Message],
        timeout: float | None = None,
        queue: MessageQueue | None = None,
    ) -> Sequence[SendResult]:
        """Send messages of one topic together: ``send_batch(first, second)`` or ``send_batch(messages)``.

        What is too much for one request goes in several at the same time, which may be stored in any order.
        Messages with sharding keys go to the queues of their keys, and those of one queue keep their order.

        Args:
            messages: at least one; none of them delayed, timed or part of a transaction.
            timeout: seconds for all tries; ``send_timeout`` by default.
            queue: where they have to go.

        Returns:
            A result for each message, in the order of the messages.

        Raises:
            ConfigurationError: the timeout is none that a send can end in.
            InvalidMessageError: no messages, several topics, or one that no batch may hold; nothing was sent.
            MessageTooLargeError: a message is over the limit; nothing was sent.
            BatchSendError: a part of them was not sent; its ``results`` say which.
        """
        sends = self._batches()
        batch = listed(messages)
        seconds = self.config.send_timeout if timeout is None else check_timeout(timeout)
        packed: list[Parcel] | None = None
        # The plain case, without coroutines around it.
        parcel = self._begin_batch(batch, seconds) if queue is None else None
        if parcel is not None:
            await parcel
            results = sends.ended(parcel)
            if results is not None:
                return results
            packed = [parcel]
        return await sends.send(batch, seconds, queue, packed)

    async def flush(self, timeout: float | None = None) -> None:
        """Send what was submitted so far, and wait until brokers have answered.

        Args:
            timeout: seconds to wait; None for as long as the tries take.

        Raises:
            UndeliveredError: messages that have no callback were not delivered; it lists them.
            RpcTimeoutError: not everything was answered in time; it is still being sent.
        """
        buffer = self._accumulator
        if buffer is not None and not buffer.is_inherited:
            await buffer.flush(timeout)

    _batch_sends: BatchSends | None = None
    _accumulator: SendBuffer | None

    def _batches(self) -> BatchSends:
        sends = self._batch_sends
        if sends is None:
            sends = self._batch_sends = BatchSends(self._sends, self.config.max_batches_in_flight)
        return sends

    def _accumulate(self) -> SendBuffer:
        """The buffer for what is submitted: made on first use, after a restart, in a child made by fork."""
        there = self._accumulator
        if there is not None and not (there.is_inherited or there.closed):
            return there
        self._sends.check_open()
        buffer = SendBuffer(self._sends, self.config)
        self._core.stats.add_source("submit", buffer.snapshot)
        self._accumulator = buffer
        _buffers.add(buffer)
        return buffer

    def _settle_submits(self) -> None:
        """Hooks have changed."""
        if self._accumulator is not None:
            self._accumulator.settle_ways()

    async def _close_submits(self, timeout: float) -> UndeliveredError | None:
        """Deliver what was submitted; gives the error about what was not."""
        buffer, self._accumulator = self._accumulator, None
        self._batch_sends = None
        if buffer is None or buffer.is_inherited or buffer.closed:
            return None
        return await buffer.close(timeout)


class BlockingBatchCalls(BlockingSubmit, SyncFace):
    """Sends of many messages at a time, from any number of threads; a part of Producer."""

    config: ProducerConfig
    _accumulator: SendBuffer | None

    def send_batch(
        self,
        *messages: Message | Iterable[Message],
        timeout: float | None = None,
        queue: MessageQueue | None = None,
    ) -> Sequence[SendResult]:
        """As ``AsyncProducer.send_batch``; blocks until it is known what became of all messages."""
        batch = listed(messages)
        if queue is not None:
            return self._call(BatchCalls.send_batch, batch, timeout=timeout, queue=queue)
        seconds = self.config.send_timeout if timeout is None else check_timeout(timeout)
        parcel = self._send_parcel(batch, seconds)
        if parcel is None:
            return self._call(BatchCalls.send_batch, batch, timeout=timeout)
        sends: BatchSends = self._object._batches()
        results = sends.ended(parcel)
        if results is not None:
            return results
        return self._current().call(sends.send, batch, seconds, None, [parcel])

    def _send_parcel(self, messages: list[Message], timeout: float) -> Parcel | None:
        """One try of a plain batch on a connection of this thread; None when it has to go another way."""
        raise NotImplementedError

    def flush(self, timeout: float | None = None) -> None:
        """As ``AsyncProducer.flush``; blocks. In a callback, which runs on the engine thread, it raises."""
        self._call(BatchCalls.flush, timeout)

    def _accumulate(self) -> SendBuffer:
        current = self._current()
        producer: Any = self._object
        # On the engine thread, so that threads which begin at once get the same one.
        make = producer._accumulate
        made: SendBuffer = make() if current.is_current_thread else current.run(make)
        self._accumulator = made
        return made


_buffers: Final[weakref.WeakSet[SendBuffer]] = weakref.WeakSet()


def _flush_at_exit() -> None:
    end = monotonic() + AT_EXIT_S
    for buffer in tuple(_buffers):
        if not buffer.held_messages or buffer.is_inherited or buffer.closed:
            continue
        error: UndeliveredError | None = None
        try:
            loop = buffer.loop_of_its_own
            if loop.is_running() and not buffer.is_own_thread:
                left = max(0.0, end - monotonic())
                asyncio.run_coroutine_threadsafe(buffer.flush(left), loop).result(left + 0.5)
        except UndeliveredError as failed:
            error = failed
        except (RocketMQError, FutureTimeoutError, RuntimeError):
            pass
        buffer.report_rest(error)


# Before the engine ends: functions at exit run in the opposite order, and its module is imported above.
atexit.register(_flush_at_exit)
