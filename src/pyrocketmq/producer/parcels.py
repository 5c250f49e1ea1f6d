"""How a parcel, a batch as one request, gets to a broker: the quick try, and the general way when that fails.

Shared by explicit and by accumulated batches. Who fills parcels, and who is told what became of the messages,
is not known here.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final, TypeGuard

from pyrocketmq._native.answer import SendResult
from pyrocketmq.client.outgoing import Outgoing
from pyrocketmq.client.retry import LEAST_SHARE, RetryPlan
from pyrocketmq.client.targets import Try
from pyrocketmq.client.window import SendWindow
from pyrocketmq.errors import BrokerBusyError, ConnectionError, RocketMQError, RpcTimeoutError  # noqa: A004
from pyrocketmq.model.enums import ResponseCode

if TYPE_CHECKING:
    from pyrocketmq._native.connection import Connection
    from pyrocketmq._native.parcel import Parcel
    from pyrocketmq.client.brokers import BrokerLink
    from pyrocketmq.client.mapping import PublishRoute
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.model.message_queue import MessageQueue

__all__ = ["ParcelSends"]

_BUSY: Final = int(ResponseCode.SYSTEM_BUSY)


class ParcelSends:
    """The parcels of one producer.

    Args:
        sender: the sends of its group.
        max_batches: requests with parcels that one broker may have at a time.
    """

    def __init__(self, sender: SendCore, max_batches: int) -> None:
        self.sender = sender
        self.windows: dict[str, SendWindow] = {}
        self._max_batches = max_batches
        self._core = sender.core
        self._group = sender.group
        self._part = 1 / (sender.settings.retries + 1)  # of the time, for one try
        self._turn = 0

    def window(self, broker_name: str) -> SendWindow:
        """The window of a broker."""
        window = self.windows.get(broker_name)
        if window is None:
            window = self.windows[broker_name] = SendWindow(self._max_batches)
        return window

    def snapshot(self) -> dict[str, object]:
        """The windows, for ``stats()``."""
        return {name: window.snapshot() for name, window in list(self.windows.items())}

    # ---- the quick try ----

    def pick(self, route: PublishRoute, *, needs_room: bool) -> MessageQueue | None:
        """The next queue on a broker that is well; None when no broker has room in its window."""
        pairs = route.pairs
        faults = self._core.faults
        resting: MessageQueue | None = None
        for _ in range(len(pairs)):
            self._turn += 1
            queue = pairs[self._turn % len(pairs)][0]
            name = queue.broker_name
            if needs_room:
                window = self.windows.get(name)
                if window is not None and window.in_flight >= window.limit:
                    continue
            if faults.is_available(name):
                return queue
            resting = resting or queue
        return resting

    def link(self, queue: MessageQueue) -> BrokerLink | None:
        """The broker of a queue; None when no master of it is known."""
        try:
            return self._core.brokers.link(queue.broker_name)
        except ConnectionError:
            return None

    def put(
        self, parcel: Parcel, queue: MessageQueue, link: BrokerLink, connection: Connection, timeout: float
    ) -> bool:
        """Write a parcel to a connection; false when it has to go the general way."""
        tried = Try(queue, monotonic(), link.address)
        share = min(timeout, max(LEAST_SHARE, timeout * self._part))
        try:
            if not parcel.send(connection, link.encoder(self._group), queue.queue_id, share):
                return False
        except RocketMQError:
            return False  # nothing was sent
        parcel.tried = tried
        return True

    def is_good(self, outcome: SendResult | RocketMQError | None) -> TypeGuard[SendResult]:
        """Whether the outcome of the quick try is what there is to say."""
        if not isinstance(outcome, SendResult):
            return False
        return outcome.ok or (outcome.status is not None and not self.sender.settings.retry_not_ok)

    def note_refusal(self, parcel: Parcel, number: int) -> None:
        """Look at a quick try that failed for a broker that has too much to do."""
        outcome = parcel.outcome
        if isinstance(outcome, SendResult):
            if outcome.code == _BUSY:
                self.window(parcel.tried.queue.broker_name).busy(number)
        elif isinstance(outcome, RpcTimeoutError):
            self.window(parcel.tried.queue.broker_name).late(number)

    # ---- the general way ----

    async def deliver(self, parcel: Parcel, timeout: float) -> SendResult:
        """Send a parcel with all tries that make sense; a quick try that failed counts as the first.

        Args:
            parcel: what is sent, to its queue or to any.
            timeout: seconds for all tries, from the first one on.

        Raises:
            RocketMQError: it was not sent, or nobody confirmed it.
        """
        sender = self.sender
        queue = parcel.queue
        tried: Try | None = parcel.tried
        begun = monotonic() if tried is None else tried.begun
        plan = RetryPlan(begun, timeout, sender.settings.retries, stays=queue is not None)
        out = Outgoing(parcel.message(), queue=queue)
        outcome = parcel.outcome
        try:
            if tried is None or outcome is None:
                return await sender.deliver_rest(out, plan)
            return await sender.deliver_rest(out, plan, tried, outcome)
        finally:
            # Busy answers make the window of their broker smaller, whoever got them.
            for each in plan.tries[0 if tried is None else 1 :]:
                if isinstance(each.error, BrokerBusyError):
                    self.window(each.broker).busy_again()
