"""Creators of heartbeats, of locks, and of requests about groups and their clients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.groups import (
    CloneGroupOffsetRequestHeader,
    ConsumeMessageDirectlyResultRequestHeader,
    GetAllProducerInfoRequestHeader,
    GetConsumerConnectionListRequestHeader,
    GetConsumerListByGroupRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumerStatusRequestHeader,
    GetConsumeStatsInBrokerHeader,
    GetConsumeStatsRequestHeader,
    GetProducerConnectionListRequestHeader,
    LockBatchMqRequestHeader,
    QueryConsumeTimeSpanRequestHeader,
    QuerySubscriptionByConsumerRequestHeader,
    QueryTopicConsumeByWhoRequestHeader,
    QueryTopicsByConsumerRequestHeader,
    ResetOffsetRequestHeader,
    UnlockBatchMqRequestHeader,
    UnregisterClientRequestHeader,
    UpdateGroupForbiddenRequestHeader,
)
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.requests.making import make_request
from pyrocketmq.model.result_data import LockBatchRequestBody, UnlockBatchRequestBody

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.requests.making import Content, RequestBody

__all__ = ["GroupRequests"]


class GroupRequests:
    """Requests by which clients make themselves known, and by which tools ask about groups."""

    @staticmethod
    def create_heartbeat_request(
        data: RequestBody | None = None, *, client_id: str | None = None
    ) -> RemotingCommand:
        """HEART_BEAT: the groups of a client, as a HeartbeatData.

        Without ``data`` it is the heartbeat of a client without groups, called ``client_id`` or after this
        process. Brokers accept nonsense here silently.
        """
        if data is None:
            data = HeartbeatData(client_id=client_id or f"pyrocketmq@{os.getpid()}")
        return make_request(RequestCode.HEART_BEAT, body=data)

    @staticmethod
    def create_unregister_client_request(
        client_id: str, *, producer_group: str | None = None, consumer_group: str | None = None
    ) -> RemotingCommand:
        """UNREGISTER_CLIENT: take one producer or consumer group of a client away."""
        header = UnregisterClientRequestHeader(
            client_id=client_id, producer_group=producer_group, consumer_group=consumer_group
        )
        return make_request(RequestCode.UNREGISTER_CLIENT, header)

    @staticmethod
    def create_get_consumer_list_request(consumer_group: str, *, bname: str | None = None) -> RemotingCommand:
        """GET_CONSUMER_LIST_BY_GROUP: client ids of a group; an empty group is answered with code 1."""
        header = GetConsumerListByGroupRequestHeader(consumer_group=consumer_group, bname=bname)
        return make_request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, header)

    @staticmethod
    def create_lock_batch_mq_request(
        consumer_group: str,
        client_id: str,
        mq_set: Iterable[MessageQueue],
        retry_broker_id: int = 0,
        *,
        bname: str | None = None,
    ) -> RemotingCommand:
        """LOCK_BATCH_MQ: lock queues for ordered consumption; the answer names those that are locked.

        Args:
            consumer_group: the group.
            client_id: the client that wants the locks.
            mq_set: the queues, all of the broker that the request goes to.
            retry_broker_id: id of the replica that the request goes to. The master (0) asks its replicas to
                lock too, in strict lock mode; any other locks for itself only.
            bname: name of the broker.
        """
        body = LockBatchRequestBody(
            consumer_group=consumer_group,
            client_id=client_id,
            mq_set=sorted(mq_set),
            only_this_broker=retry_broker_id != 0,
        )
        return make_request(RequestCode.LOCK_BATCH_MQ, LockBatchMqRequestHeader(bname=bname), body)

    @staticmethod
    def create_unlock_batch_mq_request(
        consumer_group: str, client_id: str, mq_set: Iterable[MessageQueue], *, bname: str | None = None
    ) -> RemotingCommand:
        """UNLOCK_BATCH_MQ: give locks back. Java sends it one-way."""
        body = UnlockBatchRequestBody(
            consumer_group=consumer_group, client_id=client_id, mq_set=sorted(mq_set)
        )
        return make_request(RequestCode.UNLOCK_BATCH_MQ, UnlockBatchMqRequestHeader(bname=bname), body)

    @staticmethod
    def create_check_client_config_request(body: RequestBody) -> RemotingCommand:
        """CHECK_CLIENT_CONFIG: let the broker check an SQL92 subscription; the body: CheckClientRequestBody.

        An invalid expression is not reported by a pull: its messages come unfiltered.
        """
        return make_request(RequestCode.CHECK_CLIENT_CONFIG, body=body)

    @staticmethod
    def create_get_consumer_running_info_request(
        consumer_group: str, client_id: str, *, jstack_enable: bool = False
    ) -> RemotingCommand:
        """GET_CONSUMER_RUNNING_INFO: state of one client of a group, asked through its broker."""
        header = GetConsumerRunningInfoRequestHeader(
            consumer_group=consumer_group, client_id=client_id, jstack_enable=jstack_enable
        )
        return make_request(RequestCode.GET_CONSUMER_RUNNING_INFO, header)

    @staticmethod
    def create_consume_message_directly_request(
        consumer_group: str,
        client_id: str,
        *,
        msg_id: str | None = None,
        broker_name: str | None = None,
        topic: str | None = None,
        body: Content | None = None,
    ) -> RemotingCommand:
        """CONSUME_MESSAGE_DIRECTLY: let a client consume one message now and tell the result.

        A tool names the message by ``msg_id`` and ``broker_name``; a broker sends the stored message as body.
        """
        header = ConsumeMessageDirectlyResultRequestHeader(
            consumer_group=consumer_group,
            client_id=client_id,
            msg_id=msg_id,
            broker_name=broker_name,
            topic=topic,
        )
        return make_request(RequestCode.CONSUME_MESSAGE_DIRECTLY, header, body)

    @staticmethod
    def create_get_consumer_connection_list_request(consumer_group: str) -> RemotingCommand:
        """GET_CONSUMER_CONNECTION_LIST: clients of a consumer group; CONSUMER_NOT_ONLINE if it has none."""
        header = GetConsumerConnectionListRequestHeader(consumer_group=consumer_group)
        return make_request(RequestCode.GET_CONSUMER_CONNECTION_LIST, header)

    @staticmethod
    def create_get_producer_connection_list_request(producer_group: str) -> RemotingCommand:
        """GET_PRODUCER_CONNECTION_LIST: a producer group's clients."""
        header = GetProducerConnectionListRequestHeader(producer_group=producer_group)
        return make_request(RequestCode.GET_PRODUCER_CONNECTION_LIST, header)

    @staticmethod
    def create_get_consume_stats_request(
        consumer_group: str, topic: str | None = None, *, topic_list: str | None = None
    ) -> RemotingCommand:
        """GET_CONSUME_STATS: a group's offsets and lag, of one topic or of all it consumes."""
        header = GetConsumeStatsRequestHeader(
            consumer_group=consumer_group, topic=topic, topic_list=topic_list
        )
        return make_request(RequestCode.GET_CONSUME_STATS, header)

    @staticmethod
    def create_get_broker_consume_stats_request(*, is_order: bool = False) -> RemotingCommand:
        """GET_BROKER_CONSUME_STATS: offsets and lag of all groups of a broker, ordered ones or the others."""
        header = GetConsumeStatsInBrokerHeader(is_order=is_order)
        return make_request(RequestCode.GET_BROKER_CONSUME_STATS, header)

    @staticmethod
    def create_get_all_producer_info_request() -> RemotingCommand:
        """GET_ALL_PRODUCER_INFO: the producers that are connected to a broker."""
        return make_request(RequestCode.GET_ALL_PRODUCER_INFO, GetAllProducerInfoRequestHeader())

    @staticmethod
    def create_update_group_forbidden_request(
        consumer_group: str, topic: str, *, readable: bool | None = None
    ) -> RemotingCommand:
        """UPDATE_AND_GET_GROUP_FORBIDDEN: whether a group may read a topic; None only asks."""
        header = UpdateGroupForbiddenRequestHeader(group=consumer_group, topic=topic, readable=readable)
        return make_request(RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN, header)

    @staticmethod
    def create_query_topic_consume_by_who_request(topic: str) -> RemotingCommand:
        """QUERY_TOPIC_CONSUME_BY_WHO: the groups that consume a topic."""
        header = QueryTopicConsumeByWhoRequestHeader(topic=topic)
        return make_request(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, header)

    @staticmethod
    def create_query_topics_by_consumer_request(consumer_group: str) -> RemotingCommand:
        """QUERY_TOPICS_BY_CONSUMER (5.x): the topics that a group consumes."""
        header = QueryTopicsByConsumerRequestHeader(group=consumer_group)
        return make_request(RequestCode.QUERY_TOPICS_BY_CONSUMER, header)

    @staticmethod
    def create_query_subscription_by_consumer_request(
        consumer_group: str, topic: str | None = None
    ) -> RemotingCommand:
        """QUERY_SUBSCRIPTION_BY_CONSUMER (5.x): a group's subscription."""
        header = QuerySubscriptionByConsumerRequestHeader(group=consumer_group, topic=topic)
        return make_request(RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER, header)

    @staticmethod
    def create_query_consume_time_span_request(consumer_group: str, topic: str) -> RemotingCommand:
        """QUERY_CONSUME_TIME_SPAN: times of the oldest, the newest and the consumed messages."""
        header = QueryConsumeTimeSpanRequestHeader(topic=topic, group=consumer_group)
        return make_request(RequestCode.QUERY_CONSUME_TIME_SPAN, header)

    @staticmethod
    def create_reset_offset_request(
        consumer_group: str,
        topic: str,
        timestamp: int = -1,
        *,
        is_force: bool = True,
        queue_id: int | None = None,
        offset: int | None = None,
    ) -> RemotingCommand:
        """INVOKE_BROKER_TO_RESET_OFFSET: move a group to a time in ms, -1 = the latest, or to an offset.

        Args:
            consumer_group: the group.
            topic: the topic.
            timestamp: where to; ignored when ``offset`` is given.
            is_force: move back as well as forward.
            queue_id: only this queue.
            offset: where to on that queue.
        """
        header = ResetOffsetRequestHeader(
            group=consumer_group,
            topic=topic,
            queue_id=queue_id,
            offset=offset,
            timestamp=timestamp,
            is_force=is_force,
        )
        return make_request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, header)

    @staticmethod
    def create_get_consumer_status_request(
        consumer_group: str, topic: str, client_addr: str | None = None
    ) -> RemotingCommand:
        """INVOKE_BROKER_TO_GET_CONSUMER_STATUS: the offsets that a group's clients have in memory."""
        header = GetConsumerStatusRequestHeader(topic=topic, group=consumer_group, client_addr=client_addr)
        return make_request(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, header)

    @staticmethod
    def create_clone_group_offset_request(
        src_group: str, dest_group: str, topic: str | None = None, *, offline: bool = False
    ) -> RemotingCommand:
        """CLONE_GROUP_OFFSET: give one group the offsets of another."""
        header = CloneGroupOffsetRequestHeader(
            src_group=src_group, dest_group=dest_group, topic=topic, offline=offline
        )
        return make_request(RequestCode.CLONE_GROUP_OFFSET, header)

    @staticmethod
    def create_get_all_consumer_offset_request() -> RemotingCommand:
        """GET_ALL_CONSUMER_OFFSET: all offsets that a broker has stored."""
        return make_request(RequestCode.GET_ALL_CONSUMER_OFFSET)
