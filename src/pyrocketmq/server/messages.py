"""Storing messages: redirected, appended, committed once per turn of the loop, then acknowledged.

Must not know what the parts that redirect messages make of them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pyrocketmq._native.ids import encode_offset_message_id, next_unique_id
from pyrocketmq._native.logrecord import pack_host
from pyrocketmq._native.properties import join_properties
from pyrocketmq.errors import DeserializationError, StoreError
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.message_ext import MessageExt, decode_messages_strict
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from pyrocketmq._native.logqueue import LogQueue
    from pyrocketmq.server.broker import Broker

__all__ = ["Draft", "Messages", "Redirect", "Stored"]

logger = logging.getLogger(__name__)

MAX_PROPERTIES_BYTES = 32767
REGION = "DefaultRegion"
COMMON_FIELDS = {"MSG_REGION": REGION, "TRACE_ON": "true"}
"""What every answer to a send has."""
ILLEGAL_MESSAGE = (
    "the message is illegal, maybe msg body or properties length not matched. "
    "msg body length limit {limit}B, msg properties length limit 32KB."
)


@dataclass(slots=True)
class Draft:
    """A message that is going to be stored; redirects may change everything but the group."""

    topic: str
    queue_id: int
    body: bytes
    properties: dict[str, str] = field(default_factory=dict[str, str])
    flag: int = 0
    sys_flag: int = 0
    born_timestamp: int = 0
    born_host: bytes | None = None
    """As `pack_host` makes it; None: this broker."""
    reconsume_times: int = 0
    prepared_transaction_offset: int = 0
    group: str = ""
    """The producer group of a send, "" for messages of the broker itself."""
    max_reconsume_times: int | None = None
    answer_fields: dict[str, str] = field(default_factory=dict[str, str])
    """Further fields of the answer to the send."""


class Stored(NamedTuple):
    """Where a message lies."""

    topic: str
    queue_id: int
    queue_offset: int
    position: int
    offset_msg_id: str


Redirect: TypeAlias = Callable[[Draft], None]


class Messages(Concern):
    """The way into the log.

    Attributes:
        common: the properties that every message of a client gets.
        redirects: called in turn with the draft of each message that a client sends, before it is stored.
            They change it in place, or raise `Refused`.
        turn_ends: called when a commit begins.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._store = broker.store
        self._log = broker.store.log
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._touched: dict[LogQueue, None] = {}
        self._followers: list[Callable[[StoreError | None], object]] = []
        self._is_due = False
        self._hosts: dict[str, bytes] = {}
        self._address, self._port = parse_address(broker.address)
        self.redirects: list[Redirect] = []
        self.common = {"MSG_REGION": REGION, "TRACE_ON": "true", "CLUSTER": broker.config.cluster}
        self.turn_ends: Callable[[], object] | None = None

    # ---- appending ----

    def accept(self, draft: Draft) -> Stored:
        """Store a message that a client sent: with what a broker adds to it, and where redirects put it.

        Raises:
            Refused: it breaks a limit, a redirect refuses it, or there is no space.
        """
        self.check_body(draft.body)
        properties = draft.properties
        properties.update(self.common)
        if "UNIQ_KEY" not in properties:
            properties["UNIQ_KEY"] = next_unique_id()
        for redirect in self.redirects:
            redirect(draft)
        return self.append(draft)

    def append(self, draft: Draft) -> Stored:
        """Store a message as it is. It is neither safe nor visible before `committed`.

        Raises:
            Refused: its properties are too long, or there is no space.
        """
        text = join_properties(draft.properties).encode()
        if len(text) > MAX_PROPERTIES_BYTES:
            raise self._illegal()
        queue = self._log.queue(draft.topic, draft.queue_id)
        try:
            offset, position = self._store.append(
                queue,
                draft.body,
                text,
                born_timestamp=draft.born_timestamp,
                born_host=draft.born_host,
                flag=draft.flag,
                sys_flag=draft.sys_flag,
                reconsume_times=draft.reconsume_times,
                prepared_transaction_offset=draft.prepared_transaction_offset,
            )
        except StoreError as error:
            raise self.refusal(error) from error
        self._touch(queue)
        return Stored(draft.topic, draft.queue_id, offset, position, self.offset_msg_id(position))

    def append_batch(self, draft: Draft) -> list[Stored]:
        """Store the messages of a batch body as they are, all or none.

        A 5.5.0 broker adds no properties to them either.

        Raises:
            Refused: the body is no batch, or there is no space.
        """
        queue = self._log.queue(draft.topic, draft.queue_id)
        try:
            first, count = self._log.append_batch(
                queue,
                draft.body,
                store_timestamp=self._broker.clock.now_ms(),
                born_timestamp=draft.born_timestamp,
                born_host=draft.born_host,
                sys_flag=draft.sys_flag,
                reconsume_times=draft.reconsume_times,
            )
        except DeserializationError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, error.what, {}) from error
        except StoreError as error:
            raise self.refusal(error) from error
        self._touch(queue)
        return [
            Stored(draft.topic, draft.queue_id, first + index, position, self.offset_msg_id(position))
            for index, position in enumerate(queue.positions(first, count))
        ]

    def check_body(self, body: bytes) -> None:
        """Refuse a body that is empty or too long."""
        if not body:
            raise Refused(ResponseCode.SYSTEM_ERROR, "the message has no body", {})
        if len(body) > self._broker.config.max_message_bytes:
            raise self._illegal()

    def _illegal(self) -> Refused:
        limit = self._broker.config.max_message_bytes
        return Refused(ResponseCode.MESSAGE_ILLEGAL, ILLEGAL_MESSAGE.format(limit=limit))

    @staticmethod
    def refusal(error: StoreError) -> Refused:
        """What a client is told when the store fails."""
        what = f"the message is not stored: {error.what}"
        return Refused(ResponseCode.SERVICE_NOT_AVAILABLE, what, COMMON_FIELDS)

    # ---- committing ----

    def _touch(self, queue: LogQueue) -> None:
        self._touched[queue] = None
        self._commit_soon()

    def _commit_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self.commit)

    async def committed(self) -> None:
        """Return when everything appended so far may be acknowledged and read.

        Raises:
            Refused: it could not be written; nothing of this turn is stored.
        """
        future = self._loop.create_future()

        def finish(error: StoreError | None) -> None:
            if not future.done():
                future.set_result(error)

        self.when_committed(finish)
        error = await future
        if error is not None:
            raise self.refusal(error) from error

    def when_committed(self, callback: Callable[[StoreError | None], object]) -> None:
        """Call back, later and on this thread, when all that was appended is stored, or why it is not."""
        self._followers.append(callback)
        self._commit_soon()

    def commit(self) -> None:
        """Commit what this turn of the loop has appended; called by the loop."""
        self._is_due = False
        if self.turn_ends is not None:
            self.turn_ends()
        touched, self._touched = self._touched, {}
        followers, self._followers = self._followers, []
        try:
            self._store.commit()
        except StoreError as error:
            self._finish([], followers, error)
            return
        except Exception as error:
            # Nobody may wait for ever, whatever goes wrong here.
            logger.exception("a commit failed")
            self._finish([], followers, StoreError(f"the commit failed: {type(error).__name__}: {error}"))
            return

        def durable(error: Exception | None) -> None:
            failed = StoreError(f"a sync of the log failed: {error}") if error is not None else None
            if threading.get_ident() == self._thread:
                self._finish(list(touched), followers, failed)
            else:
                self._loop.call_soon_threadsafe(self._finish, list(touched), followers, failed)

        self._store.when_durable(durable)

    def _finish(
        self,
        touched: list[LogQueue],
        followers: list[Callable[[StoreError | None], object]],
        error: StoreError | None,
    ) -> None:
        for follower in followers:
            try:
                follower(error)
            except Exception:
                logger.exception("what waited for a commit failed")
        if error is not None:
            logger.error("messages of one turn are refused: %s", error.what)
            return
        tell = self._broker.arrivals.tell
        for queue in touched:
            tell(queue.topic, queue.queue_id)

    # ---- reading ----

    def read(self, position: int) -> MessageExt | None:
        """The message whose record begins at a position of the log, None if none does."""
        record = self._log.read_at(position)
        return None if record is None else decode_messages_strict(record)[0]

    def offset_msg_id(self, position: int) -> str:
        """The offset message id of the record at a position."""
        return encode_offset_message_id(self._address, self._port, position)

    def packed_host(self, address: str) -> bytes:
        """An address ``host:port`` as it stands in records."""
        packed = self._hosts.get(address)
        if packed is None:
            if len(self._hosts) > 1000:
                self._hosts.clear()
            packed = self._hosts[address] = pack_host(parse_address(address))
        return packed
