"""The operations of one name server: what is asked, what comes out of an answer, what a refusal says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyrocketmq.errors import NameServerError, RouteNotFoundError, RpcTimeoutError
from pyrocketmq.model import RequestCode, ResponseCode
from pyrocketmq.nameserver import NameServerClient

from .scripted import Scripted, reply, scripted

ROUTE = (
    b'{"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911"},"brokerName":"a","cluster":"c",'
    b'"enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"a","perm":6,'
    b'"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}'
)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


@pytest_asyncio.fixture
async def client(server: Scripted) -> AsyncIterator[NameServerClient]:
    async with NameServerClient("127.0.0.1", server.port) as made:
        yield made


async def test_a_route_has_its_brokers_and_queues(server: Scripted, client: NameServerClient) -> None:
    server.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, reply(body=ROUTE))

    route = await client.get_route_info("orders")

    assert {"topic": "orders", "acceptStandardJsonOnly": "true"} == server.fields
    assert {0: "10.0.0.1:10911"} == route.broker_datas[0].broker_addrs
    assert 4 == len(route.publish_queues("orders"))


async def test_a_topic_without_route_is_an_error_of_its_own(
    server: Scripted, client: NameServerClient
) -> None:
    refusal = reply(ResponseCode.TOPIC_NOT_EXIST, remark="No topic route info in name server")
    server.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, refusal)

    with pytest.raises(RouteNotFoundError) as caught:
        await client.get_route_info("orders")

    error = caught.value
    assert ("orders", server.address, "TOPIC_NOT_EXIST", 17) == (
        error.topic,
        error.address,
        error.code_name,
        error.response_code,
    )
    assert "No topic route info in name server" in str(error)
    assert "[R101]" in str(error)


async def test_cluster_info_with_bare_integer_keys_is_read(
    server: Scripted, client: NameServerClient
) -> None:
    body = (
        b'{"brokerAddrTable":{"a":{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"a",'
        b'"cluster":"c"}},"clusterAddrTable":{"c":["a"]}}'
    )
    server.answer(RequestCode.GET_BROKER_CLUSTER_INFO, reply(body=body))

    info = await client.get_broker_cluster_info()

    assert {"c": ["a"]} == info.cluster_addr_table
    assert "10.0.0.2:10911" == info.broker_addr_table["a"].broker_addrs[1]


async def test_topic_lists_of_every_kind_are_read(server: Scripted, client: NameServerClient) -> None:
    for code in (206, 224, 304, 311, 312, 313):
        body = f'{{"topicList":["t{code}"]}}'
        server.answer(RequestCode(code), reply(body=body))

    lists = [
        await client.get_all_topic_list(),
        await client.get_topics_by_cluster("c"),
        await client.get_system_topic_list(),
        await client.get_unit_topic_list(),
        await client.get_unit_sub_topic_list(),
        await client.get_unit_sub_ununit_topic_list(),
    ]

    expected = [["t206"], ["t224"], ["t304"], ["t311"], ["t312"], ["t313"]]
    assert expected == [found.topic_list for found in lists]


async def test_an_absent_setting_is_none_and_a_stored_one_its_text(
    server: Scripted, client: NameServerClient
) -> None:
    server.answer(RequestCode.GET_KV_CONFIG, reply(ResponseCode.QUERY_NOT_FOUND, remark="no such key"))
    server.answer(RequestCode.GET_KVLIST_BY_NAMESPACE, reply(ResponseCode.QUERY_NOT_FOUND))
    assert await client.get_kv_config("n", "k") is None
    assert {} == await client.get_kv_list("n")

    server.answer(RequestCode.GET_KV_CONFIG, reply(value="v"))
    server.answer(RequestCode.GET_KVLIST_BY_NAMESPACE, reply(body='{"table":{"k":"v"}}'))
    assert "v" == await client.get_kv_config("n", "k")
    assert {"k": "v"} == await client.get_kv_list("n")


async def test_changes_are_sent_with_all_their_fields(server: Scripted, client: NameServerClient) -> None:
    for code in (100, 102, 216, 318):
        server.answer(RequestCode(code), reply())
    server.answer(RequestCode.WIPE_WRITE_PERM_OF_BROKER, reply(wipeTopicCount="12"))
    server.answer(RequestCode.ADD_WRITE_PERM_OF_BROKER, reply(addTopicCount="11"))

    await client.put_kv_config("n", "k", "v")
    assert {"namespace": "n", "key": "k", "value": "v"} == server.fields
    await client.delete_kv_config("n", "k")
    assert {"namespace": "n", "key": "k"} == server.fields
    await client.delete_topic("orders", cluster_name="c")
    assert {"topic": "orders", "clusterName": "c"} == server.fields
    assert 12 == await client.wipe_write_perm("a")
    assert 11 == await client.add_write_perm("a")
    assert {"brokerName": "a"} == server.fields
    await client.update_config({"orderMessageEnable": "true"})
    assert b"orderMessageEnable=true\n" == server.last.body


async def test_the_settings_of_the_server_are_read_line_by_line(
    server: Scripted, client: NameServerClient
) -> None:
    server.answer(RequestCode.GET_NAMESRV_CONFIG, reply(body="a=1\nb=x=y\n\nno setting\n"))

    assert {"a": "1", "b": "x=y"} == await client.get_config()


async def test_a_busy_server_may_be_asked_again_and_an_old_one_may_not(
    server: Scripted, client: NameServerClient
) -> None:
    server.answer(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, reply(ResponseCode.SYSTEM_BUSY))

    with pytest.raises(NameServerError) as busy:
        await client.get_all_topic_list()
    with pytest.raises(NameServerError) as unknown:
        await client.get_config()

    assert busy.value.retryable
    assert not unknown.value.retryable
    assert "REQUEST_CODE_NOT_SUPPORTED" == unknown.value.code_name


async def test_a_request_that_an_old_server_ignores_ends_with_its_time_out(
    server: Scripted, client: NameServerClient
) -> None:
    server.answer(RequestCode.GET_BROKER_MEMBER_GROUP, lambda _: None)

    with pytest.raises(RpcTimeoutError):
        await client.get_broker_member_group("c", "a", timeout=0.02)


async def test_the_members_of_a_broker_are_read(server: Scripted, client: NameServerClient) -> None:
    body = b'{"brokerMemberGroup":{"brokerAddrs":{0:"10.0.0.1:10911"},"brokerName":"a","cluster":"c"}}'
    server.answer(RequestCode.GET_BROKER_MEMBER_GROUP, reply(body=body))

    group = await client.get_broker_member_group("c", "a")

    assert group is not None
    assert {0: "10.0.0.1:10911"} == group.broker_addrs
