"""Administration of topics on a broker."""

from __future__ import annotations

import uuid

import pytest

from pyrocketmq.model import Message, MessageQueue, Perm, TopicConfig
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.topic_data import (
    CreateTopicListRequestBody,
    TopicConfigSerializeWrapper,
    TopicStatsTable,
)
from tests.servers import Server, Wire

from .conftest import QUEUES, Differs
from .reading import read_queue, route_of


def all_topics(broker: Wire) -> dict[str, TopicConfig]:
    answer = broker.call(Requests.create_get_all_topic_config_request())
    return TopicConfigSerializeWrapper.decode(answer.body).topic_config_table


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_topic_is_created_as_asked(broker: Wire) -> None:
    name = f"topic-{uuid.uuid4().hex}"

    broker.call(Requests.create_create_topic_request(name, 3, 2, Perm.READ | Perm.WRITE))

    config = all_topics(broker)[name]
    assert (config.topic_name, config.read_queue_nums, config.write_queue_nums) == (name, 3, 2)
    assert (config.perm, config.topic_filter_type, config.order) == (6, "SINGLE_TAG", False)


@pytest.mark.unless("no-single-settings")
def test_the_settings_of_a_topic_can_be_read(broker: Wire, topic: str) -> None:
    config = TopicConfig.decode(broker.call(Requests.create_get_topic_config_request(topic)).body)

    assert (config.topic_name, config.read_queue_nums, config.write_queue_nums) == (topic, QUEUES, QUEUES)
    assert broker.ask(Requests.create_get_topic_config_request("no-such-topic")).command.code == 17


@pytest.mark.where("no-single-settings")
def test_the_settings_of_one_topic_cannot_be_read_from_older_brokers(broker: Wire, topic: str) -> None:
    assert broker.ask(Requests.create_get_topic_config_request(topic)).command.code == 3


@pytest.mark.unless("no-single-settings")
def test_topics_are_created_in_one_request(server: Server, broker: Wire, name_server: Wire) -> None:
    names = [f"topic-{uuid.uuid4().hex}" for _ in range(3)]
    body = CreateTopicListRequestBody([TopicConfig(name, 2, 2) for name in names])

    broker.call(Requests.create_create_topic_list_request(body))

    for name in names:
        assert len(route_of(server, name_server, name).publish_queues(name)) == 2


def test_queues_may_be_added_to_a_topic(server: Server, broker: Wire, topic: str) -> None:
    assert not broker.send(Message(topic, "x"), QUEUES).ok

    broker.call(Requests.create_create_topic_request(topic, QUEUES + 2, QUEUES + 2))

    assert broker.send(Message(topic, "x"), QUEUES).ok
    assert len(read_queue(server, broker, topic, QUEUES, 1)) == 1


@pytest.mark.parametrize("name", ["", "a b", "t" * 128])
def test_a_bad_name_is_refused(broker: Wire, name: str, differs: Differs) -> None:
    command = Requests.create_create_topic_request("x", 1, 1)
    command.ext_fields = (command.ext_fields or {}) | {"topic": name}

    code = broker.ask(command).command.code

    assert code == (1 if differs("bad-parameters-are-system-errors") else 29)


def test_a_topic_of_the_system_is_not_changed(broker: Wire, differs: Differs) -> None:
    answer = broker.ask(Requests.create_create_topic_request("SCHEDULE_TOPIC_XXXX", 1, 1)).command

    assert answer.code == (1 if differs("bad-parameters-are-system-errors") else 29)


def test_a_deleted_topic_is_gone_with_its_messages(server: Server, broker: Wire, topic: str) -> None:
    broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 1)

    broker.call(Requests.create_delete_topic_request(topic))

    assert topic not in all_topics(broker)
    assert broker.ask(Requests.create_pull_message_request("readers", topic, 0, 0, 1)).command.code == 17


def test_what_a_topic_holds_is_told(server: Server, broker: Wire, topic: str) -> None:
    for number in range(3):
        broker.send(Message(topic, "x"), number % 2)

    def stats() -> TopicStatsTable | None:
        found = TopicStatsTable.decode(broker.call(Requests.create_get_topic_stats_info_request(topic)).body)
        return found if sum(offset.max_offset for offset in found.offset_table.values()) == 3 else None

    table = server.until(stats, "all messages are counted").offset_table
    queues = [MessageQueue(topic, server.broker_name, number) for number in range(QUEUES)]
    assert table.keys() == set(queues)
    assert [table[queue].max_offset for queue in queues] == [2, 1, 0, 0]
    assert [table[queue].min_offset for queue in queues] == [0, 0, 0, 0]
    assert abs(server.now_ms() - table[queues[0]].last_update_timestamp) < 60_000
    assert table[queues[3]].last_update_timestamp == 0


def test_what_an_unknown_topic_holds_is_refused(broker: Wire) -> None:
    answer = broker.ask(Requests.create_get_topic_stats_info_request("no-such-topic")).command

    assert answer.code == 17
