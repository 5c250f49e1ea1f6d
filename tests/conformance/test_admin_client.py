"""Administration does on a server what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pyrocketmq.admin import SyncAdminClient
from pyrocketmq.admin.results import AclRule, Result
from pyrocketmq.broker import SyncBrokerClient
from pyrocketmq.errors import (
    AclError,
    AdminError,
    ClientOfflineError,
    ConfigurationError,
    GroupNotFoundError,
    NotFoundError,
    RouteNotFoundError,
    TopicNotFoundError,
    UnsupportedRequestError,
)
from pyrocketmq.model import Message, MessageQueue
from pyrocketmq.model.trace import TraceBean, TraceContext, encode_trace
from tests.servers import Security, Server

from .clients import join, new_name, readable, send_all, split, tells_about_itself

TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC"


@pytest.fixture
def admin(server: Server) -> Iterator[SyncAdminClient]:
    with SyncAdminClient(server.name_server) as made:
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[SyncBrokerClient]:
    with SyncBrokerClient(*split(server.broker), broker_name=server.broker_name) as made:
        yield made


@pytest.fixture
def known(server: Server, admin: SyncAdminClient, topic: str) -> str:
    """A topic that has a route already."""
    server.until(lambda: topic in admin.list_topics(), "the topic is registered")
    return topic


def assert_printable(*results: Result) -> None:
    assert json.dumps([result.to_dict() for result in results])


# ---- topics ----


def test_a_topic_lives_from_its_creation_to_its_end(server: Server, admin: SyncAdminClient) -> None:
    topic = new_name("topic")
    assert admin.create_topic(topic, read_queues=3, write_queues=2) == [server.broker_name]
    server.until(lambda: topic in admin.list_topics(cluster=server.cluster), "the topic is registered")

    route = admin.topic_route(topic)
    assert [(queues.read_queues, queues.write_queues) for queues in route.queues] == [(3, 2)]
    assert route.brokers[0].addresses == {0: server.broker}
    assert admin.topic_clusters(topic) == [server.cluster]
    assert admin.update_topic_perm(topic, 4) == [server.broker_name]
    (settings,) = admin.topic_settings(topic)
    assert (settings.perm, settings.read_queues, settings.write_queues) == (4, 3, 2)
    assert_printable(route, settings)

    admin.delete_topic(topic)
    assert topic not in admin.list_topics()
    with pytest.raises(TopicNotFoundError):
        admin.topic_settings(topic)
    with pytest.raises(RouteNotFoundError):
        admin.topic_route(topic)
    admin.delete_topic(topic)


def test_topics_of_the_system_are_listed_only_when_asked_for(
    server: Server, admin: SyncAdminClient, known: str
) -> None:
    users, everything = set(admin.list_topics()), set(admin.list_topics(internal=True))

    assert known in users
    assert {"TBW102", server.broker_name, server.cluster} <= everything - users


def test_an_ordered_topic_has_its_layout_in_its_route(server: Server, admin: SyncAdminClient) -> None:
    topic = new_name("topic")
    admin.create_topic(topic, queues=3, order=True)

    assert admin.get_kv("ORDER_TOPIC_CONFIG", topic) == f"{server.broker_name}:3"
    admin.delete_topic(topic)
    assert admin.get_kv("ORDER_TOPIC_CONFIG", topic) is None


def test_the_status_of_a_topic_counts_its_messages(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str
) -> None:
    send_all(client, known, "abc", 1)
    readable(server, client, known, 1, 3)

    status = admin.topic_status(known)

    assert status.messages == 3
    assert [queue.messages for queue in status.queues] == [0, 3, 0, 0]
    assert_printable(status)


# ---- groups ----


def test_a_group_lives_from_its_creation_to_its_end(
    server: Server, admin: SyncAdminClient, group: str
) -> None:
    assert admin.create_group(group, retry_max_times=3, retry_queues=2) == [server.broker_name]
    assert group in admin.list_groups(cluster=server.cluster)
    (settings,) = admin.group_settings(group)
    assert (settings.retry_max_times, settings.retry_queues) == (3, 2)
    assert_printable(settings)

    admin.delete_group(group)
    assert group not in admin.list_groups()
    with pytest.raises(GroupNotFoundError):
        admin.group_settings(group)


def test_progress_is_told_by_queue_and_by_group(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str, group: str
) -> None:
    admin.create_group(group)
    send_all(client, known, "abcde", 2)
    readable(server, client, known, 2, 5)
    client.update_consumer_offset(group, known, 2, 3)

    progress = admin.group_progress(group)
    (line,) = [summary for summary in admin.groups_progress() if summary.group == group]

    assert {queue.queue_id: queue.lag for queue in progress.queues}[2] == 2
    assert (line.lag, line.members, line.topics) == (progress.lag, 0, [known])
    assert group in admin.topic_groups(known)
    stats = admin.broker_consume_stats(broker=server.broker_name)
    assert [s.lag for s in stats if (s.group, s.queue_id) == (group, 2)] == [2]
    assert [rates.lag for rates in admin.stats_all(known) if rates.group == group] == [progress.lag]
    assert_printable(progress, line, *stats)
    with pytest.raises(GroupNotFoundError):
        admin.group_progress(new_name("group"))


def test_members_are_shown_with_their_queues(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str, group: str
) -> None:
    admin.create_group(group)
    client.update_consumer_offset(group, known, 0, 0)
    tells_about_itself(client, MessageQueue(known, server.broker_name, 0))
    client_id = join(client, group, known, "a || b")

    connections = admin.group_connections(group)
    assert [member.client_id for member in connections.clients] == [client_id]
    assert [(s.topic, s.expression) for s in connections.subscriptions] == [(known, "a || b")]
    assert [c.client_id for c in admin.producer_connections(f"{group}-senders").clients] == [client_id]
    (status,) = admin.group_status(group)
    assert (status.client_id, status.queues[0]["queueId"]) == (client_id, 0)
    owners = {q.queue_id: q.client_id for q in admin.group_progress(group, known, members=True).queues}
    assert owners[0] == client_id
    assert owners[1] is None
    assert_printable(connections, status)

    client.unregister_client(client_id, consumer_group=group)
    for ask in (admin.group_connections, admin.group_status):
        with pytest.raises(ClientOfflineError):
            ask(group)


def test_a_group_is_moved_to_a_time_and_to_the_end(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str, group: str
) -> None:
    admin.create_group(group)
    send_all(client, known, "abc", 0)
    stored = readable(server, client, known, 0, 3)
    client.update_consumer_offset(group, known, 0, 2)
    hour = timedelta(hours=1)

    moved = admin.reset_offset(
        group, known, datetime.fromtimestamp(stored[0].store_timestamp / 1000, UTC) - hour
    )
    assert {offset.queue_id: offset.offset for offset in moved}[0] == 0
    assert client.query_consumer_offset(group, known, 0) == 0
    skipped = admin.skip_accumulated(group, known)
    assert {offset.queue_id: offset.offset for offset in skipped}[0] == 3
    assert client.query_consumer_offset(group, known, 0) == 3
    admin.reset_queue_offset(group, known, server.broker_name, 0, 1)
    assert client.query_consumer_offset(group, known, 0) == 1
    with pytest.raises(AdminError):
        admin.reset_queue_offset(group, known, server.broker_name, 0, 9)
    with pytest.raises(RouteNotFoundError):
        admin.reset_offset(group, new_name("topic"))


def test_a_group_is_given_the_offsets_of_another(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str, group: str
) -> None:
    for name in (group, f"{group}-copy"):
        admin.create_group(name)
    client.update_consumer_offset(group, known, 0, 2)

    assert admin.clone_group_offset(group, f"{group}-copy", known) == [server.broker_name]

    assert client.query_consumer_offset(f"{group}-copy", known, 0) == 2


@pytest.mark.unless("no-pop")
def test_the_mode_of_a_group_is_set(server: Server, admin: SyncAdminClient, known: str, group: str) -> None:
    admin.create_group(group)

    assert admin.set_consume_mode(group, known, "POP") == [server.broker_name]


@pytest.mark.unless("no-rights-of-groups")
def test_a_group_is_forbidden_to_read_a_topic(
    server: Server, admin: SyncAdminClient, known: str, group: str
) -> None:
    admin.create_group(group)

    assert admin.set_group_readable(group, known, readable=False) == [server.broker_name]
    assert admin.set_group_readable(group, known, readable=True) == [server.broker_name]


@pytest.mark.where("no-rights-of-groups")
def test_a_broker_without_rights_of_groups_says_so(admin: SyncAdminClient, known: str, group: str) -> None:
    with pytest.raises(UnsupportedRequestError):
        admin.set_group_readable(group, known, readable=False)


# ---- messages ----


def test_a_message_is_found_by_every_id_and_key(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str
) -> None:
    sent = client.send_message(Message(known, b"\xff\x00", "TagA", ["k1", "k2"]), 1)
    unique, offset_id = str(sent.msg_id), str(sent.offset_msg_id)
    server.until(lambda: client.query_message(known, "k2"), "an index entry")

    by_id = admin.message_by_id(offset_id)

    assert (by_id.body, by_id.tags, by_id.keys) == (b"\xff\x00", "TagA", "k1 k2")
    assert by_id == admin.message_by_id(unique, topic=known)
    assert [by_id] == admin.messages_by_unique_key(known, unique) == admin.messages_by_key(known, "k1")
    assert by_id == admin.message_by_offset(known, server.broker_name, 1, 0)
    assert admin.messages_by_key(known, "k1", end=by_id.stored_ms - 10_000) == []
    assert_printable(by_id)
    with pytest.raises(NotFoundError):
        admin.message_by_offset(known, server.broker_name, 1, 1)
    with pytest.raises(AdminError):
        admin.message_by_id(unique)


def test_messages_are_read_without_consuming_them(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str
) -> None:
    for queue_id in range(2):
        client.send_message(Message(known, f"a{queue_id}", "a"), queue_id)
        client.send_message(Message(known, f"b{queue_id}", "b"), queue_id)
        readable(server, client, known, queue_id, 2)

    assert {m.body for m in admin.read_messages(known)} == {b"a0", b"b0", b"a1", b"b1"}
    assert {m.body for m in admin.read_messages(known, expression="b")} == {b"b0", b"b1"}
    assert [m.body for m in admin.read_messages(known, queue_id=1, max_num=1)] == [b"a1"]
    assert admin.read_messages(known, begin=server.now_ms() + 3_600_000) == []


def test_the_trace_of_a_message_is_put_together(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient, known: str
) -> None:
    msg_id = new_name("id")
    for time, kind in ((20, "SubBefore"), (10, "Pub")):
        context = TraceContext(kind, [TraceBean(known, msg_id)], time, "", "traced", request_id="R")
        client.send_message(Message(TRACE_TOPIC, encode_trace(context)[0], keys=msg_id))
    server.until(lambda: len(client.query_message(TRACE_TOPIC, msg_id)) == 2, "both traces are indexed")

    records = admin.message_trace(msg_id)

    assert [(record.kind, record.time_ms) for record in records] == [("Pub", 10), ("SubBefore", 20)]
    assert records[0].topic == known
    assert_printable(*records)
    assert admin.message_trace(new_name("id")) == []


# ---- clusters ----


def test_brokers_are_listed_with_their_release(server: Server, admin: SyncAdminClient) -> None:
    def find() -> str | None:
        (line,) = admin.cluster_list()
        return line.version  # a 4.9 broker has no counters in its first second

    version = server.until(find, "the broker tells its release")
    (line,) = admin.cluster_list()

    assert version.startswith("V4" if server.kind.startswith("4") else "V5")
    assert (line.cluster, line.broker, line.broker_id) == (server.cluster, server.broker_name, 0)
    assert (line.address, line.error) == (server.broker, None)
    (status,) = admin.broker_status()
    assert status.values["brokerVersionDesc"] == version
    (config,) = admin.broker_config(cluster=server.cluster)
    assert config.values["brokerName"] == server.broker_name
    assert_printable(line, status, config)


def test_settings_are_changed_on_the_broker_that_is_named(server: Server, admin: SyncAdminClient) -> None:
    (before,) = admin.broker_config(broker=server.broker_name)
    name = "autoCreateTopicEnable"

    assert admin.update_broker_config({name: "false"}, broker=server.broker) == [server.broker]
    (changed,) = admin.broker_config(broker=server.broker_name)
    admin.update_broker_config({name: before.values[name]}, cluster=server.cluster)

    assert changed.values[name] == "false"


def test_the_right_to_write_is_taken_and_given_back(server: Server, admin: SyncAdminClient) -> None:
    assert admin.wipe_write_perm(server.broker_name)[server.name_server] > 0
    assert admin.add_write_perm(server.broker_name)[server.name_server] > 0


def test_name_servers_tell_and_take_settings(server: Server, admin: SyncAdminClient) -> None:
    namespace = new_name("namespace")
    admin.put_kv(namespace, "a", "1")
    assert admin.list_kv(namespace) == {"a": "1"}
    admin.delete_kv(namespace, "a")
    assert admin.get_kv(namespace, "a") is None
    (config,) = admin.name_server_config()
    assert config.address == server.name_server
    enabled = {"orderMessageEnable": config.values["orderMessageEnable"]}
    assert admin.update_name_server_config(enabled) == [server.name_server]


@pytest.mark.unless("no-single-settings")
def test_replication_is_told(server: Server, admin: SyncAdminClient) -> None:
    (state,) = admin.ha_status()

    assert (state.broker, state.is_master, state.slaves) == (server.broker_name, True, [])


def test_round_trips_are_measured_by_messages_that_each_broker_stores(
    server: Server, admin: SyncAdminClient, client: SyncBrokerClient
) -> None:
    def stored() -> int:
        return sum(queue.messages for queue in admin.topic_status(server.broker_name).queues)

    before = stored()
    (trips,) = admin.cluster_round_trips(count=3, size=10)

    assert_printable(trips)
    assert (server.broker_name, client.address, 3) == (trips.broker, trips.address, trips.count)
    assert 0 < trips.least_ms <= trips.mean_ms <= trips.most_ms
    server.until(lambda: stored() == before + 4, "the messages are stored")
    with pytest.raises(ConfigurationError, match="0 messages"):
        admin.cluster_round_trips(count=0)


def test_a_message_goes_to_the_queue_that_is_named(
    server: Server, admin: SyncAdminClient, known: str
) -> None:
    sent = admin.send_to_queue(Message(known, "by hand", keys="k"), server.broker_name, 1)

    assert_printable(sent)
    assert (known, server.broker_name, 1, "SEND_OK") == (sent.topic, sent.broker, sent.queue_id, sent.status)
    server.until(lambda: admin.read_messages(known), "it can be read")
    found = admin.message_by_offset(known, server.broker_name, 1, sent.queue_offset)
    assert (b"by hand", sent.msg_id) == (found.body, found.msg_id)
    for broker, queue_id in ((server.broker_name, 999), ("no-broker", 0)):
        with pytest.raises(NotFoundError, match=r"queues 0 to \d+ on"):
            admin.send_to_queue(Message(known, "by hand"), broker, queue_id)


def test_a_message_is_sent_once_more_without_what_belongs_to_its_first_delivery(
    server: Server, admin: SyncAdminClient, known: str
) -> None:
    message = Message(known, "first", tags="new", keys="a b", properties={"till": "7"})
    message.sharding_key = "till-7"
    message.delay_level = 1
    delayed = admin.send_to_queue(message, server.broker_name, 0)
    server.until(lambda: admin.read_messages(known), "it is delivered")
    (first,) = admin.read_messages(known)
    server.until(lambda: admin.messages_by_unique_key(known, delayed.msg_id), "it is indexed")

    sent = admin.resend_message(delayed.msg_id, topic=known)

    assert_printable(sent)
    server.until(lambda: len(admin.read_messages(known)) == 2, "both can be read")
    again = admin.message_by_offset(known, sent.broker, sent.queue_id, sent.queue_offset)
    assert (first.body, first.tags, first.keys) == (again.body, again.tags, again.keys)
    assert ("7", "till-7") == (again.properties["till"], again.properties["SHARDING_KEY"])
    assert not {"DELAY", "REAL_TOPIC", "REAL_QID"} & set(again.properties)
    assert again.msg_id != first.msg_id


def test_round_trips_of_a_topic_are_told_for_each_queue(admin: SyncAdminClient, known: str) -> None:
    queues = len(admin.topic_status(known).queues)
    found = admin.topic_round_trips(known, count=2 * queues, size=10)

    assert_printable(*found)
    assert [(2, 0)] * queues == [(queue.count, queue.failed) for queue in found]
    assert all(0 < queue.least_ms <= queue.mean_ms <= queue.most_ms for queue in found)
    with pytest.raises(ConfigurationError, match="0 bytes"):
        admin.topic_round_trips(known, size=0)


@pytest.mark.where("no-single-settings")
def test_an_old_broker_does_not_tell_its_replication(admin: SyncAdminClient) -> None:
    with pytest.raises(UnsupportedRequestError):
        admin.ha_status()


# ---- access ----


@pytest.mark.unless("no-users-and-rules")
def test_users_and_rules_are_made_changed_and_taken_away(secured: Server, keys: Security) -> None:
    name = f"user{new_name('x')[-8:]}"
    subject = f"User:{name}"
    with SyncAdminClient(secured.name_server, credentials=keys.admin) as admin:
        admin.create_user(name, "a-long-secret")
        admin.update_user(name, status="disable")
        user = admin.get_user(name)
        assert user is not None
        assert (user.user_type, user.status) == ("Normal", "disable")
        assert name in [listed.username for listed in admin.list_users()]

        assert admin.get_acl(subject) is None
        admin.create_acl(subject, [AclRule("Topic:orders", ["Pub"], "Allow")])
        admin.update_acl(subject, [AclRule("Topic:bills", ["Sub"], "Deny", ["10.0.0.1"])])
        found = admin.get_acl(subject)
        assert found is not None
        assert {(rule.resource, rule.decision) for rule in found.rules} == {
            ("Topic:orders", "Allow"),
            ("Topic:bills", "Deny"),
        }
        assert subject in [rules.subject for rules in admin.list_acls(name)]
        admin.delete_acl(subject, resource="Topic:orders")
        left = admin.get_acl(subject)
        assert left is not None
        assert [rule.resource for rule in left.rules] == ["Topic:bills"]
        admin.delete_acl(subject)
        assert admin.get_acl(subject) is None

        admin.delete_user(name)
        assert admin.get_user(name) is None
        with pytest.raises(NotFoundError):
            admin.update_user(name, status="enable")
        assert_printable(user, found)


@pytest.mark.where("no-users-and-rules")
def test_a_broker_without_users_says_so(secured: Server, keys: Security) -> None:
    with (
        SyncAdminClient(secured.name_server, credentials=keys.admin) as admin,
        pytest.raises(UnsupportedRequestError),
    ):
        admin.list_users()


def test_who_may_not_administer_is_told_so(secured: Server, keys: Security) -> None:
    with SyncAdminClient(secured.name_server, credentials=keys.app) as admin, pytest.raises(AclError):
        admin.create_topic(new_name("topic"))
    with SyncAdminClient(secured.name_server) as nobody, pytest.raises(AclError):
        nobody.create_topic(new_name("topic"))
