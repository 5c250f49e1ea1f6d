"""Check-backs: brokers ask what became of a transaction, and the program answers.

A transaction that this producer has decided is answered from memory, one that goes on here is left open, and
about any other the user's function is asked. That function never blocks the event loop, and nothing is
decided for the program: what raises, hangs or gives no state leaves the transaction open.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.handover import keep_forever
from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.errors import RocketMQError
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.model.headers import CheckTransactionStateRequestHeader
from pyrocketmq.producer.local_calls import call_user, is_asynchronous
from pyrocketmq.producer.transaction import HalfPlace, LocalTransactionState, Unknown, transaction_id_of
from pyrocketmq.producer.transaction_ends import End
from pyrocketmq.transport.loops import watch_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.client.brokers import BrokerLink
    from pyrocketmq.client.stats import ClientStats
    from pyrocketmq.producer.transaction_book import TransactionBook
    from pyrocketmq.producer.transaction_ends import EndSender

    CheckFunction = Callable[[MessageExt, str], LocalTransactionState | Awaitable[LocalTransactionState]]

__all__ = ["CheckBacks"]

logger = logging.getLogger(__name__)
_repeats: Final = RepeatedFaults(logger)

MAX_WAITING: Final = 2000
"""Checks that wait to be served; more are dropped, since brokers ask again."""
MAX_HUNG: Final = 64
"""Functions that may go on after their time; then nothing new is asked until some have ended."""


class CheckBacks:
    """Serves the checks of one producer group, on the event loop of its client.

    Args:
        check: the user's function, plain or asynchronous: the half message and its transaction id.
        book: what this producer knows of its own transactions.
        ends: tells brokers what was decided.
        stats: where checks are counted.
        group: the producer group, as brokers know it.
        timeout: seconds that the function may take.
        at_once: how many of its calls run at the same time.
    """

    def __init__(
        self,
        check: CheckFunction,
        book: TransactionBook,
        ends: EndSender,
        stats: ClientStats,
        *,
        group: str,
        timeout: float,
        at_once: int,
    ) -> None:
        self._check = check
        self._book = book
        self._ends = ends
        self._stats = stats
        self._group = group
        self._timeout = timeout
        self._at_once = at_once
        self._known: dict[str, End] = {}
        self._waiting: deque[tuple[End, MessageExt]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hung: dict[str, asyncio.Future[LocalTransactionState]] = {}
        self._pid = os.getpid()

    @property
    def waiting(self) -> int:
        """Checks that are not answered yet."""
        return len(self._known)

    @property
    def hung(self) -> int:
        """Functions that go on after their time."""
        return len(self._hung)

    def serve(self, link: BrokerLink, request: RemotingCommand) -> None:
        """Take a check of a broker; the answer is a request of its own, so nothing is given back."""
        if self._pid != os.getpid():
            self._forget_parent()
        try:
            header = CheckTransactionStateRequestHeader.from_ext_fields(request.ext_fields)
            (message,) = decode_messages_strict(request.body or b"", broker_name=link.name)
        except (RocketMQError, ValueError) as error:
            self._stats.check_failures += 1
            _repeats.warning(link.name, "a check of broker %s cannot be read: %s", link.name, error)
            return
        unique_id = message.unique_id or header.transaction_id or header.msg_id or ""
        place = HalfPlace(header.tran_state_table_offset, header.commit_log_offset)
        self._stats.checks += 1
        known = self._book.asked(unique_id, place)
        if known is not None and self._book.is_under_way(known):
            return  # it is decided here soon; its end goes by the numbers of this check
        end = self._known.get(unique_id)
        if end is not None:
            # It is being asked about already: one answer, to the newest question.
            end.link, end.place = link, place
            return
        if unique_id in self._hung or len(self._known) >= MAX_WAITING or len(self._hung) >= MAX_HUNG:
            self._stats.checks_dropped += 1
            _repeats.warning(
                "dropped", "a check of transaction %s is not served, %d wait", unique_id, self.waiting
            )
            return
        state = Unknown if known is None or known.state is None else known.state
        end = End(
            link,
            self._group,
            message.topic,
            message,
            unique_id,
            transaction_id_of(message),
            state,
            place if known is None else known.place,
            from_check=True,
        )
        self._known[unique_id] = end
        self._waiting.append((end, message))
        if len(self._tasks) < self._at_once:
            loop = asyncio.get_running_loop()
            watch_loop(loop, self)
            task = loop.create_task(self._work(), name=f"checks of {self._group}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Serve no more; brokers ask others of the group, or this one after its next start."""
        tasks = tuple(self._tasks)
        self.loop_closes()
        if tasks:
            await asyncio.wait(tasks)

    def loop_closes(self) -> None:
        """Give up what is served, since the event loop is about to close."""
        for task in self._tasks:
            task.cancel()
        for call in tuple(self._hung.values()):
            call.cancel()
        self._waiting.clear()
        self._known.clear()
        self._hung.clear()

    def _forget_parent(self) -> None:
        """In a child made by fork: what the parent is asked, it answers."""
        keep_forever((self._tasks, self._hung, self._waiting))
        self._pid = os.getpid()
        self._tasks, self._hung, self._waiting = set(), {}, deque()
        self._known.clear()

    # ---- one check after the other ----

    async def _work(self) -> None:
        while self._waiting:
            end, message = self._waiting.popleft()
            try:
                if end.state is Unknown:
                    end.state = await self._decide(end, message)
                confirmed = await self._ends.send(end)
                known = self._book.find(end.unique_id)
                if known is not None and end.state is not Unknown:
                    self._book.decide(known, end.state)
                    known.confirmed = confirmed
            except Exception:
                logger.exception("a check of transaction %s is not answered", end.unique_id)
            finally:
                self._known.pop(end.unique_id, None)

    async def _decide(self, end: End, message: MessageExt) -> LocalTransactionState:
        call = asyncio.ensure_future(
            call_user(self._check, message, end.transaction_id, name=f"check {end.transaction_id}")
        )
        try:
            done, _ = await asyncio.wait((call,), timeout=self._timeout)
        except asyncio.CancelledError:
            call.cancel()
            raise
        if not done:
            return self._late(end, call)
        error = call.exception() if not call.cancelled() else asyncio.CancelledError()
        if error is not None:
            return self._failed(end, f"the check raised {type(error).__name__}: {error}")
        state = call.result()
        if not isinstance(state, LocalTransactionState):
            return self._failed(end, f"the check gave {state!r}, which is no LocalTransactionState")
        return state

    def _late(self, end: End, call: asyncio.Future[LocalTransactionState]) -> LocalTransactionState:
        if is_asynchronous(self._check):
            call.cancel()
        else:
            # Its thread cannot be stopped; until it ends, the same is not asked again.
            self._hung[end.unique_id] = call
            call.add_done_callback(lambda call: self._ended(end.unique_id, call))
        return self._failed(end, f"the check took longer than {self._timeout:g} s")

    def _ended(self, unique_id: str, call: asyncio.Future[LocalTransactionState]) -> None:
        self._hung.pop(unique_id, None)
        if not call.cancelled():
            call.exception()  # looked at, so that nobody is told of it once more

    def _failed(self, end: End, what: str) -> LocalTransactionState:
        self._stats.check_failures += 1
        end.remark = what[:200]
        _repeats.warning(
            "check", "transaction %s of group %s stays open: %s", end.transaction_id, self._group, what
        )
        return Unknown
