"""Half messages: kept from consumers until their producer decides, who is asked if he does not.

A half message that is asked about is stored anew, as on real brokers, with one more check in its properties.
The numbers of all its copies name the same transaction as long as it is open.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.stored import encode_message
from pyrocketmq.errors import DeserializationError, RocketMQError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.flags import MessageSysFlag
from pyrocketmq.model.headers import (
    CheckTransactionStateRequestHeader,
    EndTransactionRequestHeader,
    ResumeCheckHalfMessageRequestHeader,
)
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.ledger import Ledger
from pyrocketmq.server.members import pushed
from pyrocketmq.server.originals import (
    REAL_QUEUE,
    REAL_TOPIC,
    draft_of,
    is_half,
    original_of,
    put_aside,
    stands_for,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.errors import StoreError
    from pyrocketmq.model.message_ext import MessageExt
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler
    from pyrocketmq.server.messages import Draft, Stored
    from pyrocketmq.server.timers import Timer

__all__ = ["Transactions"]

logger = logging.getLogger(__name__)

HALF_TOPIC: Final = "RMQ_SYS_TRANS_HALF_TOPIC"
DONE_TOPIC: Final = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
DISCARD_TOPIC: Final = "TRANS_CHECK_MAX_TIME_TOPIC"

GROUP: Final = "PGROUP"
CHECK_TIMES: Final = "TRANSACTION_CHECK_TIMES"
IMMUNITY: Final = "CHECK_IMMUNITY_TIME_IN_SECONDS"
FIRST_COPY: Final = "TRAN_PREPARED_QUEUE_OFFSET"

COMMIT: Final = MessageSysFlag.TRANSACTION_COMMIT.value
ROLLBACK: Final = MessageSysFlag.TRANSACTION_ROLLBACK.value
UNKNOWN: Final = 0

KEPT_OUTCOMES: Final = 100_000
RETRY_AFTER_MS: Final = 1000

_HALF: Final = MessageSysFlag.TRANSACTION_PREPARED.value
_MASK: Final = MessageSysFlag.TRANSACTION_MASK.value


@dataclass(slots=True)
class _Open:
    """One transaction that is not decided."""

    group: str
    since_ms: int
    own_timeout_ms: int | None
    """How long its producer wants not to be asked, None if it did not say."""
    copies: list[int] = field(default_factory=list[int])
    """The queue offsets of its half message, the newest last."""
    checks: int = 0
    timer: Timer | None = None


class Transactions(Concern):
    """The transactions of a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._timeout_ms = round(broker.config.transaction_timeout * 1000)
        self._interval_ms = round(broker.config.transaction_check_interval * 1000)
        self._ledger = Ledger(broker, HALF_TOPIC, DONE_TOPIC, self._opened)
        self._open: dict[int, _Open] = {}
        self._outcomes: OrderedDict[int, int] = OrderedDict()
        broker.messages.redirects.append(self.redirect)

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of what producers decide, and of asking them again."""
        return {
            RequestCode.END_TRANSACTION: self._end,
            RequestCode.RESUME_CHECK_HALF_MESSAGE: self._resume,
        }

    async def start(self) -> None:
        """Go on with what the log has."""
        await self._ledger.start()

    async def stop(self) -> None:
        """Save where to begin next time."""
        await self._ledger.stop()

    @property
    def open_count(self) -> int:
        """Transactions that are not decided."""
        return len({id(found) for found in self._open.values()})

    def redirect(self, draft: Draft) -> None:
        """Keep a half message from consumers."""
        is_kept = is_half(draft)
        if draft.sys_flag & _MASK == _HALF:
            draft.sys_flag &= ~_MASK
        if is_kept:
            put_aside(draft, HALF_TOPIC, 0)
            draft.properties.pop(CHECK_TIMES, None)
            draft.properties.pop(FIRST_COPY, None)
            draft.properties.setdefault(GROUP, draft.group)
            draft.properties["__transactionId__"] = draft.properties.get("UNIQ_KEY", "")

    # ---- open ----

    def _opened(self, message: MessageExt) -> None:
        offset = message.queue_offset
        checks = int(message.get_property(CHECK_TIMES, "0"))
        first = int(message.get_property(FIRST_COPY, str(offset)))
        found = self._open.get(first)
        if found is None and first != offset and self._ledger.has(first):
            # It was decided while this copy was on its way into the log.
            self._outcomes[offset] = self._outcomes.get(first, UNKNOWN)
            self._ledger.close([offset])
            return
        if found is None:
            group = message.get_property(GROUP, "")
            found = _Open(group, message.store_timestamp, _own_timeout_ms(message), [first])
            self._open[first] = found
        if offset != first:
            found.copies.append(offset)
            self._open[offset] = found
        if checks >= found.checks:
            found.checks = checks
            wait_ms = self._interval_ms if checks else found.own_timeout_ms
            self._check_at(
                found, message.store_timestamp + (self._timeout_ms if wait_ms is None else wait_ms)
            )

    def _check_at(self, found: _Open, due_ms: int) -> None:
        if found.timer is not None:
            found.timer.cancel()
        found.timer = self._broker.timers.at(due_ms, lambda: self._check(found))

    # ---- decided ----

    async def _end(self, call: Call) -> RemotingCommand | None:
        header = call.header(EndTransactionRequestHeader)
        outcome = header.commit_or_rollback
        if outcome == UNKNOWN:
            return None
        if outcome not in (COMMIT, ROLLBACK):
            raise Refused(ResponseCode.SYSTEM_ERROR, "commitOrRollback field wrong")
        message = self._half_of(header)
        offset = message.queue_offset
        found = self._open.get(offset)
        if found is None:
            self._refuse_another_outcome(offset, outcome)
        elif outcome == COMMIT:
            self._refuse_late(found, header)
            self._broker.messages.append(self._committed(message, header))
        if found is not None:
            self._close(found, outcome)
        await self._broker.messages.committed()
        return call.answer()

    def _half_of(self, header: EndTransactionRequestHeader) -> MessageExt:
        message = self._broker.messages.read(header.commit_log_offset)
        if message is None or message.topic != HALF_TOPIC:
            raise Refused(ResponseCode.SYSTEM_ERROR, "Find prepared transaction message failed")
        if message.get_property(GROUP) != header.producer_group:
            raise Refused(ResponseCode.SYSTEM_ERROR, "The producer group wrong")
        if message.queue_offset != header.tran_state_table_offset:
            raise Refused(ResponseCode.SYSTEM_ERROR, "The transaction state table offset wrong")
        return message

    def _refuse_another_outcome(self, offset: int, outcome: int) -> None:
        known = self._outcomes.get(offset, outcome)
        if known != outcome:
            what = {COMMIT: "committed", ROLLBACK: "rolled back", UNKNOWN: "given up"}[known]
            raise Refused(ResponseCode.ILLEGAL_OPERATION, f"the transaction is {what} already")

    def _refuse_late(self, found: _Open, header: EndTransactionRequestHeader) -> None:
        if found.own_timeout_ms is None or header.from_transaction_check:
            return
        age = self._broker.clock.now_ms() - found.since_ms
        if age > found.own_timeout_ms:
            raise Refused(
                ResponseCode.ILLEGAL_OPERATION,
                f"the end comes {age} ms after the message, which is asked about after "
                f"{found.own_timeout_ms} ms: wait for the check",
            )

    def _committed(self, message: MessageExt, header: EndTransactionRequestHeader) -> Draft:
        draft = original_of(message)
        if draft.topic not in self._broker.topics:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{draft.topic}] not exist")
        for name in (REAL_TOPIC, REAL_QUEUE, FIRST_COPY):
            draft.properties.pop(name, None)
        draft.sys_flag |= COMMIT
        draft.prepared_transaction_offset = header.commit_log_offset
        self._broker.delays.redirect(draft)
        self._broker.timed.redirect(draft)
        return draft

    def _close(self, found: _Open, outcome: int) -> None:
        """Take a transaction out; its record of it goes into the same commit as what came of it."""
        if found.timer is not None:
            found.timer.cancel()
        for offset in found.copies:
            self._open.pop(offset, None)
            self._outcomes[offset] = outcome
        while len(self._outcomes) > KEPT_OUTCOMES:
            self._outcomes.popitem(last=False)
        self._ledger.close(found.copies)
        self._broker.messages.when_committed(lambda error: self._finish(found, error))

    def _finish(self, found: _Open, error: StoreError | None) -> None:
        if error is None:
            return
        # Nothing of it is stored, and its client is told so.
        self._ledger.reopen(found.copies)
        for offset in found.copies:
            self._open[offset] = found
            self._outcomes.pop(offset, None)
        self._check_at(found, self._broker.clock.now_ms() + RETRY_AFTER_MS)

    # ---- asked about ----

    async def _resume(self, call: Call) -> RemotingCommand:
        """Take up a message that was given up."""
        header = call.header(ResumeCheckHalfMessageRequestHeader)
        try:
            position = decode_offset_message_id(header.msg_id or "").offset
        except DeserializationError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, error.what) from error
        message = self._broker.messages.read(position)
        if message is None or message.topic != DISCARD_TOPIC:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"{header.msg_id} is no message of {DISCARD_TOPIC}")
        copy = draft_of(message, HALF_TOPIC, 0)
        for name in (CHECK_TIMES, FIRST_COPY):
            copy.properties.pop(name, None)
        self._broker.messages.append(copy)
        await self._broker.messages.committed()
        return call.answer()

    def _check(self, found: _Open) -> None:
        message = self._ledger.read(found.copies[-1])
        try:
            if message is None:
                self._close(found, UNKNOWN)  # retention has taken it
            elif found.checks >= self._broker.config.transaction_check_max:
                self._give_up(found, message)
            else:
                self._ask(found, message)
        except Refused as refused:
            logger.warning("%s: a transaction is not checked: %s", self._broker.name, refused.remark)
            self._check_at(found, self._broker.clock.now_ms() + RETRY_AFTER_MS)

    def _give_up(self, found: _Open, message: MessageExt) -> None:
        logger.warning(
            "%s: the transaction of message %s, group %s, is given up after %d checks",
            self._broker.name,
            message.msg_id,
            found.group,
            found.checks,
        )
        self._broker.messages.append(draft_of(message, DISCARD_TOPIC, 0))
        self._close(found, UNKNOWN)

    def _ask(self, found: _Open, message: MessageExt) -> None:
        copy = draft_of(message, HALF_TOPIC, 0)
        copy.properties[CHECK_TIMES] = str(found.checks + 1)
        copy.properties[FIRST_COPY] = str(found.copies[0])
        stored = self._broker.messages.append(copy)
        found.checks += 1
        self._check_at(found, self._broker.clock.now_ms() + self._interval_ms)
        self._broker.messages.when_committed(
            lambda error: self._push(found, message, copy, stored) if error is None else None
        )

    def _push(self, found: _Open, message: MessageExt, copy: Draft, stored: Stored) -> None:
        if found.copies[-1] not in self._open:
            return  # decided meanwhile
        member = self._broker.clients.any_producer(found.group)
        if member is None:
            logger.info("%s: nobody of group %s is there to be asked", self._broker.name, found.group)
            return
        topic, queue_id = stands_for(message)
        header = CheckTransactionStateRequestHeader(
            topic=HALF_TOPIC,
            tran_state_table_offset=stored.queue_offset,
            commit_log_offset=stored.position,
            msg_id=message.unique_id,
            transaction_id=message.unique_id,
            offset_msg_id=stored.offset_msg_id,
            bname=self._broker.name,
        )
        body = encode_message(
            topic,
            copy.body,
            properties=copy.properties,
            flag=copy.flag,
            queue_id=queue_id,
            queue_offset=stored.queue_offset,
            commit_log_offset=stored.position,
            sys_flag=copy.sys_flag,
            born_timestamp=copy.born_timestamp,
            born_host=message.born_host,
            store_timestamp=message.store_timestamp,
            store_host=message.store_host,
            reconsume_times=copy.reconsume_times,
        )
        try:
            member.connection.oneway(
                pushed(RequestCode.CHECK_TRANSACTION_STATE, header.to_ext_fields(), body)
            )
        except RocketMQError as error:
            logger.debug("%s is not asked about a transaction: %s", member.connection.address, error)


def _own_timeout_ms(message: MessageExt) -> int | None:
    try:
        seconds = int(message.get_property(IMMUNITY, "-1"))
    except ValueError:
        return None
    return None if seconds < 0 else seconds * 1000
