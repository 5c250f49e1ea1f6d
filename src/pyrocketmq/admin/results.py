"""What administration gives: plain records, for programs and for printing.

Times are ms since 1970 and end in ``_ms``. ``to_dict`` gives what JSON can hold. Knows no connection.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from pyrocketmq.transport.utils import format_address

if TYPE_CHECKING:
    from pyrocketmq._native.stored import MessageExt

__all__ = [
    "AclRule",
    "AclRules",
    "BrokerAddresses",
    "BrokerGroupStats",
    "BrokerReplication",
    "BrokerRoundTrips",
    "BrokerSummary",
    "BrokerValues",
    "ClientConnection",
    "ConsumerStatus",
    "GroupConnections",
    "GroupProgress",
    "GroupSettings",
    "GroupSubscription",
    "GroupSummary",
    "MessageView",
    "QueueOffset",
    "QueueProgress",
    "QueueRoundTrips",
    "QueueStatus",
    "ReplicaStatus",
    "Result",
    "SentMessage",
    "TopicQueues",
    "TopicRates",
    "TopicRoute",
    "TopicSettings",
    "TopicStatus",
    "TraceRecord",
    "User",
]


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_table(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if _is_list(value):
        return [_plain(item) for item in value]
    if _is_table(value):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": b64encode(value).decode()}
    return value


class Result:
    """Base of all records."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The record as dicts, lists and plain values; bytes that are no UTF-8 become base64."""
        assert is_dataclass(self)  # noqa: S101
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}


# ---- topics ----


@dataclass(frozen=True, slots=True)
class BrokerAddresses(Result):
    """One broker of a route: the addresses of its master (0) and slaves."""

    broker: str
    cluster: str
    addresses: dict[int, str]


@dataclass(frozen=True, slots=True)
class TopicQueues(Result):
    """The queues of a topic on one broker; ``perm`` is 2 write + 4 read."""

    broker: str
    read_queues: int
    write_queues: int
    perm: int


@dataclass(frozen=True, slots=True)
class TopicRoute(Result):
    """Where a topic is; ``order`` is the fixed layout of an ordered one."""

    topic: str
    brokers: list[BrokerAddresses]
    queues: list[TopicQueues]
    order: str | None = None


@dataclass(frozen=True, slots=True)
class TopicSettings(Result):
    """A topic as one broker keeps it."""

    topic: str
    broker: str
    read_queues: int
    write_queues: int
    perm: int
    order: bool = False
    attributes: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class QueueStatus(Result):
    """What one queue holds: offsets from ``min_offset`` up to, not including, ``max_offset``."""

    topic: str
    broker: str
    queue_id: int
    min_offset: int
    max_offset: int
    last_stored_ms: int

    @property
    def messages(self) -> int:
        """How many messages it holds."""
        return self.max_offset - self.min_offset


@dataclass(frozen=True, slots=True)
class TopicStatus(Result):
    """What a topic holds."""

    topic: str
    queues: list[QueueStatus]
    messages: int


@dataclass(frozen=True, slots=True)
class TopicRates(Result):
    """How fast a topic is written and one of its groups reads, per second of the last minute.

    ``group`` is None for a topic that nobody consumes.
    """

    topic: str
    group: str | None
    in_tps: float
    out_tps: float
    in_day: int
    out_day: int
    lag: int


# ---- groups ----


@dataclass(frozen=True, slots=True)
class GroupSettings(Result):
    """A group as one broker keeps it."""

    group: str
    broker: str
    consume_enable: bool
    consume_broadcast_enable: bool
    consume_from_min_enable: bool
    consume_orderly: bool
    retry_queues: int
    retry_max_times: int
    consume_timeout_minutes: int


@dataclass(frozen=True, slots=True)
class QueueProgress(Result):
    """How far a group is in one queue; ``client_id`` is who consumes it, where that was asked for."""

    topic: str
    broker: str
    queue_id: int
    broker_offset: int
    consumer_offset: int
    lag: int
    last_consumed_ms: int
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class GroupProgress(Result):
    """How far a group is."""

    group: str
    queues: list[QueueProgress]
    lag: int
    tps: float


@dataclass(frozen=True, slots=True)
class GroupSummary(Result):
    """One line for a group: how many members are online, what they are, how far behind it is."""

    group: str
    members: int
    consume_type: str | None
    message_model: str | None
    lag: int
    tps: float
    topics: list[str]


@dataclass(frozen=True, slots=True)
class ClientConnection(Result):
    """One client that is connected to a broker."""

    client_id: str
    address: str
    language: str
    version: int


@dataclass(frozen=True, slots=True)
class GroupSubscription(Result):
    """What a group wants of one topic."""

    topic: str
    expression: str
    expression_type: str


@dataclass(frozen=True, slots=True)
class GroupConnections(Result):
    """The members of a group that are online, and what they want."""

    group: str
    clients: list[ClientConnection]
    subscriptions: list[GroupSubscription] = field(default_factory=list[GroupSubscription])
    consume_type: str | None = None
    message_model: str | None = None
    consume_from_where: str | None = None


@dataclass(frozen=True, slots=True)
class ConsumerStatus(Result):
    """What one member of a group says about itself; ``stacks`` are those of its threads, if asked for."""

    group: str
    client_id: str
    properties: dict[str, str]
    subscriptions: list[GroupSubscription]
    queues: list[dict[str, Any]]
    rates: dict[str, dict[str, Any]]
    stacks: str | None = None


@dataclass(frozen=True, slots=True)
class QueueOffset(Result):
    """An offset of one queue."""

    topic: str
    broker: str
    queue_id: int
    offset: int


# ---- messages ----


@dataclass(frozen=True, slots=True)
class MessageView(Result):
    """A stored message. ``body`` is unpacked."""

    topic: str
    msg_id: str
    offset_msg_id: str
    broker: str
    queue_id: int
    queue_offset: int
    commit_log_offset: int
    tags: str | None
    keys: str | None
    body: bytes
    properties: dict[str, str]
    born_ms: int
    born_host: str
    stored_ms: int
    store_host: str
    reconsume_times: int
    flag: int
    sys_flag: int

    @classmethod
    def of(cls, message: MessageExt) -> Self:
        """The record of a message."""
        return cls(
            message.topic,
            message.msg_id,
            message.offset_msg_id,
            message.broker_name,
            message.queue_id,
            message.queue_offset,
            message.commit_log_offset,
            message.tags,
            message.keys,
            message.body,
            dict(message.properties),
            message.born_timestamp,
            format_address(*message.born_host),
            message.store_timestamp,
            format_address(*message.store_host),
            message.reconsume_times,
            message.flag,
            message.sys_flag,
        )


@dataclass(frozen=True, slots=True)
class TraceRecord(Result):
    """One trace record of a message: a send (Pub), a delivery (SubBefore, SubAfter), a transaction's end."""

    kind: str
    time_ms: int
    group: str | None
    topic: str | None
    msg_id: str | None
    tags: str | None
    keys: str | None
    client_host: str
    store_host: str | None
    cost_ms: int
    success: bool
    retry_times: int
    request_id: str | None
    transaction_state: str | None = None


@dataclass(frozen=True, slots=True)
class SentMessage(Result):
    """A message that was sent, and where it is now; ``status`` is the name of a ``SendStatus``."""

    topic: str
    msg_id: str
    offset_msg_id: str
    broker: str
    queue_id: int
    queue_offset: int
    status: str


@dataclass(frozen=True, slots=True)
class QueueRoundTrips(Result):
    """How long one queue took to store messages one after another; times are in milliseconds."""

    broker: str
    queue_id: int
    count: int
    failed: int
    least_ms: float
    mean_ms: float
    most_ms: float
    error: str | None = None


# ---- cluster ----


@dataclass(frozen=True, slots=True)
class BrokerSummary(Result):
    """One line for a broker; ``error`` says why it could not be asked."""

    cluster: str
    broker: str
    broker_id: int
    address: str
    version: str = ""
    in_tps: float = 0.0
    out_tps: float = 0.0
    in_today: int = 0
    out_today: int = 0
    disk_ratio: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BrokerValues(Result):
    """Counters or settings of one broker or name server, by name."""

    broker: str
    address: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class BrokerGroupStats(Result):
    """How far one group is in one queue of a broker."""

    broker: str
    group: str
    topic: str
    queue_id: int
    broker_offset: int
    consumer_offset: int
    lag: int
    last_consumed_ms: int


@dataclass(frozen=True, slots=True)
class ReplicaStatus(Result):
    """One slave as its master sees it."""

    address: str
    behind_bytes: int
    in_sync: bool
    bytes_per_second: int


@dataclass(frozen=True, slots=True)
class BrokerReplication(Result):
    """The replication of one broker (5.x)."""

    broker: str
    address: str
    is_master: bool
    max_offset: int
    in_sync_slaves: int
    slaves: list[ReplicaStatus]


@dataclass(frozen=True, slots=True)
class BrokerRoundTrips(Result):
    """How long one broker took to store messages one after another; times are in milliseconds."""

    broker: str
    address: str
    count: int
    least_ms: float
    mean_ms: float
    most_ms: float


# ---- access ----


@dataclass(frozen=True, slots=True)
class User(Result):
    """One user of auth 2.0; brokers do not give passwords away, and neither does this."""

    username: str
    user_type: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class AclRule(Result):
    """Who may do what with a resource such as ``Topic:orders``, from where; ``decision`` is Allow or Deny."""

    resource: str
    actions: list[str]
    decision: str
    source_ips: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class AclRules(Result):
    """The rules of one subject such as ``User:alice``."""

    subject: str
    rules: list[AclRule]
