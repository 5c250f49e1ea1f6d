"""Topics as brokers keep them, and what they tell about their filling and consumption."""

from __future__ import annotations

from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.producer_consumer import SubscriptionData
from pyrocketmq.model.result_data import DataVersion

__all__ = [
    "BrokerStatsData",
    "BrokerStatsItem",
    "ConsumeStats",
    "ConsumeStatsList",
    "CreateTopicListRequestBody",
    "GroupList",
    "OffsetWrapper",
    "QueryConsumeTimeSpanBody",
    "QuerySubscriptionResponseBody",
    "QueueTimeSpan",
    "RegisterBrokerBody",
    "TopicConfig",
    "TopicConfigSerializeWrapper",
    "TopicList",
    "TopicOffset",
    "TopicStatsTable",
]


class TopicConfig(JsonBody):
    """One topic on one broker; ``perm`` is 4 read + 2 write + 1 inherit."""

    topic_name: str | None = None
    read_queue_nums: int = 16
    write_queue_nums: int = 16
    perm: int = 6
    topic_filter_type: str | None = "SINGLE_TAG"
    topic_sys_flag: int = 0
    order: bool = False
    attributes: dict[str, str] | None = None


class TopicConfigSerializeWrapper(JsonBody):
    """Answer of GET_ALL_TOPIC_CONFIG."""

    topic_config_table: dict[str, TopicConfig] = wire(default_factory=dict[str, TopicConfig])
    data_version: DataVersion | None = None


class RegisterBrokerBody(JsonBody):
    """Body of REGISTER_BROKER."""

    topic_config_serialize_wrapper: TopicConfigSerializeWrapper | None = None
    filter_server_list: list[str] = wire(default_factory=list[str])


class CreateTopicListRequestBody(JsonBody):
    """Body of UPDATE_AND_CREATE_TOPIC_LIST (5.x)."""

    topic_config_list: list[TopicConfig] = wire(default_factory=list[TopicConfig])


class TopicList(JsonBody):
    """Names of topics, as GET_ALL_TOPIC_LIST_FROM_NAMESERVER answers; system topics are included."""

    topic_list: list[str] = wire(default_factory=list[str])
    broker_addr: str | None = None


class GroupList(JsonBody):
    """Answer of QUERY_TOPIC_CONSUME_BY_WHO."""

    group_list: list[str] = wire(default_factory=list[str])


class TopicOffset(JsonBody):
    """What one queue holds: offsets from ``min_offset`` up to, not including, ``max_offset``."""

    min_offset: int = 0
    max_offset: int = 0
    last_update_timestamp: int = 0


class TopicStatsTable(JsonBody):
    """Answer of GET_TOPIC_STATS_INFO."""

    offset_table: dict[MessageQueue, TopicOffset] = wire(default_factory=dict[MessageQueue, TopicOffset])
    topic_put_tps: float = 0.0


class OffsetWrapper(JsonBody):
    """How far a group is in one queue; 4.9 brokers leave ``pull_offset`` out."""

    broker_offset: int = 0
    consumer_offset: int = 0
    pull_offset: int = 0
    last_timestamp: int = 0


class ConsumeStats(JsonBody):
    """Answer of GET_CONSUME_STATS."""

    offset_table: dict[MessageQueue, OffsetWrapper] = wire(default_factory=dict[MessageQueue, OffsetWrapper])
    consume_tps: float = 0.0


class ConsumeStatsList(JsonBody):
    """Answer of GET_BROKER_CONSUME_STATS: per entry the statistics of one group, topic by topic."""

    consume_stats_list: list[dict[str, list[ConsumeStats]]] = wire(
        default_factory=list[dict[str, list[ConsumeStats]]]
    )
    broker_addr: str | None = None
    total_diff: int = 0
    total_inflight_diff: int = 0


class BrokerStatsItem(JsonBody):
    """Sum, rate per second and average per call of one period."""

    sum: int = 0
    tps: float = 0.0
    avgpt: float = 0.0


class BrokerStatsData(JsonBody):
    """Answer of VIEW_BROKER_STATS_DATA."""

    stats_minute: BrokerStatsItem | None = None
    stats_hour: BrokerStatsItem | None = None
    stats_day: BrokerStatsItem | None = None


class QueueTimeSpan(JsonBody):
    """Times of the oldest, the newest and the consumed message of one queue, in ms and as Java's text."""

    message_queue: MessageQueue | None = None
    min_time_stamp: int = 0
    max_time_stamp: int = 0
    consume_time_stamp: int = 0
    delay_time: int = 0
    min_time_stamp_str: str | None = None
    max_time_stamp_str: str | None = None
    consume_time_stamp_str: str | None = None


class QueryConsumeTimeSpanBody(JsonBody):
    """Answer of QUERY_CONSUME_TIME_SPAN."""

    consume_time_span_set: list[QueueTimeSpan] = wire(default_factory=list[QueueTimeSpan])


class QuerySubscriptionResponseBody(JsonBody):
    """Answer of QUERY_SUBSCRIPTION_BY_CONSUMER."""

    subscription_data: SubscriptionData | None = None
    group: str | None = None
    topic: str | None = None
