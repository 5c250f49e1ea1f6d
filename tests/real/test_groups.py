"""Heartbeats, members and locks on a real broker, and what servers tell about themselves."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import SubscriptionParseError
from pyrocketmq.model import (
    ClusterInfo,
    ConsumerConnection,
    ConsumerData,
    HeartbeatData,
    KVTable,
    Message,
    MessageQueue,
    ProducerConnection,
    ProducerData,
    RemotingCommand,
    SubscriptionData,
    TopicConfig,
    TopicList,
    TopicRouteData,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.client_data import CheckClientRequestBody, GetConsumerListByGroupResponseBody
from pyrocketmq.model.result_data import LockBatchResponseBody
from pyrocketmq.model.topic_data import ConsumeStats, TopicStatsTable
from pyrocketmq.server.filters import compile_sql

from .conftest import QUEUES, Cluster
from .polling import until
from .wire import Wire


def test_the_name_server_knows_the_cluster(cluster: Cluster, name_server: Wire) -> None:
    info = ClusterInfo.decode(name_server.call(Requests.create_get_broker_cluster_info_request()).body)

    assert info.cluster_addr_table == {"DefaultCluster": [cluster.broker_name]}
    data = info.broker_addr_table[cluster.broker_name]
    assert data.broker_addrs == {0: cluster.broker}
    assert data.cluster == "DefaultCluster"


def test_a_new_topic_reaches_the_name_server_with_its_queues(
    cluster: Cluster, name_server: Wire, topic: str
) -> None:
    def route() -> TopicRouteData | None:
        answer = name_server.ask(Requests.create_get_route_info_request(topic)).command
        return TopicRouteData.decode(answer.body) if answer.code == 0 else None

    found = until(route, "the topic is registered")

    queues = [MessageQueue(topic, cluster.broker_name, number) for number in range(QUEUES)]
    assert found.publish_queues(topic) == queues
    assert found.subscribe_queues(topic) == queues
    assert found.broker_datas[0].master_addr == cluster.broker
    topics = TopicList.decode(name_server.call(Requests.create_get_all_topic_list_request()).body)
    assert topic in topics.topic_list


def test_a_topic_without_a_route_has_a_code_of_its_own(name_server: Wire) -> None:
    answer = name_server.ask(Requests.create_get_route_info_request("no-such-topic")).command

    assert answer.code == 17
    assert "no-such-topic" in (answer.remark or "")


def test_a_standard_json_route_is_the_same_route(cluster: Cluster, name_server: Wire, topic: str) -> None:
    del topic
    old, new = (
        TopicRouteData.decode(
            name_server.call(
                Requests.create_get_route_info_request("TBW102", accept_standard_json_only=standard)
            ).body
        )
        for standard in (None, True)
    )

    assert old == new
    assert new.broker_datas[0].broker_addrs == {0: cluster.broker}


def test_a_heartbeat_makes_a_consumer_known_until_it_is_taken_away(
    broker: Wire, topic: str, group: str
) -> None:
    data = HeartbeatData(
        client_id="127.0.0.1@77",
        consumer_data_set=[
            ConsumerData(group, subscription_data_set=[SubscriptionData.build(topic, "new || paid")])
        ],
    )
    broker.call(Requests.create_heartbeat_request(data))

    members = GetConsumerListByGroupResponseBody.decode(
        broker.call(Requests.create_get_consumer_list_request(group)).body
    )
    connections = ConsumerConnection.decode(
        broker.call(Requests.create_get_consumer_connection_list_request(group)).body
    )
    broker.call(Requests.create_unregister_client_request("127.0.0.1@77", consumer_group=group))
    gone = broker.ask(Requests.create_get_consumer_list_request(group)).command

    assert members.consumer_id_list == ["127.0.0.1@77"]
    assert [connection.client_id for connection in connections.connection_set] == ["127.0.0.1@77"]
    assert connections.consume_type == "CONSUME_PASSIVELY"
    subscription = connections.subscription_table[topic]
    assert (subscription.sub_string, set(subscription.tags_set)) == ("new || paid", {"new", "paid"})
    assert set(subscription.code_set) == set(SubscriptionData.build(topic, "new || paid").code_set)
    assert gone.code != 0


def test_a_second_member_is_announced_to_the_first(
    cluster: Cluster, broker: Wire, topic: str, group: str
) -> None:
    def join(wire: Wire, client_id: str) -> None:
        consumer = ConsumerData(group, subscription_data_set=[SubscriptionData.build(topic)])
        wire.call(Requests.create_heartbeat_request(HeartbeatData(client_id, consumer_data_set=[consumer])))

    join(broker, "first")
    broker.pushed.clear()
    with Wire(cluster.broker, broker.codec) as other:
        join(other, "second")

        def notices() -> list[RemotingCommand]:
            # What the server pushed is read on the way to an answer.
            broker.call(Requests.create_get_consumer_list_request(group))
            return broker.pushed

        until(notices, "the first member is told")

    (notice, *_) = broker.pushed
    assert notice.code == 40
    assert notice.is_oneway
    assert (notice.ext_fields or {})["consumerGroup"] == group


def test_a_heartbeat_makes_a_producer_known(broker: Wire, group: str) -> None:
    data = HeartbeatData(client_id="127.0.0.1@78", producer_data_set=[ProducerData(group)])
    broker.call(Requests.create_heartbeat_request(data))

    answer = broker.call(Requests.create_get_producer_connection_list_request(group))

    (connection,) = ProducerConnection.decode(answer.body).connection_set
    assert connection.client_id == "127.0.0.1@78"
    assert connection.language == "PYTHON"
    broker.call(Requests.create_unregister_client_request("127.0.0.1@78", producer_group=group))


def test_queues_are_locked_for_one_client_at_a_time(
    cluster: Cluster, broker: Wire, topic: str, group: str
) -> None:
    queues = [MessageQueue(topic, cluster.broker_name, number) for number in (0, 1)]

    def lock(client_id: str) -> list[MessageQueue]:
        answer = broker.call(Requests.create_lock_batch_mq_request(group, client_id, queues))
        return sorted(LockBatchResponseBody.decode(answer.body).lock_ok_mq_set)

    assert lock("first") == queues
    assert lock("second") == []
    broker.call(Requests.create_unlock_batch_mq_request(group, "first", queues))
    assert lock("second") == queues


@pytest.mark.parametrize(
    "condition", ["a = 1", "a BETWEEN 3 AND 1", "a ! b", "a = NULL", "a > 'x'", "a IN (1)"]
)
def test_the_broker_refuses_the_conditions_that_we_refuse(
    broker: Wire, topic: str, group: str, condition: str
) -> None:
    subscription = SubscriptionData.build(topic, condition, "SQL92")
    body = CheckClientRequestBody("127.0.0.1@79", group, subscription)

    answer = broker.ask(Requests.create_check_client_config_request(body)).command

    try:
        compile_sql(condition)
    except SubscriptionParseError:
        assert answer.code == 23
    else:
        assert answer.code == 0


def test_statistics_of_topics_and_groups_can_be_read(
    cluster: Cluster, broker: Wire, topic: str, group: str
) -> None:
    for number in range(3):
        broker.send(Message(topic, "x"), number % 2)
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))  # creates the group
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    def stats() -> TopicStatsTable | None:
        found = TopicStatsTable.decode(broker.call(Requests.create_get_topic_stats_info_request(topic)).body)
        return found if sum(offset.max_offset for offset in found.offset_table.values()) == 3 else None

    table = until(stats, "all messages are counted").offset_table
    assert table.keys() == {MessageQueue(topic, cluster.broker_name, number) for number in range(QUEUES)}
    assert table[MessageQueue(topic, cluster.broker_name, 0)].max_offset == 2
    progress = ConsumeStats.decode(
        broker.call(Requests.create_get_consume_stats_request(group, topic)).body
    ).offset_table
    first = progress[MessageQueue(topic, cluster.broker_name, 0)]
    assert (first.broker_offset, first.consumer_offset) == (2, 1)


def runtime_info(broker: Wire) -> RemotingCommand:
    """A 4.9.7 broker answers code 1 until its statistics have a first sample, a second after its start."""

    def ask() -> RemotingCommand | None:
        answer = broker.ask(Requests.create_get_broker_runtime_info_request()).command
        return answer if answer.code == 0 else None

    return until(ask, "the broker has statistics")


def test_a_broker_tells_its_version_and_settings(cluster: Cluster, broker: Wire) -> None:
    facts = KVTable.decode(runtime_info(broker).body).table
    config = broker.call(Requests.create_get_broker_config_request())

    assert facts["brokerVersionDesc"] == "V" + cluster.version.replace(".", "_")
    assert f"brokerName={cluster.broker_name}" in (config.body or b"").decode().splitlines()


def test_the_settings_of_a_topic_can_be_read(cluster: Cluster, broker: Wire, topic: str) -> None:
    answer = broker.ask(Requests.create_get_topic_config_request(topic)).command

    if cluster.is_5:
        config = TopicConfig.decode(answer.body)
        assert (config.topic_name, config.read_queue_nums, config.write_queue_nums) == (topic, QUEUES, QUEUES)
    else:
        assert answer.code in (0, 3)


def test_an_unknown_request_is_answered_with_code_3(broker: Wire) -> None:
    command = Requests.create_get_broker_runtime_info_request()
    command.code = 29_999

    answer = broker.ask(command).command

    assert answer.code == 3
    assert "29999" in (answer.remark or "")


def test_the_broker_answers_with_its_language_and_version(broker: Wire) -> None:
    answer = runtime_info(broker)

    assert (answer.language, answer.is_response, answer.is_oneway) == (0, True, False)
    assert answer.version > 300
