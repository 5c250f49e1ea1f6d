"""What the name server tells: routes, the cluster, lists of topics; and its keys and values."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from pyrocketmq.model import (
    ClusterInfo,
    KVTable,
    MessageQueue,
    Perm,
    RemotingCommand,
    RequestCode,
    TopicList,
    TopicRouteData,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Server, Wire

from .conftest import QUEUES
from .reading import fields, route_of


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_the_cluster_is_told(server: Server, name_server: Wire) -> None:
    info = ClusterInfo.decode(name_server.call(Requests.create_get_broker_cluster_info_request()).body)

    assert info.cluster_addr_table == {server.cluster: [server.broker_name]}
    data = info.broker_addr_table[server.broker_name]
    assert data.broker_addrs == {0: server.broker}
    assert (data.cluster, data.broker_name) == (server.cluster, server.broker_name)


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_new_topic_reaches_the_name_server_with_its_queues(
    server: Server, name_server: Wire, topic: str
) -> None:
    found = route_of(server, name_server, topic)

    queues = [MessageQueue(topic, server.broker_name, number) for number in range(QUEUES)]
    assert found.publish_queues(topic) == queues
    assert found.subscribe_queues(topic) == queues
    assert found.broker_datas[0].master_addr == server.broker
    topics = TopicList.decode(name_server.call(Requests.create_get_all_topic_list_request()).body)
    assert topic in topics.topic_list


def test_a_changed_topic_has_a_changed_route(
    server: Server, broker: Wire, name_server: Wire, topic: str
) -> None:
    broker.call(Requests.create_create_topic_request(topic, 6, 2, Perm.READ))

    def changed() -> bool:
        (queues,) = route_of(server, name_server, topic).queue_datas
        return (queues.read_queue_nums, queues.write_queue_nums, queues.perm) == (6, 2, 4)

    assert server.until(changed, "the route is changed")


def test_a_topic_without_a_route_has_a_code_of_its_own(name_server: Wire) -> None:
    answer = name_server.ask(Requests.create_get_route_info_request("no-such-topic")).command

    assert answer.code == 17
    assert (answer.remark or "").startswith("No topic route info in name server for the topic: no-such-topic")


def test_the_template_topic_has_a_route(server: Server, name_server: Wire) -> None:
    (queues,) = route_of(server, name_server, "TBW102").queue_datas

    # Giving a broker its write permission back (327) leaves 6 until it registers again.
    assert (queues.read_queue_nums, queues.write_queue_nums, queues.perm | 1) == (8, 8, 7)


def test_a_standard_json_route_is_the_same_route(server: Server, name_server: Wire) -> None:
    old, new = (
        TopicRouteData.decode(
            name_server.call(
                Requests.create_get_route_info_request("TBW102", accept_standard_json_only=standard)
            ).body
        )
        for standard in (None, True)
    )

    assert old == new
    assert new.broker_datas[0].broker_addrs == {0: server.broker}


@pytest.mark.parametrize(("version", "quoted"), [(400, False), (401, True), (513, True)])
def test_the_keys_of_a_route_are_quoted_for_newer_clients(
    server: Server, name_server: Wire, version: int, quoted: bool
) -> None:
    command = Requests.create_get_route_info_request("TBW102")
    command.version = version

    body = (name_server.call(command).body or b"").decode()

    key = '"0"' if quoted else "0"
    assert f'{{{key}:"{server.broker}"}}' in body  # compact: the Go client keeps a blank in the address


def test_the_topics_of_a_cluster_are_listed(server: Server, name_server: Wire, topic: str) -> None:
    route_of(server, name_server, topic)

    answer = name_server.call(Requests.create_get_topics_by_cluster_request(server.cluster))

    assert topic in TopicList.decode(answer.body).topic_list


def test_the_topics_of_the_system_are_listed(server: Server, name_server: Wire) -> None:
    answer = name_server.call(Requests.create_get_system_topic_list_request())

    assert {server.cluster, server.broker_name} <= set(TopicList.decode(answer.body).topic_list)


def test_a_topic_can_be_taken_away(server: Server, broker: Wire, name_server: Wire, topic: str) -> None:
    route_of(server, name_server, topic)

    broker.call(Requests.create_delete_topic_request(topic))
    name_server.call(Requests.create_delete_topic_in_namesrv_request(topic))

    assert name_server.ask(Requests.create_get_route_info_request(topic)).command.code == 17
    assert broker.ask(Requests.create_pull_message_request("readers", topic, 0, 0, 1)).command.code == 17


def test_keys_and_values_are_kept(name_server: Wire) -> None:
    space = f"space-{uuid.uuid4().hex}"
    name_server.call(Requests.create_put_kv_config_request(space, "a", "1"))
    name_server.call(Requests.create_put_kv_config_request(space, "b", "2;3"))

    value = fields(name_server.call(Requests.create_get_kv_config_request(space, "b")))["value"]
    table = KVTable.decode(
        name_server.call(Requests.create_get_kvlist_by_namespace_request(space)).body
    ).table
    name_server.call(Requests.create_delete_kv_config_request(space, "a"))
    gone = name_server.ask(Requests.create_get_kv_config_request(space, "a")).command
    nowhere = name_server.ask(Requests.create_get_kvlist_by_namespace_request("no-space")).command

    assert value == "2;3"
    assert table == {"a": "1", "b": "2;3"}
    assert gone.code == 22
    assert nowhere.code == 22


def test_the_layout_of_an_ordered_topic_comes_with_its_route(
    server: Server, name_server: Wire, topic: str
) -> None:
    layout = f"{server.broker_name}:2"
    setting = RemotingCommand(RequestCode.UPDATE_NAMESRV_CONFIG, body="orderMessageEnable=true\n")
    name_server.call(setting)
    name_server.call(Requests.create_put_kv_config_request("ORDER_TOPIC_CONFIG", topic, layout))

    found = route_of(server, name_server, topic)

    assert found.order_topic_conf == layout
    assert len(found.publish_queues(topic)) == 2


@pytest.fixture
def writable_again(server: Server, name_server: Wire) -> Iterator[None]:
    """The broker's topics can be written after the test, for those that follow."""
    yield
    name_server.call(Requests.create_add_write_perm_of_broker_request(server.broker_name))


@pytest.mark.usefixtures("writable_again")
def test_the_right_to_write_is_taken_from_a_broker_and_given_back(
    server: Server, name_server: Wire, topic: str
) -> None:
    route_of(server, name_server, topic)

    wiped = name_server.call(Requests.create_wipe_write_perm_of_broker_request(server.broker_name))
    during = route_of(server, name_server, topic).queue_datas[0].perm
    added = name_server.call(Requests.create_add_write_perm_of_broker_request(server.broker_name))
    after = route_of(server, name_server, topic).queue_datas[0].perm

    assert int(fields(wiped)["wipeTopicCount"]) > 0
    assert int(fields(added)["addTopicCount"]) > 0
    assert (during, after) == (Perm.READ, Perm.READ | Perm.WRITE)


@pytest.mark.unless("name-server-ignores-unknown-requests")
def test_an_unknown_request_is_answered_with_code_3(name_server: Wire) -> None:
    command = Requests.create_get_broker_cluster_info_request()
    command.code = 29_999

    assert name_server.ask(command).command.code == 3


@pytest.mark.where("name-server-ignores-unknown-requests")
def test_an_unknown_request_is_not_answered(name_server: Wire) -> None:
    command = Requests.create_get_broker_cluster_info_request()
    command.code = 29_999
    opaque = name_server.hold(command)

    name_server.call(Requests.create_get_broker_cluster_info_request())

    assert name_server.arrived(opaque) is None
