"""Replies of request-reply: stored, and pushed to the client that waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.properties import join_properties
from pyrocketmq.errors import RocketMQError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import ReplyMessageRequestHeader
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.members import ask_client, pushed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler
    from pyrocketmq.server.messages import Draft
    from pyrocketmq.server.sending import SendHeader

__all__ = ["Replies"]

REPLY_TO: Final = "REPLY_TO_CLIENT"
PUSH_TIME: Final = "PUSH_REPLY_TIME"
PUSH_TIMEOUT: Final = 3.0
"""Seconds that the client may take to say that it has the reply. Real brokers wait for 10; repliers for 3."""


class Replies(Concern):
    """The way of a reply."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of replies."""
        return {RequestCode.SEND_REPLY_MESSAGE: self._reply, RequestCode.SEND_REPLY_MESSAGE_V2: self._reply}

    async def _reply(self, call: Call) -> RemotingCommand:
        sending = self._broker.sending
        header = sending.header_of(call)
        draft = sending.draft_of(call, header)
        # Before it is stored, which takes nothing away from the properties but adds to them.
        properties = dict(draft.properties)
        answer = await sending.store(call, draft)
        failure = await self._push(call, header, draft, properties)
        if failure is not None:
            answer.code, answer.remark = ResponseCode.SYSTEM_ERROR.value, failure
        return answer

    async def _push(
        self, call: Call, header: SendHeader, draft: Draft, properties: dict[str, str]
    ) -> str | None:
        """Why the requester did not get the reply, or None if it did."""
        client_id = properties.get(REPLY_TO)
        if client_id is None:
            return f"reply message properties[{REPLY_TO}] is null"
        member = self._broker.clients.producer(client_id)
        if member is None:
            return f"push reply message fail, channel of <{client_id}> not found."
        now = self._broker.clock.now_ms()
        push = ReplyMessageRequestHeader(
            producer_group=header.producer_group or "",
            topic=header.topic,
            default_topic=header.default_topic or "",
            default_topic_queue_nums=header.default_topic_queue_nums or 0,
            queue_id=draft.queue_id,
            sys_flag=header.sys_flag,
            born_timestamp=header.born_timestamp,
            flag=header.flag,
            properties=join_properties({**properties, **self._broker.messages.common, PUSH_TIME: str(now)}),
            reconsume_times=header.reconsume_times or 0,
            unit_mode=bool(header.unit_mode),
            born_host=call.peer,
            store_host=self._broker.address,
            store_timestamp=now,
        )
        request = pushed(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, push.to_ext_fields(), draft.body)
        try:
            answer = await ask_client(self._broker.timers, member.connection, request, PUSH_TIMEOUT)
        except RocketMQError as error:
            return f"push reply message to {client_id} fail: {error.what}"
        if answer.code != ResponseCode.SUCCESS:
            return (
                f"push reply message to {client_id} fail: code {answer.code} {answer.remark or ''}".rstrip()
            )
        return None
