"""The name server: routes to the brokers of the same process, made from their topics when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import GetRouteInfoRequestHeader
from pyrocketmq.model.route import BrokerData, ClusterInfo, QueueData, TopicRouteData
from pyrocketmq.model.topic_data import TopicList
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler
    from pyrocketmq.server.store import MemoryState, StateFile

__all__ = ["NameServer"]

STANDARD_JSON_SINCE: Final = 401
"""Clients of this version (4.9.4) and later get routes without bare integer keys."""


class NameServer(Concern):
    """What clients ask a name server.

    Args:
        brokers: the brokers, which may change while it runs.
        state: where it keeps what is put into it.
    """

    def __init__(self, brokers: Sequence[Broker], state: StateFile | MemoryState) -> None:
        self._brokers = brokers
        self._registry = Registry(brokers, state)

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of routes and lists."""
        return {
            RequestCode.GET_ROUTEINFO_BY_TOPIC: self._route,
            RequestCode.GET_BROKER_CLUSTER_INFO: self._cluster_info,
            RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER: self._topic_list,
            **self._registry.handlers(),
        }

    def _route(self, call: Call) -> RemotingCommand:
        header = call.header(GetRouteInfoRequestHeader)
        queues: list[QueueData] = []
        brokers: list[BrokerData] = []
        for broker in self._brokers:
            topic = self._registry.find(broker, header.topic)
            if topic is not None:
                perm = self._registry.perm_of(broker, topic)
                queues.append(
                    QueueData(broker.name, topic.read_queues, topic.write_queues, perm, topic.sys_flag)
                )
                brokers.append(_data_of(broker))
        if not queues:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST,
                f"No topic route info in name server for the topic: {header.topic}",
            )
        is_standard = call.request.version >= STANDARD_JSON_SINCE or bool(header.accept_standard_json_only)
        route = TopicRouteData(brokers, queues, self._registry.order_layout(header.topic))
        return call.answer(body=route.encode(raw_integer_keys=not is_standard))

    def _cluster_info(self, call: Call) -> RemotingCommand:
        clusters: dict[str, list[str]] = {}
        for broker in self._brokers:
            clusters.setdefault(broker.config.cluster, []).append(broker.name)
        info = ClusterInfo({broker.name: _data_of(broker) for broker in self._brokers}, clusters)
        return call.answer(body=info.encode(raw_integer_keys=True))

    def _topic_list(self, call: Call) -> RemotingCommand:
        names = {topic.name: None for broker in self._brokers for topic in self._registry.topics_of(broker)}
        return call.answer(body=TopicList(list(names)).encode())


def _data_of(broker: Broker) -> BrokerData:
    return BrokerData(broker.config.cluster, broker.name, {broker.broker_id: broker.address})
