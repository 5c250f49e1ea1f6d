"""Queues that follow from a route, and routes that are not usable."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import DeserializationError
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.route import (
    MAX_QUEUES_PER_BROKER,
    BrokerData,
    ClusterInfo,
    QueueData,
    RouteData,
    TopicRouteData,
)

MASTER = BrokerData("c", "b1", {0: "10.0.0.1:10911", 1: "10.0.0.2:10911"})
SLAVE = BrokerData("c", "b2", {1: "10.0.0.3:10911"})


def queues(route: TopicRouteData) -> list[tuple[str, int]]:
    return [(queue.broker_name, queue.queue_id) for queue in route.publish_queues("T")]


def test_a_broker_without_a_master_takes_no_messages_but_gives_them() -> None:
    route = TopicRouteData([MASTER, SLAVE], [QueueData("b2", 2, 2, 6), QueueData("b1", 1, 2, 6)])
    assert route.publish_queues("T") == [MessageQueue("T", "b1", 0), MessageQueue("T", "b1", 1)]
    assert [str(queue) for queue in route.subscribe_queues("T")] == [
        "MessageQueue [topic=T, brokerName=b1, queueId=0]",
        "MessageQueue [topic=T, brokerName=b2, queueId=0]",
        "MessageQueue [topic=T, brokerName=b2, queueId=1]",
    ]


def test_a_queue_of_an_unknown_broker_takes_no_messages() -> None:
    assert queues(TopicRouteData([MASTER], [QueueData("b9", 4, 4, 6)])) == []


def test_rights_are_looked_at() -> None:
    data = [QueueData("b1", 1, 1, 4)]
    assert queues(TopicRouteData([MASTER], data)) == []
    assert TopicRouteData([MASTER], [QueueData("b1", 1, 1, 2)]).subscribe_queues("T") == []


def test_brokers_are_sorted_as_java_sorts_text() -> None:
    names = ["\ufb01", "\U0001f600"]
    brokers = [BrokerData("c", name, {0: "10.0.0.1:10911"}) for name in names]
    route = TopicRouteData(brokers, [QueueData(name, 1, 1, 6) for name in names])
    assert queues(route) == [("\U0001f600", 0), ("\ufb01", 0)]


def test_a_fixed_layout_decides_alone() -> None:
    route = TopicRouteData([], [], "b2:1;b1:2")
    assert queues(route) == [("b2", 0), ("b1", 0), ("b1", 1)]


@pytest.mark.parametrize("layout", ["b1", "b1:", "b1:x", "b1:-1", "b1:1;", "b1:\u0661", "b1:" + "9" * 400])
def test_a_broken_layout_is_refused(layout: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        TopicRouteData(order_topic_conf=layout).publish_queues("T")
    assert caught.value.field == "orderTopicConf"


def test_an_absurd_number_of_queues_is_refused_before_they_are_made() -> None:
    count = MAX_QUEUES_PER_BROKER + 1
    with pytest.raises(DeserializationError, match=r"65,537 queues on broker 'b1'"):
        TopicRouteData([MASTER], [QueueData("b1", count, count, 6)]).publish_queues("T")
    with pytest.raises(DeserializationError):
        TopicRouteData(order_topic_conf=f"b1:{count}").publish_queues("T")


def test_a_negative_number_of_queues_is_none() -> None:
    assert queues(TopicRouteData([MASTER], [QueueData("b1", -1, -1, 6)])) == []


def test_the_master_is_the_broker_with_id_0() -> None:
    assert MASTER.master_addr == "10.0.0.1:10911"
    assert SLAVE.master_addr is None


def test_a_queue_without_a_count_is_refused() -> None:
    with pytest.raises(DeserializationError, match=r"queueDatas\[0\].writeQueueNums is missing"):
        RouteData.decode('{"queueDatas":[{"brokerName":"b","readQueueNums":1,"perm":6}]}')


def test_a_cluster_is_read_with_integer_keys() -> None:
    info = ClusterInfo.decode('{"brokerAddrTable":{"b":{"brokerAddrs":{0:"a:1"},"brokerName":"b"}}}')
    assert info.broker_addr_table["b"].master_addr == "a:1"


def test_a_broker_id_that_is_no_number_is_refused() -> None:
    with pytest.raises(DeserializationError, match=r"brokerAddrs\['x'\] must be an integer"):
        BrokerData.decode('{"brokerAddrs":{"x":"a:1"}}')
