"""Creators of requests to a name server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.nameserver import (
    AddWritePermOfBrokerRequestHeader,
    DeleteKVConfigRequestHeader,
    DeleteTopicFromNamesrvRequestHeader,
    GetBrokerMemberGroupRequestHeader,
    GetKVConfigRequestHeader,
    GetKVListByNamespaceRequestHeader,
    GetRouteInfoRequestHeader,
    GetTopicsByClusterRequestHeader,
    PutKVConfigRequestHeader,
    WipeWritePermOfBrokerRequestHeader,
)
from pyrocketmq.model.properties_text import encode_properties_text
from pyrocketmq.model.requests.making import make_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand

__all__ = ["NameServerRequests"]


class NameServerRequests:
    """Requests to any one name server of the list.

    A 4.9.x name server does not answer codes it does not know: use a time-out.
    """

    @staticmethod
    def create_get_route_info_request(
        topic: str, *, accept_standard_json_only: bool | None = None
    ) -> RemotingCommand:
        """GET_ROUTEINFO_BY_TOPIC: the brokers and queues of a topic."""
        header = GetRouteInfoRequestHeader(topic=topic, accept_standard_json_only=accept_standard_json_only)
        return make_request(RequestCode.GET_ROUTEINFO_BY_TOPIC, header)

    @staticmethod
    def create_get_broker_cluster_info_request() -> RemotingCommand:
        """GET_BROKER_CLUSTER_INFO: all clusters and brokers; the answer always has integer keys."""
        return make_request(RequestCode.GET_BROKER_CLUSTER_INFO)

    @staticmethod
    def create_get_all_topic_list_request() -> RemotingCommand:
        """GET_ALL_TOPIC_LIST_FROM_NAMESERVER: all topics, those of the system and of brokers included."""
        return make_request(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)

    @staticmethod
    def create_get_system_topic_list_request() -> RemotingCommand:
        """GET_SYSTEM_TOPIC_LIST_FROM_NS: the topics of the system."""
        return make_request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)

    @staticmethod
    def create_get_unit_topic_list_request() -> RemotingCommand:
        """GET_UNIT_TOPIC_LIST: the topics of units."""
        return make_request(RequestCode.GET_UNIT_TOPIC_LIST)

    @staticmethod
    def create_get_has_unit_sub_topic_list_request() -> RemotingCommand:
        """GET_HAS_UNIT_SUB_TOPIC_LIST: the topics with subscribers in units."""
        return make_request(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST)

    @staticmethod
    def create_get_has_unit_sub_ununit_topic_list_request() -> RemotingCommand:
        """GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: the same without those that are topics of units themselves."""
        return make_request(RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST)

    @staticmethod
    def create_get_namesrv_config_request() -> RemotingCommand:
        """GET_NAMESRV_CONFIG: the name server's settings as a properties text."""
        return make_request(RequestCode.GET_NAMESRV_CONFIG)

    @staticmethod
    def create_update_namesrv_config_request(config: Mapping[str, str]) -> RemotingCommand:
        """UPDATE_NAMESRV_CONFIG: change settings of the name server."""
        return make_request(RequestCode.UPDATE_NAMESRV_CONFIG, body=encode_properties_text(config))

    @staticmethod
    def create_get_topics_by_cluster_request(cluster: str) -> RemotingCommand:
        """GET_TOPICS_BY_CLUSTER: the topics of a cluster."""
        return make_request(
            RequestCode.GET_TOPICS_BY_CLUSTER, GetTopicsByClusterRequestHeader(cluster=cluster)
        )

    @staticmethod
    def create_delete_topic_in_namesrv_request(
        topic: str, *, cluster_name: str | None = None
    ) -> RemotingCommand:
        """DELETE_TOPIC_IN_NAMESRV: delete a route, after the topic was deleted on every broker."""
        header = DeleteTopicFromNamesrvRequestHeader(topic=topic, cluster_name=cluster_name)
        return make_request(RequestCode.DELETE_TOPIC_IN_NAMESRV, header)

    @staticmethod
    def create_put_kv_config_request(namespace: str, key: str, value: str) -> RemotingCommand:
        """PUT_KV_CONFIG: store a setting."""
        header = PutKVConfigRequestHeader(namespace=namespace, key=key, value=value)
        return make_request(RequestCode.PUT_KV_CONFIG, header)

    @staticmethod
    def create_get_kv_config_request(namespace: str, key: str) -> RemotingCommand:
        """GET_KV_CONFIG: a stored setting.

        The layout of ordered topics is in namespace ORDER_TOPIC_CONFIG under the topic's name.
        """
        return make_request(RequestCode.GET_KV_CONFIG, GetKVConfigRequestHeader(namespace=namespace, key=key))

    @staticmethod
    def create_delete_kv_config_request(namespace: str, key: str) -> RemotingCommand:
        """DELETE_KV_CONFIG: delete a setting."""
        header = DeleteKVConfigRequestHeader(namespace=namespace, key=key)
        return make_request(RequestCode.DELETE_KV_CONFIG, header)

    @staticmethod
    def create_get_kvlist_by_namespace_request(namespace: str) -> RemotingCommand:
        """GET_KVLIST_BY_NAMESPACE: all settings of a namespace."""
        header = GetKVListByNamespaceRequestHeader(namespace=namespace)
        return make_request(RequestCode.GET_KVLIST_BY_NAMESPACE, header)

    @staticmethod
    def create_wipe_write_perm_of_broker_request(broker_name: str) -> RemotingCommand:
        """WIPE_WRITE_PERM_OF_BROKER: let nobody send to a broker, before it is stopped."""
        header = WipeWritePermOfBrokerRequestHeader(broker_name=broker_name)
        return make_request(RequestCode.WIPE_WRITE_PERM_OF_BROKER, header)

    @staticmethod
    def create_add_write_perm_of_broker_request(broker_name: str) -> RemotingCommand:
        """ADD_WRITE_PERM_OF_BROKER: let everybody send to a broker again."""
        header = AddWritePermOfBrokerRequestHeader(broker_name=broker_name)
        return make_request(RequestCode.ADD_WRITE_PERM_OF_BROKER, header)

    @staticmethod
    def create_get_broker_member_group_request(cluster_name: str, broker_name: str) -> RemotingCommand:
        """GET_BROKER_MEMBER_GROUP (5.x): the replicas of a broker; the answer has integer keys."""
        header = GetBrokerMemberGroupRequestHeader(cluster_name=cluster_name, broker_name=broker_name)
        return make_request(RequestCode.GET_BROKER_MEMBER_GROUP, header)
