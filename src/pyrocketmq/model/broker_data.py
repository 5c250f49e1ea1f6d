"""What a broker tells about itself: replication, delays, timers, modes of groups."""

from __future__ import annotations

from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.result_data import DataVersion, SetMessageRequestModeRequestBody

__all__ = [
    "BrokerHaStatus",
    "DelayOffsets",
    "GroupForbidden",
    "HaClientStatus",
    "HaConnectionStatus",
    "MessageRequestModes",
    "TimerMetric",
    "TimerMetrics",
]


class HaConnectionStatus(JsonBody):
    """One slave as its master sees it: how far it is, ``diff`` bytes behind."""

    addr: str | None = None
    slave_ack_offset: int = 0
    diff: int = 0
    in_sync: bool = False
    transferred_byte_in_second: int = 0
    transfer_from_where: int = 0


class HaClientStatus(JsonBody):
    """A slave as it sees itself."""

    master_addr: str | None = None
    transferred_byte_in_second: int = 0
    max_offset: int = 0
    last_read_timestamp: int = 0
    last_write_timestamp: int = 0
    master_flush_offset: int = 0
    is_activated: bool = False


class BrokerHaStatus(JsonBody):
    """Answer of GET_BROKER_HA_STATUS (5.x)."""

    master: bool = False
    master_commit_log_max_offset: int = 0
    in_sync_slave_nums: int = 0
    ha_connection_info: list[HaConnectionStatus] = wire(default_factory=list[HaConnectionStatus])
    ha_client_runtime_info: HaClientStatus | None = None


class DelayOffsets(JsonBody):
    """Answer of GET_ALL_DELAY_OFFSET: how far each delay level is, by level."""

    offset_table: dict[int, int] = wire(default_factory=dict[int, int])
    data_version: DataVersion | None = None


class TimerMetric(JsonBody):
    """Timer messages of one topic that wait."""

    count: int = 0
    time_stamp: int = 0


class TimerMetrics(JsonBody):
    """Answer of GET_TIMER_METRICS (5.x): waiting timer messages by topic."""

    timing_count: dict[str, TimerMetric] = wire(default_factory=dict[str, TimerMetric])
    data_version: DataVersion | None = None


class GroupForbidden(JsonBody):
    """Answer of UPDATE_AND_GET_GROUP_FORBIDDEN: whether a group may read a topic."""

    topic: str | None = None
    group: str | None = None
    readable: bool | None = None
    writeable: bool | None = None


class MessageRequestModes(JsonBody):
    """Answer of GET_ALL_MESSAGE_REQUEST_MODE (5.x): topic -> group -> mode."""

    message_request_mode_map: dict[str, dict[str, SetMessageRequestModeRequestBody]] = wire(
        default_factory=dict[str, dict[str, SetMessageRequestModeRequestBody]]
    )
