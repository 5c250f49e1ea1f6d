"""Administration of a cluster of scripted servers: who is asked, what is put together, what fails in part."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
import pytest_asyncio

from pyrocketmq._native.ids import encode_offset_message_id
from pyrocketmq._native.record import encode_message
from pyrocketmq.admin import AdminClient
from pyrocketmq.admin.results import AclRule, MessageView
from pyrocketmq.errors import (
    AdminError,
    BrokerBusyError,
    ClientOfflineError,
    ConfigurationError,
    GroupNotFoundError,
    NotFoundError,
    TopicNotFoundError,
)
from pyrocketmq.model import RemotingCommand, RequestCode, ResponseCode
from pyrocketmq.model.auth_data import AclInfo
from pyrocketmq.model.trace import TraceBean, TraceContext, encode_trace

from .scripted import Scripted, reply, scripted


class Cluster(NamedTuple):
    """A name server, and two brokers in clusters of their own, the first with a slave."""

    name_server: Scripted
    a: Scripted
    b: Scripted
    slave: Scripted

    def on_brokers(self, code: RequestCode, answer: RemotingCommand) -> None:
        for broker in (self.a, self.b):
            broker.answer(code, answer)


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        made = Cluster(*[await stack.enter_async_context(scripted()) for _ in range(4)])
        brokers = {
            "broker-a": {"cluster": "one", "brokerName": "broker-a", "brokerAddrs": {"0": made.a.address}},
            "broker-b": {"cluster": "two", "brokerName": "broker-b", "brokerAddrs": {"0": made.b.address}},
        }
        brokers["broker-a"]["brokerAddrs"]["1"] = made.slave.address  # type: ignore[index]
        info = {
            "brokerAddrTable": brokers,
            "clusterAddrTable": {"one": ["broker-a"], "two": ["broker-b"]},
        }
        queues = [
            {"brokerName": name, "readQueueNums": 2, "writeQueueNums": 2, "perm": 6} for name in brokers
        ]
        route = {"brokerDatas": list(brokers.values()), "queueDatas": queues}
        made.name_server.answer(RequestCode.GET_BROKER_CLUSTER_INFO, reply(body=json.dumps(info)))
        made.name_server.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, reply(body=json.dumps(route)))
        yield made


@pytest_asyncio.fixture
async def admin(cluster: Cluster) -> AsyncIterator[AdminClient]:
    async with AdminClient(cluster.name_server.address, timeout=2.0) as made:
        yield made


def queue_key(broker: str) -> str:
    return json.dumps({"brokerName": broker, "queueId": 1, "topic": "orders"})


def queue_table(broker: str, **numbers: int) -> str:
    """The form of tables whose keys are queues."""
    return f'{{"offsetTable":{{{queue_key(broker)}:{json.dumps(numbers)}}}}}'


# ---- which servers ----


async def test_without_a_choice_all_masters_are_asked_and_no_slave(
    cluster: Cluster, admin: AdminClient
) -> None:
    cluster.on_brokers(RequestCode.UPDATE_AND_CREATE_TOPIC, reply())

    assert ["broker-a", "broker-b"] == await admin.create_topic("orders", queues=4)
    assert {"topic": "orders", "readQueueNums": "4", "perm": "6"}.items() <= cluster.b.fields.items()
    assert [] == cluster.slave.requests


@pytest.mark.parametrize("choice", [{"cluster": "two"}, {"broker": "broker-b"}])
async def test_a_cluster_or_a_broker_by_name_is_a_choice(
    cluster: Cluster, admin: AdminClient, choice: dict[str, str]
) -> None:
    cluster.on_brokers(RequestCode.UPDATE_AND_CREATE_TOPIC, reply())

    assert ["broker-b"] == await admin.create_topic("orders", **choice)  # type: ignore[arg-type]
    assert [] == cluster.a.requests


async def test_an_address_is_a_choice_too_also_one_of_a_slave(cluster: Cluster, admin: AdminClient) -> None:
    cluster.slave.answer(RequestCode.GET_BROKER_CONFIG, reply(body="brokerId=1\n"))

    (found,) = await admin.broker_config(broker=cluster.slave.address)

    assert ("broker-a", {"brokerId": "1"}) == (found.broker, found.values)


@pytest.mark.parametrize(
    ("choice", "known"), [({"cluster": "zwei"}, "one, two"), ({"broker": "c"}, "broker-a, broker-b")]
)
async def test_a_wrong_choice_is_answered_with_what_there_is(
    admin: AdminClient, choice: dict[str, str], known: str
) -> None:
    with pytest.raises(AdminError, match=known):
        await admin.broker_config(**choice)


async def test_settings_are_not_changed_everywhere_by_omission(admin: AdminClient) -> None:
    with pytest.raises(ConfigurationError):
        await admin.update_broker_config({"a": "b"})


# ---- failing in part ----


async def test_what_fails_on_some_brokers_says_where_it_was_done(
    cluster: Cluster, admin: AdminClient
) -> None:
    cluster.a.answer(RequestCode.UPDATE_AND_CREATE_TOPIC, reply())
    cluster.b.answer(
        RequestCode.UPDATE_AND_CREATE_TOPIC, reply(ResponseCode.SYSTEM_BUSY, remark="[OVERLOAD]")
    )

    with pytest.raises(AdminError) as caught:
        await admin.create_topic("orders")

    error = caught.value
    assert (cluster.a.address,) == error.done
    assert isinstance(error.failures[cluster.b.address], BrokerBusyError)
    assert error.retryable
    assert f"1 of 2 brokers failed, done on {cluster.a.address}" in str(error)
    assert "[OVERLOAD]" in str(error)


async def test_with_one_broker_its_own_error_is_raised(cluster: Cluster, admin: AdminClient) -> None:
    cluster.b.answer(RequestCode.UPDATE_AND_CREATE_TOPIC, reply(ResponseCode.SYSTEM_BUSY))

    with pytest.raises(BrokerBusyError):
        await admin.create_topic("orders", broker="broker-b")


async def test_the_list_of_brokers_shows_a_broker_that_is_down(cluster: Cluster, admin: AdminClient) -> None:
    table = {"brokerVersionDesc": "V5_5_0", "putTps": "12.5 11.0 10.0", "getTransferedTps": "  "}
    table |= {"msgPutTotalTodayNow": "30", "msgPutTotalTodayMorning": "10", "commitLogDiskRatio_/x": "0.25"}
    cluster.on_brokers(RequestCode.GET_BROKER_RUNTIME_INFO, reply(body=json.dumps({"table": table})))

    master, slave, other = await admin.cluster_list()

    assert ("one", "broker-a", 0, "V5_5_0", 12.5, 0.0, 20, 0.25) == (
        master.cluster,
        master.broker,
        master.broker_id,
        master.version,
        master.in_tps,
        master.out_tps,
        master.in_today,
        master.disk_ratio,
    )
    assert (None, "two") == (other.error, other.cluster)
    assert slave.broker_id == 1
    assert "REQUEST_CODE_NOT_SUPPORTED" in (slave.error or "")


# ---- topics ----


async def test_an_ordered_topic_gets_its_layout_on_the_name_servers(
    cluster: Cluster, admin: AdminClient
) -> None:
    cluster.on_brokers(RequestCode.UPDATE_AND_CREATE_TOPIC, reply())
    cluster.name_server.answer(RequestCode.PUT_KV_CONFIG, reply())

    await admin.create_topic("orders", queues=4, order=True, attributes={"message.type": "FIFO"})

    assert ("true", "+message.type=FIFO") == (cluster.a.fields["order"], cluster.a.fields["attributes"])
    assert {"namespace": "ORDER_TOPIC_CONFIG", "key": "orders", "value": "broker-a:4;broker-b:4"} == (
        cluster.name_server.fields
    )


async def test_deleting_a_topic_ends_with_its_route(cluster: Cluster, admin: AdminClient) -> None:
    cluster.on_brokers(RequestCode.DELETE_TOPIC_IN_BROKER, reply())
    cluster.name_server.answer(RequestCode.DELETE_TOPIC_IN_NAMESRV, reply())
    cluster.name_server.answer(RequestCode.GET_KV_CONFIG, reply(value="broker-a:4"))
    cluster.name_server.answer(RequestCode.DELETE_KV_CONFIG, reply())

    await admin.delete_topic("orders")

    assert [215] == cluster.a.codes == cluster.b.codes
    assert [216, 101, 102] == cluster.name_server.codes[-3:]


async def test_a_change_of_perm_keeps_the_other_settings(cluster: Cluster, admin: AdminClient) -> None:
    config = (
        '{"topicName":"orders","readQueueNums":3,"writeQueueNums":5,"perm":6,"order":true,"topicSysFlag":1}'
    )
    cluster.a.answer(RequestCode.GET_TOPIC_CONFIG, reply(body=config))
    cluster.a.answer(RequestCode.UPDATE_AND_CREATE_TOPIC, reply())
    cluster.b.answer(RequestCode.GET_TOPIC_CONFIG, reply(ResponseCode.TOPIC_NOT_EXIST))

    assert ["broker-a"] == await admin.update_topic_perm("orders", 4)
    assert ("3", "5", "4", "true", "1") == tuple(
        cluster.a.fields[name]
        for name in ("readQueueNums", "writeQueueNums", "perm", "order", "topicSysFlag")
    )
    with pytest.raises(TopicNotFoundError):
        await admin.update_topic_perm("orders", 4, broker="broker-b")


async def test_an_old_broker_is_asked_for_all_settings_to_find_one(
    cluster: Cluster, admin: AdminClient
) -> None:
    table = (
        '{"topicConfigTable":{"orders":{"topicName":"orders","readQueueNums":3,"writeQueueNums":3,"perm":6}}}'
    )
    cluster.a.answer(RequestCode.GET_ALL_TOPIC_CONFIG, reply(body=table))
    cluster.b.answer(RequestCode.GET_ALL_TOPIC_CONFIG, reply(body='{"topicConfigTable":{}}'))

    (found,) = await admin.topic_settings("orders")

    assert ("broker-a", 3) == (found.broker, found.read_queues)


async def test_the_list_of_topics_has_those_of_users(cluster: Cluster, admin: AdminClient) -> None:
    names = [
        "orders",
        "%RETRY%g",
        "%DLQ%g",
        "TBW102",
        "broker-a",
        "one",
        "one_REPLY_TOPIC",
        "CHECKPOINT_TOPIC",
    ]
    cluster.name_server.answer(
        RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, reply(body=json.dumps({"topicList": names}))
    )
    own = reply(body='{"topicList":["CHECKPOINT_TOPIC"]}')
    cluster.a.answer(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER, own)

    assert ["orders"] == await admin.list_topics()
    assert sorted(names) == await admin.list_topics(internal=True)
    with pytest.raises(AdminError):
        await admin.list_topics(cluster="three")


async def test_the_status_of_a_topic_is_put_together_from_all_brokers(
    cluster: Cluster, admin: AdminClient
) -> None:
    for name, broker, last in (("broker-b", cluster.b, 7), ("broker-a", cluster.a, 5)):
        body = queue_table(name, minOffset=2, maxOffset=last, lastUpdateTimestamp=9)
        broker.answer(RequestCode.GET_TOPIC_STATS_INFO, reply(body=body))

    status = await admin.topic_status("orders")

    assert [("broker-a", 3), ("broker-b", 5)] == [(queue.broker, queue.messages) for queue in status.queues]
    assert 8 == status.messages
    assert 7 == status.to_dict()["queues"][1]["max_offset"]


# ---- groups ----


async def test_progress_adds_up_the_lag_of_all_queues(cluster: Cluster, admin: AdminClient) -> None:
    for name, broker, consumed in (("broker-a", cluster.a, 4), ("broker-b", cluster.b, -1)):
        body = queue_table(name, brokerOffset=10, consumerOffset=consumed, lastTimestamp=8)
        broker.answer(RequestCode.GET_CONSUME_STATS, reply(body=body))

    progress = await admin.group_progress("billing", "orders")

    assert [("broker-a", 6), ("broker-b", 10)] == [(queue.broker, queue.lag) for queue in progress.queues]
    assert 16 == progress.lag
    assert {"consumerGroup": "billing", "topic": "orders"} == cluster.a.fields


async def test_progress_of_a_group_that_nobody_knows_is_an_error(
    cluster: Cluster, admin: AdminClient
) -> None:
    cluster.on_brokers(RequestCode.GET_CONSUME_STATS, reply(body='{"offsetTable":{}}'))

    with pytest.raises(GroupNotFoundError, match="billing"):
        await admin.group_progress("billing")


async def test_a_member_that_is_connected_to_every_broker_is_shown_once(
    cluster: Cluster, admin: AdminClient
) -> None:
    body = {
        "connectionSet": [{"clientId": "c1", "clientAddr": "10.0.0.9:1", "language": "JAVA", "version": 453}],
        "subscriptionTable": {"orders": {"topic": "orders", "subString": "a || b"}},
        "consumeType": "CONSUME_PASSIVELY",
        "messageModel": "CLUSTERING",
    }
    cluster.on_brokers(RequestCode.GET_CONSUMER_CONNECTION_LIST, reply(body=json.dumps(body)))

    found = await admin.group_connections("billing")

    assert ["c1"] == [client.client_id for client in found.clients]
    assert ["a || b"] == [subscription.expression for subscription in found.subscriptions]


async def test_a_group_that_is_online_nowhere_is_an_error_of_its_own(
    cluster: Cluster, admin: AdminClient
) -> None:
    cluster.on_brokers(RequestCode.GET_CONSUMER_CONNECTION_LIST, reply(ResponseCode.CONSUMER_NOT_ONLINE))

    with pytest.raises(ClientOfflineError, match="billing"):
        await admin.group_connections("billing")
    with pytest.raises(ClientOfflineError, match="billing"):
        await admin.group_status("billing")


async def test_a_reset_is_left_to_the_broker_where_it_does_it(cluster: Cluster, admin: AdminClient) -> None:
    for name, broker in (("broker-a", cluster.a), ("broker-b", cluster.b)):
        body = f'{{"offsetTable":{{{queue_key(name)}:7}}}}'
        broker.answer(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, reply(body=body))
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    offsets = await admin.reset_offset("billing", "orders", moment)

    assert [("broker-a", 1, 7), ("broker-b", 1, 7)] == [(o.broker, o.queue_id, o.offset) for o in offsets]
    assert str(round(moment.timestamp() * 1000)) == cluster.a.fields["timestamp"]


@pytest.mark.parametrize(
    ("code", "remark"),
    [(1, "THe consumer group <billing> not exist"), (206, "Consumer not online, so can not reset")],
)
async def test_an_old_broker_without_members_of_the_group_is_reset_from_here(
    cluster: Cluster, admin: AdminClient, code: int, remark: str
) -> None:
    for name, broker in (("broker-a", cluster.a), ("broker-b", cluster.b)):
        broker.answer(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, reply(code, remark=remark))
        body = queue_table(
            name, minOffset=0, maxOffset=9, lastUpdateTimestamp=100 if broker is cluster.a else 5
        )
        broker.answer(RequestCode.GET_TOPIC_STATS_INFO, reply(body=body))
        broker.answer(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, reply(offset="4"))
        broker.answer(RequestCode.UPDATE_CONSUMER_OFFSET, reply())

    offsets = await admin.reset_offset("billing", "orders", 50)

    # The last message of broker-b is older than the time: its search would name that one, not the end.
    assert [("broker-a", 4), ("broker-b", 9)] == [(o.broker, o.offset) for o in offsets]
    assert "4" == cluster.a.fields["commitOffset"]


async def test_a_reset_of_an_unknown_group_is_refused(cluster: Cluster, admin: AdminClient) -> None:
    refusal = reply(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark="Group billing does not exist")
    cluster.on_brokers(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, refusal)

    with pytest.raises(AdminError) as caught:
        await admin.reset_offset("billing", "orders", 50)

    assert all(isinstance(error, GroupNotFoundError) for error in caught.value.failures.values())


async def test_an_offset_that_a_queue_does_not_have_is_refused(cluster: Cluster, admin: AdminClient) -> None:
    cluster.a.answer(RequestCode.GET_MIN_OFFSET, reply(offset="3"))
    cluster.a.answer(RequestCode.GET_MAX_OFFSET, reply(offset="9"))

    with pytest.raises(AdminError, match="3 to 9"):
        await admin.reset_queue_offset("billing", "orders", "broker-a", 1, 10)


# ---- messages ----


def stored(offset: int, at_ms: int, **properties: str) -> bytes:
    return encode_message(
        "orders", b"body", queue_offset=offset, store_timestamp=at_ms, properties=properties
    )


async def test_an_id_is_looked_up_on_the_broker_that_it_names(cluster: Cluster, admin: AdminClient) -> None:
    cluster.b.answer(RequestCode.VIEW_MESSAGE_BY_ID, reply(body=stored(3, 5)))
    msg_id = encode_offset_message_id("127.0.0.1", cluster.b.port, 42)

    message = await admin.message_by_id(msg_id)

    assert ("broker-b", 3, b"body") == (message.broker, message.queue_offset, message.body)
    assert "42" == cluster.b.fields["offset"]


async def test_the_id_of_a_sender_needs_the_topic(cluster: Cluster, admin: AdminClient) -> None:
    unique = "7F0000010000000000000000000000AB"
    cluster.a.answer(RequestCode.QUERY_MESSAGE, reply(body=stored(3, 5, UNIQ_KEY=unique)))
    cluster.b.answer(RequestCode.QUERY_MESSAGE, reply(ResponseCode.QUERY_NOT_FOUND))

    with pytest.raises(AdminError, match="give the topic"):
        await admin.message_by_id(unique)
    assert 3 == (await admin.message_by_id(unique, topic="orders")).queue_offset
    cluster.a.answer(RequestCode.QUERY_MESSAGE, reply(ResponseCode.QUERY_NOT_FOUND))
    with pytest.raises(NotFoundError):
        await admin.message_by_id(unique, topic="orders")


async def test_found_messages_come_in_the_order_of_their_times(cluster: Cluster, admin: AdminClient) -> None:
    cluster.a.answer(RequestCode.QUERY_MESSAGE, reply(body=stored(1, 30, KEYS="k") + stored(0, 10, KEYS="k")))
    cluster.b.answer(RequestCode.QUERY_MESSAGE, reply(body=stored(2, 20, KEYS="k")))

    found = await admin.messages_by_key("orders", "k", begin=5)

    assert [10, 20, 30] == [message.stored_ms for message in found]
    assert "5" == cluster.a.fields["beginTimestamp"]


async def test_reading_stops_at_the_end_of_the_time_and_at_the_end_of_the_queue(
    cluster: Cluster, admin: AdminClient
) -> None:
    def pull(request: RemotingCommand) -> RemotingCommand:
        offset = int((request.ext_fields or {})["queueOffset"])
        where = {"suggestWhichBrokerId": "0", "minOffset": "0", "maxOffset": "4"}
        if offset >= 4:
            return reply(ResponseCode.PULL_NOT_FOUND, fields=where, nextBeginOffset=str(offset))
        body = stored(offset, offset * 10) + stored(offset + 1, offset * 10 + 10)
        return reply(body=body, fields=where, nextBeginOffset=str(offset + 2))

    cluster.a.answer(RequestCode.GET_MIN_OFFSET, reply(offset="0"))
    cluster.a.answer(RequestCode.PULL_MESSAGE, pull)

    async def read(end: int | None, max_num: int = 64) -> list[int]:
        found = await admin.read_messages("orders", broker="broker-a", queue_id=0, end=end, max_num=max_num)
        return [message.queue_offset for message in found]

    assert [0, 1, 2, 3] == await read(None)
    assert [0, 1, 2] == await read(20)
    assert [0] == await read(None, 1)


async def test_the_trace_of_a_message_has_its_send_and_its_deliveries(
    cluster: Cluster, admin: AdminClient
) -> None:
    sent = TraceContext("Pub", [TraceBean("orders", "U1", keys="k")], 10, "", "senders", 3)
    got = TraceContext("SubBefore", [TraceBean(msg_id="U1")], 20, "", "billing", request_id="R")
    done = TraceContext("SubAfter", [TraceBean(msg_id="U1")], 30, group_name="billing", request_id="R")
    other = TraceContext("Pub", [TraceBean("orders", "U2")], 5, "", "senders")
    bodies = [
        encode_trace(sent)[0] + encode_trace(other)[0],
        encode_trace(got)[0] + encode_trace(done)[0],
        "?",
    ]
    body = b"".join(
        encode_message("RMQ_SYS_TRACE_TOPIC", text, queue_offset=at, properties={"KEYS": "U1"})
        for at, text in enumerate(bodies)
    )
    cluster.a.answer(RequestCode.QUERY_MESSAGE, reply(body=body))
    cluster.b.answer(RequestCode.QUERY_MESSAGE, reply(ResponseCode.QUERY_NOT_FOUND))

    records = await admin.message_trace("U1")

    assert [("Pub", "senders"), ("SubBefore", "billing"), ("SubAfter", "billing")] == [
        (record.kind, record.group) for record in records
    ]


async def test_a_body_that_is_no_text_is_printed_as_base64() -> None:
    view = MessageView("t", "m", "o", "b", 0, 0, 0, None, None, b"\xff", {}, 0, "h:1", 0, "h:2", 0, 0, 0)

    assert {"base64": "/w=="} == view.to_dict()["body"]
    assert "m" == json.loads(json.dumps(view.to_dict()))["msg_id"]


# ---- access ----


async def test_rules_go_to_every_member_of_a_cluster(cluster: Cluster, admin: AdminClient) -> None:
    for broker in (cluster.a, cluster.slave):
        broker.answer(RequestCode.AUTH_CREATE_ACL, reply())

    await admin.create_acl("User:alice", [AclRule("Topic:x", ["Pub"], "Allow", ["10.0.0.1"])], cluster="one")

    sent = AclInfo.decode(cluster.slave.last.body)
    assert ("User:alice", "Topic:x", ["Pub"]) == (
        sent.subject,
        sent.policies[0].entries[0].resource,
        sent.policies[0].entries[0].actions,
    )
    assert 1 == len(cluster.a.requests)


async def test_users_are_listed_without_their_passwords(cluster: Cluster, admin: AdminClient) -> None:
    user = '[{"username":"alice","password":"secret","userType":"Normal","userStatus":"enable"}]'
    cluster.on_brokers(RequestCode.AUTH_LIST_USER, reply(body=user))

    (found,) = await admin.list_users()

    assert {"username": "alice", "user_type": "Normal", "status": "enable"} == found.to_dict()


async def test_users_cannot_be_copied_from_a_broker_that_keeps_passwords(
    cluster: Cluster, admin: AdminClient
) -> None:
    cluster.a.answer(RequestCode.AUTH_LIST_USER, reply(body='[{"username":"alice"}]'))

    with pytest.raises(AdminError, match="password"):
        await admin.copy_users("broker-a", "broker-b")
