"""Messages that a consumer could not handle: they come again later, or go to the group's dead letters."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import ConsumerSendMsgBackRequestHeader
from pyrocketmq.model.names import RETRY_PREFIX, dlq_topic
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.originals import DELAY, draft_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.group_data import SubscriptionGroupConfig
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler
    from pyrocketmq.server.messages import Draft

__all__ = ["SendBack"]

FIRST_LEVEL: Final = 3
"""The delay level of the first retry when the consumer leaves it to the broker."""

RETRY_TOPIC: Final = "RETRY_TOPIC"
ORIGIN: Final = "ORIGIN_MESSAGE_ID"


class SendBack(Concern):
    """Retries and dead letters."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        broker.messages.redirects.append(self.redirect)

    def handlers(self) -> Mapping[int, Handler]:
        """The request code of sending back."""
        return {RequestCode.CONSUMER_SEND_MSG_BACK: self._send_back}

    def redirect(self, draft: Draft) -> None:
        """Turn a retry that a consumer sends as a message to the dead letters if it is one too many."""
        if not draft.topic.startswith(RETRY_PREFIX):
            return
        group = draft.topic.removeprefix(RETRY_PREFIX)
        settings = self._broker.groups.require(group)
        most = settings.retry_max_times if draft.max_reconsume_times is None else draft.max_reconsume_times
        # Consumers in order retry on their own, and send a message on only to give it up: 5.5.0 knows them by
        # their locks.
        if draft.reconsume_times > most or self._broker.locks.is_any_held(group):
            draft.answer_fields["queueId"] = "0"
            draft.topic, draft.queue_id = self._dead_letters(group), 0
            draft.properties[DELAY] = "-1"

    async def _send_back(self, call: Call) -> RemotingCommand:
        header = call.header(ConsumerSendMsgBackRequestHeader)
        settings = self._broker.groups.require(header.group)
        if settings.retry_queue_nums <= 0:
            return call.answer()
        self._broker.messages.append(self._retry_of(header, settings))
        await self._broker.messages.committed()
        return call.answer()

    def _retry_of(self, header: ConsumerSendMsgBackRequestHeader, settings: SubscriptionGroupConfig) -> Draft:
        message = self._broker.messages.read(header.offset)
        if message is None:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"look message by offset failed, {header.offset}")
        most = settings.retry_max_times if header.max_reconsume_times is None else header.max_reconsume_times
        draft = draft_of(message, "", 0)
        draft.properties.setdefault(RETRY_TOPIC, message.topic)
        draft.properties.setdefault(ORIGIN, message.offset_msg_id)
        draft.properties["WAIT"] = "false"
        draft.reconsume_times += 1
        if message.reconsume_times >= most or header.delay_level < 0:
            draft.topic = self._dead_letters(header.group)
            draft.properties[DELAY] = "0"
        else:
            draft.topic = self._broker.groups.ensure_retry_topic(settings)
            draft.queue_id = random.randrange(settings.retry_queue_nums)  # noqa: S311 - any queue will do
            draft.properties[DELAY] = str(header.delay_level or FIRST_LEVEL + message.reconsume_times)
            self._broker.delays.redirect(draft)
        return draft

    def _dead_letters(self, group: str) -> str:
        return self._broker.topics.ensure(dlq_topic(group)).name
