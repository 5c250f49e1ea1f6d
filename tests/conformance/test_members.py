"""Members of groups: heart-beats, lists, notices of a change, and leaving."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyrocketmq.model import (
    ConsumerConnection,
    ConsumerData,
    HeartbeatData,
    ProducerConnection,
    ProducerData,
    RemotingCommand,
    RequestCode,
    SubscriptionData,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.client_data import GetConsumerListByGroupResponseBody
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.model.topic_data import GroupList
from tests.servers import Server, Wire

from .conftest import Differs
from .reading import fields, join, produce_as, pull, route_of

CHANGED = RequestCode.NOTIFY_CONSUMER_IDS_CHANGED


def members(broker: Wire, group: str) -> set[str]:
    answer = broker.ask(Requests.create_get_consumer_list_request(group)).command
    if answer.code != 0:
        return set()
    return set(GetConsumerListByGroupResponseBody.decode(answer.body).consumer_id_list)


def noticed(server: Server, wire: Wire, group: str) -> RemotingCommand:
    """The next notice that the members of the group have changed."""
    notice = server.until(lambda: wire.push_of(CHANGED), f"a notice for {wire.address}")
    assert fields(notice)["consumerGroup"] == group
    return notice


def forget(wire: Wire) -> None:
    """Leave the notices of what was done so far behind."""
    wire.collect(0.1)
    wire.pushed.clear()


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_heart_beat_makes_a_consumer_known_until_it_is_taken_away(
    broker: Wire, topic: str, group: str
) -> None:
    join(broker, "127.0.0.1@77", group, SubscriptionData.build(topic, "new || paid"))

    known = members(broker, group)
    connections = ConsumerConnection.decode(
        broker.call(Requests.create_get_consumer_connection_list_request(group)).body
    )
    broker.call(Requests.create_unregister_client_request("127.0.0.1@77", consumer_group=group))
    gone = broker.ask(Requests.create_get_consumer_list_request(group)).command

    assert known == {"127.0.0.1@77"}
    (connection,) = connections.connection_set
    assert (connection.client_id, connection.client_addr) == ("127.0.0.1@77", broker.address)
    assert (connection.language, connection.version) == ("PYTHON", 513)
    assert connections.consume_type == "CONSUME_PASSIVELY"
    assert connections.message_model == "CLUSTERING"
    assert connections.consume_from_where == "CONSUME_FROM_LAST_OFFSET"
    subscription = connections.subscription_table[topic]
    assert (subscription.sub_string, set(subscription.tags_set)) == ("new || paid", {"new", "paid"})
    assert set(subscription.code_set) == set(SubscriptionData.build(topic, "new || paid").code_set)
    assert (gone.code, gone.remark) == (1, f"no consumer for this group, {group}")


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_heart_beat_makes_a_producer_known_until_it_is_taken_away(broker: Wire, group: str) -> None:
    produce_as(broker, "127.0.0.1@78", group)

    answer = broker.call(Requests.create_get_producer_connection_list_request(group))
    broker.call(Requests.create_unregister_client_request("127.0.0.1@78", producer_group=group))
    gone = broker.ask(Requests.create_get_producer_connection_list_request(group)).command

    (connection,) = ProducerConnection.decode(answer.body).connection_set
    assert (connection.client_id, connection.language) == ("127.0.0.1@78", "PYTHON")
    assert connection.client_addr == broker.address
    assert gone.code == 1


def test_a_heart_beat_tells_what_the_broker_can_do(broker: Wire, group: str, differs: Differs) -> None:
    answer = produce_as(broker, "127.0.0.1@78", group)

    if differs("heart-beat-answers-nothing"):
        assert fields(answer) == {}
    else:
        assert fields(answer)["IS_SUPPORT_HEART_BEAT_V2"] == "true"
    assert answer.version == (407 if differs("heart-beat-answers-nothing") else 513)


def test_a_heart_beat_with_nothing_in_it_is_taken(broker: Wire) -> None:
    broker.call(Requests.create_heartbeat_request(HeartbeatData("nobody")))


def test_a_heart_beat_with_codes_as_texts_is_taken(broker: Wire, topic: str, group: str) -> None:
    """The Go client writes the hashes of tags so."""
    body = HeartbeatData(
        "go",
        consumer_data_set=[ConsumerData(group, subscription_data_set=[SubscriptionData.build(topic, "a")])],
    ).encode()
    assert b'"codeSet":[97]' in body
    broker.call(Requests.create_heartbeat_request(body.replace(b'"codeSet":[97]', b'"codeSet":["97"]')))

    answer = broker.call(Requests.create_get_consumer_connection_list_request(group))
    assert ConsumerConnection.decode(answer.body).subscription_table[topic].code_set == [97]


def test_one_client_may_be_in_several_groups(broker: Wire, topic: str, group: str) -> None:
    data = HeartbeatData(
        "many",
        [ProducerData(f"{group}-p"), ProducerData(f"{group}-q")],
        [
            ConsumerData(f"{group}-{name}", subscription_data_set=[SubscriptionData.build(topic)])
            for name in "ab"
        ],
    )

    broker.call(Requests.create_heartbeat_request(data))

    assert members(broker, f"{group}-a") == members(broker, f"{group}-b") == {"many"}
    broker.call(Requests.create_unregister_client_request("many", consumer_group=f"{group}-a"))
    assert members(broker, f"{group}-a") == set()
    assert members(broker, f"{group}-b") == {"many"}


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_second_member_is_announced_to_both(
    server: Server, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    first, second = connect(), connect()
    join(first, "first", group, SubscriptionData.build(topic))
    forget(first)

    join(second, "second", group, SubscriptionData.build(topic))

    assert noticed(server, first, group).is_oneway
    assert noticed(server, second, group).is_oneway
    assert members(first, group) == {"first", "second"}


def test_a_heart_beat_that_changes_nothing_is_not_announced(
    connect: Callable[[], Wire], topic: str, group: str
) -> None:
    wire = connect()
    join(wire, "first", group, SubscriptionData.build(topic, version=5))
    forget(wire)

    join(wire, "first", group, SubscriptionData.build(topic, version=5))

    wire.collect(0.1)
    assert wire.pushed == []


def test_a_changed_subscription_is_announced(
    server: Server, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    wire = connect()
    join(wire, "first", group, SubscriptionData.build(topic, "a"))
    forget(wire)

    join(wire, "first", group, SubscriptionData.build(topic, "a"), SubscriptionData.build("another-topic"))

    noticed(server, wire, group)


def test_a_newer_subscription_replaces_the_older_one(broker: Wire, topic: str, group: str) -> None:
    join(broker, "first", group, SubscriptionData.build(topic, "a", version=5))
    join(broker, "first", group, SubscriptionData.build(topic, "b", version=6))
    join(broker, "first", group, SubscriptionData.build(topic, "c", version=4))

    answer = broker.call(Requests.create_get_consumer_connection_list_request(group))

    assert ConsumerConnection.decode(answer.body).subscription_table[topic].sub_string == "b"


@pytest.mark.parametrize("how", ["unregisters", "closes"])
def test_a_member_that_leaves_is_announced_to_the_rest(
    server: Server, connect: Callable[[], Wire], topic: str, group: str, how: str
) -> None:
    staying, leaving = connect(), connect()
    join(staying, "staying", group, SubscriptionData.build(topic))
    join(leaving, "leaving", group, SubscriptionData.build(topic))
    noticed(server, staying, group)
    forget(staying)

    if how == "closes":
        leaving.close()
    else:
        leaving.call(Requests.create_unregister_client_request("leaving", consumer_group=group))

    noticed(server, staying, group)
    server.until(lambda: members(staying, group) == {"staying"}, "one is left")


def test_a_group_may_do_without_notices(
    connect: Callable[[], Wire], broker: Wire, topic: str, group: str
) -> None:
    settings = SubscriptionGroupConfig(group, notify_consumer_ids_changed_enable=False)
    broker.call(Requests.create_create_subscription_group_request(settings))
    first, second = connect(), connect()
    join(first, "first", group, SubscriptionData.build(topic))

    join(second, "second", group, SubscriptionData.build(topic))

    first.collect(0.1)
    assert first.pushed == []


def test_a_client_that_returns_on_another_connection_is_one_member(
    server: Server, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    old, new = connect(), connect()
    join(old, "same", group, SubscriptionData.build(topic))
    old.close()
    join(new, "same", group, SubscriptionData.build(topic))

    server.until(lambda: members(new, group) == {"same"}, "it is a member")
    answer = new.call(Requests.create_get_consumer_connection_list_request(group))
    server.until(
        lambda: len(ConsumerConnection.decode(answer.body).connection_set) == 1, "one connection is left"
    )


def test_a_group_gets_its_retry_topic_with_its_first_member(
    server: Server, broker: Wire, name_server: Wire, topic: str, group: str
) -> None:
    retry = f"%RETRY%{group}"
    assert name_server.ask(Requests.create_get_route_info_request(retry)).command.code == 17

    join(broker, "first", group, SubscriptionData.build(topic))

    (queues,) = route_of(server, name_server, retry).queue_datas
    assert (queues.read_queue_nums, queues.write_queue_nums, queues.perm) == (1, 1, 6)
    assert pull(broker, retry).max_offset == 0


def test_who_consumes_a_topic_is_told(broker: Wire, topic: str, group: str) -> None:
    join(broker, "first", group, SubscriptionData.build(topic))

    answer = broker.call(Requests.create_query_topic_consume_by_who_request(topic))

    assert GroupList.decode(answer.body).group_list == [group]


def test_a_group_without_members_is_not_online(broker: Wire, group: str) -> None:
    answer = broker.ask(Requests.create_get_consumer_connection_list_request(group)).command

    assert answer.code == 206
