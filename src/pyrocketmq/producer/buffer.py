"""SendBuffer: what becomes of submitted messages: batches go where there is room, failures are tried again.

The native Accumulator fills the batches; here is decided where and when they leave. Who calls ``submit`` is
not known here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from pyrocketmq._native.accumulator import Accumulator
from pyrocketmq.client.hooks import SendContext, SendKind
from pyrocketmq.errors import (
    ClientClosedError,
    RocketMQError,
    RpcTimeoutError,
    SendTimeoutError,
    Undelivered,
    UndeliveredError,
)
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.producer.callbacks import Gate, Hooked
from pyrocketmq.producer.parcels import ParcelSends
from pyrocketmq.producer.singles import Singles
from pyrocketmq.producer.unrouted import Unrouted

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq._native.parcel import Parcel
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.client.window import SendWindow
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.producer.callbacks import OnDelivery
    from pyrocketmq.producer.config import ProducerConfig

__all__ = ["SendBuffer"]

logger = logging.getLogger(__name__)
_repeats: Final = RepeatedFaults(logger)

_SLICE_S: Final = 0.004  # callbacks run so long at a time, then the loop does its other work
_LOOK_S: Final = 0.25  # between two looks at what waits in vain
_MOST_TASKS: Final = 256  # of parcels on the general way
_MOST_LISTED: Final = 1000  # undelivered messages that an error lists
_PACE_S: Final = 0.05


class _Sent(NamedTuple):
    """What is noted when a parcel is written."""

    window: SendWindow
    number: int


class SendBuffer(Accumulator):
    """The submitted messages of one producer, on one event loop.

    Args:
        sender: the sends of its group.
        config: limits of batches and of the buffer.
    """

    def __new__(cls, sender: SendCore, config: ProducerConfig) -> Self:  # noqa: ARG004 - for __init__
        """Make the native part with its limits."""
        return super().__new__(
            cls,
            linger=config.linger,
            batch_bytes=config.batch_bytes,
            batch_count=config.batch_count,
            buffer_bytes=config.buffer_bytes,
            buffer_messages=config.buffer_messages,
            max_message_bytes=config.max_message_bytes,
        )

    def __init__(self, sender: SendCore, config: ProducerConfig) -> None:
        self._sender = sender
        self._core = sender.core
        self._timeout = config.send_timeout
        self._parcels = ParcelSends(sender, config.max_batches_in_flight)
        self._unrouted = Unrouted(self, sender)
        self._lines: dict[object, deque[Parcel]] = {}
        self._singles = Singles(self, sender)
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushes: list[asyncio.Future[None]] = []
        self._gates: list[threading.Lock] = []
        self._undelivered: list[Undelivered] = []
        self._lost = 0
        self._progress_at = monotonic()
        self._looking = False
        self._is_reported = False
        self._own_loop = asyncio.get_running_loop()
        self.closed = False
        self.is_special = sender.settings.selector is not None or sender.hooks.active
        self.attach(self._own_loop)

    def __repr__(self) -> str:
        return f"<SendBuffer of {self._sender.group}, {self.held_messages:,} messages>"

    def __del__(self) -> None:
        self.report_rest(None)

    @property
    def loop_of_its_own(self) -> asyncio.AbstractEventLoop:
        """The event loop that it works on."""
        return self._own_loop

    def report_rest(self, error: UndeliveredError | None) -> None:
        """Log once how much is not delivered, when nobody will send it any more."""
        count = self.held_messages + (error.count if error is not None else 0)
        if count and not self._is_reported and not self.is_inherited:
            self._is_reported = True
            logger.error(
                "%s messages that were submitted to the producer of group %s are not delivered: the program "
                "or its event loop ends, and there was no shutdown() or flush()",
                f"{count:,}",
                self._sender.group,
            )

    def settle_ways(self) -> None:
        """Look anew at what rules out the short way; hooks have changed."""
        sender = self._sender
        self.is_special = self.closed or sender.settings.selector is not None or sender.hooks.active

    def snapshot(self) -> dict[str, object]:
        """Its figures, for ``stats()``."""
        return {
            "messages": self.held_messages,
            "bytes": self.held_bytes,
            "taken": self.taken,
            "undelivered": self._lost,
            "windows": self._parcels.snapshot(),
        }

    # ---- what the native part asks for ----

    def _wire_topic(self, topic: str) -> str:
        return self._core.resource(topic)

    def _take_odd(
        self,
        message: Message,
        on_delivery: OnDelivery | None,
        ordered: bool,
        queue: MessageQueue | None,
        alone: bool,
    ) -> None:
        """Take a message that is out of the ordinary; called by the thread that submits it."""
        if self.closed:
            raise self.closed_error()
        hooks = self._sender.hooks
        if hooks.active and not alone:  # of one that leaves alone the send tells them
            core = self._core
            context = SendContext(
                self._sender.group,
                [message],
                SendKind.SUBMIT,
                client_id=core.client_id,
                namespace=core.config.namespace,
            )
            on_delivery = Hooked(self, hooks.begin(context), on_delivery)
        ordered = ordered or bool(message.sharding_key)
        if alone:
            self._singles.take(message, on_delivery, ordered=ordered, queue=queue)
        elif queue is not None:
            self.put_into(message.topic, queue, message, on_delivery, ordered=ordered)
        elif ordered or self._sender.settings.selector is not None:
            self._unrouted.take(message, on_delivery, ordered=ordered)
        else:
            self.put_plain(message, on_delivery)

    def _let_loop_work(self) -> None:
        """Wait until the loop has looked at what this thread has closed; a moment."""
        gate = threading.Lock()
        gate.acquire()
        self._gates.append(gate)
        if self.fresh:
            gate.acquire(timeout=_PACE_S)

    def _wait_for_room(self, timeout: float | None) -> None:
        """Block until the buffer has room."""
        seconds = self._timeout if timeout is None else timeout
        end = monotonic() + seconds
        self._core.stats.back_pressure_waits += 1
        while not self.has_room:
            left = end - monotonic()
            if left <= 0:
                self._core.stats.back_pressure_refusals += 1
                raise self.refusal(f"no room came within {seconds:g} s")
            gate = Gate()
            self.when_room(gate)
            gate.wait(left)

    def _callback_failed(self, callback: object, error: Exception) -> None:
        self._core.stats.callback_failures += 1
        name = getattr(callback, "__qualname__", type(callback).__name__)
        _repeats.log(
            (self._sender.group, name),
            logging.ERROR,
            "the on_delivery callback %s failed: %s: %s",
            name,
            type(error).__name__,
            error,
        )

    def _epoch_ended(self) -> None:
        flushes, self._flushes = self._flushes, []
        for future in flushes:
            if not future.done():
                future.set_result(None)

    # ---- one turn of the loop ----

    def _run(self) -> None:
        self.begin_turn()
        if self._gates:
            gates, self._gates = self._gates, []
            for gate in gates:
                gate.release()
        ended = self.take_ended()
        if ended:
            self._end(ended)
        self._singles.send()
        self._pump()

    def _end(self, ended: list[Parcel]) -> None:
        until = monotonic() + _SLICE_S
        for at, parcel in enumerate(ended, 1):
            self._ended(parcel)
            if at % 8 == 0 and monotonic() > until:
                self.give_back_ended(ended[at:])
                return

    def _ended(self, parcel: Parcel) -> None:
        """The quick try of a parcel is over."""
        if self.is_finishing(parcel):
            self.finish(parcel)
            return
        window, number = parcel.sent
        outcome = parcel.outcome
        if self._parcels.is_good(outcome):
            tried = parcel.tried
            outcome.message_queue = self._sender.targets.shown(tried.queue)
            now = self._progress_at = monotonic()
            window.succeeded(now - tried.begun, number)
            self._stored(parcel)
        else:
            self._parcels.note_refusal(parcel, number)
            self.spawn(self._deliver(parcel, window, self._timeout))

    def _stored(self, parcel: Parcel, counted: int = 0) -> None:
        """A parcel is stored; ``counted`` is what the general way has counted for it as one message."""
        count = len(parcel)
        stats = self._core.stats
        stats.submitted += count
        stats.delivered += count
        stats.sent += count - counted
        stats.batches += 1
        if not parcel.is_confirmed:
            stats.not_confirmed += count - counted
        self.finish(parcel)

    def _pump(self) -> None:
        """Send what may be sent now."""
        ready = self.ready
        lines = self._lines
        while ready:
            parcel = ready.popleft()
            if not len(parcel):
                self.finish(parcel)
                continue
            queue = parcel.queue
            # Lines of their own, so that a broker without room holds up nothing else.
            key: object = parcel.topic if queue is None else (queue.broker_name,)
            line = lines.get(key)
            if line is None:
                line = lines[key] = deque()
            line.append(parcel)
        if not lines:
            return
        for key, line in list(lines.items()):
            while line and self._send(line[0]):
                line.popleft()
            if not line:
                del lines[key]
        if lines and not self._looking:
            self._looking = True
            self._own_loop.call_later(_LOOK_S, self._look)

    def _send(self, parcel: Parcel) -> bool:
        """Send a parcel one way or the other; false when there is no room for it now."""
        queue = parcel.queue
        if queue is None:
            route = self._sender.targets.known(parcel.topic)
            if route is None:
                return self._send_generally(parcel, None)
            queue = self._parcels.pick(route, needs_room=True)
        window = None if queue is None else self._parcels.window(queue.broker_name)
        if queue is None or window is None or not window.has_room:
            return False
        link = self._parcels.link(queue)
        connection = None if link is None else link.ready()
        if link is None or connection is None:
            return self._send_generally(parcel, window)
        if not connection.is_flowing:
            waker = self._own_loop.create_future()
            waker.add_done_callback(lambda _: self.wake_up())
            connection.when_flowing(waker)
            return False
        if self._parcels.put(parcel, queue, link, connection, self._timeout):
            parcel.sent = _Sent(window, window.take())
            return True
        return self._send_generally(parcel, window)

    def _send_generally(self, parcel: Parcel, window: SendWindow | None) -> bool:
        if len(self._tasks) >= _MOST_TASKS:
            return False
        if window is not None:
            window.take()
        self.spawn(self._deliver(parcel, window, self._timeout))
        return True

    async def _deliver(self, parcel: Parcel, window: SendWindow | None, timeout: float) -> None:
        """All tries of a parcel but the quick one."""
        error: RocketMQError
        try:
            parcel.settle(await self._parcels.deliver(parcel, timeout))
        except RocketMQError as failed:
            error = failed
        except asyncio.CancelledError:
            error = self.closed_error()
        else:
            if window is not None:
                window.ended()
            self._progress_at = monotonic()
            self._stored(parcel, counted=1)
            self.wake_up()
            return
        if window is not None:
            window.ended()
        self._give_up(parcel, error)
        self.wake_up()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until it ends, or the buffer is closed."""
        task = self._own_loop.create_task(work, name=f"batch of {self._sender.group}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end_one(
        self,
        message: Message,
        on_delivery: OnDelivery | None,
        result: SendResult | None,
        error: RocketMQError | None,
    ) -> None:
        """Say what became of a message that was in no batch."""
        stats = self._core.stats
        stats.submitted += 1
        if error is None:
            stats.delivered += 1
            self._progress_at = monotonic()
        else:
            stats.undelivered += 1
        if on_delivery is None:
            if error is not None:
                self.note_lost([message], 1, error)
            return
        try:
            on_delivery(message, result, error)
        except Exception as failure:  # noqa: BLE001 - the user's code, and the others go on
            self._callback_failed(on_delivery, failure)

    # ---- failures ----

    def _give_up(self, parcel: Parcel, error: RocketMQError) -> None:
        parcel.settle(error)
        count = len(parcel)
        stats = self._core.stats
        stats.submitted += count
        stats.undelivered += count
        unheard = self.without_callback(parcel)
        if unheard:
            room = max(0, _MOST_LISTED - len(self._undelivered))
            lost = parcel.unheard(room) if room else []
            for message in lost:
                message.topic = self._core.without_namespace(message.topic)
            self.note_lost(lost, unheard, error)
        self.finish(parcel)

    def note_lost(self, messages: list[Message], count: int, error: RocketMQError) -> None:
        """Keep what an error of ``flush`` says about messages that nobody else is told of."""
        room = max(0, _MOST_LISTED - len(self._undelivered))
        self._undelivered.extend([Undelivered(message, error) for message in messages[:room]])
        self._lost += count

    def take_undelivered(self) -> UndeliveredError | None:
        """The error about what was not delivered and has no callback, since the last time."""
        lost, self._lost = self._lost, 0
        listed, self._undelivered = self._undelivered, []
        return UndeliveredError(count=lost, failures=tuple(listed)) if lost else None

    def _look(self) -> None:
        """Give up what has waited for nothing: no answer has come for as long as a send may take."""
        self._looking = False
        now = monotonic()
        if now - self._progress_at > self._timeout:
            for key, line in list(self._lines.items()):
                while line and now - line[0].age_from > self._timeout:
                    parcel = line.popleft()
                    self._give_up(parcel, self._stuck(parcel, now))
                if not line:
                    del self._lines[key]
        self._pump()

    def _stuck(self, parcel: Parcel, now: float) -> RocketMQError:
        return SendTimeoutError(
            f"topic {parcel.topic!r}: a batch of {len(parcel):,} messages waited "
            f"{now - parcel.age_from:.1f} s for a broker to take it, and none has answered meanwhile",
            topic=parcel.topic,
            timeout=self._timeout,
            elapsed=now - parcel.age_from,
            likely="the brokers of the topic are down or cannot be reached",
            advice="submit it again when they are back, or raise send_timeout",
        )

    def tell_hooks(
        self, context: SendContext, result: SendResult | None, error: RocketMQError | None
    ) -> None:
        """A message that hooks have seen before has its outcome."""
        self._sender.hooks.end(context, result, error=error)

    # ---- waiting for the end ----

    async def flush(self, timeout: float | None = None) -> None:
        """Send all that is there now, and wait until it is answered.

        Raises:
            UndeliveredError: some of it was not delivered, and has no callback.
            RpcTimeoutError: it was not answered in time; it is still being sent.
        """
        end = None if timeout is None else monotonic() + timeout
        await self._unrouted.wait(end)
        mark = self.mark()
        while not self.is_done_to(mark):
            future = self._own_loop.create_future()
            self._flushes.append(future)
            try:
                async with asyncio.timeout(None if end is None else max(0.0, end - monotonic())):
                    await future
            except TimeoutError:
                raise RpcTimeoutError(
                    f"{self.held_messages:,} submitted messages were not answered within {timeout:g} s, "
                    "they are still being sent",
                    likely="brokers take messages more slowly than they are submitted",
                    advice="flush again, or give it more time",
                ) from None
        error = self.take_undelivered()
        if error is not None:
            raise error

    async def close(self, timeout: float) -> UndeliveredError | None:
        """Take nothing more, send what is there, give up the rest; gives the error about what was lost."""
        self.closed = True
        self.is_special = True
        try:
            await self.flush(timeout)
        except UndeliveredError as error:
            self._drop()
            rest = self.take_undelivered()
            return error if rest is None else error.joined(rest)
        except RpcTimeoutError:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            self._unrouted.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=1.0)
        self._drop()
        return self.take_undelivered()

    def _drop(self) -> None:
        """Give up everything that is left, and let go of the loop."""
        self.close_all()
        self._pump_nothing()
        self.detach()

    def _pump_nothing(self) -> None:
        error = self.closed_error()
        self._singles.give_up(error)
        while True:
            parcels = [*self.ready, *(parcel for line in self._lines.values() for parcel in line)]
            self.ready.clear()
            self._lines.clear()
            if not parcels:
                return
            for parcel in parcels:
                self._give_up(parcel, error)  # which makes the next one of an ordered queue ready

    def closed_error(self) -> ClientClosedError:
        """What to say about messages that come too late."""
        return ClientClosedError(
            f"the producer of group {self._sender.group!r} was shut down",
            advice="call start() to use it again, or give shutdown more time",
        )
