"""Acknowledgements of popped messages, one by one and in batches, and changes of their invisible time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.errors import DeserializationError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    AckMessageRequestHeader,
    ChangeInvisibleTimeRequestHeader,
    ChangeInvisibleTimeResponseHeader,
)
from pyrocketmq.model.names import RETRY_PREFIX
from pyrocketmq.model.pop import ORDER_REVIVE_QUEUE, BatchAckMessageRequestBody, PopReceipt
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.pop_flights import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.pop import BatchAck
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["PopAcks"]


class PopAcks(Concern):
    """What consumers say of the messages that they popped.

    What is not in flight (any more) is acknowledged as well: twice is fine, and a message whose time was over
    comes again whatever is said of its first copy.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._flights = broker.pops.flights
        self._orders = broker.pops.orders

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of acknowledgements."""
        return {
            RequestCode.ACK_MESSAGE: self._ack,
            RequestCode.BATCH_ACK_MESSAGE: self._batch_ack,
            RequestCode.CHANGE_MESSAGE_INVISIBLETIME: self._change,
        }

    async def _ack(self, call: Call) -> RemotingCommand:
        header = call.header(AckMessageRequestHeader)
        receipt = _receipt_of(header.extra_info)
        place = self._place(call, header, receipt)
        self._finish(place, [header.offset], receipt.pop_time, is_order=receipt.is_order)
        await self._broker.messages.committed()
        return call.answer()

    async def _batch_ack(self, call: Call) -> RemotingCommand:
        for ack in call.decode(BatchAckMessageRequestBody).acks:
            try:
                offsets = ack.offsets
            except DeserializationError as error:
                raise Refused(ResponseCode.MESSAGE_ILLEGAL, error.what) from error
            place = Place(ack.consumer_group or "", _real_topic(ack), ack.queue_id)
            is_order = ack.revive_queue_id == ORDER_REVIVE_QUEUE
            self._finish(place, offsets, ack.pop_time, is_order=is_order)
        await self._broker.messages.committed()
        return call.answer()

    async def _change(self, call: Call) -> RemotingCommand:
        header = call.header(ChangeInvisibleTimeRequestHeader)
        receipt = _receipt_of(header.extra_info)
        place = self._place(call, header, receipt)
        now = self._broker.clock.now_ms()
        if receipt.is_order:
            due = now + header.invisible_time
            if self._orders.postpone(place, header.offset, receipt.pop_time, due):
                self._broker.pops.wake_at(place, due)
            fields = ChangeInvisibleTimeResponseHeader(
                pop_time=receipt.pop_time,
                invisible_time=due - receipt.pop_time,
                revive_qid=receipt.revive_queue_id,
            )
        else:
            flight = self._flights.find(place, header.offset)
            if flight is not None and flight.pop_ms == receipt.pop_time:
                # The receipt that the consumer has is void from now on.
                now = max(now, flight.pop_ms + 1)
                self._flights.take(place, [header.offset], now, header.invisible_time)
                await self._broker.messages.committed()
            fields = ChangeInvisibleTimeResponseHeader(
                pop_time=now, invisible_time=header.invisible_time, revive_qid=receipt.revive_queue_id
            )
        return call.answer(fields=fields)

    def _place(
        self,
        call: Call,
        header: AckMessageRequestHeader | ChangeInvisibleTimeRequestHeader,
        receipt: PopReceipt,
    ) -> Place:
        """The queue that a request is about.

        Raises:
            Refused: there is no such queue, or it does not have the offset.
        """
        name = header.topic
        if not name.startswith(RETRY_PREFIX):
            name = receipt.real_topic(name, header.consumer_group)
        topic = self._broker.topics.require(name)
        if not 0 <= header.queue_id < topic.read_queues:
            raise Refused(
                ResponseCode.MESSAGE_ILLEGAL,
                f"queueId[{header.queue_id}] is illegal, topic:[{name}] topicConfig.readQueueNums:"
                f"[{topic.read_queues}] consumer:[{call.peer}]",
            )
        queue = self._broker.store.log.queue(name, header.queue_id)
        if not queue.min_offset <= header.offset <= queue.max_offset:
            raise Refused(
                ResponseCode.NO_MESSAGE,
                f"offset is illegal, key:{name}@{header.queue_id}, commit:{header.offset}, "
                f"store:{queue.min_offset}~{queue.max_offset}",
            )
        return Place(header.consumer_group, name, header.queue_id)

    def _finish(self, place: Place, offsets: Iterable[int], pop_ms: int, *, is_order: bool) -> None:
        if not is_order:
            flights = [self._flights.find(place, offset) for offset in offsets]
            self._flights.finish(
                [flight for flight in flights if flight is not None and flight.pop_ms == pop_ms]
            )
            return
        for offset in offsets:
            order = self._orders.acknowledge(place, offset, pop_ms)
            if order is not None:
                self._broker.offsets.commit(*place, order.next_offset)
                if not order.due_ms:
                    self._broker.pops.waits.wake(place.topic)


def _receipt_of(text: str) -> PopReceipt:
    try:
        return PopReceipt.decode(text)
    except DeserializationError as error:
        raise Refused(ResponseCode.SYSTEM_ERROR, error.what) from error


def _real_topic(ack: BatchAck) -> str:
    topic = ack.topic or ""
    if topic.startswith(RETRY_PREFIX):
        return topic
    receipt = PopReceipt(0, 0, 0, 0, ack.retry or "0", "", 0)
    return receipt.real_topic(topic, ack.consumer_group or "")
