"""Routes: which brokers hold which queues of a topic, and the lists of queues that follow from it.

All clients of a topic must derive the same lists in the same order, or ordered messages go astray.
"""

from __future__ import annotations

from typing import Final

from pyrocketmq.errors import DeserializationError
from pyrocketmq.model._declared import wire
from pyrocketmq.model.flags import Perm
from pyrocketmq.model.java_order import java_order
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.message_queue import MessageQueue

__all__ = [
    "MASTER_ID",
    "BrokerData",
    "BrokerMemberGroup",
    "ClusterInfo",
    "GetBrokerMemberGroupResponseBody",
    "QueueData",
    "RouteData",
    "TopicQueueMappingInfo",
    "TopicRouteData",
]

MASTER_ID: Final = 0
"""Broker id of a master; slaves have 1 and more."""

MAX_QUEUES_PER_BROKER: Final = 65_536
"""More queues of one topic on one broker are a broken answer; building them would only eat memory."""

# Plain numbers: the arithmetic of flag members is slow.
_WRITABLE: Final = Perm.WRITE.value
_READABLE: Final = Perm.READ.value


class QueueData(JsonBody):
    """The queues of a topic on one broker; ``perm`` is 4 read + 2 write."""

    broker_name: str
    read_queue_nums: int
    write_queue_nums: int
    perm: int
    topic_sys_flag: int = 0


class BrokerData(JsonBody):
    """The addresses of one broker set by broker id."""

    cluster: str | None = None
    broker_name: str | None = None
    broker_addrs: dict[int, str] = wire(default_factory=dict[int, str])
    enable_acting_master: bool = False
    zone_name: str | None = None

    @property
    def master_addr(self) -> str | None:
        """Address of the master; None while there is none."""
        return self.broker_addrs.get(MASTER_ID)


class TopicQueueMappingInfo(JsonBody):
    """Where the logical queues of a static topic are; only for those who support static topics."""

    topic: str | None = None
    scope: str | None = None
    total_queues: int = 0
    bname: str | None = None
    epoch: int = 0
    dirty: bool = False
    curr_id_map: dict[int, int] = wire(default_factory=dict[int, int])


class TopicRouteData(JsonBody):
    """Answer of GET_ROUTEINFO_BY_TOPIC.

    Args:
        broker_datas: addresses by broker.
        queue_datas: queues by broker.
        order_topic_conf: fixed layout of an ordered topic, as in ``broker-a:4;broker-b:2``.
        filter_server_table: historic.
        topic_queue_mapping_by_broker: static topics only.
    """

    broker_datas: list[BrokerData] = wire(default_factory=list[BrokerData])
    queue_datas: list[QueueData] = wire(default_factory=list[QueueData])
    order_topic_conf: str | None = None
    filter_server_table: dict[str, list[str]] = wire(default_factory=dict[str, list[str]])
    topic_queue_mapping_by_broker: dict[str, TopicQueueMappingInfo] | None = None

    def publish_queues(self, topic: str) -> list[MessageQueue]:
        """The queues to send to, in the order every client uses.

        An ordered topic has exactly the brokers and counts of its layout; else all queues with the right to
        write whose broker has a master, sorted by broker name.

        Raises:
            DeserializationError: the layout or a count is unusable.
        """
        if self.order_topic_conf:
            counts = _parse_layout(self.order_topic_conf)
        else:
            with_master = {
                broker.broker_name for broker in self.broker_datas if broker.master_addr is not None
            }
            counts = [
                (data.broker_name, data.write_queue_nums)
                for data in sorted(self.queue_datas, key=_by_broker_name)
                if data.perm & _WRITABLE and data.broker_name in with_master
            ]
        return _queues(topic, counts)

    def subscribe_queues(self, topic: str) -> list[MessageQueue]:
        """The queues to consume from, sorted: all with the right to read, slaves without a master too.

        Raises:
            DeserializationError: a count is unusable.
        """
        counts = [
            (data.broker_name, data.read_queue_nums)
            for data in sorted(self.queue_datas, key=_by_broker_name)
            if data.perm & _READABLE
        ]
        return _queues(topic, counts)


RouteData = TopicRouteData


def _by_broker_name(data: QueueData) -> bytes:
    return java_order(data.broker_name)


def _parse_layout(text: str) -> list[tuple[str, int]]:
    layout: list[tuple[str, int]] = []
    for entry in text.split(";"):
        name, _, count = entry.partition(":")
        if not (count.isascii() and count.isdigit() and len(count) <= 5):
            raise DeserializationError(
                f"orderTopicConf {text[:200]!r} has the entry {entry[:80]!r}, wanted <broker>:<queues>",
                field="orderTopicConf",
                advice="Correct the key of this topic in the name server's namespace ORDER_TOPIC_CONFIG.",
            )
        layout.append((name, int(count)))
    return layout


def _queues(topic: str, counts: list[tuple[str, int]]) -> list[MessageQueue]:
    queues: list[MessageQueue] = []
    for broker_name, count in counts:
        if count > MAX_QUEUES_PER_BROKER:
            raise DeserializationError(
                f"the route of topic {topic!r} has {count:,} queues on broker {broker_name!r},"
                f" the limit is {MAX_QUEUES_PER_BROKER:,}",
                field="queueDatas",
                advice="Set fewer queues for this topic on the broker, or ask a name server that works.",
            )
        queues.extend([MessageQueue(topic, broker_name, queue_id) for queue_id in range(count)])
    return queues


class ClusterInfo(JsonBody):
    """Answer of GET_BROKER_CLUSTER_INFO; its addresses always have integer keys without quotes."""

    broker_addr_table: dict[str, BrokerData] = wire(default_factory=dict[str, BrokerData])
    cluster_addr_table: dict[str, list[str]] = wire(default_factory=dict[str, list[str]])


class BrokerMemberGroup(JsonBody):
    """The members of one broker set."""

    cluster: str | None = None
    broker_name: str | None = None
    broker_addrs: dict[int, str] = wire(default_factory=dict[int, str])


class GetBrokerMemberGroupResponseBody(JsonBody):
    """Answer of GET_BROKER_MEMBER_GROUP."""

    broker_member_group: BrokerMemberGroup | None = None
