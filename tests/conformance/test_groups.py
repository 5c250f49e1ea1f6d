"""Administration of consumer groups on a broker, and what it tells about their progress."""

from __future__ import annotations

import pytest

from pyrocketmq.model import Message, MessageQueue, SubscriptionData, TopicList
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.group_data import SubscriptionGroupConfig, SubscriptionGroupWrapper
from pyrocketmq.model.topic_data import (
    ConsumeStats,
    QueryConsumeTimeSpanBody,
    QuerySubscriptionResponseBody,
)
from tests.servers import Server, Wire

from .conftest import QUEUES, Differs
from .reading import join, offset, read_queue


def all_groups(broker: Wire) -> dict[str, SubscriptionGroupConfig]:
    answer = broker.call(Requests.create_get_all_subscription_group_request())
    return SubscriptionGroupWrapper.decode(answer.body).subscription_group_table


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_group_is_created_as_asked(broker: Wire, group: str) -> None:
    settings = SubscriptionGroupConfig(
        group, retry_max_times=3, retry_queue_nums=2, consume_message_orderly=False
    )

    broker.call(Requests.create_create_subscription_group_request(settings))

    found = all_groups(broker)[group]
    assert (found.group_name, found.retry_max_times, found.retry_queue_nums) == (group, 3, 2)
    assert (found.consume_enable, found.consume_broadcast_enable) == (True, True)


def test_what_is_left_out_of_a_group_takes_its_default(broker: Wire, group: str) -> None:
    broker.call(Requests.create_create_subscription_group_request(f'{{"groupName":"{group}"}}'.encode()))

    found = all_groups(broker)[group]
    assert (found.retry_max_times, found.retry_queue_nums, found.consume_enable) == (16, 1, True)
    assert found.notify_consumer_ids_changed_enable


def test_a_group_is_made_by_its_first_pull_and_heart_beat(broker: Wire, topic: str, group: str) -> None:
    assert group not in all_groups(broker)

    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))
    join(broker, "member", f"{group}-2", SubscriptionData.build(topic))

    assert {group, f"{group}-2"} <= all_groups(broker).keys()


@pytest.mark.unless("no-single-settings")
def test_the_settings_of_a_group_can_be_read(broker: Wire, group: str) -> None:
    broker.call(
        Requests.create_create_subscription_group_request(SubscriptionGroupConfig(group, retry_max_times=5))
    )

    answer = broker.call(Requests.create_get_subscription_group_config_request(group))

    assert SubscriptionGroupConfig.decode(answer.body).retry_max_times == 5


def test_a_group_is_deleted(broker: Wire, topic: str, group: str, differs: Differs) -> None:
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))

    broker.call(Requests.create_delete_subscription_group_request(group))

    assert (group in all_groups(broker)) == differs("deleted-groups-come-back")


def test_a_group_is_deleted_with_its_offsets(
    server: Server, broker: Wire, topic: str, group: str, differs: Differs
) -> None:
    broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 1)
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 5))

    broker.call(Requests.create_delete_subscription_group_request(group, clean_offset=True))

    assert group not in all_groups(broker)
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))
    left = offset(broker, Requests.create_query_consumer_offset_request(group, topic, 0))
    assert left == (5 if differs("offsets-of-deleted-groups-stay") else 0)


def test_the_progress_of_a_group_is_told(server: Server, broker: Wire, topic: str, group: str) -> None:
    for _ in range(3):
        broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 3)
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    answer = broker.call(Requests.create_get_consume_stats_request(group, topic))

    table = ConsumeStats.decode(answer.body).offset_table
    queues = [MessageQueue(topic, server.broker_name, number) for number in range(QUEUES)]
    assert table.keys() == set(queues)
    assert (table[queues[0]].broker_offset, table[queues[0]].consumer_offset) == (3, 1)
    assert table[queues[0]].last_timestamp > 0
    assert table[queues[1]].broker_offset == 0


def test_the_progress_in_every_topic_is_told(server: Server, broker: Wire, topic: str, group: str) -> None:
    broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 1)
    join(broker, "member", group, SubscriptionData.build(topic))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    answer = broker.call(Requests.create_get_consume_stats_request(group))

    topics = {queue.topic for queue in ConsumeStats.decode(answer.body).offset_table}
    assert topic in topics


@pytest.mark.unless("no-single-settings")
def test_the_topics_of_a_group_are_told(broker: Wire, topic: str, group: str) -> None:
    join(broker, "member", group, SubscriptionData.build(topic))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    answer = broker.call(Requests.create_query_topics_by_consumer_request(group))

    assert topic in TopicList.decode(answer.body).topic_list


@pytest.mark.unless("no-single-settings")
def test_the_subscription_of_a_group_is_told(broker: Wire, topic: str, group: str) -> None:
    join(broker, "member", group, SubscriptionData.build(topic, "new"))

    answer = broker.call(Requests.create_query_subscription_by_consumer_request(group, topic))

    found = QuerySubscriptionResponseBody.decode(answer.body)
    assert (found.group, found.topic) == (group, topic)
    assert found.subscription_data is not None
    assert found.subscription_data.sub_string == "new"


def test_the_times_of_what_a_group_consumes_are_told(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    broker.send(Message(topic, "x"))
    (message,) = read_queue(server, broker, topic, 0, 1)
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    answer = broker.call(Requests.create_query_consume_time_span_request(group, topic))

    spans = QueryConsumeTimeSpanBody.decode(answer.body).consume_time_span_set
    (first,) = [span for span in spans if span.message_queue == MessageQueue(topic, server.broker_name, 0)]
    assert (first.min_time_stamp, first.max_time_stamp) == (message.store_timestamp, message.store_timestamp)
    assert first.consume_time_stamp == message.store_timestamp
