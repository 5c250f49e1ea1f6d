"""Headers of requests to a name server, and of brokers registering with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.base import Header
from pyrocketmq.model.headers.routing import TopicRequestHeader

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "AddWritePermOfBrokerRequestHeader",
    "AddWritePermOfBrokerResponseHeader",
    "BrokerHeartbeatRequestHeader",
    "DeleteKVConfigRequestHeader",
    "DeleteTopicFromNamesrvRequestHeader",
    "GetBrokerMemberGroupRequestHeader",
    "GetKVConfigRequestHeader",
    "GetKVConfigResponseHeader",
    "GetKVListByNamespaceRequestHeader",
    "GetRouteInfoRequestHeader",
    "GetTopicsByClusterRequestHeader",
    "PutKVConfigRequestHeader",
    "QueryDataVersionRequestHeader",
    "QueryDataVersionResponseHeader",
    "RegisterBrokerRequestHeader",
    "RegisterBrokerResponseHeader",
    "UnRegisterBrokerRequestHeader",
    "WipeWritePermOfBrokerRequestHeader",
    "WipeWritePermOfBrokerResponseHeader",
]


class GetRouteInfoRequestHeader(TopicRequestHeader):
    """Ask for a topic's route.

    The answer is standard JSON when the request's version is 401 or later, or ``accept_standard_json_only``
    is set.
    """

    CODE = RequestCode.GET_ROUTEINFO_BY_TOPIC

    topic: str
    accept_standard_json_only: bool | None = None


class GetTopicsByClusterRequestHeader(Header):
    """Ask for the topics of a cluster."""

    CODE = RequestCode.GET_TOPICS_BY_CLUSTER

    cluster: str


class DeleteTopicFromNamesrvRequestHeader(TopicRequestHeader):
    """Delete a topic's route, after it was deleted on every broker."""

    CODE = RequestCode.DELETE_TOPIC_IN_NAMESRV

    topic: str
    cluster_name: str | None = None


class PutKVConfigRequestHeader(Header):
    """Store a setting."""

    CODE = RequestCode.PUT_KV_CONFIG

    namespace: str
    key: str
    value: str


class GetKVConfigRequestHeader(Header):
    """Ask for a setting; code 22 when there is none."""

    CODE = RequestCode.GET_KV_CONFIG

    namespace: str
    key: str


class GetKVConfigResponseHeader(Header):
    """A stored setting."""

    value: str | None = None


class DeleteKVConfigRequestHeader(Header):
    """Delete a setting."""

    CODE = RequestCode.DELETE_KV_CONFIG

    namespace: str
    key: str


class GetKVListByNamespaceRequestHeader(Header):
    """Ask for all settings of a namespace."""

    CODE = RequestCode.GET_KVLIST_BY_NAMESPACE

    namespace: str


class WipeWritePermOfBrokerRequestHeader(Header):
    """Take the write permission from all topics of a broker."""

    CODE = RequestCode.WIPE_WRITE_PERM_OF_BROKER

    broker_name: str


class WipeWritePermOfBrokerResponseHeader(Header):
    """How many topics lost their write permission."""

    wipe_topic_count: I32


class AddWritePermOfBrokerRequestHeader(Header):
    """Give the write permission back to all topics of a broker."""

    CODE = RequestCode.ADD_WRITE_PERM_OF_BROKER

    broker_name: str


class AddWritePermOfBrokerResponseHeader(Header):
    """How many topics got their write permission back."""

    add_topic_count: I32


class RegisterBrokerRequestHeader(Header):
    """A broker registers itself and its topics; the body is zlib when ``compressed``."""

    CODE = RequestCode.REGISTER_BROKER

    broker_name: str
    broker_addr: str
    cluster_name: str
    ha_server_addr: str
    broker_id: I64
    heartbeat_timeout_millis: I64 | None = None
    enable_acting_master: bool | None = None
    compressed: bool | None = None
    body_crc32: I32 | None = None


class RegisterBrokerResponseHeader(Header):
    """Addresses of the master, for a slave that registers."""

    ha_server_addr: str | None = None
    master_addr: str | None = None


class UnRegisterBrokerRequestHeader(Header):
    """A broker takes its registration back."""

    CODE = RequestCode.UNREGISTER_BROKER

    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: I64


class QueryDataVersionRequestHeader(Header):
    """A broker asks whether its topics have to be registered again."""

    CODE = RequestCode.QUERY_DATA_VERSION

    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: I64


class QueryDataVersionResponseHeader(Header):
    """Whether a broker's topics have changed."""

    changed: bool


class BrokerHeartbeatRequestHeader(Header):
    """Heartbeat of a broker to name servers or controllers."""

    CODE = RequestCode.BROKER_HEARTBEAT

    cluster_name: str
    broker_addr: str
    broker_name: str
    broker_id: I64 | None = None
    epoch: I32 | None = None
    max_offset: I64 | None = None
    confirm_offset: I64 | None = None
    heartbeat_timeout_mills: I64 | None = None
    election_priority: I32 | None = None


class GetBrokerMemberGroupRequestHeader(Header):
    """Ask for the replicas of a broker; 5.x."""

    CODE = RequestCode.GET_BROKER_MEMBER_GROUP

    cluster_name: str
    broker_name: str
