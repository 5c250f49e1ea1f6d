"""Headers of the administration of topics, groups, users and brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.base import Header
from pyrocketmq.model.headers.routing import RpcRequestHeader, TopicRequestHeader

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "CheckRocksdbCqWriteProgressRequestHeader",
    "CreateAclRequestHeader",
    "CreateTopicListRequestHeader",
    "CreateTopicRequestHeader",
    "CreateUserRequestHeader",
    "DeleteAclRequestHeader",
    "DeleteSubscriptionGroupRequestHeader",
    "DeleteTopicRequestHeader",
    "DeleteUserRequestHeader",
    "ExportRocksDBConfigToJsonRequestHeader",
    "GetAclRequestHeader",
    "GetAllSubscriptionGroupRequestHeader",
    "GetAllSubscriptionGroupResponseHeader",
    "GetAllTopicConfigRequestHeader",
    "GetAllTopicConfigResponseHeader",
    "GetBrokerConfigResponseHeader",
    "GetSubscriptionGroupConfigRequestHeader",
    "GetTopicConfigRequestHeader",
    "GetTopicStatsInfoRequestHeader",
    "GetUserRequestHeader",
    "ListAclsRequestHeader",
    "ListUsersRequestHeader",
    "RegisterOrderTopicRequestHeader",
    "RegisterTopicRequestHeader",
    "UpdateAclRequestHeader",
    "UpdateUserRequestHeader",
    "ViewBrokerStatsDataRequestHeader",
]


class CreateTopicRequestHeader(TopicRequestHeader):
    """Create or change a topic.

    ``default_topic`` is required but unused. ``attributes`` are ``+name=value,...``, 5.x only. The answer of
    a success carries a remark that reads like a failure.
    """

    CODE = RequestCode.UPDATE_AND_CREATE_TOPIC

    topic: str
    default_topic: str
    read_queue_nums: I32
    write_queue_nums: I32
    perm: I32
    topic_filter_type: str
    topic_sys_flag: I32 | None = None
    order: bool
    attributes: str | None = None
    force: bool | None = None


class CreateTopicListRequestHeader(RpcRequestHeader):
    """Create or change many topics; which ones stands in the body; 5.x."""

    CODE = RequestCode.UPDATE_AND_CREATE_TOPIC_LIST


class DeleteTopicRequestHeader(TopicRequestHeader):
    """Delete a topic on a broker."""

    CODE = RequestCode.DELETE_TOPIC_IN_BROKER

    topic: str


class RegisterTopicRequestHeader(TopicRequestHeader):
    """Register a topic with a name server."""

    CODE = RequestCode.REGISTER_TOPIC_IN_NAMESRV

    topic: str


class RegisterOrderTopicRequestHeader(Header):
    """Register the layout of an ordered topic."""

    topic: str
    order_topic_string: str


class GetTopicConfigRequestHeader(TopicRequestHeader):
    """Ask for a topic's settings; 5.x."""

    CODE = RequestCode.GET_TOPIC_CONFIG

    topic: str


class GetTopicStatsInfoRequestHeader(TopicRequestHeader):
    """Ask for the offsets of a topic's queues."""

    CODE = RequestCode.GET_TOPIC_STATS_INFO

    topic: str


class GetAllTopicConfigRequestHeader(Header):
    """Ask for the settings of all topics, from one index on."""

    CODE = RequestCode.GET_ALL_TOPIC_CONFIG

    topic_seq: I32
    data_version: str | None = None
    max_topic_num: I32 | None = None


class GetAllTopicConfigResponseHeader(Header):
    """How many topics there are."""

    total_topic_num: I32 | None = None


class GetSubscriptionGroupConfigRequestHeader(RpcRequestHeader):
    """Ask for a group's settings; 5.x."""

    CODE = RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG

    group: str


class GetAllSubscriptionGroupRequestHeader(Header):
    """Ask for the settings of all groups, from one index on."""

    CODE = RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG

    group_seq: I32
    data_version: str | None = None
    max_group_num: I32 | None = None


class GetAllSubscriptionGroupResponseHeader(Header):
    """How many groups there are."""

    total_group_num: I32


class DeleteSubscriptionGroupRequestHeader(RpcRequestHeader):
    """Delete a group, with its offsets if asked to."""

    CODE = RequestCode.DELETE_SUBSCRIPTIONGROUP

    group_name: str
    clean_offset: bool | None = None


class GetBrokerConfigResponseHeader(Header):
    """Version of the settings in the body."""

    version: str


class ViewBrokerStatsDataRequestHeader(Header):
    """Ask for one of a broker's statistics."""

    CODE = RequestCode.VIEW_BROKER_STATS_DATA

    stats_name: str
    stats_key: str


class CheckRocksdbCqWriteProgressRequestHeader(Header):
    """Compare the consume queues in RocksDB with those in files."""

    CODE = RequestCode.CHECK_ROCKSDB_CQ_WRITE_PROGRESS

    topic: str
    check_store_time: I64 | None = None


class ExportRocksDBConfigToJsonRequestHeader(Header):
    """Export settings that a broker keeps in RocksDB."""

    CODE = RequestCode.EXPORT_ROCKSDB_CONFIG_TO_JSON

    type_name: str | None = None
    config_type: str


class CreateUserRequestHeader(Header):
    """Create a user; 5.3 and later."""

    CODE = RequestCode.AUTH_CREATE_USER

    username: str | None = None


class UpdateUserRequestHeader(Header):
    """Change a user; 5.3 and later."""

    CODE = RequestCode.AUTH_UPDATE_USER

    username: str | None = None


class DeleteUserRequestHeader(Header):
    """Delete a user; 5.3 and later."""

    CODE = RequestCode.AUTH_DELETE_USER

    username: str | None = None


class GetUserRequestHeader(Header):
    """Ask for a user; 5.3 and later."""

    CODE = RequestCode.AUTH_GET_USER

    username: str | None = None


class ListUsersRequestHeader(Header):
    """Ask for users by name; 5.3 and later."""

    CODE = RequestCode.AUTH_LIST_USER

    filter: str | None = None


class CreateAclRequestHeader(Header):
    """Create an access list; 5.3 and later."""

    CODE = RequestCode.AUTH_CREATE_ACL

    subject: str | None = None


class UpdateAclRequestHeader(Header):
    """Change an access list; 5.3 and later."""

    CODE = RequestCode.AUTH_UPDATE_ACL

    subject: str | None = None


class DeleteAclRequestHeader(Header):
    """Delete an access list, or its policies of one kind or for one resource; 5.3 and later."""

    CODE = RequestCode.AUTH_DELETE_ACL

    subject: str | None = None
    policy_type: str | None = None
    resource: str | None = None


class GetAclRequestHeader(Header):
    """Ask for a subject's access list; 5.3 and later."""

    CODE = RequestCode.AUTH_GET_ACL

    subject: str | None = None


class ListAclsRequestHeader(Header):
    """Ask for access lists by subject and resource; 5.3 and later."""

    CODE = RequestCode.AUTH_LIST_ACL

    subject_filter: str | None = None
    resource_filter: str | None = None
