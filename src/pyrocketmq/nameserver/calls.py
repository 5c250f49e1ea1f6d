"""The operations of a name server, typed; how a request gets to one is the business of the subclasses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.headers.nameserver import (
    AddWritePermOfBrokerResponseHeader,
    GetKVConfigResponseHeader,
    WipeWritePermOfBrokerResponseHeader,
)
from pyrocketmq.model.properties_text import decode_properties_text
from pyrocketmq.model.result_data import KVTable
from pyrocketmq.model.route import BrokerMemberGroup, ClusterInfo, GetBrokerMemberGroupResponseBody, RouteData
from pyrocketmq.model.topic_data import TopicList
from pyrocketmq.nameserver.answers import name_server_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.errors import NameServerError

__all__ = ["ORDER_TOPIC_CONFIG", "NameServerChanges", "NameServerQueries"]

ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG"
"""The namespace that holds the layout of ordered topics, by topic, as in ``broker-a:4;broker-b:4``."""


class NameServerCalls(ABC):
    """The way of every request; each method takes ``timeout``: seconds for this one call."""

    @abstractmethod
    async def _ask(self, request: RemotingCommand, timeout: float | None) -> tuple[RemotingCommand, str]:
        """Send a request; the answer, whatever its code, and the address that gave it."""

    async def _call(
        self, request: RemotingCommand, timeout: float | None, *, also: tuple[int, ...] = ()
    ) -> RemotingCommand:
        answer, address = await self._ask(request, timeout)
        if answer.code == ResponseCode.SUCCESS or answer.code in also:
            return answer
        raise self._refused(request, answer, address)

    def _refused(self, request: RemotingCommand, answer: RemotingCommand, address: str) -> NameServerError:
        return name_server_error(request, answer, address)

    async def _topics(self, request: RemotingCommand, timeout: float | None) -> TopicList:
        answer = await self._call(request, timeout)
        return TopicList.decode(answer.body) if answer.body else TopicList()


class NameServerQueries(NameServerCalls):
    """What can be asked; every name server of a cluster should answer alike."""

    async def get_route_info(self, topic: str, *, timeout: float | None = None) -> RouteData:
        """The brokers and queues of a topic.

        Raises:
            RouteNotFoundError: the topic has no route.
        """
        request = Requests.create_get_route_info_request(topic, accept_standard_json_only=True)
        return RouteData.decode((await self._call(request, timeout)).body)

    async def get_all_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """All topics, those of the system and those named after brokers and clusters included."""
        return await self._topics(Requests.create_get_all_topic_list_request(), timeout)

    async def get_system_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics of the system: names of clusters and brokers, and one broker's address."""
        return await self._topics(Requests.create_get_system_topic_list_request(), timeout)

    async def get_topics_by_cluster(self, cluster: str, *, timeout: float | None = None) -> TopicList:
        """The topics that have queues on a broker of this cluster; none if there is no such cluster."""
        return await self._topics(Requests.create_get_topics_by_cluster_request(cluster), timeout)

    async def get_unit_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics that belong to units."""
        return await self._topics(Requests.create_get_unit_topic_list_request(), timeout)

    async def get_unit_sub_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics with subscribers in units."""
        return await self._topics(Requests.create_get_has_unit_sub_topic_list_request(), timeout)

    async def get_unit_sub_ununit_topic_list(self, *, timeout: float | None = None) -> TopicList:
        """The topics with subscribers in units that belong to no unit themselves."""
        return await self._topics(Requests.create_get_has_unit_sub_ununit_topic_list_request(), timeout)

    async def get_broker_cluster_info(self, *, timeout: float | None = None) -> ClusterInfo:
        """All clusters, their brokers and the addresses of these."""
        request = Requests.create_get_broker_cluster_info_request()
        return ClusterInfo.decode((await self._call(request, timeout)).body)

    async def get_broker_member_group(
        self, cluster_name: str, broker_name: str, *, timeout: float | None = None
    ) -> BrokerMemberGroup | None:
        """The master and slaves of one broker (5.x); None if it is not known."""
        request = Requests.create_get_broker_member_group_request(cluster_name, broker_name)
        answer = await self._call(request, timeout)
        return GetBrokerMemberGroupResponseBody.decode(answer.body).broker_member_group

    async def get_kv_config(self, namespace: str, key: str, *, timeout: float | None = None) -> str | None:
        """A stored setting, None if there is none."""
        request = Requests.create_get_kv_config_request(namespace, key)
        answer = await self._call(request, timeout, also=(ResponseCode.QUERY_NOT_FOUND,))
        if answer.code == ResponseCode.QUERY_NOT_FOUND:
            return None
        return GetKVConfigResponseHeader.from_ext_fields(answer.ext_fields).value

    async def get_kv_list(self, namespace: str, *, timeout: float | None = None) -> dict[str, str]:
        """All settings of a namespace; empty if there is no such namespace."""
        request = Requests.create_get_kvlist_by_namespace_request(namespace)
        answer = await self._call(request, timeout, also=(ResponseCode.QUERY_NOT_FOUND,))
        return KVTable.decode(answer.body).table if answer.body else {}

    async def get_config(self, *, timeout: float | None = None) -> dict[str, str]:
        """The name server's own settings."""
        answer = await self._call(Requests.create_get_namesrv_config_request(), timeout)
        return decode_properties_text(answer.body or b"")


class NameServerChanges(NameServerCalls):
    """What can be changed. Name servers do not tell each other: a change has to go to each of them."""

    async def put_kv_config(
        self, namespace: str, key: str, value: str, *, timeout: float | None = None
    ) -> None:
        """Store a setting."""
        await self._call(Requests.create_put_kv_config_request(namespace, key, value), timeout)

    async def delete_kv_config(self, namespace: str, key: str, *, timeout: float | None = None) -> None:
        """Delete a setting; does nothing when there is none."""
        await self._call(Requests.create_delete_kv_config_request(namespace, key), timeout)

    async def delete_topic(
        self, topic: str, *, cluster_name: str | None = None, timeout: float | None = None
    ) -> None:
        """Delete a topic's route, after the topic was deleted on every broker."""
        request = Requests.create_delete_topic_in_namesrv_request(topic, cluster_name=cluster_name)
        await self._call(request, timeout)

    async def wipe_write_perm(self, broker_name: str, *, timeout: float | None = None) -> int:
        """Let nobody send to a broker, before it is stopped; gives the number of topics that changed."""
        request = Requests.create_wipe_write_perm_of_broker_request(broker_name)
        answer = await self._call(request, timeout)
        return WipeWritePermOfBrokerResponseHeader.from_ext_fields(answer.ext_fields).wipe_topic_count

    async def add_write_perm(self, broker_name: str, *, timeout: float | None = None) -> int:
        """Let everybody send to a broker again; gives the number of topics that changed."""
        request = Requests.create_add_write_perm_of_broker_request(broker_name)
        answer = await self._call(request, timeout)
        return AddWritePermOfBrokerResponseHeader.from_ext_fields(answer.ext_fields).add_topic_count

    async def update_config(self, config: Mapping[str, str], *, timeout: float | None = None) -> None:
        """Change settings of the name server."""
        await self._call(Requests.create_update_namesrv_config_request(config), timeout)
