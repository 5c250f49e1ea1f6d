"""The name-server clients do on a server what they say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyrocketmq.errors import RouteNotFoundError, RpcTimeoutError
from pyrocketmq.nameserver import NameServers, SyncNameServerClient
from tests.servers import Server

from .clients import new_name, split
from .conftest import QUEUES


@pytest.fixture
def client(server: Server) -> Iterator[SyncNameServerClient]:
    with SyncNameServerClient(*split(server.name_server)) as made:
        yield made


def test_a_route_leads_to_the_broker(server: Server, client: SyncNameServerClient, topic: str) -> None:
    def find() -> object:
        try:
            return client.get_route_info(topic)
        except RouteNotFoundError:
            return None  # the broker registers a new topic a moment later

    server.until(find, "the topic has a route")
    route = client.get_route_info(topic)

    assert [data.master_addr for data in route.broker_datas] == [server.broker]
    assert len(route.publish_queues(topic)) == QUEUES
    with pytest.raises(RouteNotFoundError):
        client.get_route_info(new_name("topic"))


def test_clusters_and_their_topics_are_told(server: Server, client: SyncNameServerClient, topic: str) -> None:
    server.until(lambda: topic in client.get_all_topic_list().topic_list, "the topic is registered")
    info = client.get_broker_cluster_info()

    assert info.cluster_addr_table == {server.cluster: [server.broker_name]}
    assert info.broker_addr_table[server.broker_name].broker_addrs == {0: server.broker}
    assert topic in client.get_topics_by_cluster(server.cluster).topic_list
    assert client.get_topics_by_cluster("no-such-cluster").topic_list == []
    assert {server.cluster, server.broker_name} <= set(client.get_system_topic_list().topic_list)


def test_no_topic_belongs_to_a_unit(client: SyncNameServerClient, topic: str) -> None:
    for found in (
        client.get_unit_topic_list(),
        client.get_unit_sub_topic_list(),
        client.get_unit_sub_ununit_topic_list(),
    ):
        assert topic not in found.topic_list


def test_settings_are_stored_by_namespace(client: SyncNameServerClient) -> None:
    namespace = new_name("namespace")
    assert client.get_kv_config(namespace, "a") is None
    assert client.get_kv_list(namespace) == {}

    client.put_kv_config(namespace, "a", "1")
    client.put_kv_config(namespace, "b", "x=y;z")
    assert client.get_kv_config(namespace, "a") == "1"
    assert client.get_kv_list(namespace) == {"a": "1", "b": "x=y;z"}
    client.delete_kv_config(namespace, "a")
    client.delete_kv_config(namespace, "a")
    assert client.get_kv_list(namespace) == {"b": "x=y;z"}


def test_the_right_to_write_is_taken_and_given_back(
    server: Server, client: SyncNameServerClient, topic: str
) -> None:
    server.until(lambda: topic in client.get_all_topic_list().topic_list, "the topic is registered")

    assert client.wipe_write_perm(server.broker_name) > 0
    assert client.get_route_info(topic).publish_queues(topic) == []
    assert client.add_write_perm(server.broker_name) > 0
    assert len(client.get_route_info(topic).publish_queues(topic)) == QUEUES
    assert client.wipe_write_perm("no-such-broker") == 0


def test_the_settings_of_the_name_server_are_read_and_changed(client: SyncNameServerClient) -> None:
    assert client.get_config()["orderMessageEnable"] in ("true", "false")

    before = client.get_config()["orderMessageEnable"]
    client.update_config({"orderMessageEnable": "true"})
    assert client.get_config()["orderMessageEnable"] == "true"
    client.update_config({"orderMessageEnable": before})


@pytest.mark.unless("name-server-ignores-unknown-requests")
def test_the_members_of_a_broker_are_told(server: Server, client: SyncNameServerClient) -> None:
    group = client.get_broker_member_group(server.cluster, server.broker_name)

    assert group is not None
    assert group.broker_addrs == {0: server.broker}


@pytest.mark.where("name-server-ignores-unknown-requests")
def test_a_question_that_an_old_name_server_does_not_know_ends_with_its_time_out(
    server: Server, client: SyncNameServerClient
) -> None:
    with pytest.raises(RpcTimeoutError):
        client.get_broker_member_group(server.cluster, server.broker_name, timeout=0.3)


async def test_the_next_name_server_is_asked_when_one_is_gone(server: Server) -> None:
    gone = "127.0.0.1:1"
    for given in (f"{gone};{server.name_server}", f"{server.name_server};{gone}"):
        async with NameServers(given) as name_servers:
            for _ in range(3):
                assert (await name_servers.get_broker_cluster_info()).cluster_addr_table
