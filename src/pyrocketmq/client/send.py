"""SendCore: how a message gets to a broker, whoever sends it: producers, traces, transactions, tools.

The quick way is native and has nothing to decide; all else is here: routes, the choice of a queue, order,
compression, retries inside one deadline. What is tried next and where is asked of the RetryPlan.
"""

from __future__ import annotations

import asyncio
import copy
import os
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.sender import Sender
from pyrocketmq._native.table import SendTable
from pyrocketmq.client.hooks import SendContext, SendHooks, SendKind
from pyrocketmq.client.lines import Lines
from pyrocketmq.client.outgoing import Outgoing, check_size, outgoing
from pyrocketmq.client.retry import Retry, RetryPlan, Verdict, judge
from pyrocketmq.client.room import Room
from pyrocketmq.client.send_settings import SendSettings
from pyrocketmq.client.targets import Targets, Try, without_frames
from pyrocketmq.client.warming import WarmUps
from pyrocketmq.errors import (
    BackPressureError,
    ClientClosedError,
    ConnectionError,  # noqa: A004
    RocketMQError,
    RpcTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from pyrocketmq._native.message import Message
    from pyrocketmq._native.sendcall import SendCall
    from pyrocketmq._native.sender import OnewayMark
    from pyrocketmq._native.table import SendTarget
    from pyrocketmq.client.core import ClientCore
    from pyrocketmq.client.mapping import PublishRoute

__all__ = ["SendCore", "SendSettings"]

_LOOK_S: Final = 0.005  # between two looks at what is still under way at the end


class SendCore(Sender):
    """The sends of one producer group.

    Args:
        core: the client.
        group: the producer group, with its namespace.
        settings: time-outs, retries, limits.
        hooks: called around each send; those of the client by default.
    """

    def __init__(
        self,
        core: ClientCore,
        group: str,
        settings: SendSettings | None = None,
        hooks: SendHooks | None = None,
    ) -> None:
        self.core = core
        self.hooks = core.hooks if hooks is None else hooks
        self.group = group
        self.settings = settings or SendSettings()
        self.closed = False
        self.ensure_started: Callable[[], Awaitable[None]] = core.ensure_started
        self.lines = Lines()
        self.warming = WarmUps(self)
        self.table = SendTable(
            general=self._send_message,
            general_oneway=self._send_oneway,
            renew=self._renew,
            warm_up=self.warming.begin,
            try_again=self._try_again,
            take_over=self._take_over,
            take_over_oneway=self._take_over_oneway,
            refuse=self._refuse,
            on_latency=self._latency,
        )
        super().__init__(self.table)
        self.targets = Targets(core, group, self.table)
        self.room = Room(self.table, core.stats)
        self._tasks: set[asyncio.Task[Any]] = set()
        settings = self.settings
        table = self.table
        table.timeout = settings.timeout
        table.retries = settings.retries
        table.takes_not_ok = not settings.retry_not_ok
        table.max_in_flight = settings.max_in_flight
        table.max_in_flight_bytes = settings.max_in_flight_bytes
        table.oneway_window = settings.oneway_window
        if settings.packing.kind is not None:
            table.compress_over = settings.packing.over
        self.settle()
        _cores.add(self)

    def __repr__(self) -> str:
        return f"<SendCore of {self.group}, {self.table.in_flight:,} in flight>"

    def settle(self) -> None:
        """Find out whether sends may go the quick way, which knows neither hooks nor selectors."""
        self.table.is_closed = self.closed
        self.table.is_plain = not (
            self.hooks.active or self.settings.selector is not None or not self.core.brokers.is_plain
        )

    # ---- one message, every way but the quick one ----

    async def deliver(
        self,
        message: Message,
        options: dict[str, Any] | None = None,
        timeout: float = 0.0,
        *,
        sys_flag: int = 0,
        kind: SendKind = SendKind.SEND,
        begun: float | None = None,
    ) -> SendResult:
        """Send a message with options, as ``send`` does for those that are out of the ordinary.

        Args:
            message: what is sent.
            options: those of ``send`` that are set.
            timeout: seconds for all of it; 0 for those of the settings.
            sys_flag: bits of the header, for example of a half message.
            kind: for hooks.
            begun: when the send was called, on the clock of ``time.monotonic``; now by default.
        """
        out = outgoing(message, options, sys_flag)
        plan = self._plan(out, monotonic() if begun is None else begun, timeout)
        hooks = self.hooks
        if not hooks.active:
            return await self._deliver(out, plan)
        context = hooks.begin(
            SendContext(
                self.group,
                [out.message],
                kind,
                client_id=self.core.client_id,
                namespace=self.core.config.namespace,
            )
        )
        try:
            result = await self._deliver(out, plan)
        except BaseException as error:
            hooks.end(context, error=error)
            raise
        context.address = self._address(result)
        hooks.end(context, result)
        return result

    def _address(self, result: SendResult) -> str | None:
        """The broker that answered, unless it is forgotten by now."""
        name = getattr(result.message_queue, "broker_name", None)
        return next((link.address for link in self.core.brokers.links() if link.name == name), None)

    def _send_message(
        self, message: Message, options: dict[str, Any] | None, timeout: float, begun: float
    ) -> Coroutine[Any, Any, SendResult]:
        return self.deliver(message, options, timeout, begun=begun)

    def _plan(self, out: Outgoing, begun: float, timeout: float) -> RetryPlan:
        settings = self.settings
        return RetryPlan(begun, timeout or settings.timeout, settings.retries, stays=out.stays)

    async def _deliver(self, out: Outgoing, plan: RetryPlan) -> SendResult:
        await self._begin(out, plan)
        size = len(out.message.body)
        await self.room.take(size, plan)
        try:
            if out.ordered:
                return await self._deliver_in_order(out, plan)
            route = await self._route(out, plan)
            return await self._pack_and_try(out, plan, route)
        finally:
            self.table.give(size)

    async def _begin(self, out: Outgoing, plan: RetryPlan) -> None:
        self.check_open()
        begun = monotonic()
        await self.ensure_started()
        plan.connecting += monotonic() - begun
        out.message = self._as_servers_know(out.message)

    def _as_servers_know(self, message: Message) -> Message:
        """The message, or a copy of it with the namespace in its topic."""
        topic = self.core.resource(message.topic)
        if topic != message.topic:
            message = copy.copy(message)
            message.topic = topic
        return message

    async def _deliver_in_order(self, out: Outgoing, plan: RetryPlan) -> SendResult:
        """Send when everything in front of it on its queue has ended."""
        topic = out.message.topic
        route = self.targets.known(topic)
        if route is None or topic in self.lines:
            # Those who wait for a route keep their order as well.
            place = self.lines.join(topic)
            try:
                await place.turn()
                route = await self._route(out, plan)
                place_of_queue = await self._join(out, route)
            finally:
                place.leave()
        else:
            place_of_queue = await self._join(out, route)
        begun = monotonic()
        try:
            try:
                async with asyncio.timeout(max(0.0, plan.left(begun))):
                    await place_of_queue.turn()
            except TimeoutError:
                plan.queued += monotonic() - begun
                raise plan.error(
                    out.message,
                    monotonic(),
                    BackPressureError(
                        f"it waited {plan.queued:.1f} s for the ordered sends in front of it on its queue",
                        advice="send less to one key at a time, or raise the time-out",
                    ),
                ) from None
            plan.queued += monotonic() - begun
            return await self._pack_and_try(out, plan, route)
        finally:
            place_of_queue.leave()

    async def _join(self, out: Outgoing, route: PublishRoute) -> Any:
        if out.queue is None:
            selector = out.selector or self.settings.key_selector
            # Picked once: with another list of queues a retry could overtake what is under way on its queue.
            out.queue = await self.targets.selected(selector, out.message, route)
        return self.lines.join(out.queue)

    async def _route(self, out: Outgoing, plan: RetryPlan) -> PublishRoute:
        topic = out.message.topic
        route = self.targets.known(topic)
        if route is None:
            begun = monotonic()
            try:
                route = await self.core.routes.find(topic, plan.deadline)
            finally:
                plan.connecting += monotonic() - begun
        return route

    async def _pack_and_try(self, out: Outgoing, plan: RetryPlan, route: PublishRoute) -> SendResult:
        packing = self.settings.packing
        if packing.wants(out):
            await packing.pack_later(out)
        check_size(out, self.core.config.max_message_bytes)
        return await self._try(out, plan, route)

    # ---- tries ----

    async def _try(
        self, out: Outgoing, plan: RetryPlan, route: PublishRoute, step: Retry | None = None
    ) -> SendResult:
        """Try until it is stored, or the plan has no more to say; ``step`` is what a try before has left."""
        unconfirmed: SendResult | None = None
        while True:
            if step is not None:
                self.core.stats.retries += 1
                route = await self._before_retry(out, plan, route, step)
            queue = await self.targets.choose(out, route, plan, self.settings.selector)
            tried = Try(queue, monotonic())
            try:
                tried.share = plan.share(tried.begun, brokers=len(route.brokers))
                result = await self.targets.send(tried, out, plan)
                if result.ok or (result.status is not None and not self.settings.retry_not_ok):
                    return self._stored(result, out, plan, queue)
                error = tried.refused(result)
                if result.status is not None:
                    unconfirmed = result
            except RocketMQError as failed:
                error = without_frames(failed)
            now = monotonic()
            self.targets.note_failure(queue.broker_name, error)
            step = plan.failed(tried.ended(error, now), now, brokers=len(route.brokers))
            if step is None:
                if unconfirmed is not None:
                    unconfirmed = self._stored(unconfirmed, out, plan, queue)
                    unconfirmed.attempts -= 1  # it is one of the tries that count as failed
                    return unconfirmed
                raise self._failure(plan.error(out.message, now))

    async def _before_retry(
        self, out: Outgoing, plan: RetryPlan, route: PublishRoute, step: Retry
    ) -> PublishRoute:
        topic = out.message.topic
        if step.refresh:
            self.core.routes.refresh_soon(topic)
        if step.after:
            await asyncio.sleep(step.after)
        if self.closed:
            raise plan.error(out.message, monotonic(), self._closed_error())
        await self.ensure_started()
        return self.targets.known(topic) or route

    def _stored(self, result: SendResult, out: Outgoing, plan: RetryPlan, queue: Any) -> SendResult:
        result.attempts = len(plan.tries) + 1
        if result.message_queue is None:
            result.message_queue = self.targets.shown(queue)
        self.table.count(result, out.size)
        return result

    def _failure(self, error: RocketMQError) -> RocketMQError:
        stats = self.core.stats
        if error.maybe_sent:
            stats.unknown += 1
        else:
            stats.failed += 1
        return error

    def _latency(self, link: Any, seconds: float) -> None:
        self.core.faults.record(link.name, seconds)

    # ---- after the quick way ----

    def _renew(self, topic: str) -> None:
        self.targets.known(topic)

    def _take_over(self, call: SendCall, outcome: SendResult | RocketMQError | None) -> None:
        """Go on with a send whose first try was not answered, or with a refusal, or could not be made."""
        if call.future.done():
            return  # cancelled: nobody wants to know
        past = call.past
        if outcome is None and not past:
            self._follow(call.future, self.deliver(call.message, None, call.timeout, begun=call.begun))
            return
        out = Outgoing(self._as_servers_know(call.message))
        plan = self._plan(out, call.begun, call.timeout)
        plan.connecting = call.warming
        plan.queued = (past[0][1] if past else call.written) - call.begun - call.warming
        for target, begun, ended, error in past:
            tried = Try(target.queue, begun, target.link.address)
            plan.failed(tried.ended(error, ended), ended, brokers=2)
        left: SendResult | RocketMQError | tuple[PublishRoute, Retry]
        if outcome is None:
            left = self._after_waiting(out, plan)
        else:
            left = self._after(out, plan, Try(call.queue, call.written, call.link.address), outcome)
        if isinstance(left, SendResult):
            call.future.set_result(left)
        elif isinstance(left, RocketMQError):
            call.future.set_exception(left)
        else:
            self._follow(call.future, self._go_on(out, plan, *left))

    def _refuse(self, timeout: float, count: int) -> RocketMQError:
        return self.room.refusal(timeout, count)

    def _try_again(self, call: SendCall, error: RocketMQError) -> bool:
        """Whether a send may go to another broker at once, without all that has more to decide."""
        if call.future.done() or not isinstance(error, RpcTimeoutError | ConnectionError):
            return False
        if judge(error) is Verdict.FINAL:
            return False
        queue = call.queue
        self.targets.note_failure(queue.broker_name, error)
        if isinstance(error, ConnectionError):
            self.core.routes.refresh_soon(queue.topic)
        self.core.stats.retries += 1
        return True

    def _after_waiting(self, out: Outgoing, plan: RetryPlan) -> RocketMQError | tuple[PublishRoute, Retry]:
        """What comes after tries that were made, and a wait for room for another that could not be made."""
        now = monotonic()
        route = self.targets.known(out.message.topic)
        if route is not None and plan.left(now) > 0 and not self.closed:
            return route, Retry(after=0.0, refresh=False)
        return self._failure(plan.error(out.message, now, self.room.refusal(plan.timeout, 1)))

    async def deliver_rest(
        self,
        out: Outgoing,
        plan: RetryPlan,
        tried: Try | None = None,
        outcome: SendResult | RocketMQError | None = None,
    ) -> SendResult:
        """Send what was put together elsewhere: all tries, or those after a first one.

        Args:
            out: what is sent.
            plan: without any try.
            tried: the try that was made already, and failed.
            outcome: what it gave.
        """
        await self._begin(out, plan)
        if tried is None or outcome is None:
            size = len(out.message.body)
            await self.room.take(size, plan)
            try:
                return await self._pack_and_try(out, plan, await self._route(out, plan))
            finally:
                self.table.give(size)
        return await self._rest(out, plan, tried, outcome)

    async def go_on(
        self,
        message: Message,
        target: SendTarget,
        begun: float,
        timeout: float,
        outcome: SendResult | RocketMQError,
    ) -> SendResult:
        """Go on with a plain send whose first try was made elsewhere, and failed.

        Args:
            message: what is sent.
            target: where the try went.
            begun: when, on the clock of ``time.monotonic``.
            timeout: seconds for all of the send.
            outcome: the refusal, or the error.
        """
        out = Outgoing(self._as_servers_know(message))
        plan = self._plan(out, begun, timeout)
        return await self._rest(out, plan, Try(target.queue, begun, target.link.address), outcome)

    async def _rest(
        self, out: Outgoing, plan: RetryPlan, tried: Try, outcome: SendResult | RocketMQError
    ) -> SendResult:
        left = self._after(out, plan, tried, outcome)
        if isinstance(left, SendResult):
            return left
        if isinstance(left, RocketMQError):
            raise left
        return await self._go_on(out, plan, *left)

    def _after(
        self, out: Outgoing, plan: RetryPlan, tried: Try, outcome: SendResult | RocketMQError
    ) -> SendResult | RocketMQError | tuple[PublishRoute, Retry]:
        """What comes after a first try: a result or an error after all, or another try."""
        now = monotonic()
        name = tried.queue.broker_name
        unconfirmed: SendResult | None = None
        if isinstance(outcome, SendResult):
            if outcome.status is not None:
                unconfirmed = outcome
                if not self.settings.retry_not_ok:
                    return self._stored(outcome, out, plan, tried.queue)
            error = tried.refused(outcome)
        else:
            error = outcome
        if not self.closed:
            self.targets.note_failure(name, error)
        route = self.targets.known(out.message.topic)
        step = plan.failed(tried.ended(error, now), now, brokers=len(route.brokers) if route else 1)
        if step is not None and route is not None and not self.closed:
            return route, step
        if unconfirmed is not None:
            unconfirmed = self._stored(unconfirmed, out, plan, tried.queue)
            unconfirmed.attempts = 1
            return unconfirmed
        return self._failure(plan.error(out.message, now))

    async def _go_on(self, out: Outgoing, plan: RetryPlan, route: PublishRoute, step: Retry) -> SendResult:
        size = out.size
        self.table.take_back(size)
        try:
            return await self._try(out, plan, route, step)
        finally:
            self.table.give(size)

    def _follow(self, future: asyncio.Future[SendResult], work: Coroutine[Any, Any, SendResult]) -> None:
        """Have a task find the result of a future; cancelling the one cancels the other."""
        task = self.spawn(work)

        def ended(task: asyncio.Task[SendResult]) -> None:
            if future.done():
                return
            if task.cancelled():
                future.cancel()
            elif (error := task.exception()) is not None:
                future.set_exception(error)
            else:
                future.set_result(task.result())

        task.add_done_callback(ended)
        future.add_done_callback(lambda future: task.cancel() if future.cancelled() else None)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something until it ends, or the sends are closed."""
        task = asyncio.get_running_loop().create_task(work, name=f"send of {self.group}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- one-way ----

    async def _send_oneway(self, message: Message, options: dict[str, Any] | None) -> None:
        """Write a one-way send, when earlier ones are confirmed and a connection is open."""
        out = outgoing(message, options)
        plan = self._plan(out, monotonic(), 0.0)
        await self._begin(out, plan)
        route = await self._route(out, plan)
        packing = self.settings.packing
        if packing.wants(out):
            await packing.pack_later(out)
        check_size(out, self.core.config.max_message_bytes)
        while True:
            queue = await self.targets.choose(out, route, plan, self.settings.selector)
            tried = Try(queue, monotonic())
            try:
                await self.targets.send_oneway(tried, out, plan)
            except RocketMQError as error:
                now = monotonic()
                self.targets.note_failure(queue.broker_name, error)
                step = plan.failed(tried.ended(without_frames(error), now), now, brokers=len(route.brokers))
                if step is None and isinstance(error, BackPressureError):
                    raise
                if step is None:
                    raise self._failure(plan.error(out.message, now)) from error
                route = await self._before_retry(out, plan, route, step)
            else:
                return

    def _take_over_oneway(self, mark: OnewayMark, outcome: SendResult | RocketMQError) -> None:
        """Send a marked message again that the broker has not confirmed; those that wait go on after it."""
        error = None if isinstance(outcome, SendResult) else outcome
        if self.closed or (error is not None and judge(error) is Verdict.FINAL):
            mark.confirm()
            return
        work = self.spawn(self.deliver(mark.message))
        work.add_done_callback(_tell_nobody)
        work.add_done_callback(lambda _: mark.confirm())

    def begin_oneway(self, message: Message) -> None:
        """Begin a one-way send of somebody who does not wait, and does not hear what becomes of it."""
        self.spawn(self._send_oneway(message, None)).add_done_callback(_tell_nobody)

    # ---- the end ----

    def check_open(self) -> None:
        """Refuse what comes after the end.

        Raises:
            ClientClosedError: it was shut down.
        """
        if self.closed:
            raise self._closed_error()

    def _closed_error(self) -> ClientClosedError:
        return ClientClosedError(
            f"the producer of group {self.group!r} was shut down, nothing was sent",
            advice="call start() to use it again",
        )

    def open(self) -> None:
        """Take sends, also after ``close``."""
        self.closed = False
        self.settle()

    def forget_parent(self) -> None:
        """In a child made by fork: what is under way in the parent never ends here."""
        self.table.reset()
        self.lines = Lines()
        self._tasks = set()
        self.targets.clear()

    async def close(self, timeout: float) -> int:
        """Take no more sends, and wait for those under way; gives how many did not end in time."""
        self.closed = True
        self.settle()
        end = monotonic() + timeout
        table = self.table
        while (table.in_flight or table.waiting) and monotonic() < end:  # noqa: ASYNC110 - a count in C has no event
            await asyncio.sleep(_LOOK_S)
        left = table.in_flight + table.waiting
        table.end_waiting(self._closed_error())
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=max(0.05, end - monotonic()))
        self.targets.clear()
        return left


def _tell_nobody(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # looked at, so that it is not logged


_cores: Final[weakref.WeakSet[SendCore]] = weakref.WeakSet()


def _forget_in_child() -> None:
    for core in tuple(_cores):
        core.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
