"""Questions of tools that only a consumer can answer: passed on to it, its answer passed back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.errors import DeserializationError, RocketMQError, RpcTimeoutError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumerStatusRequestHeader,
)
from pyrocketmq.model.result_data import GetConsumerStatusBody
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.members import ask_client, pushed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Relays"]

RELAY_TIMEOUT: Final = 10.0
STATUS_TIMEOUT: Final = 5.0


class Relays(Concern):
    """What is passed between tools and consumers."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes that are passed on."""
        return {
            RequestCode.GET_CONSUMER_RUNNING_INFO: self._running_info,
            RequestCode.CONSUME_MESSAGE_DIRECTLY: self._consume,
            RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS: self._status,
        }

    async def _running_info(self, call: Call) -> RemotingCommand:
        header = call.header(GetConsumerRunningInfoRequestHeader)
        return await self._ask(call, header.consumer_group, header.client_id, call.fields)

    async def _consume(self, call: Call) -> RemotingCommand:
        header = call.header(ConsumeMessageDirectlyResultRequestHeader)
        message_id = header.msg_id or ""
        try:
            position = decode_offset_message_id(message_id).offset
        except DeserializationError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, error.what) from error
        record = self._broker.store.log.read_at(position)
        if record is None:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"there is no message {message_id}")
        fields = {**call.fields, "brokerName": self._broker.name, "topicSysFlag": "0", "groupSysFlag": "0"}
        return await self._ask(call, header.consumer_group, header.client_id or "", fields, record)

    async def _ask(
        self, call: Call, group: str, client_id: str, fields: Mapping[str, str], body: bytes | None = None
    ) -> RemotingCommand:
        member = self._broker.clients.consumer(group, client_id)
        if member is None:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"The Consumer <{group}> <{client_id}> not online")
        try:
            answer = await ask_client(
                self._broker.timers, member.connection, pushed(call.code, fields, body), RELAY_TIMEOUT
            )
        except RpcTimeoutError as error:
            raise Refused(
                ResponseCode.CONSUME_MSG_TIMEOUT, f"consumer <{group}> <{client_id}> Timeout: {error.what}"
            ) from error
        except RocketMQError as error:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"invoke consumer <{group}> <{client_id}> Exception: {error.what}"
            ) from error
        # As the client gave it, so that the tool sees its language and version.
        return RemotingCommand(
            answer.code, answer.language, answer.version, 0, 1, answer.remark, answer.ext_fields, answer.body
        )

    async def _status(self, call: Call) -> RemotingCommand:
        header = call.header(GetConsumerStatusRequestHeader)
        group = self._broker.clients.consumers.get(header.group)
        if group is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"No Any Consumer online in the consumer group: [{header.group}]"
            )
        fields = {"topic": header.topic, "group": header.group}
        result = GetConsumerStatusBody()
        asked = [
            (member.client_id, member.connection)
            for member in group.members.values()
            if not header.client_addr or member.client_id == header.client_addr
        ]
        for client_id, connection in asked:
            request = pushed(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, fields)
            try:
                answer = await ask_client(self._broker.timers, connection, request, STATUS_TIMEOUT)
                if answer.code == ResponseCode.SUCCESS:
                    status = GetConsumerStatusBody.decode(answer.body)
                    result.consumer_table[client_id] = status.message_queue_table
            except RocketMQError as error:
                raise Refused(
                    ResponseCode.SYSTEM_ERROR, f"consumer <{header.group}> <{client_id}>: {error.what}"
                ) from error
        return call.answer(body=result.encode())
