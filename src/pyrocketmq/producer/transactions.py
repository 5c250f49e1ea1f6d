"""Transactions: half messages sent, ended, and asked about; what both transaction producers use.

A half message is stored and kept from consumers, the program does its local part, and the broker is told to
commit or to roll back. Knows the client and its sends; nothing of threads.
"""

from __future__ import annotations

import asyncio
import logging
import math
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.sender import check_timeout
from pyrocketmq.client.hooks import TIMER_PROPERTIES, SendKind
from pyrocketmq.errors import (
    ClientClosedError,
    ConfigurationError,
    InvalidMessageError,
    NoNameServerError,
    RocketMQError,
    RouteNotFoundError,
)
from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.flags import MessageSysFlag
from pyrocketmq.producer.check_backs import CheckBacks
from pyrocketmq.producer.local_calls import is_asynchronous
from pyrocketmq.producer.transaction import (
    Commit,
    HalfPlace,
    LocalTransactionState,
    Rollback,
    TransactionListener,
    TransactionMetadata,
    TransactionSendResult,
    Unknown,
    transaction_id_of,
)
from pyrocketmq.producer.transaction_book import TransactionBook
from pyrocketmq.producer.transaction_ends import End, EndSender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.client.core import ClientCore
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.producer.check_backs import CheckFunction
    from pyrocketmq.producer.transaction import Check

__all__ = ["Transaction", "TransactionSettings", "Transactions", "check_function"]

logger = logging.getLogger(__name__)

HALF: Final = "TRAN_MSG"
GROUP: Final = "PGROUP"
IMMUNITY: Final = "CHECK_IMMUNITY_TIME_IN_SECONDS"

DAY_S: Final = 86_400
MAX_REMARK: Final = 200
ANNOUNCE_AGAIN_S: Final = 5.0  # after which a named topic without a route is looked for again


class TransactionSettings(Protocol):
    """The settings that are needed here; see ``TransactionConfig``."""

    @property
    def end_timeout(self) -> float:
        """Seconds for telling the broker what was decided."""
        ...

    @property
    def check_timeout(self) -> float:
        """Seconds that the check of the program may take."""
        ...

    @property
    def checks_at_once(self) -> int:
        """How many checks run at the same time."""
        ...

    @property
    def transaction_timeout(self) -> float:
        """Seconds for which a local part counts as going on."""
        ...


def check_function(check: Check | None, listener: TransactionListener | None) -> CheckFunction:
    """What is asked when a broker asks: the listener's method, or the function.

    Raises:
        ConfigurationError: there is neither, or both.
    """
    if (check is None) == (listener is None):
        raise ConfigurationError(
            "a transaction producer needs one of check and listener",
            field="check",
            likely="without it nobody could tell the broker what became of a transaction after a crash",
            advice="give check=, a function that looks up what became of the message's transaction",
        )
    if listener is not None:
        return listener.check_local_transaction
    assert check is not None  # noqa: S101 - by the condition above
    asked: Callable[[MessageExt], Any] = check
    if is_asynchronous(asked):

        async def look_up(message: MessageExt, _: str) -> LocalTransactionState:
            state: LocalTransactionState = await asked(message)
            return state

        return look_up
    return lambda message, _: asked(message)


class Transaction:
    """A transaction under way: what ``with producer.transaction(...) as tx`` gives.

    Leaving the block commits, leaving it by an exception rolls back, unless one of the methods has said
    otherwise. Leaving it by what is no error of the program (cancellation, Ctrl-C) leaves it open, and the
    check decides: whether the local part was done is not known then.
    """

    def __init__(
        self, message: Message, result: TransactionSendResult, metadata: TransactionMetadata
    ) -> None:
        self.message = message
        """The half message."""
        self.result = result
        """What the broker said to it; after the block also what became of the transaction."""
        self.metadata = metadata
        """What is known of it."""
        self._chosen: LocalTransactionState | None = None

    def __repr__(self) -> str:
        state = "under way" if self.metadata.state is None else self.metadata.state.name
        return f"<Transaction {self.transaction_id} on {self.metadata.topic}, {state}>"

    @property
    def transaction_id(self) -> str:
        """Its id: the one the program chose, or the unique id of the message."""
        return self.metadata.transaction_id

    def commit(self) -> None:
        """Have the end of the block commit, even if it is left by an exception."""
        self._chosen = Commit

    def rollback(self) -> None:
        """Have the end of the block roll back."""
        self._chosen = Rollback

    def leave_open(self) -> None:
        """Have the end of the block decide nothing: the broker asks later, and the check decides."""
        self._chosen = Unknown

    def decision(self, raised: type[BaseException] | None) -> LocalTransactionState:
        """What the end of the block tells the broker."""
        if self._chosen is not None:
            return self._chosen
        if raised is None:
            return Commit
        return Rollback if issubclass(raised, Exception) else Unknown


class Transactions:
    """The transactions of one producer, on the event loop of its client.

    Args:
        core: the client.
        sends: the sends of its group.
        check: what is asked when a broker asks.
        settings: time-outs.
    """

    def __init__(
        self, core: ClientCore, sends: SendCore, check: CheckFunction, settings: TransactionSettings
    ) -> None:
        self._core = core
        self._sends = sends
        self._settings = settings
        self._book = TransactionBook()
        self._ends = EndSender(core.hooks, core.stats, settings.end_timeout)
        self.checks = CheckBacks(
            check,
            self._book,
            self._ends,
            core.stats,
            group=sends.group,
            timeout=settings.check_timeout,
            at_once=settings.checks_at_once,
        )
        self._announcing: asyncio.Task[None] | None = None
        core.on_request(RequestCode.CHECK_TRANSACTION_STATE, self.checks.serve)

    def under_way(self) -> list[TransactionMetadata]:
        """Those that are not decided, the oldest first."""
        return self._book.under_way()

    # ---- beginning and end of the producer ----

    async def announce(self, topics: Sequence[str], deadline: float) -> None:
        """Have the brokers of topics know the group, so that they can ask it before it has sent anything.

        A topic without a route is looked for again in the background, until there is one.
        """
        missing = await self._announce(topics, deadline)
        if missing:
            logger.warning(
                "transaction group %s: no route yet for %s, whose brokers cannot ask it until there is one",
                self._sends.group,
                ", ".join(missing),
            )
            self._announcing = asyncio.get_running_loop().create_task(
                self._announce_later(missing), name=f"announce {self._sends.group}"
            )

    async def _announce(self, topics: Sequence[str], deadline: float) -> list[str]:
        async def one(topic: str) -> bool:
            try:
                await self._core.prepare([self._core.resource(topic)], deadline)
            except (RouteNotFoundError, NoNameServerError):
                return False
            return True

        found = await asyncio.gather(*map(one, topics))
        return [topic for topic, is_found in zip(topics, found, strict=True) if not is_found]

    async def _announce_later(self, topics: Sequence[str]) -> None:
        while topics:
            await asyncio.sleep(ANNOUNCE_AGAIN_S)
            topics = await self._announce(topics, monotonic() + self._core.config.request_timeout)

    async def close(self) -> None:
        """Serve no more checks; what is open is asked about again by the brokers."""
        task, self._announcing = self._announcing, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        await self.checks.close()

    # ---- one transaction ----

    async def begin(
        self, message: Message, *, timeout: float | None = None, check_after: float | None = None
    ) -> Transaction:
        """Send a half message.

        Args:
            message: what consumers get if the transaction is committed.
            timeout: seconds for the send; ``send_timeout`` by default.
            check_after: seconds after which the broker asks first, if it is not told before; None: 6 seconds
                on brokers as they are shipped.

        Returns:
            The transaction. One whose half message the broker could not confirm is rolled back already.

        Raises:
            InvalidMessageError: the message is delayed, or a batch.
            SendError: it was not sent.
        """
        _refuse_unfit(message)
        seconds = 0.0 if timeout is None else check_timeout(timeout)
        marks = {HALF: "true", GROUP: self._sends.group}
        if check_after is not None:
            marks[IMMUNITY] = str(_whole_seconds(check_after))
        for name, value in marks.items():
            message.set_property(name, value)
        try:
            result = await self._sends.deliver(
                message,
                timeout=seconds,
                sys_flag=MessageSysFlag.TRANSACTION_PREPARED.value,
                kind=SendKind.HALF,
            )
        finally:
            # Brokers go by the property: the same message sent once more is no half message by itself.
            for name in marks:
                message.set_property(name, None)
        self._core.stats.transactions += 1
        begun = self._remember(message, result)
        if not result.ok:
            begun.result.confirmed = await self.end(begun, Rollback)
        return begun

    async def end(
        self, transaction: Transaction, state: LocalTransactionState, remark: str | None = None
    ) -> bool:
        """Tell the broker what became of the local part; True when it has confirmed that."""
        metadata = transaction.metadata
        if metadata.state is not None and metadata.state is not state and metadata.state is not Unknown:
            logger.warning(
                "transaction %s was decided by a check as %s, since it took longer than %g s; now its local "
                "part says %s",
                metadata.transaction_id,
                metadata.state.name,
                self._settings.transaction_timeout,
                state.name,
            )
        self._book.decide(metadata, state)
        transaction.result.local_state = state
        try:
            if not self._core.is_running:
                raise ClientClosedError("the producer was shut down")
            link = self._core.brokers.link(metadata.broker_name)
        except RocketMQError as error:
            self._core.stats.end_failures += 1
            logger.warning(
                "transaction %s of message %s is decided, %s, which broker %s was not told: %s",
                metadata.transaction_id,
                metadata.unique_id,
                state.name,
                metadata.broker_name,
                error.what,
            )
            return False
        end = End(
            link,
            self._sends.group,
            metadata.topic,
            transaction.message,
            metadata.unique_id,
            metadata.transaction_id,
            state,
            metadata.place,
            remark=remark,
        )
        metadata.confirmed = transaction.result.confirmed = await self._ends.send(end)
        return metadata.confirmed

    async def finish(self, transaction: Transaction, state: object) -> None:
        """The end after a listener; one that raised, or gave no state, leaves the transaction open."""
        error = transaction.result.local_error
        if error is None and not isinstance(state, LocalTransactionState):
            error = transaction.result.local_error = TypeError(
                f"the listener gave {state!r}, which is no LocalTransactionState"
            )
        if error is not None:
            logger.warning(
                "the local part of transaction %s failed, it stays open: %s: %s",
                transaction.transaction_id,
                type(error).__name__,
                error,
            )
            state = Unknown
        remark = None if error is None else f"{type(error).__name__}: {error}"[:MAX_REMARK]
        await self.end(transaction, LocalTransactionState(str(state)), remark)

    def _remember(self, message: Message, result: SendResult) -> Transaction:
        unique_id = result.msg_id or message.unique_id or ""
        transaction_id = transaction_id_of(message) or unique_id
        metadata = self._book.begin(
            transaction_id,
            unique_id,
            self._core.resource(message.topic),
            broker_name=getattr(result.message_queue, "broker_name", ""),
            place=HalfPlace(result.queue_offset, decode_offset_message_id(result.offset_msg_id or "").offset),
            timeout=self._settings.transaction_timeout,
        )
        return Transaction(message, TransactionSendResult.of(result, transaction_id), metadata)


def _refuse_unfit(message: Message) -> None:
    delays = ("DELAY", *TIMER_PROPERTIES)
    delay = next((name for name in delays if message.get_property(name) is not None), None)
    if delay is not None:
        raise InvalidMessageError(
            f"a message of a transaction on topic {message.topic!r} has the property {delay}",
            field=delay,
            advice="leave the delay out, brokers do not delay messages of transactions",
        )
    if message.batch:
        raise InvalidMessageError(
            f"a message of a transaction on topic {message.topic!r} is a batch",
            field="batch",
            advice="send its messages in transactions of their own",
        )


def _whole_seconds(check_after: float) -> int:
    if not 0 < check_after <= DAY_S:
        raise ConfigurationError(
            f"check_after is {check_after!r} seconds, it must be above 0 and at most {DAY_S:,}",
            field="check_after",
            advice="leave it out to use the time of the broker, usually 6 seconds",
        )
    return math.ceil(check_after)
