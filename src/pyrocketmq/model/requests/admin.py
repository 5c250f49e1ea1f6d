"""Creators of the administration of topics, groups and brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.flags import Perm
from pyrocketmq.model.headers.admin import (
    CreateTopicListRequestHeader,
    CreateTopicRequestHeader,
    DeleteSubscriptionGroupRequestHeader,
    DeleteTopicRequestHeader,
    GetAllSubscriptionGroupRequestHeader,
    GetAllTopicConfigRequestHeader,
    GetSubscriptionGroupConfigRequestHeader,
    GetTopicConfigRequestHeader,
    GetTopicStatsInfoRequestHeader,
    ViewBrokerStatsDataRequestHeader,
)
from pyrocketmq.model.headers.sending import ResumeCheckHalfMessageRequestHeader
from pyrocketmq.model.properties_text import encode_properties_text
from pyrocketmq.model.requests.making import make_request
from pyrocketmq.model.requests.sending import DEFAULT_TOPIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.requests.making import RequestBody

__all__ = ["AdminRequests"]


class AdminRequests:
    """Requests that create, change, delete and look at what a broker holds."""

    @staticmethod
    def create_create_topic_request(
        topic: str,
        read_queue_nums: int,
        write_queue_nums: int,
        perm: int = Perm.READ | Perm.WRITE,
        *,
        default_topic: str = DEFAULT_TOPIC,
        topic_filter_type: str = "SINGLE_TAG",
        topic_sys_flag: int = 0,
        order: bool = False,
        attributes: str | None = None,
        force: bool | None = None,
    ) -> RemotingCommand:
        """UPDATE_AND_CREATE_TOPIC: create or change a topic on one broker.

        Args:
            topic: name, up to 127 characters.
            read_queue_nums: queues that consumers see.
            write_queue_nums: queues that producers see.
            perm: sum of ``Perm`` bits.
            default_topic: required by servers, but unused.
            topic_filter_type: ``SINGLE_TAG`` or ``MULTI_TAG``.
            topic_sys_flag: 1 unit, 2 unit-subscribed.
            order: whether the topic is ordered over brokers.
            attributes: changes such as ``+message.type=FIFO``, 5.x only.
            force: change even if a static topic has this name, 5.x only.
        """
        header = CreateTopicRequestHeader(
            topic=topic,
            default_topic=default_topic,
            read_queue_nums=read_queue_nums,
            write_queue_nums=write_queue_nums,
            perm=perm,
            topic_filter_type=topic_filter_type,
            topic_sys_flag=topic_sys_flag,
            order=order,
            attributes=attributes,
            force=force,
        )
        return make_request(RequestCode.UPDATE_AND_CREATE_TOPIC, header)

    @staticmethod
    def create_create_topic_list_request(body: RequestBody) -> RemotingCommand:
        """UPDATE_AND_CREATE_TOPIC_LIST (5.x): many topics; the body is a CreateTopicListRequestBody."""
        return make_request(RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, CreateTopicListRequestHeader(), body)

    @staticmethod
    def create_delete_topic_request(topic: str) -> RemotingCommand:
        """DELETE_TOPIC_IN_BROKER: delete a topic on one broker; its route on the name servers goes last."""
        return make_request(RequestCode.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader(topic=topic))

    @staticmethod
    def create_get_topic_config_request(topic: str) -> RemotingCommand:
        """GET_TOPIC_CONFIG (5.x): a topic's settings on one broker."""
        return make_request(RequestCode.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader(topic=topic))

    @staticmethod
    def create_get_all_topic_config_request(
        topic_seq: int = 0, *, data_version: str | None = None, max_topic_num: int | None = None
    ) -> RemotingCommand:
        """GET_ALL_TOPIC_CONFIG: the settings of all topics; 5.x can answer in parts from ``topic_seq`` on."""
        header = GetAllTopicConfigRequestHeader(
            topic_seq=topic_seq, data_version=data_version, max_topic_num=max_topic_num
        )
        return make_request(RequestCode.GET_ALL_TOPIC_CONFIG, header)

    @staticmethod
    def create_get_topic_stats_info_request(topic: str) -> RemotingCommand:
        """GET_TOPIC_STATS_INFO: first and last offset of each queue of a topic."""
        return make_request(RequestCode.GET_TOPIC_STATS_INFO, GetTopicStatsInfoRequestHeader(topic=topic))

    @staticmethod
    def create_create_subscription_group_request(body: RequestBody) -> RemotingCommand:
        """UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: create or change a group; body: SubscriptionGroupConfig."""
        return make_request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=body)

    @staticmethod
    def create_delete_subscription_group_request(
        group_name: str, *, clean_offset: bool = False
    ) -> RemotingCommand:
        """DELETE_SUBSCRIPTIONGROUP: delete a group, and its offsets if asked to."""
        header = DeleteSubscriptionGroupRequestHeader(group_name=group_name, clean_offset=clean_offset)
        return make_request(RequestCode.DELETE_SUBSCRIPTIONGROUP, header)

    @staticmethod
    def create_get_subscription_group_config_request(group: str) -> RemotingCommand:
        """GET_SUBSCRIPTIONGROUP_CONFIG (5.x): a group's settings on one broker."""
        header = GetSubscriptionGroupConfigRequestHeader(group=group)
        return make_request(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, header)

    @staticmethod
    def create_get_all_subscription_group_request(
        group_seq: int = 0, *, data_version: str | None = None, max_group_num: int | None = None
    ) -> RemotingCommand:
        """GET_ALL_SUBSCRIPTIONGROUP_CONFIG: the settings of all groups; 5.x can answer in parts."""
        header = GetAllSubscriptionGroupRequestHeader(
            group_seq=group_seq, data_version=data_version, max_group_num=max_group_num
        )
        return make_request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, header)

    @staticmethod
    def create_create_subscription_group_list_request(body: RequestBody) -> RemotingCommand:
        """UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (5.x): many groups; body: SubscriptionGroupList."""
        return make_request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, body=body)

    @staticmethod
    def create_get_system_topic_list_from_broker_request() -> RemotingCommand:
        """GET_SYSTEM_TOPIC_LIST_FROM_BROKER: the topics that a broker made for itself."""
        return make_request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER)

    @staticmethod
    def create_get_broker_ha_status_request() -> RemotingCommand:
        """GET_BROKER_HA_STATUS (5.x): the state of a broker's replication."""
        return make_request(RequestCode.GET_BROKER_HA_STATUS)

    @staticmethod
    def create_get_all_delay_offset_request() -> RemotingCommand:
        """GET_ALL_DELAY_OFFSET: how far the delay levels are."""
        return make_request(RequestCode.GET_ALL_DELAY_OFFSET)

    @staticmethod
    def create_get_timer_metrics_request() -> RemotingCommand:
        """GET_TIMER_METRICS (5.x): how many timer messages wait, by topic."""
        return make_request(RequestCode.GET_TIMER_METRICS)

    @staticmethod
    def create_clean_expired_consume_queue_request() -> RemotingCommand:
        """CLEAN_EXPIRED_CONSUMEQUEUE: delete queue files whose messages are gone."""
        return make_request(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)

    @staticmethod
    def create_clean_unused_topic_request() -> RemotingCommand:
        """CLEAN_UNUSED_TOPIC: delete the queue files of topics that are gone."""
        return make_request(RequestCode.CLEAN_UNUSED_TOPIC)

    @staticmethod
    def create_delete_expired_commit_log_request() -> RemotingCommand:
        """DELETE_EXPIRED_COMMITLOG: delete log files that are over their time, now."""
        return make_request(RequestCode.DELETE_EXPIRED_COMMITLOG)

    @staticmethod
    def create_get_broker_config_request() -> RemotingCommand:
        """GET_BROKER_CONFIG: a broker's settings as a properties text."""
        return make_request(RequestCode.GET_BROKER_CONFIG)

    @staticmethod
    def create_update_broker_config_request(config: Mapping[str, str] | str) -> RemotingCommand:
        """UPDATE_BROKER_CONFIG: change settings, given as a mapping or as a text of ``name=value`` lines."""
        if not isinstance(config, str):
            config = encode_properties_text(config)
        return make_request(RequestCode.UPDATE_BROKER_CONFIG, body=config)

    @staticmethod
    def create_get_broker_runtime_info_request() -> RemotingCommand:
        """GET_BROKER_RUNTIME_INFO: a broker's counters."""
        return make_request(RequestCode.GET_BROKER_RUNTIME_INFO)

    @staticmethod
    def create_view_broker_stats_data_request(stats_name: str, stats_key: str) -> RemotingCommand:
        """VIEW_BROKER_STATS_DATA: one of a broker's statistics, per minute, hour and day."""
        header = ViewBrokerStatsDataRequestHeader(stats_name=stats_name, stats_key=stats_key)
        return make_request(RequestCode.VIEW_BROKER_STATS_DATA, header)

    @staticmethod
    def create_resume_check_half_message_request(msg_id: str, *, topic: str | None = None) -> RemotingCommand:
        """RESUME_CHECK_HALF_MESSAGE: check a half message again that the broker has given up."""
        header = ResumeCheckHalfMessageRequestHeader(topic=topic, msg_id=msg_id)
        return make_request(RequestCode.RESUME_CHECK_HALF_MESSAGE, header)
