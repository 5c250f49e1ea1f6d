"""Targets: which queue a try goes to, and the try itself, on the connection of its broker.

It keeps what the quick way of sends uses: the queues of each topic with the connections of their brokers. One
try is made as it is told; whether there is another is decided by the RetryPlan.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq._native.answer import SendResult, decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.command import next_opaque
from pyrocketmq._native.frame import decode_frame, encode_frame
from pyrocketmq._native.sender import put_oneway_send
from pyrocketmq._native.table import SendLink, SendTarget, SendTargets
from pyrocketmq.broker.answers import refusal
from pyrocketmq.errors import (
    BackPressureError,
    BrokerBusyError,
    BrokerUnavailableError,
    ConfigurationError,
    ConnectionError,  # noqa: A004
    ConnectTimeoutError,
    RpcTimeoutError,
    SendTry,
)
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.message_queue import MessageQueue

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.connection import Connection
    from pyrocketmq._native.message import Message
    from pyrocketmq._native.table import SendTable
    from pyrocketmq.client.brokers import BrokerLink
    from pyrocketmq.client.core import ClientCore
    from pyrocketmq.client.mapping import PublishRoute
    from pyrocketmq.client.outgoing import Outgoing
    from pyrocketmq.client.retry import RetryPlan
    from pyrocketmq.client.selectors import AsyncQueueSelector, QueueSelector
    from pyrocketmq.errors import RocketMQError

__all__ = ["Targets", "Try", "without_frames"]

_TRUSTED_S: Final = 0.5  # how long the quick way uses a route without anybody looking at it
_GO_AWAY: Final = int(ResponseCode.GO_AWAY)
_LEAST_S: Final = 0.001
_MOST_REACHED: Final = 8  # brokers that the first sends of a topic wait for; the others come by themselves
_GRACE_S: Final = 0.05
_LEFT_LATELY_S: Final = 1.0
_MOST_TOPICS: Final = 4096  # whose queues are kept ready, so that a client of ever new topics does not grow


class Try:
    """One try: where it goes, and when it began."""

    __slots__ = ("address", "begun", "queue", "share")

    def __init__(self, queue: MessageQueue, begun: float, address: str = "") -> None:
        self.queue = queue
        self.begun = begun
        self.address = address
        self.share = 0.0

    def refused(self, result: SendResult) -> RocketMQError:
        """The error for an answer that is none of success, or that confirms nothing."""
        status = result.status
        if status is not None:
            error: RocketMQError = BrokerUnavailableError(
                response_code=result.code,
                code_name=status.name,
                remark=result.remark,
                request="SEND_MESSAGE_V2",
                address=self.address,
                topic=self.queue.topic,
            )
            error.maybe_sent = True  # it is stored
            return error
        return refusal(
            result.code,
            result.remark,
            request_code=RequestCode.SEND_MESSAGE_V2,
            address=self.address,
            topic=self.queue.topic,
        )

    def ended(self, error: RocketMQError, now: float) -> SendTry:
        """The try with its outcome."""
        queue = self.queue
        return SendTry(queue.broker_name, self.address, queue.queue_id, now - self.begun, error)


def without_frames(error: RocketMQError) -> RocketMQError:
    """The error of a try, without the frames that it came through.

    They hold the plan, which holds the errors of all tries: such circles stay until the collector finds them,
    and when many sends fail at once it is busy for seconds.
    """
    error.__traceback__ = None
    if error.__suppress_context__:
        error.__context__ = None
    return error


class Targets:
    """The queues and connections that sends of one group use.

    Args:
        core: the client.
        group: the producer group.
        table: what the quick way looks at.
    """

    def __init__(self, core: ClientCore, group: str, table: SendTable) -> None:
        self._core = core
        self._group = group
        self._table = table
        self._links: dict[str, SendLink] = {}
        self._left_at: dict[str, float] = {}
        self._put = 0
        self._turn = random.randrange(1 << 20)  # noqa: S311 - spreads load
        core.faults.watch(self._rest)
        core.brokers.on_reached(self._reached)

    # ---- routes ----

    def known(self, topic: str) -> PublishRoute | None:
        """The route of a topic if it is known; the quick way may use it for a while.

        Args:
            topic: as servers know it, or as the user does; the quick way finds it by the same name.
        """
        route = self._core.mapping.publish_route(self._core.resource(topic))
        if route is not None:
            self._renew(topic, route)
        return route

    def _renew(self, topic: str, route: PublishRoute) -> None:
        now = monotonic()
        targets = self._table.get(topic)
        if targets is None or targets.route is not route:
            wire_topic = None if topic == route.topic else route.topic
            targets = SendTargets(
                route,
                [
                    SendTarget(
                        self._link(queue.broker_name),
                        queue.queue_id,
                        queue,
                        len(route.brokers) == 1,
                        topic=wire_topic,
                        shown=self.shown(queue),
                    )
                    for queue, broker in route.pairs
                    if broker.master_addr is not None or queue.broker_name in self._links
                ],
                now + _TRUSTED_S,
                self._turn,
            )
            self._turn += 1
            self._put += 1
            if self._put % _MOST_TOPICS == 0:
                self._table.clear()  # those in use come back at their next send
            self._table.put(topic, targets)
        elif targets.valid_until <= now:
            targets.valid_until = now + _TRUSTED_S
        else:
            return
        for name in route.brokers:
            link = self._links.get(name)
            if link is not None:
                self._look_at(link)

    def _look_at(self, link: SendLink) -> None:
        """Take over the connection and the address that the broker has now."""
        try:
            broker = self._core.brokers.link(link.name)
        except ConnectionError:
            link.connection = None
            return
        link.owner = broker
        link.address = broker.address
        link.connection = broker.ready()

    def _link(self, name: str) -> SendLink:
        link = self._links.get(name)
        if link is None:
            broker = self._core.brokers.link(name)
            link = SendLink(name, broker.address, broker.encoder(self._group))
            link.owner = broker
            link.rests_until = self._core.faults.until(name)
            link = self._links.setdefault(name, link)
        return link

    def _rest(self, broker: str, until: float) -> None:
        link = self._links.get(broker)
        if link is not None:
            link.rests_until = until

    def _reached(self, broker: BrokerLink) -> None:
        link = self._links.get(broker.name)
        if link is not None:
            self._look_at(link)

    async def reach(self, topic: str, route: PublishRoute) -> bool:
        """Connect to brokers of a topic; returns soon after one is reached, False when none can be."""
        self.known(topic)
        links: list[BrokerLink] = []
        for name in random.sample(list(route.brokers), min(_MOST_REACHED, len(route.brokers))):
            with contextlib.suppress(ConnectionError):
                links.append(self._core.brokers.link(name))
        if not any(link.ready() for link in links):
            attempts = {asyncio.create_task(link.connect(), name=f"reach {link.name}") for link in links}
            try:
                left = attempts
                while left and not any(link.ready() for link in links):
                    _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                if left:
                    # The others are about to be there as well, and sends are better spread over all.
                    await asyncio.wait(left, timeout=_GRACE_S)
            finally:
                for attempt in attempts:
                    attempt.cancel()
                await asyncio.gather(*attempts, return_exceptions=True)
        for link in links:
            if link.ready() is not None:
                self._reached(link)
        return any(link.ready() for link in links)

    def clear(self) -> None:
        """Forget all queues and connections."""
        self._table.clear()
        self._links.clear()

    def shown(self, queue: MessageQueue) -> MessageQueue:
        """A queue as the user knows it: without the namespace."""
        topic = self._core.without_namespace(queue.topic)
        if topic == queue.topic:
            return queue
        return MessageQueue(topic, queue.broker_name, queue.queue_id)

    # ---- the choice ----

    async def choose(
        self,
        out: Outgoing,
        route: PublishRoute,
        plan: RetryPlan,
        default: QueueSelector | AsyncQueueSelector | None,
    ) -> MessageQueue:
        """The queue of the next try."""
        if out.queue is not None:
            return out.queue
        if out.selector is not None:
            out.queue = await self.selected(out.selector, out.message, route)
            return out.queue
        allowed = self._allowed(route, plan)
        if default is not None and not plan.tries:
            pairs = route.pairs
            if allowed is not None:
                pairs = tuple([pair for pair in pairs if pair[0].broker_name in allowed])
            return await self._select(default, out.message, pairs)
        pairs = route.pairs
        self._turn += 1
        if allowed is None:
            return pairs[self._turn % len(pairs)][0]
        queues = [queue for queue, _ in pairs if queue.broker_name in allowed]
        return queues[self._turn % len(queues)]

    async def selected(
        self, selector: QueueSelector | AsyncQueueSelector, message: Message, route: PublishRoute
    ) -> MessageQueue:
        """The queue that a selector picks among all of the topic."""
        return await self._select(selector, message, route.pairs)

    async def _select(
        self, selector: QueueSelector | AsyncQueueSelector, message: Message, pairs: tuple[Any, ...]
    ) -> MessageQueue:
        picked = selector.select(message.topic, pairs, message)
        if inspect.isawaitable(picked):
            picked = await picked
        queue = picked[0] if isinstance(picked, tuple) else picked
        if not isinstance(queue, MessageQueue):
            raise ConfigurationError(
                f"the selector {type(selector).__name__} gave {picked!r} for topic {message.topic!r}, "
                "it must give one of the pairs of queue and broker that it got",
                field="selector",
                advice="return an item of available_queues",
            )
        return queue

    def _allowed(self, route: PublishRoute, plan: RetryPlan) -> set[str] | None:
        """The brokers to choose from; None for all of them."""
        faults = self._core.faults
        brokers = route.brokers
        if len(brokers) == 1:
            return None
        names = [name for name in brokers if not plan.is_refused(name)] or list(brokers)
        last = plan.last_broker
        others = [name for name in names if name != last] or names
        good = [name for name in others if faults.is_available(name)]
        if not good and faults.is_available(last or ""):
            good = [name for name in names if name == last]
        if not good:
            good = faults.ordered(others)[:1]
        return None if len(good) == len(brokers) else set(good)

    # ---- one try ----

    async def send(self, tried: Try, out: Outgoing, plan: RetryPlan) -> SendResult:
        """Send to the queue of a try, within its share of the time; gives the answer, whatever it says."""
        name = tried.queue.broker_name
        broker = self._core.brokers.link(name)
        tried.address = broker.address
        if not broker.is_plain:
            return await self._send_command(tried, out, broker)
        connection = await self._connection(tried, plan, broker)
        left = max(_LEAST_S, tried.share - (monotonic() - tried.begun))
        begun = monotonic()
        result = await connection.send_message(
            broker.encoder(self._group),
            out.message,
            tried.queue.queue_id,
            left,
            sys_flag=out.sys_flag,
            body=out.body,
        )
        if result.status is not None:
            self._core.faults.record(name, monotonic() - begun)
        return result

    async def send_oneway(self, tried: Try, out: Outgoing, plan: RetryPlan) -> None:
        """Write a one-way send, when there is a connection and earlier ones are confirmed."""
        name = tried.queue.broker_name
        broker = self._core.brokers.link(name)
        tried.address = broker.address
        tried.share = max(_LEAST_S, plan.left(tried.begun))
        if not broker.is_plain:
            await broker.remote.invoke_oneway(self._command(tried, out, broker))
            self._core.stats.oneway += 1
            return
        link = self._link(name)
        link.connection = await self._connection(tried, plan, broker)
        window = self._table.oneway_window
        try:
            async with asyncio.timeout(tried.share):
                while link.is_oneway_full(window):
                    confirmed = asyncio.get_running_loop().create_future()
                    link.wait_for_mark(confirmed)
                    await confirmed
        except TimeoutError:
            raise BackPressureError(
                f"{link.unconfirmed:,} one-way sends to {name} are unconfirmed, oneway_window is {window:,}",
                likely="the broker takes less than is sent",
                advice="send less, or raise oneway_window and risk that the broker drops messages",
                address=link.address,
            ) from None
        target = SendTarget(link, tried.queue.queue_id, tried.queue)
        put_oneway_send(self._table, target, out.message, out.sys_flag, out.body)

    async def _connection(self, tried: Try, plan: RetryPlan, broker: BrokerLink) -> Connection:
        connection = broker.ready()
        if connection is not None:
            return connection
        try:
            async with asyncio.timeout(max(_LEAST_S, tried.share - (monotonic() - tried.begun))):
                while connection is None:
                    await broker.connect()
                    await broker.remote.transport.connection.drain()
                    connection = broker.ready()
        except TimeoutError as error:
            if isinstance(error, ConnectionError):
                raise
            if broker.is_connected:
                raise BackPressureError(
                    f"{tried.address} did not take earlier requests within {tried.share:.1f} s, "
                    "this one was not sent",
                    likely="the broker is overloaded or stopped",
                    advice="send less at a time, or raise the time-out",
                    address=tried.address,
                ) from None
            raise ConnectTimeoutError(
                f"no connection to {tried.queue.broker_name} at {tried.address} within {tried.share:.1f} s",
                likely="the broker is down, or its address cannot be reached from here",
                advice="check the broker, or give an address_map",
                address=tried.address,
            ) from None
        finally:
            plan.connecting += monotonic() - tried.begun
        link = self._links.get(tried.queue.broker_name)
        if link is not None:
            link.connection = connection
            link.address = broker.address
        self._core.faults.reached(tried.queue.broker_name)
        return connection

    def _command(self, tried: Try, out: Outgoing, broker: BrokerLink) -> RemotingCommand:
        """The send as a command, which hooks and signing work on."""
        buffer = WriteBuffer()
        broker.encoder(self._group).put(
            buffer,
            out.message,
            tried.queue.queue_id,
            next_opaque(),
            sys_flag=out.sys_flag,
            body=out.body,
        )
        return decode_frame(buffer.take())

    async def _send_command(self, tried: Try, out: Outgoing, broker: BrokerLink) -> SendResult:
        answer = await broker.invoke(self._command(tried, out, broker), max(_LEAST_S, tried.share))
        result = decode_send_answer(encode_frame(answer))
        result.msg_id = out.message.unique_id
        return result

    # ---- what a failure says about a broker ----

    def note_failure(self, name: str, error: RocketMQError) -> None:
        """Have others preferred to a broker that failed."""
        core = self._core
        if isinstance(error, RpcTimeoutError):
            core.faults.record_failure(name)
        elif isinstance(error, ConnectionError):
            core.faults.record_failure(name, unreachable=True)
        elif isinstance(error, BrokerBusyError):
            core.stats.busy_answers += 1
        elif isinstance(error, BrokerUnavailableError):
            if error.response_code == _GO_AWAY:
                self._leave(name)
            elif not error.maybe_sent:
                core.faults.record_failure(name)

    def _leave(self, name: str) -> None:
        """The broker asked to go away: finish what is there on this connection, and open another."""
        now = monotonic()
        if now - self._left_at.get(name, -_LEFT_LATELY_S) < _LEFT_LATELY_S:
            return  # many sends were under way on the connection that was left
        self._left_at[name] = now
        link = self._links.get(name)
        broker = self._core.brokers.link(name)
        connection = broker.ready() if link is None or link.connection is None else link.connection
        if connection is not None:
            broker.leave(connection)
        if link is not None:
            link.connection = None
