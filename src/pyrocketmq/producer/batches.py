"""Explicit batches: messages of one topic in as few requests as hold them, with a result for each message.

How a request gets to a broker is known by ``parcels``; nothing is kept here between two calls.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from time import monotonic
from typing import TYPE_CHECKING, Any, cast, overload

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import pack, wait_for
from pyrocketmq.client.hooks import SendContext, SendKind
from pyrocketmq.client.targets import Try
from pyrocketmq.errors import BatchSendError, InvalidMessageError, RocketMQError
from pyrocketmq.producer.parcels import ParcelSends

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq._native.parcel import Parcel
    from pyrocketmq._native.table import SendTarget
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.model.message_queue import MessageQueue

__all__ = ["BatchResults", "BatchSends", "listed"]


class BatchResults(Sequence[SendResult]):
    """The results of a batch, one for each message in the order of the messages.

    They are made when they are looked at, so a large batch whose results nobody reads costs next to nothing.

    Args:
        parcels: the requests, in the order of their messages.
    """

    __slots__ = ("_ends", "_parcels")

    def __init__(self, parcels: list[Parcel]) -> None:
        self._parcels = parcels
        self._ends = [len(parcels[0])] if len(parcels) == 1 else list(accumulate(map(len, parcels)))
        for parcel in parcels:
            parcel.let_go()

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, index: int) -> SendResult: ...
    @overload
    def __getitem__(self, index: slice) -> list[SendResult]: ...
    def __getitem__(self, index: int | slice) -> SendResult | list[SendResult]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else index + len(self)
        if not 0 <= at < len(self):
            raise IndexError(f"message {index} of {len(self):,}")
        part = bisect_right(self._ends, at)
        return cast("SendResult", self._parcels[part].result(at - (self._ends[part - 1] if part else 0)))

    def __repr__(self) -> str:
        return f"<BatchResults of {len(self):,} messages in {len(self._parcels)} requests, ok={self.ok}>"

    @property
    def ok(self) -> bool:
        """True when every message is stored and every configured copy was confirmed."""
        return all(parcel.is_confirmed for parcel in self._parcels)

    @property
    def requests(self) -> int:
        """How many requests it took."""
        return len(self._parcels)


class BatchSends:
    """The explicit batches of one producer.

    Args:
        sender: the sends of its group.
        max_batches: see ``ParcelSends``.
    """

    def __init__(self, sender: SendCore, max_batches: int) -> None:
        self._sender = sender
        self._core = sender.core
        self._parcels = ParcelSends(sender, max_batches)

    def ended(self, parcel: Parcel) -> BatchResults | None:
        """The results of a batch that was one plain request; None when it has to be tried again."""
        outcome = parcel.outcome
        target: SendTarget = parcel.sent
        if not self._parcels.is_good(outcome):
            parcel.tried = Try(target.queue, parcel.age_from, target.link.address)
            return None
        outcome.message_queue = target.shown
        self._count(parcel)
        return BatchResults([parcel])

    async def send(
        self,
        messages: list[Message],
        timeout: float,
        queue: MessageQueue | None,
        packed: list[Parcel] | None = None,
    ) -> Sequence[SendResult]:
        """Send messages of one topic; see ``AsyncProducer.send_batch``.

        Args:
            messages: the messages.
            timeout: seconds for all tries.
            queue: where they have to go; None for anywhere.
            packed: the same, if they are packed already.
        """
        core, hooks = self._core, self._sender.hooks
        self._sender.check_open()
        if not hooks.active:
            return await self._send_all(messages, timeout, queue, packed)
        _topic_of(messages)
        context = hooks.begin(
            SendContext(
                self._sender.group,
                messages,
                SendKind.BATCH,
                client_id=core.client_id,
                namespace=core.config.namespace,
            )
        )
        try:
            results = await self._send_all(messages, timeout, queue, None)
        except BaseException as error:
            hooks.end(context, error=error)
            raise
        hooks.end(context, results[0], results=results)
        return results

    async def _send_all(
        self,
        messages: list[Message],
        timeout: float,
        queue: MessageQueue | None,
        packed: list[Parcel] | None,
    ) -> Sequence[SendResult]:
        topic = _topic_of(messages)
        wire_topic = self._core.resource(topic)
        if packed is None:
            most = self._core.config.max_message_bytes
            packed = pack(messages, wire_topic, most, takes_keys=queue is not None)
        if packed is None:
            return await self._send_keyed(messages, wire_topic, timeout)
        for parcel in packed:
            parcel.queue = queue
        if len(packed) == 1:
            await self._send(packed[0], timeout)
        else:
            await asyncio.gather(*(self._send(parcel, timeout) for parcel in packed))
        results = BatchResults(packed)
        if not all(parcel.is_stored for parcel in packed):
            raise _failure(list(results), topic)
        return results

    async def _send_keyed(
        self, messages: list[Message], wire_topic: str, timeout: float
    ) -> Sequence[SendResult]:
        """Send messages with sharding keys: those of one queue together, one request after the other."""
        sender = self._sender
        most = self._core.config.max_message_bytes
        pack(messages, wire_topic, most)  # refuses what cannot be in a batch
        route = await self._core.routes.find(wire_topic, monotonic() + timeout)
        groups: dict[MessageQueue, list[int]] = {}
        for index, message in enumerate(messages):
            queue = await sender.targets.selected(sender.settings.key_selector, message, route)
            groups.setdefault(queue, []).append(index)
        found: list[Any] = [None] * len(messages)

        async def send_group(queue: MessageQueue, indices: list[int]) -> None:
            place = sender.lines.join(queue)
            try:
                await place.turn()
                parcels = pack([messages[index] for index in indices], wire_topic, most)
                for parcel in parcels:
                    parcel.queue = queue
                    await self._send(parcel, timeout)
                for index, result in zip(indices, BatchResults(parcels), strict=True):
                    found[index] = result
            finally:
                place.leave()

        await asyncio.gather(*(send_group(queue, indices) for queue, indices in groups.items()))
        if not all(isinstance(result, SendResult) for result in found):
            raise _failure(found, messages[0].topic)
        return found

    async def _send(self, parcel: Parcel, timeout: float) -> None:
        """Send one request; its parcel has the outcome, whatever it is."""
        parcels = self._parcels
        queue: MessageQueue | None = parcel.queue
        if parcel.tried is None and not self._sender.closed:
            route = self._sender.targets.known(parcel.topic)
            if queue is None and route is not None:
                queue = parcels.pick(route, needs_room=False)
            link = None if queue is None else parcels.link(queue)
            connection = None if link is None else link.ready()
            if queue is not None and link is not None and connection is not None:
                future = asyncio.get_running_loop().create_future()
                wait_for(parcel, future)
                if parcels.put(parcel, queue, link, connection, timeout):
                    await future
                    outcome = parcel.outcome
                    if parcels.is_good(outcome):
                        outcome.message_queue = self._sender.targets.shown(queue)
                        self._count(parcel)
                        return
        try:
            parcel.settle(await parcels.deliver(parcel, timeout))
        except RocketMQError as error:
            parcel.settle(error)
        else:
            self._count(parcel, counted=1)

    def _count(self, parcel: Parcel, counted: int = 0) -> None:
        """Count what is stored, but for what the general way has counted as one message."""
        stats = self._core.stats
        stats.sent += len(parcel) - counted
        stats.batches += 1


def listed(messages: tuple[Message | Iterable[Message], ...]) -> list[Message]:
    """The messages that ``send_batch`` was given: one by one, or all in one iterable."""
    if len(messages) == 1 and not isinstance(messages[0], Message):
        try:
            return list(messages[0])
        except TypeError:
            raise InvalidMessageError(
                f"send_batch got {type(messages[0]).__name__}, it takes messages or one iterable of them",
                field="messages",
                advice="write send_batch(first, second) or send_batch(messages)",
            ) from None
    return list(messages)  # type: ignore[arg-type]  # what is no message is refused when it is packed


def _topic_of(messages: list[Message]) -> str:
    first = messages[0] if messages else None
    if isinstance(first, Message):
        return first.topic
    pack(messages, "", 1)  # says what is wrong
    raise AssertionError("a batch without messages was packed")


def _failure(results: list[SendResult | RocketMQError], topic: str) -> BatchSendError:
    errors = [result for result in results if not isinstance(result, SendResult)]
    error = BatchSendError(topic=topic, results=tuple(results))
    error.__cause__ = errors[0]
    return error
