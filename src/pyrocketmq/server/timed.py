"""Timer messages: kept until a time that their sender chose, and taken back by a handle."""

from __future__ import annotations

import heapq
import logging
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import RecallMessageRequestHeader, RecallMessageResponseHeader
from pyrocketmq.model.recall import RecallHandle
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.delays import TOPIC as DELAY_TOPIC
from pyrocketmq.server.ledger import Ledger
from pyrocketmq.server.messages import REGION, Draft
from pyrocketmq.server.originals import REAL_TOPIC, is_half, original_of, put_aside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.errors import StoreError
    from pyrocketmq.model.message_ext import MessageExt
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler
    from pyrocketmq.server.timers import Timer

__all__ = ["MAX_DELAY_MS", "Timed"]

logger = logging.getLogger(__name__)

TOPIC: Final = "rmq_sys_wheel_timer"
DONE_TOPIC: Final = "rmq_sys_wheel_timer_done"
MAX_DELAY_MS: Final = 3 * 24 * 3600 * 1000

DELAY_SEC: Final = "TIMER_DELAY_SEC"
DELAY_MS: Final = "TIMER_DELAY_MS"
DELIVER_MS: Final = "TIMER_DELIVER_MS"
OUT_MS: Final = "TIMER_OUT_MS"
DELETE_KEY: Final = "TIMER_DEL_UNIQKEY"

MOST_AT_ONCE: Final = 1000
RETRY_AFTER: Final = 1.0

_ILLEGAL: Final = (
    f"timer message illegal, the delay time should not be bigger than the max delay {MAX_DELAY_MS}ms; or if "
    "set del msg, the delay time should be bigger than the current time"
)
_FIELDS: Final = {"MSG_REGION": REGION}


class Timed(Concern):
    """The timer messages of a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._ledger = Ledger(broker, TOPIC, DONE_TOPIC, self._opened)
        self._due: list[tuple[int, int]] = []
        self._by_key: dict[tuple[str, str], set[int]] = {}
        self._timer: Timer | None = None
        broker.messages.redirects.append(self.redirect)

    def handlers(self) -> Mapping[int, Handler]:
        """The request code of recalls."""
        return {RequestCode.RECALL_MESSAGE: self._recall}

    async def start(self) -> None:
        """Go on with what the log has."""
        await self._ledger.start()

    async def stop(self) -> None:
        """Save where to begin next time."""
        await self._ledger.stop()

    def redirect(self, draft: Draft) -> None:
        """Put a timer message aside, and give its sender a handle to take it back.

        Raises:
            Refused: the time is no number, or too far ahead.
        """
        properties = draft.properties
        if OUT_MS in properties or is_half(draft):
            return
        if draft.topic == DELAY_TOPIC:  # a delay level goes before a time
            for name in (DELAY_SEC, DELAY_MS, DELIVER_MS):
                properties.pop(name, None)
            return
        now = self._broker.clock.now_ms()
        due = _due_of(properties, now)
        if due is None or due <= now:
            return
        if due - now > MAX_DELAY_MS:
            raise Refused(ResponseCode.MESSAGE_ILLEGAL, _ILLEGAL)
        topic = draft.topic
        properties[OUT_MS] = str(due)
        put_aside(draft, TOPIC, 0)
        try:
            # Past the time itself, as on real brokers: it stands for the moment when recalling ends.
            handle = RecallHandle(topic, self._broker.name, str(due + 1), properties.get("UNIQ_KEY", ""))
            draft.answer_fields["recallHandle"] = handle.encode()
        except SerializationError as error:
            logger.debug("a timer message has no recall handle: %s", error.what)

    # ---- delivery ----

    def _opened(self, message: MessageExt) -> None:
        offset = message.queue_offset
        key = (
            message.get_property(REAL_TOPIC, ""),
            message.get_property(DELETE_KEY) or message.unique_id or "",
        )
        if message.get_property(DELETE_KEY) is not None:
            self._close([offset, *self._by_key.get(key, ())], key)
            return
        self._by_key.setdefault(key, set()).add(offset)
        heapq.heappush(self._due, (int(message.get_property(OUT_MS, "0")), offset))
        self._arm()

    def _arm(self) -> None:
        while self._due and self._due[0][1] not in self._ledger:
            heapq.heappop(self._due)
        if not self._due:
            return
        due = self._due[0][0]
        if self._timer is None or due < self._timer.due_ms:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._broker.timers.at(due, self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now = self._broker.clock.now_ms()
        delivered: list[tuple[int, int]] = []
        refused: Refused | None = None
        try:
            while self._due and self._due[0][0] <= now and len(delivered) < MOST_AT_ONCE:
                due, offset = self._due[0]
                if offset in self._ledger:
                    self._deliver_one(offset, now)
                    delivered.append((due, offset))
                heapq.heappop(self._due)
            self._ledger.close([offset for _, offset in delivered])
        except Refused as error:
            refused = error
        if delivered:
            self._broker.messages.when_committed(lambda error: self._finish(delivered, error))
        if refused is None:
            self._arm()
        else:
            self._wait(refused.remark)

    def _deliver_one(self, offset: int, now: int) -> None:
        message = self._ledger.read(offset)
        if message is None:
            return
        draft = original_of(message)
        key = draft.topic, draft.properties.get("UNIQ_KEY", "")
        if draft.topic in self._broker.topics:
            draft.properties["TIMER_ENQUEUE_MS"] = str(message.store_timestamp)
            draft.properties["TIMER_DEQUEUE_MS"] = str(now)
            self._broker.messages.append(draft)
        self._forget(key, offset)

    def _forget(self, key: tuple[str, str], offset: int) -> None:
        offsets = self._by_key.get(key)
        if offsets is not None:
            offsets.discard(offset)
            if not offsets:
                del self._by_key[key]

    def _finish(self, delivered: list[tuple[int, int]], error: StoreError | None) -> None:
        if error is None:
            return
        # Everything of that turn was taken back.
        self._ledger.reopen([offset for _, offset in delivered])
        for entry in delivered:
            heapq.heappush(self._due, entry)
        self._wait(error.what)

    def _wait(self, reason: str) -> None:
        """Try again later: the log takes nothing at the moment."""
        logger.warning("%s: timer messages wait: %s", self._broker.name, reason)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._broker.timers.after(RETRY_AFTER, self._deliver)

    # ---- recall ----

    def _close(self, offsets: list[int], key: tuple[str, str]) -> None:
        self._by_key.pop(key, None)
        try:
            self._ledger.close(offsets)
        except Refused as refused:
            # The recall itself is in the log, so a restart finds it.
            logger.warning("%s: a recall is not noted: %s", self._broker.name, refused.remark)

    async def _recall(self, call: Call) -> RemotingCommand:
        header = call.header(RecallMessageRequestHeader)
        if header.topic not in self._broker.topics:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST, f"recall failed, the topic[{header.topic}] not exist", _FIELDS
            )
        handle = self._handle_of(header)
        now = self._broker.clock.now_ms()
        marker = Draft(
            TOPIC,
            0,
            b"0",
            {
                DELETE_KEY: handle.message_id,
                "UNIQ_KEY": handle.message_id,
                REAL_TOPIC: handle.topic,
                "TAGS": "_RECALL_TAG_",
                OUT_MS: handle.deliver_ms,
                **({"PGROUP": header.producer_group} if header.producer_group else {}),
            },
            born_timestamp=now,
            born_host=self._broker.messages.packed_host(call.peer),
        )
        self._broker.messages.append(marker)
        await self._broker.messages.committed()
        return call.answer(
            fields={**_FIELDS, **RecallMessageResponseHeader(msg_id=handle.message_id).to_ext_fields()}
        )

    def _handle_of(self, header: RecallMessageRequestHeader) -> RecallHandle:
        try:
            handle = RecallHandle.decode(header.recall_handle)
        except DeserializationError as error:
            raise _refusal("recall handle is invalid") from error
        if handle.topic != header.topic:
            raise _refusal("recall failed, topic not match")
        if handle.broker_name != self._broker.name:
            raise _refusal("recall failed, broker service not available")
        left = int(handle.deliver_ms) - self._broker.clock.now_ms() if handle.deliver_ms.isdecimal() else 0
        if not 0 < left <= MAX_DELAY_MS:
            raise _refusal("recall failed, timestamp invalid")
        return handle


def _refusal(remark: str) -> Refused:
    return Refused(ResponseCode.ILLEGAL_OPERATION, remark, _FIELDS)


def _due_of(properties: Mapping[str, str], now: int) -> int | None:
    """When a message wants to be delivered, None if it has no wish."""
    try:
        if DELAY_SEC in properties:
            return now + int(properties[DELAY_SEC]) * 1000
        if DELAY_MS in properties:
            return now + int(properties[DELAY_MS])
        if DELIVER_MS in properties:
            return int(properties[DELIVER_MS])
    except ValueError as error:
        raise Refused(ResponseCode.MESSAGE_ILLEGAL, _ILLEGAL) from error
    return None
