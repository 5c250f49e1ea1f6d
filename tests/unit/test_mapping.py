"""TopicBrokerMapping: what counts when name servers give good answers, worse ones and none."""

from __future__ import annotations

import sys
import threading

import pytest

from pyrocketmq.client.mapping import ROUTE_EXPIRY_S, TopicBrokerMapping
from pyrocketmq.client.selectors import MessageHashSelector, RandomSelector
from pyrocketmq.errors import DeserializationError
from pyrocketmq.model import Message
from pyrocketmq.model.route import BrokerData, QueueData, TopicRouteData


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def route(
    brokers: dict[str, int],
    *,
    perm: int = 6,
    layout: str | None = None,
    port: int = 10911,
    reads: int | None = None,
) -> TopicRouteData:
    """A route with so many queues on each broker."""
    return TopicRouteData(
        [BrokerData("c", name, {0: f"{name}:{port}"}) for name in brokers],
        [QueueData(name, count if reads is None else reads, count, perm) for name, count in brokers.items()],
        layout,
    )


def queues(mapping: TopicBrokerMapping, topic: str = "shop") -> list[tuple[str, int]]:
    found = mapping.publish_route(topic)
    return [] if found is None else [(queue.broker_name, queue.queue_id) for queue, _ in found.pairs]


def test_queues_come_in_the_order_of_all_clients_with_their_brokers() -> None:
    mapping = TopicBrokerMapping()
    found = mapping.update("shop", route({"b": 1, "a": 2}))

    assert [("a", 0), ("a", 1), ("b", 0)] == queues(mapping)
    assert found is not None
    assert ["a:10911", "a:10911", "b:10911"] == [broker.master_addr for _, broker in found.pairs]
    assert ("a", "b") == found.brokers
    assert not found.is_fallback


def test_an_unknown_topic_has_no_route() -> None:
    mapping = TopicBrokerMapping()

    assert mapping.publish_route("shop") is None
    assert mapping.cached("shop") is None
    assert mapping.select_queue("shop", Message("shop", b"x")) is None


def test_an_answer_that_changes_nothing_keeps_the_object_and_makes_it_fresh() -> None:
    clock = Clock()
    mapping = TopicBrokerMapping(clock=clock)
    first = mapping.update("shop", route({"a": 2}))
    clock.now += ROUTE_EXPIRY_S
    assert ["shop"] == mapping.stale_topics()

    assert first is mapping.update("shop", route({"a": 2}))
    assert [] == mapping.stale_topics()


def test_an_old_route_is_used_until_there_is_a_newer_one() -> None:
    clock = Clock()
    mapping = TopicBrokerMapping(clock=clock)
    mapping.update("shop", route({"a": 2}))
    clock.now += 3600

    assert mapping.select_queue("shop", Message("shop", b"x")) is not None


@pytest.mark.parametrize(
    "worse",
    [
        TopicRouteData(),
        route({"a": 2}, perm=4),
        TopicRouteData([BrokerData("c", "a", {1: "slave:10911"})], [QueueData("a", 2, 2, 6)]),
    ],
    ids=["empty", "not writable", "no master"],
)
def test_a_route_without_a_queue_to_send_to_changes_nothing(worse: TopicRouteData) -> None:
    mapping = TopicBrokerMapping()
    assert mapping.update("shop", worse) is None
    assert 0 == len(mapping)
    first = mapping.update("shop", route({"a": 2}))

    assert first is mapping.update("shop", worse)
    assert [("a", 0), ("a", 1)] == queues(mapping)


def test_a_broker_that_is_gone_or_new_counts_at_once() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 1, "b": 1}))

    fewer = mapping.update("shop", route({"b": 1}))
    assert [("b", 0)] == queues(mapping)
    more = mapping.update("shop", route({"b": 1, "c": 1}))
    assert [("b", 0), ("c", 0)] == queues(mapping)
    assert fewer is not None
    assert more is not None
    assert (2, 3) == (fewer.version, more.version)


def test_another_address_of_a_broker_counts_at_once() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 1}))
    found = mapping.update("shop", route({"a": 1}, port=20911))

    assert found is not None
    assert "a:20911" == found.pairs[0][1].master_addr


def test_the_template_gives_queues_until_the_topic_is_there() -> None:
    mapping = TopicBrokerMapping()
    found = mapping.update("new", route({"b": 8, "a": 8}), template_queues=4)

    assert found is not None
    assert found.is_fallback
    assert [("a", n) for n in range(4)] + [("b", n) for n in range(4)] == queues(mapping, "new")

    real = mapping.update("new", route({"a": 2}))
    assert real is not None
    assert not real.is_fallback
    assert [("a", 0), ("a", 1)] == queues(mapping, "new")


def test_the_template_gives_no_more_queues_than_it_can_be_read_from() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("new", route({"a": 8}, reads=2), template_queues=4)

    assert [("a", 0), ("a", 1)] == queues(mapping, "new")


def test_the_template_never_replaces_the_topics_own_route() -> None:
    mapping = TopicBrokerMapping()
    real = mapping.update("shop", route({"a": 2}))

    assert real is mapping.update("shop", route({"b": 8}), template_queues=4)
    assert mapping.route_data("shop") is not None


def test_an_ordered_topic_keeps_its_layout_while_a_broker_is_away() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 8, "b": 8}, layout="b:2;a:1"))
    assert [("b", 0), ("b", 1), ("a", 0)] == queues(mapping)

    away = mapping.update("shop", route({"a": 8}, layout="b:2;a:1"))
    assert [("b", 0), ("b", 1), ("a", 0)] == queues(mapping)
    assert away is not None
    assert "b:10911" == away.pairs[0][1].master_addr  # where it was last


def test_a_broker_of_the_layout_that_was_never_there_has_no_address() -> None:
    mapping = TopicBrokerMapping()
    found = mapping.update("shop", route({"a": 8}, layout="a:1;ghost:1"))

    assert found is not None
    assert found.pairs[1][1].master_addr is None


def test_an_answer_that_cannot_be_used_changes_nothing() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 1}))

    with pytest.raises(DeserializationError):
        mapping.update("shop", route({"a": 1}, layout="a:many"))
    assert [("a", 0)] == queues(mapping)


def test_topics_that_nobody_asks_for_are_dropped_in_two_steps() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("used", route({"a": 1}))
    mapping.update("unused", route({"a": 1}))
    mapping.age()

    assert mapping.cached("used") is None
    assert mapping.publish_route("used") is not None
    assert mapping.cached("used") is not None
    assert ["used"] == mapping.topics()
    mapping.age()
    assert mapping.publish_route("used") is not None
    assert mapping.publish_route("unused") is None
    assert mapping.route_data("unused") is None
    assert 1 == len(mapping)


def test_an_answer_about_an_unused_topic_does_not_make_it_used() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 1}))
    mapping.age()
    mapping.update("shop", route({"a": 2}))

    assert [] == mapping.topics()
    assert [("a", 0), ("a", 1)] == queues(mapping)


def test_a_selector_of_the_call_counts_more_than_that_of_the_mapping() -> None:
    mapping = TopicBrokerMapping(MessageHashSelector())
    mapping.update("shop", route({"a": 4}))
    message = Message("shop", b"x", keys="order-1")
    chosen = mapping.select_queue("shop", message)

    assert chosen == mapping.select_queue("shop", message)
    picked = {mapping.select_queue("shop", message, RandomSelector()) is None for _ in range(10)}
    assert {False} == picked
    assert 4 == len(
        {
            mapping.publish_route("shop").pairs.index(  # type: ignore[union-attr]
                mapping.select_queue("shop", message, RandomSelector())
            )
            for _ in range(200)
        }
    )  # type: ignore[arg-type]


def test_topics_and_brokers_are_found_by_each_other() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 1, "b": 1}))
    mapping.update("bank", route({"b": 1}))

    assert ["shop"] == mapping.topics_of("a")
    assert ["shop", "bank"] == mapping.topics_of("b")
    assert {"a", "b"} == mapping.broker_names()
    mapping.remove("shop")
    assert {"b"} == mapping.broker_names()
    mapping.clear()
    assert 0 == len(mapping)


def test_threads_may_read_while_routes_change() -> None:
    mapping = TopicBrokerMapping()
    mapping.update("shop", route({"a": 4}))
    message = Message("shop", b"x")
    missing: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if mapping.select_queue("shop", message) is None:
                missing.append(1)

    threads = [threading.Thread(target=read) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)  # they take turns often
    try:
        for thread in threads:
            thread.start()
        for turn in range(100):
            mapping.update("shop", route({"a": 1 + turn % 4}))
            if turn % 25 == 0:
                mapping.publish_route("shop")  # the readers may not have had a turn since the last time
                mapping.age()
    finally:
        sys.setswitchinterval(interval)
        done.set()
        for thread in threads:
            thread.join(10)

    assert [] == missing
