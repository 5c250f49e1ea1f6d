"""The pulls of consumers: what they find, how long they wait for it, and the ends of queues."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pyrocketmq._native.logcut import CutStatus
from pyrocketmq._native.logqueue import TagCodes
from pyrocketmq.errors import InvalidMessageError, SubscriptionParseError
from pyrocketmq.model.enums import BoundaryType, RequestCode, ResponseCode
from pyrocketmq.model.flags import PullSysFlag
from pyrocketmq.model.headers import (
    GetEarliestMsgStoretimeRequestHeader,
    GetEarliestMsgStoretimeResponseHeader,
    GetMaxOffsetRequestHeader,
    GetMaxOffsetResponseHeader,
    GetMinOffsetRequestHeader,
    GetMinOffsetResponseHeader,
    PullMessageRequestHeader,
    PullMessageResponseHeader,
    SearchOffsetRequestHeader,
    SearchOffsetResponseHeader,
)
from pyrocketmq.model.producer_consumer import SubscriptionData
from pyrocketmq.server.call import Refused, make_answer
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.filters import compile_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.connection import Connection
    from pyrocketmq._native.logcut import Cut
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Answer, Call, Handler
    from pyrocketmq.server.filters import Predicate
    from pyrocketmq.server.timers import Timer

__all__ = ["Choice", "Pulling"]

logger = logging.getLogger(__name__)

MOST_KEPT_FILTERS: Final = 1024

_COMMIT: Final = PullSysFlag.COMMIT_OFFSET.value
_SUSPEND: Final = PullSysFlag.SUSPEND.value
_SUBSCRIPTION: Final = PullSysFlag.SUBSCRIPTION.value

_CODES: Final = {
    CutStatus.FOUND: (ResponseCode.SUCCESS, "FOUND"),
    CutStatus.NO_MATCH: (ResponseCode.PULL_RETRY_IMMEDIATELY, "NO_MATCHED_MESSAGE"),
    CutStatus.AT_END: (ResponseCode.PULL_NOT_FOUND, "OFFSET_OVERFLOW_ONE"),
    CutStatus.TOO_SMALL: (ResponseCode.PULL_OFFSET_MOVED, "OFFSET_TOO_SMALL"),
    CutStatus.TOO_LARGE: (ResponseCode.PULL_OFFSET_MOVED, "OFFSET_OVERFLOW_BADLY"),
    CutStatus.EMPTY: (ResponseCode.PULL_OFFSET_MOVED, "NO_MESSAGE_IN_QUEUE"),
}


class Choice(NamedTuple):
    """What a subscription lets through: messages with these tags, and this predicate; None for all."""

    tags: TagCodes | None = None
    accept: Predicate | None = None


_EVERYTHING: Final = Choice()


@dataclass(slots=True)
class _Held:
    """A pull that waits for messages."""

    connection: Connection
    header: PullMessageRequestHeader
    filter: Choice
    offset: int
    answer: asyncio.Future[RemotingCommand | None]
    timer: Timer
    stop_watching: Callable[[], None]


class Pulling(Concern):
    """Pull answers, at once or when there is something to answer.

    Attributes:
        check_group: called with the group of each pull; raises `Refused` if it may not consume.
        subscription_of: gives the subscription that a group's members have announced for a topic, or None.
        committed_offset: called with group, topic, queue id and offset when a pull carries an offset to
            store.
        offset_resets: gives the offset that a group has to go to in a queue, or None; called with group,
            topic and queue id. While it may give one, the native way must not serve pulls of the topic.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._log = broker.store.log
        self._filters: dict[tuple[str, str], Choice] = {}
        self._held: dict[Connection, dict[int, _Held]] = {}
        self.check_group: Callable[[str], object] = lambda _: None
        self.subscription_of: Callable[[str, str], SubscriptionData | None] = lambda _group, _topic: None
        self.committed_offset: Callable[[str, str, int, int], object] = _keep_nothing
        self.offset_resets: Callable[[str, str, int], int | None] = _no_reset

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of pulls and of the ends of queues."""
        return {
            RequestCode.PULL_MESSAGE: self._pull,
            RequestCode.LITE_PULL_MESSAGE: self._pull,
            RequestCode.GET_MAX_OFFSET: self._max_offset,
            RequestCode.GET_MIN_OFFSET: self._min_offset,
            RequestCode.SEARCH_OFFSET_BY_TIMESTAMP: self._search_offset,
            RequestCode.GET_EARLIEST_MSG_STORETIME: self._earliest_time,
        }

    # ---- pulling ----

    def _pull(self, call: Call) -> Answer:
        header = call.header(PullMessageRequestHeader)
        self.check_group(header.consumer_group)
        topic = self._broker.topics.require(header.topic)
        if not topic.is_readable:
            raise Refused(ResponseCode.NO_PERMISSION, f"the topic[{topic.name}] pulling message is forbidden")
        if not 0 <= header.queue_id < topic.read_queues:
            raise Refused(
                ResponseCode.INVALID_PARAMETER,
                f"queueId[{header.queue_id}] is illegal, topic:[{topic.name}] topicConfig.readQueueNums:"
                f"[{topic.read_queues}] consumer:[{call.peer}]",
            )
        chosen = self.choose(
            header.consumer_group,
            header.topic,
            header.sys_flag,
            header.subscription,
            header.expression_type,
            header.sub_version,
        )
        if header.sys_flag & _COMMIT and header.commit_offset >= 0:
            self.committed_offset(header.consumer_group, header.topic, header.queue_id, header.commit_offset)
        reset = self.offset_resets(header.consumer_group, header.topic, header.queue_id)
        if reset is not None:
            return self._reset_answer(header, reset)
        cut = self._cut(header, chosen, header.queue_offset)
        waits = cut.status == CutStatus.AT_END and header.sys_flag & _SUSPEND
        if waits and header.suspend_timeout_millis > 0:
            return self._hold(call, header, chosen)
        return _answer(cut)

    def _cut(self, header: PullMessageRequestHeader, chosen: Choice, offset: int) -> Cut:
        config = self._broker.config
        most = config.max_pull_bytes
        if header.max_msg_bytes is not None and 0 < header.max_msg_bytes < most:
            most = header.max_msg_bytes
        return self._log.cut(
            self._log.queue(header.topic, header.queue_id),
            offset,
            max(1, min(header.max_msg_nums, config.max_pull_messages)),
            most,
            chosen.tags,
            chosen.accept,
        )

    def _reset_answer(self, header: PullMessageRequestHeader, offset: int) -> RemotingCommand:
        queue = self._log.find_queue(header.topic, header.queue_id)
        ends = (0, 0) if queue is None else (queue.min_offset, queue.max_offset)
        return make_answer(ResponseCode.PULL_OFFSET_MOVED, "OFFSET_RESET", _fields(offset, *ends))

    # ---- waiting ----

    def _hold(self, call: Call, header: PullMessageRequestHeader, chosen: Choice) -> Answer:
        connection, opaque = call.connection, call.request.opaque

        def arrived(_topic: str, _queue_id: int) -> None:
            self._look_again(held)

        def expired() -> None:
            self._release(held, opaque)
            self._settle(held, _answer(self._cut(header, chosen, held.offset)))

        held = _Held(
            connection,
            header,
            chosen,
            header.queue_offset,
            asyncio.get_running_loop().create_future(),
            self._broker.timers.after(header.suspend_timeout_millis / 1000, expired),
            self._broker.arrivals.watch(header.topic, header.queue_id, arrived),
        )
        held.answer.add_done_callback(lambda _: self._release(held, opaque))
        self._held.setdefault(connection, {})[opaque] = held
        return held.answer

    def _look_again(self, held: _Held) -> None:
        header = held.header
        reset = self.offset_resets(header.consumer_group, header.topic, header.queue_id)
        if reset is not None:
            self._settle(held, self._reset_answer(header, reset))
            return
        cut = self._cut(held.header, held.filter, held.offset)
        if cut.status == CutStatus.NO_MATCH:
            # What came is for others: wait on, from behind it.
            held.offset = cut.next_offset
        elif cut.status != CutStatus.AT_END:
            self._settle(held, _answer(cut))

    @staticmethod
    def _settle(held: _Held, answer: RemotingCommand | None) -> None:
        if not held.answer.done():
            held.answer.set_result(answer)

    def _release(self, held: _Held, opaque: int) -> None:
        held.timer.cancel()
        held.stop_watching()
        mine = self._held.get(held.connection)
        if mine is not None and mine.get(opaque) is held:
            del mine[opaque]
            if not mine:
                del self._held[held.connection]

    def connection_lost(self, connection: Connection) -> None:
        """Drop the pulls that a client waits for no more."""
        for opaque, held in list(self._held.get(connection, {}).items()):
            self._release(held, opaque)
            self._settle(held, None)

    async def stop(self) -> None:
        """Answer what is still held."""
        for connection in list(self._held):
            self.connection_lost(connection)

    # ---- filtering ----

    def choose(  # noqa: PLR0917 - called by native code, in this order
        self,
        group: str,
        topic: str,
        sys_flag: int,
        subscription: str | None,
        expression_type: str | None,
        sub_version: int,
    ) -> Choice:
        """The tags, and the predicate, of the messages that a pull is for; None for all.

        Raises:
            Refused: the group has no subscription, another one, or one that cannot be read.
        """
        if sys_flag & _SUBSCRIPTION:
            return self.compiled(expression_type or "TAG", subscription or "*")
        announced = self.subscription_of(group, topic)
        if announced is None:
            raise Refused(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist")
        if announced.sub_version < sub_version:
            raise Refused(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest")
        return self.compiled(announced.expression_type or "TAG", announced.sub_string or "*")

    def compiled(self, kind: str, expression: str) -> Choice:
        """What the expression of a subscription lets through."""
        if kind == "TAG" and expression == "*":
            return _EVERYTHING
        key = kind, expression
        found = self._filters.get(key)
        if found is None:
            if len(self._filters) >= MOST_KEPT_FILTERS:
                self._filters.clear()
            found = self._filters[key] = _compile(kind, expression)
        return found

    # ---- the ends of queues ----

    def _max_offset(self, call: Call) -> RemotingCommand:
        header = call.header(GetMaxOffsetRequestHeader)
        queue = self._log.find_queue(header.topic, header.queue_id)
        return call.answer(fields=GetMaxOffsetResponseHeader(offset=queue.max_offset if queue else 0))

    def _min_offset(self, call: Call) -> RemotingCommand:
        header = call.header(GetMinOffsetRequestHeader)
        queue = self._log.find_queue(header.topic, header.queue_id)
        return call.answer(fields=GetMinOffsetResponseHeader(offset=queue.min_offset if queue else 0))

    def _search_offset(self, call: Call) -> RemotingCommand:
        header = call.header(SearchOffsetRequestHeader)
        queue = self._log.find_queue(header.topic, header.queue_id)
        offset = 0
        if queue is not None and header.boundary_type == BoundaryType.UPPER:
            offset = max(queue.offset_at_time(header.timestamp + 1) - 1, queue.min_offset)
        elif queue is not None:
            offset = queue.offset_at_time(header.timestamp)
        return call.answer(fields=SearchOffsetResponseHeader(offset=offset))

    def _earliest_time(self, call: Call) -> RemotingCommand:
        header = call.header(GetEarliestMsgStoretimeRequestHeader)
        queue = self._log.find_queue(header.topic, header.queue_id)
        entry = None if queue is None else queue.entry(queue.min_offset)
        return call.answer(
            fields=GetEarliestMsgStoretimeResponseHeader(timestamp=-1 if entry is None else entry[3])
        )


def _keep_nothing(_group: str, _topic: str, _queue_id: int, _offset: int) -> None:
    """Where nobody keeps the offsets of groups."""


def _no_reset(_group: str, _topic: str, _queue_id: int) -> None:
    """Where nobody resets the offsets of groups."""


def _compile(kind: str, expression: str) -> Choice:
    if kind == "SQL92":
        try:
            return Choice(accept=compile_sql(expression))
        except SubscriptionParseError as error:
            # What a 5.5.0 broker does as well; CHECK_CLIENT_CONFIG is where a client learns of its fault.
            logger.warning("a pull is answered without a filter: %s", error.what)
            return _EVERYTHING
    try:
        subscription = SubscriptionData.build("any", expression)
    except InvalidMessageError as error:
        raise Refused(
            ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
        ) from error
    return Choice(tags=TagCodes(subscription.code_set)) if subscription.code_set else _EVERYTHING


def _fields(next_offset: int, min_offset: int, max_offset: int) -> PullMessageResponseHeader:
    return PullMessageResponseHeader(
        suggest_which_broker_id=0,
        next_begin_offset=next_offset,
        min_offset=min_offset,
        max_offset=max_offset,
        topic_sys_flag=0,
        group_sys_flag=0,
    )


def _answer(cut: Cut) -> RemotingCommand:
    code, remark = _CODES[cut.status]
    if cut.status == CutStatus.AT_END and cut.max_offset == 0:
        remark = "NO_MESSAGE_IN_QUEUE"
    fields = _fields(cut.next_offset, cut.min_offset, cut.max_offset)
    return make_answer(code, remark, fields, cut.data or None)
