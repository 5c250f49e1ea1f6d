"""Subscription groups as brokers keep them."""

from __future__ import annotations

from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.result_data import DataVersion

__all__ = [
    "CustomizedRetryPolicy",
    "ExponentialRetryPolicy",
    "GroupRetryPolicy",
    "SimpleSubscriptionData",
    "SubscriptionGroupConfig",
    "SubscriptionGroupList",
    "SubscriptionGroupWrapper",
]


class ExponentialRetryPolicy(JsonBody):
    """Delays in ms that grow by ``multiplier`` from ``initial`` up to ``max``."""

    initial: int = 5_000
    max: int = 7_200_000
    multiplier: int = 2


class CustomizedRetryPolicy(JsonBody):
    """The delays in ms, one per retry."""

    next: list[int] = wire(default_factory=list[int])


class GroupRetryPolicy(JsonBody):
    """How the retries of a group are delayed; ``type`` is CUSTOMIZED or EXPONENTIAL."""

    type: str | None = "CUSTOMIZED"
    exponential_retry_policy: ExponentialRetryPolicy | None = None
    customized_retry_policy: CustomizedRetryPolicy | None = None


class SimpleSubscriptionData(JsonBody):
    """One subscription fixed for a group on the broker."""

    topic: str | None = None
    expression_type: str | None = None
    expression: str | None = None
    version: int = 0


class SubscriptionGroupConfig(JsonBody):
    """One consumer group on one broker; what a request leaves out takes these defaults there too."""

    group_name: str | None = None
    consume_enable: bool = True
    consume_from_min_enable: bool = True
    consume_broadcast_enable: bool = True
    consume_message_orderly: bool = False
    retry_queue_nums: int = 1
    retry_max_times: int = 16
    group_retry_policy: GroupRetryPolicy | None = None
    broker_id: int = 0
    which_broker_when_consume_slowly: int = 1
    notify_consumer_ids_changed_enable: bool = True
    group_sys_flag: int = 0
    consume_timeout_minute: int = 15
    subscription_data_set: list[SimpleSubscriptionData | None] | None = None
    attributes: dict[str, str] | None = None


class SubscriptionGroupWrapper(JsonBody):
    """Answer of GET_ALL_SUBSCRIPTIONGROUP_CONFIG; ``forbidden_table`` is group -> topic -> bits."""

    subscription_group_table: dict[str, SubscriptionGroupConfig] = wire(
        default_factory=dict[str, SubscriptionGroupConfig]
    )
    forbidden_table: dict[str, dict[str, int]] = wire(default_factory=dict[str, dict[str, int]])
    data_version: DataVersion | None = None


class SubscriptionGroupList(JsonBody):
    """Body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (5.x)."""

    group_config_list: list[SubscriptionGroupConfig] = wire(default_factory=list[SubscriptionGroupConfig])
