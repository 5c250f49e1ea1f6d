"""What a name server keeps: settings by key, brokers that must not be sent to, deleted routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pyrocketmq.model.result_data import KVTable
from pyrocketmq.model.route import GetBrokerMemberGroupResponseBody, TopicRouteData
from pyrocketmq.model.topic_data import TopicList
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client


@pytest_asyncio.fixture
async def name_server(server: EmbeddedServer) -> AsyncIterator[Client]:
    """A client of the name server of `server`."""
    async with Client(server.addr) as made:
        yield made


async def perm_of(name_server: Client, topic: str) -> int:
    route = TopicRouteData.decode((await name_server.ask(105, {"topic": topic})).body)
    return route.queue_datas[0].perm


async def test_settings_by_namespace_and_key(name_server: Client) -> None:
    where = {"namespace": "n", "key": "k"}
    missed = await name_server.ask(101, where)
    no_namespace = await name_server.ask(219, {"namespace": "n"})
    await name_server.ask(100, {**where, "value": "v"})
    found = await name_server.ask(101, where)
    listed = KVTable.decode((await name_server.ask(219, {"namespace": "n"})).body).table
    deleted = [(await name_server.ask(102, where)).code for _ in range(2)]

    assert (22, "No config item, Namespace: n Key: k") == (missed.code, missed.remark)
    assert (22, "No config item, Namespace: n") == (no_namespace.code, no_namespace.remark)
    assert {"value": "v"} == found.ext_fields
    assert {"k": "v"} == listed
    assert [0, 0] == deleted
    assert {} == KVTable.decode((await name_server.ask(219, {"namespace": "n"})).body).table


async def test_what_is_put_into_the_name_server_outlives_a_restart(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server, Client(server.addr) as client:
        await client.ask(100, {"namespace": "n", "key": "k", "value": "v"})
        await client.ask(318, body=b"orderMessageEnable=false\n")
    async with EmbeddedServer(config) as server, Client(server.addr) as client:
        assert {"value": "v"} == (await client.ask(101, {"namespace": "n", "key": "k"})).ext_fields
        assert b"orderMessageEnable=false" in ((await client.ask(319)).body or b"")


async def test_a_broker_that_must_not_be_sent_to_has_no_write_permission_in_routes(
    server: EmbeddedServer, name_server: Client
) -> None:
    topics = str(len(server.brokers[0].topics.all()))
    perms = [await perm_of(name_server, "TBW102")]
    wiped = await name_server.ask(205, {"brokerName": "broker-a"})
    perms.append(await perm_of(name_server, "TBW102"))
    added = await name_server.ask(327, {"brokerName": "broker-a"})
    perms.append(await perm_of(name_server, "TBW102"))
    nobody = await name_server.ask(205, {"brokerName": "broker-x"})

    assert [7, 5, 7] == perms
    assert {"wipeTopicCount": topics} == wiped.ext_fields
    assert {"addTopicCount": topics} == added.ext_fields
    assert {"wipeTopicCount": "0"} == nobody.ext_fields


async def test_a_deleted_route_comes_back_when_the_topic_changes(
    server: EmbeddedServer, name_server: Client
) -> None:
    topics = server.brokers[0].topics
    topics.ensure("orders", 1)
    answers = [await name_server.ask(216, {"topic": topic}) for topic in ("orders", "nowhere")]
    gone = await name_server.ask(105, {"topic": "orders"})
    listed = TopicList.decode((await name_server.ask(206)).body).topic_list
    topics.delete("orders")
    topics.ensure("orders", 1)

    assert [0, 0] == [answer.code for answer in answers]
    assert 17 == gone.code
    assert "orders" not in listed
    assert 6 == await perm_of(name_server, "orders")


async def test_the_layout_of_an_ordered_topic_is_told_until_that_is_disabled(name_server: Client) -> None:
    await name_server.ask(100, {"namespace": "ORDER_TOPIC_CONFIG", "key": "TBW102", "value": "broker-a:4"})
    before = TopicRouteData.decode((await name_server.ask(105, {"topic": "TBW102"})).body)
    await name_server.ask(318, body=b"orderMessageEnable=false\n")
    after = TopicRouteData.decode((await name_server.ask(105, {"topic": "TBW102"})).body)

    assert "broker-a:4" == before.order_topic_conf
    assert after.order_topic_conf is None


@pytest.mark.parametrize("body", [b"orderMessageEnable=maybe\n", b"listenPort=1\n"])
async def test_settings_that_cannot_be_changed_are_refused(name_server: Client, body: bytes) -> None:
    answer = await name_server.ask(318, body=body)

    assert 29 == answer.code
    assert "cannot be set on the embedded name server" in (answer.remark or "")


async def test_topics_are_listed_by_cluster_and_system(server: EmbeddedServer, name_server: Client) -> None:
    async def topics(code: int, **fields: str) -> list[str]:
        return TopicList.decode((await name_server.ask(code, fields)).body).topic_list

    assert {topic.name for topic in server.brokers[0].topics.all()} == set(
        await topics(224, cluster="DefaultCluster")
    )
    assert [] == await topics(224, cluster="elsewhere")
    assert {"DefaultCluster", "broker-a"} == set(await topics(304))
    assert [[], [], []] == [await topics(code) for code in (311, 312, 313)]


async def test_the_members_of_a_broker_set_are_told(server: EmbeddedServer, name_server: Client) -> None:
    async def addresses(name: str) -> dict[int, str]:
        answer = await name_server.ask(901, {"clusterName": "DefaultCluster", "brokerName": name})
        group = GetBrokerMemberGroupResponseBody.decode(answer.body).broker_member_group
        assert group is not None
        return group.broker_addrs

    assert {0: server.brokers[0].address} == await addresses("broker-a")
    assert {} == await addresses("broker-x")
