"""The sends of producers: one message or a batch, with long or short header names."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pyrocketmq._native.properties import decode_properties
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
    SendMessageResponseHeader,
)
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.messages import COMMON_FIELDS, Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Sending"]

SendHeader = SendMessageRequestHeader | SendMessageRequestHeaderV2


class Sending(Concern):
    """The general way of a send; every check and every redirect is on it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._messages = broker.messages

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of sends."""
        return {
            RequestCode.SEND_MESSAGE: self._send,
            RequestCode.SEND_MESSAGE_V2: self._send,
            RequestCode.SEND_BATCH_MESSAGE: self._send,
        }

    async def _send(self, call: Call) -> RemotingCommand:
        try:
            header = self.header_of(call)
            draft = self.draft_of(call, header)
            if header.batch or call.code == RequestCode.SEND_BATCH_MESSAGE:
                return await self._send_batch(call, draft)
            return await self.store(call, draft)
        except Refused as refused:
            if refused.fields is None:
                refused.fields = COMMON_FIELDS
            raise

    @staticmethod
    def header_of(call: Call) -> SendHeader:
        """The header of a send; a broker does not ask for fields that it can do without."""
        kind: type[SendHeader] = SendMessageRequestHeaderV2
        if call.code in (RequestCode.SEND_MESSAGE, RequestCode.SEND_REPLY_MESSAGE):
            kind = SendMessageRequestHeader
        header = call.header(kind, check_required=False)
        for name in ("topic", "queue_id", "sys_flag", "born_timestamp", "flag"):
            if getattr(header, name) is None:
                raise Refused(ResponseCode.SYSTEM_ERROR, f"the field {name} of the send is missing", {})
        return header

    def draft_of(self, call: Call, header: SendHeader) -> Draft:
        """The message of a send, for a queue that there is.

        Raises:
            Refused: the topic or the queue cannot be sent to.
        """
        topic = self._broker.topics.for_send(
            header.topic, header.default_topic, header.default_topic_queue_nums or 0
        )
        queue_id = header.queue_id
        if queue_id >= topic.queue_limit:
            raise Refused(
                ResponseCode.INVALID_PARAMETER,
                f"request queueId[{queue_id}] is illegal, {topic} Producer: {call.peer}",
            )
        if queue_id < 0:
            queue_id = random.randrange(topic.write_queues)  # noqa: S311 - any queue will do
        return Draft(
            topic.name,
            queue_id,
            call.body,
            decode_properties(header.properties or ""),
            header.flag,
            header.sys_flag,
            header.born_timestamp,
            self._messages.packed_host(call.peer),
            header.reconsume_times or 0,
            group=header.producer_group or "",
            max_reconsume_times=header.max_reconsume_times,
        )

    async def store(self, call: Call, draft: Draft) -> RemotingCommand:
        """Store one message, and say where it lies."""
        stored = self._messages.accept(draft)
        unique_key = draft.properties.get("UNIQ_KEY")
        await self._messages.committed()
        header = SendMessageResponseHeader(
            msg_id=stored.offset_msg_id,
            queue_id=stored.queue_id,
            queue_offset=stored.queue_offset,
            transaction_id=unique_key or None,
        )
        return call.answer(fields={**COMMON_FIELDS, **header.to_ext_fields(), **draft.answer_fields})

    async def _send_batch(self, call: Call, draft: Draft) -> RemotingCommand:
        self._messages.check_body(draft.body)
        unique_key = draft.properties.get("UNIQ_KEY")
        stored = self._messages.append_batch(draft)
        await self._messages.committed()
        header = SendMessageResponseHeader(
            msg_id=",".join([one.offset_msg_id for one in stored]),
            queue_id=draft.queue_id,
            queue_offset=stored[0].queue_offset,
            transaction_id=unique_key or None,
        )
        return call.answer(fields={**COMMON_FIELDS, **header.to_ext_fields()})
