"""What a name server keeps besides the brokers' own topics: settings by namespace and key, brokers that must
not be sent to, routes that were deleted; and the requests that ask for it or change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.flags import Perm
from pyrocketmq.model.headers import (
    AddWritePermOfBrokerRequestHeader,
    AddWritePermOfBrokerResponseHeader,
    DeleteKVConfigRequestHeader,
    DeleteTopicFromNamesrvRequestHeader,
    GetBrokerMemberGroupRequestHeader,
    GetKVConfigRequestHeader,
    GetKVConfigResponseHeader,
    GetKVListByNamespaceRequestHeader,
    GetTopicsByClusterRequestHeader,
    PutKVConfigRequestHeader,
    WipeWritePermOfBrokerRequestHeader,
    WipeWritePermOfBrokerResponseHeader,
)
from pyrocketmq.model.result_data import KVTable
from pyrocketmq.model.route import BrokerMemberGroup, GetBrokerMemberGroupResponseBody
from pyrocketmq.model.topic_data import TopicList
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.properties_text import read_properties, write_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler
    from pyrocketmq.server.store import MemoryState, StateFile
    from pyrocketmq.server.topics import TopicSettings

__all__ = ["Registry"]

ORDER_NAMESPACE: Final = "ORDER_TOPIC_CONFIG"
ORDER_SETTING: Final = "orderMessageEnable"

_WRITE: Final = Perm.WRITE.value
_SETTINGS: Final = {
    "clusterTest": ("false",),
    "deleteTopicWithBrokerRegistration": ("false",),
    ORDER_SETTING: ("true", "false"),  # the other way round than RocketMQ has it, where layouts go unheard
    "supportActingMaster": ("false",),
}
"""The settings with the values that they can have, the usual one first."""


class Registry(Concern):
    """The keeping part of a name server.

    Args:
        brokers: the brokers, which may change while it runs.
        state: where settings by key are kept.
    """

    def __init__(self, brokers: Sequence[Broker], state: StateFile | MemoryState) -> None:
        self._brokers = brokers
        self._state = state
        kept = state.load()
        self._values: dict[str, dict[str, str]] = kept.get("values", {})
        self._settings: dict[str, str] = kept.get("settings", {})
        self._wiped: set[str] = set()
        self._hidden: dict[tuple[str, str], TopicSettings] = {}

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of what is kept."""
        return {
            RequestCode.PUT_KV_CONFIG: self._put_value,
            RequestCode.GET_KV_CONFIG: self._get_value,
            RequestCode.DELETE_KV_CONFIG: self._delete_value,
            RequestCode.GET_KVLIST_BY_NAMESPACE: self._list_values,
            RequestCode.WIPE_WRITE_PERM_OF_BROKER: self._wipe,
            RequestCode.ADD_WRITE_PERM_OF_BROKER: self._add,
            RequestCode.DELETE_TOPIC_IN_NAMESRV: self._hide,
            RequestCode.REGISTER_TOPIC_IN_NAMESRV: lambda call: (
                call.answer()
            ),  # brokers tell their own topics
            RequestCode.GET_TOPICS_BY_CLUSTER: self._topics_of_cluster,
            RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS: self._system_topics,
            RequestCode.GET_BROKER_MEMBER_GROUP: self._members,
            RequestCode.GET_NAMESRV_CONFIG: self._get_settings,
            RequestCode.UPDATE_NAMESRV_CONFIG: self._update_settings,
            RequestCode.GET_UNIT_TOPIC_LIST: self._no_topics,
            RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST: self._no_topics,
            RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: self._no_topics,
        }

    # ---- for routes ----

    def topics_of(self, broker: Broker) -> list[TopicSettings]:
        """The topics of a broker that have routes."""
        hidden = self._hidden
        return [topic for topic in broker.topics.all() if hidden.get((broker.name, topic.name)) is not topic]

    def find(self, broker: Broker, name: str) -> TopicSettings | None:
        """A topic of a broker, if it has a route."""
        topic = broker.topics.get(name)
        return None if topic is None or self._hidden.get((broker.name, name)) is topic else topic

    def perm_of(self, broker: Broker, topic: TopicSettings) -> int:
        """What may be done with a topic on a broker."""
        return topic.perm & ~_WRITE if broker.name in self._wiped else topic.perm

    def order_layout(self, topic: str) -> str | None:
        """The layout of an ordered topic, if there is one and the name server is to tell it."""
        if self.settings()[ORDER_SETTING] != "true":
            return None
        return self._values.get(ORDER_NAMESPACE, {}).get(topic)

    # ---- settings by key ----

    def _save(self) -> None:
        self._state.save({"values": self._values, "settings": self._settings})

    def _put_value(self, call: Call) -> RemotingCommand:
        header = call.header(PutKVConfigRequestHeader)
        self._values.setdefault(header.namespace, {})[header.key] = header.value
        self._save()
        return call.answer()

    def _get_value(self, call: Call) -> RemotingCommand:
        header = call.header(GetKVConfigRequestHeader)
        value = self._values.get(header.namespace, {}).get(header.key)
        if value is None:
            raise Refused(
                ResponseCode.QUERY_NOT_FOUND,
                f"No config item, Namespace: {header.namespace} Key: {header.key}",
            )
        return call.answer(fields=GetKVConfigResponseHeader(value=value))

    def _delete_value(self, call: Call) -> RemotingCommand:
        header = call.header(DeleteKVConfigRequestHeader)
        if self._values.get(header.namespace, {}).pop(header.key, None) is not None:
            self._save()
        return call.answer()

    def _list_values(self, call: Call) -> RemotingCommand:
        namespace = call.header(GetKVListByNamespaceRequestHeader).namespace
        values = self._values.get(namespace)
        if values is None:
            raise Refused(ResponseCode.QUERY_NOT_FOUND, f"No config item, Namespace: {namespace}")
        return call.answer(body=KVTable(dict(values)).encode())

    # ---- brokers and routes ----

    def _named(self, name: str) -> list[Broker]:
        return [broker for broker in self._brokers if broker.name == name]

    def _count_topics(self, name: str) -> int:
        return sum([len(self.topics_of(broker)) for broker in self._named(name)])

    def _wipe(self, call: Call) -> RemotingCommand:
        name = call.header(WipeWritePermOfBrokerRequestHeader).broker_name
        self._wiped.add(name)
        return call.answer(
            fields=WipeWritePermOfBrokerResponseHeader(wipe_topic_count=self._count_topics(name))
        )

    def _add(self, call: Call) -> RemotingCommand:
        name = call.header(AddWritePermOfBrokerRequestHeader).broker_name
        self._wiped.discard(name)
        return call.answer(
            fields=AddWritePermOfBrokerResponseHeader(add_topic_count=self._count_topics(name))
        )

    def _hide(self, call: Call) -> RemotingCommand:
        """Let a topic have no route until its settings on the broker change, which tells of it anew."""
        header = call.header(DeleteTopicFromNamesrvRequestHeader)
        for broker in self._brokers:
            topic = broker.topics.get(header.topic)
            if topic is not None and header.cluster_name in (None, broker.config.cluster):
                self._hidden[broker.name, topic.name] = topic
        return call.answer()

    def _topics_of_cluster(self, call: Call) -> RemotingCommand:
        cluster = call.header(GetTopicsByClusterRequestHeader).cluster
        brokers = [broker for broker in self._brokers if broker.config.cluster == cluster]
        return call.answer(body=TopicList(self._names(brokers)).encode())

    def _names(self, brokers: Iterable[Broker]) -> list[str]:
        return list({topic.name: None for broker in brokers for topic in self.topics_of(broker)})

    def _system_topics(self, call: Call) -> RemotingCommand:
        """The topics that every cluster and broker has by its name."""
        names: dict[str, None] = {}
        for broker in self._brokers:
            names |= {broker.config.cluster: None, broker.name: None}
        address = self._brokers[0].address if self._brokers else None
        return call.answer(body=TopicList(list(names), address).encode())

    def _members(self, call: Call) -> RemotingCommand:
        header = call.header(GetBrokerMemberGroupRequestHeader)
        addresses = {broker.broker_id: broker.address for broker in self._named(header.broker_name)}
        group = BrokerMemberGroup(header.cluster_name, header.broker_name, addresses)
        return call.answer(body=GetBrokerMemberGroupResponseBody(group).encode(raw_integer_keys=True))

    @staticmethod
    def _no_topics(call: Call) -> RemotingCommand:
        return call.answer(body=TopicList().encode())

    # ---- its own settings ----

    def settings(self) -> dict[str, str]:
        """The settings of the name server, by the names that RocketMQ gives them."""
        return {name: self._settings.get(name, values[0]) for name, values in _SETTINGS.items()}

    def _get_settings(self, call: Call) -> RemotingCommand:
        return call.answer(body=write_properties(self.settings()))

    def _update_settings(self, call: Call) -> RemotingCommand:
        wanted = read_properties(call.body)
        for name, value in wanted.items():
            if value not in _SETTINGS.get(name, ()):
                raise Refused(
                    ResponseCode.INVALID_PARAMETER,
                    f"{name}={value} cannot be set on the embedded name server; {ORDER_SETTING} can be",
                )
        self._settings |= wanted
        self._save()
        return call.answer()
