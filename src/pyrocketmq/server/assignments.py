"""Queues divided by the broker, for 5.x clients that leave it to the broker; and who pops, who pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from pyrocketmq.model.allocate import (
    ConsistentHash,
    allocate_average,
    allocate_average_by_circle,
    sort_client_ids,
)
from pyrocketmq.model.enums import MessageModel, RequestCode, ResponseCode
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.names import RETRY_PREFIX
from pyrocketmq.model.result_data import (
    MessageQueueAssignment,
    QueryAssignmentRequestBody,
    QueryAssignmentResponseBody,
    SetMessageRequestModeRequestBody,
)
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.allocate import AllocateStrategy
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Assignments"]

POP: Final = "POP"
PULL: Final = "PULL"

_STRATEGIES: Final[Mapping[str, AllocateStrategy]] = {
    "AVG": allocate_average,
    "AVG_BY_CIRCLE": allocate_average_by_circle,
    "CONSISTENT_HASH": ConsistentHash(),
}
_NO_ASSIGNMENT: Final = b"{}"  # what 5.5.0 says where it cannot divide; clients keep what they have


class Assignments(Concern):
    """The division of queues by the broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._state = broker.state("modes")
        self._modes: dict[str, dict[str, SetMessageRequestModeRequestBody]] = {}
        for topic, groups in self._state.load().items():
            self._modes[topic] = {
                group: SetMessageRequestModeRequestBody.from_value(value) for group, value in groups.items()
            }

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of dividing queues."""
        return {
            RequestCode.QUERY_ASSIGNMENT: self._query,
            RequestCode.SET_MESSAGE_REQUEST_MODE: self._set_mode,
            RequestCode.GET_ALL_MESSAGE_REQUEST_MODE: self._all_modes,
        }

    # ---- who pops ----

    def _mode_of(self, topic: str, group: str) -> SetMessageRequestModeRequestBody:
        known = self._modes.get(topic, {}).get(group)
        return known or SetMessageRequestModeRequestBody(topic, group)

    async def _set_mode(self, call: Call) -> RemotingCommand:
        wanted = call.decode(SetMessageRequestModeRequestBody)
        topic, group = wanted.topic or "", wanted.consumer_group or ""
        if topic.startswith(RETRY_PREFIX):
            raise Refused(ResponseCode.NO_PERMISSION, "retry topic is not allowed to set mode")
        if not topic or not group or wanted.mode not in (POP, PULL):
            raise Refused(
                ResponseCode.INVALID_PARAMETER, "topic, consumerGroup and mode POP or PULL are needed"
            )
        self._modes.setdefault(topic, {})[group] = wanted
        self._state.save(self._values())
        return call.answer()

    def _values(self) -> dict[str, dict[str, object]]:
        return {
            topic: {group: mode.to_value() for group, mode in groups.items()}
            for topic, groups in self._modes.items()
        }

    def _all_modes(self, call: Call) -> RemotingCommand:
        return call.answer(body=orjson.dumps({"messageRequestModeMap": self._values()}))

    # ---- who gets what ----

    def _query(self, call: Call) -> RemotingCommand:
        wanted = call.decode(QueryAssignmentRequestBody)
        topic, group = wanted.topic or "", wanted.consumer_group or ""
        mode = self._mode_of(topic, group)
        queues = self._share(wanted, topic, group, mode)
        if queues is None:
            return call.answer(body=_NO_ASSIGNMENT)
        body = QueryAssignmentResponseBody(
            [MessageQueueAssignment(queue, mode.mode) for queue in dict.fromkeys(queues)]
        )
        return call.answer(body=body.encode())

    def _share(
        self,
        wanted: QueryAssignmentRequestBody,
        topic: str,
        group: str,
        mode: SetMessageRequestModeRequestBody,
    ) -> list[MessageQueue] | None:
        """The queues of one client; None where that cannot be said."""
        queues = self._queues(topic)
        if not queues or wanted.message_model == MessageModel.BROADCASTING:
            return queues or None
        members = self._broker.clients.consumers.get(group)
        strategy = _STRATEGIES.get(wanted.strategy_name or "AVG")
        if members is None or strategy is None:
            return None
        clients = sort_client_ids(members.client_ids())
        client = wanted.client_id or ""
        if mode.mode == POP:
            return _share_of_pops(client, queues, clients, strategy, mode.pop_share_queue_num)
        return strategy(client, queues, clients)

    def _queues(self, topic: str) -> list[MessageQueue]:
        queues: list[MessageQueue] = []
        for broker in self._broker.siblings:
            settings = broker.topics.get(topic)
            if settings is not None and settings.is_readable:
                queues.extend(
                    [MessageQueue(topic, broker.name, index) for index in range(settings.read_queues)]
                )
        return sorted(queues)


def _share_of_pops(
    client: str, queues: list[MessageQueue], clients: list[str], strategy: AllocateStrategy, shared: int
) -> list[MessageQueue]:
    """The queues that a client pops from, which it shares with others: all, or with so many."""
    if shared <= 0 or shared >= len(clients) - 1:
        return [MessageQueue(queue.topic, queue.broker_name, -1) for queue in queues]
    if client not in clients:
        return []
    at = clients.index(client)
    if len(clients) > len(queues):
        return [queues[at % len(queues)]]  # so that nobody is without
    # A client also takes from the queues of those that follow it.
    near = [clients[(at + index) % len(clients)] for index in range(shared + 1)]
    return [queue for one in near for queue in strategy(one, queues, clients)]
