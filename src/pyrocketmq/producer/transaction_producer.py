"""AsyncTransactionProducer and TransactionProducer: messages that consumers get if a local part is done.

Both are producers with ``transaction`` and ``send_message_in_transaction`` beside all other sends. What a
transaction is on the wire is known by ``transactions``; here is when the local part runs, and where.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from pyrocketmq._native.message import Message
from pyrocketmq._native.sender import message_of
from pyrocketmq.client.settings import check, number, whole
from pyrocketmq.errors import ConfigurationError, HalfMessageError
from pyrocketmq.producer.async_producer import SHUTDOWN_TIMEOUT_S, AsyncProducer, make_config
from pyrocketmq.producer.config import ProducerConfig
from pyrocketmq.producer.local_calls import call_user, is_asynchronous
from pyrocketmq.producer.producer import Producer
from pyrocketmq.producer.transaction import LocalTransactionState, Unknown
from pyrocketmq.producer.transactions import Transactions, check_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from pyrocketmq.nameserver.sources import NameServerSource
    from pyrocketmq.producer.transaction import (
        Check,
        TransactionListener,
        TransactionMetadata,
        TransactionSendResult,
    )
    from pyrocketmq.producer.transactions import Transaction

    Body = bytes | bytearray | memoryview | str

__all__ = [
    "AsyncTransactionBlock",
    "AsyncTransactionProducer",
    "TransactionBlock",
    "TransactionConfig",
    "TransactionProducer",
]

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionConfig(ProducerConfig):
    """Settings of a transaction producer, beside those of every producer. Durations are seconds."""

    topics: tuple[str, ...] = ()
    """Topics whose brokers are told of the group at the start, so that they can ask it about transactions of
    an earlier process before it has sent anything."""
    end_timeout: float = number(3.0, 0.01, DAY_S)
    """For telling the broker what was decided, all tries together; after that a check tells it."""
    check_timeout: float = number(30.0, 0.001, DAY_S)
    """How long the check of the program may take; then the transaction stays open until the next check."""
    checks_at_once: int = whole(4, 1, 1024, "checks")
    """How many checks run at the same time; plain ones each in a thread."""
    transaction_timeout: float = number(60.0, 0.001, 30 * DAY_S)
    """How long a local part counts as going on: the program is not asked about it within this time, as it is
    not decided yet."""

    def _check(self) -> None:
        ProducerConfig._check(self)
        topics = cast("tuple[object, ...]", self.topics)
        is_tuple = isinstance(cast("object", topics), tuple)
        good = is_tuple and all(isinstance(topic, str) and topic for topic in topics)
        check(good, "topics", topics, "a tuple of names of topics")


def make_transaction_config(
    producer_group: str | None,
    namesrv_addr: str | Sequence[str] | NameServerSource | None,
    config: ProducerConfig | None,
    settings: dict[str, Any],
) -> TransactionConfig:
    """The settings that the arguments of a transaction producer describe.

    Raises:
        ConfigurationError: one of them cannot be used, or there is no such setting.
    """
    plain = make_config(producer_group, namesrv_addr, config, {})
    if isinstance(plain, TransactionConfig):
        made = plain
    else:
        made = TransactionConfig(**{item.name: getattr(plain, item.name) for item in fields(plain)})
    changes = dict(settings)
    if "topics" in changes and not isinstance(changes["topics"], str):
        changes["topics"] = tuple(changes["topics"])
    return made.replace(**changes)


class AsyncTransactionProducer(AsyncProducer):
    """A producer that also sends messages in transactions, for asynchronous code.

    Brokers ask it about transactions that were left open, its own and those of other processes of the group,
    from its start on; list their ``topics`` so that they know it at once.

    Args:
        producer_group: name of the application; brokers ask any producer of the group.
        namesrv_addr: name servers; by default those of the environment (NAMESRV_ADDR).
        check: asked about a transaction: gets the message, gives Commit, Rollback or Unknown. ``async def``
            is called on the event loop, any other in a thread of its own.
        listener: in place of ``check``, an object for ``send_message_in_transaction`` too.
        config: further settings.
        settings: single settings by their names, those of ``TransactionConfig`` among them.
    """

    config: TransactionConfig

    def __init__(
        self,
        producer_group: str | None = None,
        namesrv_addr: str | Sequence[str] | NameServerSource | None = None,
        *,
        check: Check | None = None,
        listener: TransactionListener | None = None,
        config: ProducerConfig | None = None,
        **settings: Any,
    ) -> None:
        asked = check_function(check, listener)
        super().__init__(config=make_transaction_config(producer_group, namesrv_addr, config, settings))
        self._listener = listener
        self._transactions = Transactions(self._core, self._sends, asked, self.config)

    async def start(self) -> None:
        """As ``AsyncProducer.start``; then the brokers of ``topics`` are told of the group."""
        is_new = self._registration is None
        await super().start()
        if is_new and self.config.topics:
            await self._transactions.announce(self.config.topics, monotonic() + self.config.request_timeout)

    async def shutdown(self, timeout: float = SHUTDOWN_TIMEOUT_S) -> None:
        """As ``AsyncProducer.shutdown``; transactions that are open then are asked about again later."""
        await self._transactions.close()
        await super().shutdown(timeout)

    def transaction(
        self,
        message: Message | str,
        body: Body | None = None,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        timeout: float | None = None,
        check_after: float | None = None,
    ) -> AsyncTransactionBlock:
        """A block around a local part::

            async with producer.transaction("pay", b"42", keys="42") as tx:
                await db.execute(...)           # leaving the block commits, an exception rolls back

        Entering it stores the message where no consumer sees it. Leaving it tells the broker; where that
        cannot be done, the broker asks later, and the check decides.

        Args:
            message: a message, or its topic.
            body: its content, if ``message`` is a topic.
            tags: one tag.
            keys: index keys, by which the check finds what the message is about.
            properties: further properties.
            timeout: seconds for storing it; ``send_timeout`` by default.
            check_after: seconds until the broker asks first, when it is not told; its own time by default.

        Raises:
            InvalidMessageError: on entering: the message is delayed, or a batch.
            SendError: on entering: it was not stored.
            HalfMessageError: on entering: the broker could not confirm it; it is rolled back.
        """
        made = _message(message, body, tags, keys, properties)
        return AsyncTransactionBlock(self._transactions, made, timeout, check_after)

    async def send_message_in_transaction(
        self,
        message: Message,
        arg: object = None,
        *,
        timeout: float | None = None,
        check_after: float | None = None,
    ) -> TransactionSendResult:
        """Store a message, have the listener do the local part, and tell the broker what became of it.

        A listener that raises leaves the transaction open, to be checked later: ``local_state`` of the result
        is UNKNOW then, ``local_error`` what it raised. A message that the broker cannot confirm is rolled
        back, and the listener is not called.

        Args:
            message: the message.
            arg: handed to the listener.
            timeout: seconds for storing it; ``send_timeout`` by default.
            check_after: seconds until the broker asks first, when it is not told; its own time by default.

        Raises:
            ConfigurationError: the producer has a check, and no listener.
            InvalidMessageError: the message is delayed, or a batch.
            SendError: it was not stored.
        """
        listener = _listening(self._listener)
        begun = await self._transactions.begin(message, timeout=timeout, check_after=check_after)
        result = begun.result
        if not result.ok:
            return result
        state: object = Unknown
        try:
            state = await call_user(
                listener.execute_local_transaction,
                message,
                begun.transaction_id,
                arg,
                name=f"transaction {begun.transaction_id}",
            )
        except Exception as error:  # noqa: BLE001 - the program's own; the result tells
            result.local_error = error
        await self._transactions.finish(begun, state)
        return result

    def transactions(self) -> list[TransactionMetadata]:
        """The transactions whose local part goes on, the oldest first."""
        return self._transactions.under_way()

    async def begin_transaction(
        self, message: Message, timeout: float | None = None, check_after: float | None = None
    ) -> Transaction:
        """Store the message of a transaction whose local part is no block; ``end_transaction`` ends it.

        Raises:
            HalfMessageError: the broker could not confirm it; it is rolled back.
            SendError: it was not stored.
        """
        begun = await self._transactions.begin(message, timeout=timeout, check_after=check_after)
        _refuse_unconfirmed(begun)
        return begun

    async def end_transaction(self, transaction: Transaction, state: LocalTransactionState) -> bool:
        """Tell the broker what became of the local part; True when it has confirmed that."""
        return await self._transactions.end(transaction, state)


class AsyncTransactionBlock:
    """The block of ``AsyncTransactionProducer.transaction``."""

    def __init__(
        self,
        transactions: Transactions,
        message: Message,
        timeout: float | None,
        check_after: float | None,
    ) -> None:
        self._transactions = transactions
        self._message = message
        self._timeout = timeout
        self._check_after = check_after
        self._begun: Transaction | None = None

    async def __aenter__(self) -> Transaction:
        begun = await self._transactions.begin(
            self._message, timeout=self._timeout, check_after=self._check_after
        )
        _refuse_unconfirmed(begun)
        self._begun = begun
        return begun

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            await self._transactions.end(begun, begun.decision(kind))


class TransactionProducer(Producer):
    """A producer that also sends messages in transactions, for threads.

    Local parts run in the thread that calls. See ``AsyncTransactionProducer`` for the rest.

    Args:
        producer_group: name of the application; brokers ask any producer of the group.
        namesrv_addr: name servers; by default those of the environment (NAMESRV_ADDR).
        check: asked about a transaction: gets the message, gives Commit, Rollback or Unknown. It runs in a
            thread of its own; ``async def`` is called on the engine thread, and must not block.
        listener: in place of ``check``, an object for ``send_message_in_transaction`` too.
        config: further settings.
        settings: single settings by their names, those of ``TransactionConfig`` among them.
    """

    config: TransactionConfig

    def __init__(
        self,
        producer_group: str | None = None,
        namesrv_addr: str | Sequence[str] | NameServerSource | None = None,
        *,
        check: Check | None = None,
        listener: TransactionListener | None = None,
        config: ProducerConfig | None = None,
        **settings: Any,
    ) -> None:
        check_function(check, listener)
        self._check = check
        self._listener = listener
        super().__init__(config=make_transaction_config(producer_group, namesrv_addr, config, settings))

    def _make_async(self) -> AsyncTransactionProducer:
        return AsyncTransactionProducer(check=self._check, listener=self._listener, config=self.config)

    def transaction(
        self,
        message: Message | str,
        body: Body | None = None,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        timeout: float | None = None,
        check_after: float | None = None,
    ) -> TransactionBlock:
        """A block around a local part; see ``AsyncTransactionProducer.transaction``::

        with producer.transaction("pay", b"42", keys="42") as tx:
            db.execute(...)                 # leaving the block commits, an exception rolls back
        """
        made = _message(message, body, tags, keys, properties)
        return TransactionBlock(self, made, timeout, check_after)

    def send_message_in_transaction(
        self,
        message: Message,
        arg: object = None,
        *,
        timeout: float | None = None,
        check_after: float | None = None,
    ) -> TransactionSendResult:
        """As ``AsyncTransactionProducer.send_message_in_transaction``; the listener runs in this thread."""
        listener = _listening(self._listener)
        begun = self._begin_transaction(message, timeout, check_after)
        result = begun.result
        if not result.ok:
            return result
        execute: Callable[..., Any] = listener.execute_local_transaction
        state: object = Unknown
        try:
            if is_asynchronous(execute):
                state = self._current().call_with(execute, (message, begun.transaction_id, arg), {})
            else:
                state = execute(message, begun.transaction_id, arg)
        except Exception as error:  # noqa: BLE001 - the program's own; the result tells
            result.local_error = error
        self._current().call(self._parts.finish, begun, state)
        return result

    def transactions(self) -> list[TransactionMetadata]:
        """The transactions whose local part goes on, the oldest first."""
        found: list[TransactionMetadata] = self._run(AsyncTransactionProducer.transactions)
        return found

    def begin_transaction(
        self, message: Message, timeout: float | None = None, check_after: float | None = None
    ) -> Transaction:
        """As ``AsyncTransactionProducer.begin_transaction``."""
        begun = self._begin_transaction(message, timeout, check_after)
        _refuse_unconfirmed(begun)
        return begun

    def end_transaction(self, transaction: Transaction, state: LocalTransactionState) -> bool:
        """As ``AsyncTransactionProducer.end_transaction``."""
        return self._current().call(self._parts.end, transaction, state)

    @property
    def _parts(self) -> Transactions:
        parts: Transactions = self._async._transactions
        return parts

    def _begin_transaction(
        self, message: Message, timeout: float | None, check_after: float | None
    ) -> Transaction:
        settings = {"timeout": timeout, "check_after": check_after}
        return self._call_here(self._parts.begin, (message,), settings)


class TransactionBlock:
    """The block of ``TransactionProducer.transaction``."""

    def __init__(
        self,
        producer: TransactionProducer,
        message: Message,
        timeout: float | None,
        check_after: float | None,
    ) -> None:
        self._producer = producer
        self._message = message
        self._timeout = timeout
        self._check_after = check_after
        self._begun: Transaction | None = None

    def __enter__(self) -> Transaction:
        self._begun = self._producer.begin_transaction(self._message, self._timeout, self._check_after)
        return self._begun

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            self._producer.end_transaction(begun, begun.decision(kind))


def _message(
    message: Message | str,
    body: Body | None,
    tags: str | None,
    keys: str | Iterable[str] | None,
    properties: Mapping[str, str] | Iterable[tuple[str, str]] | None,
) -> Message:
    if isinstance(message, Message) and body is tags is keys is properties is None:
        return message
    return message_of(message, body, tags, keys, properties)


def _listening(listener: TransactionListener | None) -> TransactionListener:
    if listener is None:
        raise ConfigurationError(
            "this producer has a check and no listener, so nothing does the local part of a transaction",
            field="listener",
            advice="do it inside of `with producer.transaction(...)`, or make the producer with listener=",
        )
    return listener


def _refuse_unconfirmed(begun: Transaction) -> None:
    result = begun.result
    if result.ok:
        return
    status = result.status
    raise HalfMessageError(
        f"the broker stored message {result.msg_id} of a transaction on topic {begun.message.topic!r} and "
        f"could not confirm it: {'no status' if status is None else status.name}; it is rolled back"
        + ("" if result.confirmed else ", once the broker can be told"),
        likely="its disk or its copies are slow",
        advice="begin the transaction again",
    )
