"""The broker client does on a server what it says."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.broker import SyncBrokerClient
from pyrocketmq.errors import (
    BrokerError,
    ClientOfflineError,
    InvalidRequestError,
    NotFoundError,
    TopicNotFoundError,
    UnsupportedRequestError,
)
from pyrocketmq.model import (
    Message,
    MessageQueue,
    MessageSysFlag,
    PullStatus,
    SubscriptionData,
    TopicConfig,
)
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.model.pop import PopReceipt
from pyrocketmq.model.pop_results import PopStatus
from pyrocketmq.transport import TransportConfig
from tests.servers import Server

from .clients import join, new_name, readable, send_all, split, tells_about_itself
from .conftest import QUEUES, Differs

pops = pytest.mark.unless("no-pop")


@pytest.fixture(params=["json", "binary"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[SyncBrokerClient]:
    settings = TransportConfig(header_codec=request.param)
    with SyncBrokerClient(
        *split(server.broker), broker_name=server.broker_name, transport_config=settings
    ) as made:
        yield made


# ---- sending ----


def test_a_message_comes_back_as_it_was_sent(server: Server, client: SyncBrokerClient, topic: str) -> None:
    message = Message(topic, b"body", "TagA", ["k1", "k2"], flag=5, properties={"colour": "blue"})

    sent = client.send_message(message, 2)

    (stored,) = readable(server, client, topic, 2, 1)
    assert sent.ok
    assert sent.message_queue == MessageQueue(topic, server.broker_name, 2)
    assert sent.msg_id == message.unique_id == stored.msg_id
    assert sent.offset_msg_id == stored.offset_msg_id
    assert (stored.body, stored.tags, stored.keys, stored.flag) == (b"body", "TagA", "k1 k2", 5)
    assert stored.get_property("colour") == "blue"
    assert stored.broker_name == server.broker_name


def test_every_way_of_sending_stores(server: Server, client: SyncBrokerClient, topic: str) -> None:
    client.send_message_long(Message(topic, "long"), 0)
    batch = [Message(topic, f"batch-{number}") for number in range(3)]
    sent = client.send_batch(batch, 0)
    client.send_oneway(Message(topic, "oneway"), 0)

    stored = readable(server, client, topic, 0, 5)

    bodies = [message.body.decode() for message in stored]
    assert sorted(bodies) == ["batch-0", "batch-1", "batch-2", "long", "oneway"]
    assert sent.msg_id == ",".join(str(message.unique_id) for message in batch)
    assert sent.queue_offset == bodies.index("batch-0")


def test_a_queue_that_is_not_there_is_refused_with_the_topic(client: SyncBrokerClient, topic: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.send_message(Message(topic, "x"), 77)

    assert (caught.value.topic, caught.value.address) == (topic, client.address)


def test_a_message_given_back_comes_again_in_the_retry_topic(
    server: Server, client: SyncBrokerClient, topic: str, group: str
) -> None:
    client.create_group(SubscriptionGroupConfig(group))
    client.send_message(Message(topic, "again"), 0)
    (message,) = readable(server, client, topic, 0, 1)

    client.send_message_back(
        group, message.commit_log_offset, 1, origin_msg_id=message.msg_id, origin_topic=topic
    )
    server.passes(1.5)

    (retried,) = readable(server, client, f"%RETRY%{group}", 0, 1)
    assert (retried.body, retried.real_topic, retried.reconsume_times) == (b"again", topic, 1)


def test_a_half_message_appears_once_it_is_committed(
    server: Server, client: SyncBrokerClient, topic: str, group: str
) -> None:
    half = Message(topic, "half", properties={"TRAN_MSG": "true", "PGROUP": group})
    sent = client.send_message(
        half, 1, producer_group=group, sys_flag=int(MessageSysFlag.TRANSACTION_PREPARED)
    )
    assert client.pull_message("readers", topic, 1, 0).messages == []
    place = decode_offset_message_id(str(sent.offset_msg_id)).offset

    with pytest.raises(InvalidRequestError):
        client.end_transaction("another", sent.queue_offset, place, 8, msg_id=str(sent.msg_id))
    client.end_transaction(group, sent.queue_offset, place, 0, msg_id=str(sent.msg_id))
    client.end_transaction(group, sent.queue_offset, place, 8, msg_id=str(sent.msg_id))

    (message,) = readable(server, client, topic, 1, 1)
    assert message.body == b"half"


def test_a_reply_to_a_requester_that_is_gone_is_an_error_of_its_own(
    server: Server, client: SyncBrokerClient
) -> None:
    properties = {"CORRELATION_ID": "1", "REPLY_TO_CLIENT": "nobody", "MSG_TYPE": "reply"}

    with pytest.raises(ClientOfflineError):
        client.send_reply(Message(f"{server.cluster}_REPLY_TOPIC", "x", properties=properties), 0)


@pytest.mark.unless("no-timer")
def test_a_timed_message_can_be_recalled(client: SyncBrokerClient, topic: str) -> None:
    sent = client.send_message(Message(topic, "later", properties={"TIMER_DELAY_MS": "60000"}), 0)

    assert client.recall_message(topic, str(sent.recall_handle)) == sent.msg_id
    with pytest.raises(InvalidRequestError):
        client.recall_message(topic, "no handle")


# ---- reading ----


def test_a_pull_says_where_to_go_on(server: Server, client: SyncBrokerClient, topic: str) -> None:
    send_all(client, topic, "abc")
    readable(server, client, topic, 0, 3)

    found = client.pull_message("readers", topic, 0, 1, 1)
    behind = client.pull_message("readers", topic, 0, 3)

    assert (found.status, found.next_begin_offset, found.max_offset) == (PullStatus.FOUND, 2, 3)
    assert (behind.status, behind.messages) == (PullStatus.NO_NEW_MSG, [])
    with pytest.raises(TopicNotFoundError):
        client.pull_message("readers", new_name("topic"), 0, 0)


def test_a_held_pull_gets_what_comes_meanwhile(server: Server, client: SyncBrokerClient, topic: str) -> None:
    with SyncBrokerClient(*split(server.broker)) as other:
        other.send_message(Message(topic, "x"), 0)
        found = client.pull_message("readers", topic, 0, 0, hold=5.0)

    assert [message.body for message in found.messages] == [b"x"]


def test_a_message_is_found_by_place_id_and_key(server: Server, client: SyncBrokerClient, topic: str) -> None:
    sent = client.send_message(Message(topic, "x", keys=["k1", "k2"]), 3)
    readable(server, client, topic, 3, 1)

    assert client.view_message(topic, 3, 0).msg_id == sent.msg_id
    assert client.get_message_by_id(str(sent.offset_msg_id)).msg_id == sent.msg_id
    for key in ("k1", "k2"):
        (found,) = server.until(partial(client.query_message, topic, key), "an index entry")
        assert found.msg_id == sent.msg_id
    (unique,) = client.query_message_by_unique_key(topic, str(sent.msg_id))
    assert unique.queue_offset == 0


def test_what_is_not_there_is_not_found(server: Server, client: SyncBrokerClient, topic: str) -> None:
    sent = client.send_message(Message(topic, "x"), 0)
    readable(server, client, topic, 0, 1)

    with pytest.raises(NotFoundError):
        client.view_message(topic, 0, 5)
    with pytest.raises(NotFoundError):
        client.get_message_by_id(str(sent.offset_msg_id)[:-8] + "7FFFFFFF")
    assert client.query_message(topic, "no-such-key") == []
    assert client.query_message_by_unique_key(topic, "no-such-id") == []


def test_entries_of_a_queue_can_be_looked_at(server: Server, client: SyncBrokerClient, topic: str) -> None:
    send_all(client, topic, "abc")
    readable(server, client, topic, 0, 3)

    found = client.query_consume_queue(topic, 0, 1, 2)

    assert (found.min_queue_index, found.max_queue_index, len(found.queue_data)) == (0, 3, 2)


# ---- offsets ----


def test_the_bounds_of_a_queue_and_its_times_are_told(
    server: Server, client: SyncBrokerClient, topic: str
) -> None:
    assert client.get_earliest_store_time(topic, 0) == -1
    send_all(client, topic, "ab")
    first, _ = readable(server, client, topic, 0, 2)

    assert (client.get_min_offset(topic, 0), client.get_max_offset(topic, 0)) == (0, 2)
    assert client.search_offset(topic, 0, first.store_timestamp - 1) == 0
    assert client.get_earliest_store_time(topic, 0) == first.store_timestamp


def test_offsets_of_a_group_are_stored_reset_and_cloned(
    server: Server, client: SyncBrokerClient, topic: str, group: str, differs: Differs
) -> None:
    client.create_group(SubscriptionGroupConfig(group))
    client.create_group(SubscriptionGroupConfig(f"{group}-copy"))
    send_all(client, topic, "abc")
    readable(server, client, topic, 0, 3)

    client.update_consumer_offset(group, topic, 0, 2)
    assert client.query_consumer_offset(group, topic, 0) == 2
    client.clone_group_offset(group, f"{group}-copy", topic)
    assert client.query_consumer_offset(f"{group}-copy", topic, 0) == 2
    client.update_consumer_offset_oneway(group, topic, 0, 1)
    server.until(lambda: client.query_consumer_offset(group, topic, 0) == 1, "the offset is stored")
    assert client.get_all_consumer_offset().offset_table[f"{topic}@{group}"][0] == 1

    if differs("resets-by-telling-members"):
        with pytest.raises(BrokerError):
            client.reset_offset(group, topic)
    else:
        offsets = client.reset_offset(group, topic)
        assert offsets[MessageQueue(topic, server.broker_name, 0)] == 3
        client.reset_offset(group, topic, queue_id=0, offset=1)
        assert client.query_consumer_offset(group, topic, 0) == 1


def test_an_offset_that_was_never_stored_is_none(
    client: SyncBrokerClient, topic: str, group: str, differs: Differs
) -> None:
    found = client.query_consumer_offset(group, topic, 0, set_zero_if_not_found=False)

    assert found == (0 if differs("zero-for-a-missing-offset") else None)


# ---- pop ----


@pytest.mark.where("no-pop")
def test_a_pop_tells_that_the_broker_is_too_old(client: SyncBrokerClient, topic: str, group: str) -> None:
    with pytest.raises(UnsupportedRequestError):
        client.pop_message(group, topic)


@pops
def test_popped_messages_are_acknowledged_one_by_one_and_together(
    server: Server, client: SyncBrokerClient, topic: str, group: str
) -> None:
    client.pop_message(group, topic, init_mode=0)
    send_all(client, topic, "abcd")
    readable(server, client, topic, 0, 4)

    receipts: list[PopReceipt] = []
    bodies: list[str] = []

    def popped(wanted: int) -> bool:
        result = client.pop_message(group, topic, 0, init_mode=0, invisible_time=10.0)
        receipts.extend(popped.receipt for popped in result.messages)
        bodies.extend(popped.message.body.decode() for popped in result.messages)
        return len(bodies) == wanted

    server.until(lambda: popped(4), "all messages are popped")
    first, second, *rest = receipts
    assert client.peek_message(group, topic, 0) == []
    client.ack_message(group, topic, first)
    client.ack_message(group, topic, first)
    client.batch_ack_message(group, topic, rest)
    renewed = client.change_invisible_time(group, topic, second, 1.0)
    assert renewed != second

    server.passes(2.0)
    server.until(lambda: popped(5), "the message comes again")
    assert bodies[4] == bodies[1]
    server.passes(11.0)
    assert client.get_polling_num(group, topic, 0) == 0


@pops
def test_a_pop_without_messages_ends_with_its_hold(client: SyncBrokerClient, topic: str, group: str) -> None:
    assert client.pop_message(group, topic).status is PopStatus.NO_NEW_MSG
    assert not client.has_message(group, topic, 0)


# ---- members and groups ----


def test_a_member_is_listed_with_what_it_subscribes(client: SyncBrokerClient, topic: str, group: str) -> None:
    assert client.get_consumers_by_group(group) == []
    client_id = join(client, group, topic, "a || b")

    assert client.get_consumers_by_group(group) == [client_id]
    connections = client.get_consumer_connections(group)
    assert [connection.client_id for connection in connections.connection_set] == [client_id]
    assert connections.subscription_table[topic].sub_string == "a || b"
    senders = client.get_producer_connections(f"{group}-senders")
    assert [connection.client_id for connection in senders.connection_set] == [client_id]
    assert f"{group}-senders" in client.get_all_producers()

    client.unregister_client(client_id, consumer_group=group)
    assert client.get_consumers_by_group(group) == []
    with pytest.raises(ClientOfflineError):
        client.get_consumer_connections(group)
    with pytest.raises(ClientOfflineError):
        client.get_producer_connections(group)


def test_a_queue_is_locked_for_one_member(
    client: SyncBrokerClient, server: Server, topic: str, group: str
) -> None:
    queues = {MessageQueue(topic, server.broker_name, number) for number in range(2)}

    assert client.lock_batch_mq(group, "one", queues) == queues
    assert client.lock_batch_mq(group, "two", queues) == set()
    client.unlock_batch_mq(group, "one", queues)
    assert client.lock_batch_mq(group, "two", queues) == queues


def test_a_member_is_asked_through_the_broker(
    server: Server, client: SyncBrokerClient, topic: str, group: str
) -> None:
    queue = MessageQueue(topic, server.broker_name, 0)
    with SyncBrokerClient(*split(server.broker)) as member:
        tells_about_itself(member, queue)
        client_id = join(member, group, topic)
        sent = client.send_message(Message(topic, "x"), 0)
        readable(server, client, topic, 0, 1)

        assert queue in client.get_consumer_running_info(group, client_id).mq_table
        result = client.consume_message_directly(group, client_id, str(sent.offset_msg_id))
        assert (result.consume_result, result.spent_time_mills) == ("CR_SUCCESS", 3)

    with pytest.raises(ClientOfflineError):
        client.get_consumer_running_info(group, "nobody")


def test_a_wrong_condition_is_refused_with_its_fault(
    client: SyncBrokerClient, topic: str, group: str
) -> None:
    client.check_client_config("c", group, SubscriptionData.build(topic, "a > 1", "SQL92"))
    with pytest.raises(InvalidRequestError):
        client.check_client_config("c", group, SubscriptionData.build(topic, "a >", "SQL92"))


def test_a_group_is_created_changed_and_deleted(client: SyncBrokerClient, group: str) -> None:
    client.create_group(SubscriptionGroupConfig(group, retry_max_times=3))
    assert client.get_all_groups()[group].retry_max_times == 3
    client.create_group(SubscriptionGroupConfig(group, consume_enable=False))
    assert not client.get_all_groups()[group].consume_enable
    client.delete_group(group, clean_offset=True)
    assert group not in client.get_all_groups()


def test_progress_of_a_group_is_told_by_queue(
    server: Server, client: SyncBrokerClient, topic: str, group: str
) -> None:
    client.create_group(SubscriptionGroupConfig(group))
    send_all(client, topic, "abc")
    readable(server, client, topic, 0, 3)
    client.update_consumer_offset(group, topic, 0, 1)
    queue = MessageQueue(topic, server.broker_name, 0)

    state = client.get_consume_stats(group, topic).offset_table[queue]
    assert (state.broker_offset, state.consumer_offset) == (3, 1)
    everything = client.get_broker_consume_stats().consume_stats_list
    (tables,) = [tables for entry in everything for name, tables in entry.items() if name == group]
    assert tables[0].offset_table[queue].consumer_offset == 1
    assert group in client.get_groups_of_topic(topic)
    spans = {span.message_queue: span for span in client.get_consume_time_span(group, topic)}
    assert spans[queue].min_time_stamp > 0


# ---- topics ----


def test_a_topic_is_created_changed_and_deleted(client: SyncBrokerClient, topic: str) -> None:
    assert client.get_all_topic_config()[topic].read_queue_nums == QUEUES
    client.create_topic(topic, 2, 1, 4)
    changed = client.get_all_topic_config()[topic]
    assert (changed.read_queue_nums, changed.write_queue_nums, changed.perm) == (2, 1, 4)
    client.delete_topic(topic)
    assert topic not in client.get_all_topic_config()
    with pytest.raises(TopicNotFoundError):
        client.get_topic_stats(topic)


def test_a_bad_name_and_a_name_of_the_system_are_refused(client: SyncBrokerClient) -> None:
    for name in ("a b", "TBW102"):
        with pytest.raises(InvalidRequestError):
            client.create_topic(name, 1, 1)


def test_the_filling_of_a_topic_is_told_by_queue(
    server: Server, client: SyncBrokerClient, topic: str
) -> None:
    send_all(client, topic, "ab")
    readable(server, client, topic, 0, 2)

    held = client.get_topic_stats(topic).offset_table[MessageQueue(topic, server.broker_name, 0)]

    assert (held.min_offset, held.max_offset) == (0, 2)
    assert held.last_update_timestamp > 0
    assert "TBW102" in client.get_system_topics()


@pytest.mark.unless("no-single-settings")
def test_single_settings_and_lists_have_requests_of_their_own(
    server: Server, client: SyncBrokerClient, topic: str, group: str
) -> None:
    client.create_topics([TopicConfig(f"{topic}-{number}", 2, 2) for number in range(2)])
    client.create_groups([SubscriptionGroupConfig(group, retry_max_times=4)])
    client.update_consumer_offset(group, topic, 0, 0)
    join(client, group, topic, "a")

    assert client.get_topic_config(f"{topic}-1").read_queue_nums == 2
    assert client.get_group_config(group).retry_max_times == 4
    assert client.get_topics_of_group(group) == [topic]
    subscription = client.get_subscription(group, topic).subscription_data
    assert subscription is not None
    assert subscription.sub_string == "a"
    assert client.get_ha_status().master
    assert server.broker_name


# ---- the broker itself ----


def test_the_broker_tells_about_itself(server: Server, client: SyncBrokerClient, topic: str) -> None:
    client.send_message(Message(topic, "x"), 0)

    assert client.get_broker_config()["brokerName"] == server.broker_name
    info = server.until(lambda: _runtime_info(client), "counters are there")
    assert "brokerVersionDesc" in info
    server.until(lambda: _is_counted(client, topic), "the send is counted")
    client.clean_expired_queues()
    client.clean_unused_topics()
    client.delete_expired_logs()


def test_a_statistic_that_nothing_was_counted_for_is_not_found(client: SyncBrokerClient) -> None:
    with pytest.raises(NotFoundError):
        client.get_stats_data("TOPIC_PUT_NUMS", new_name("topic"))


def _runtime_info(client: SyncBrokerClient) -> dict[str, str] | None:
    try:
        return client.get_runtime_info()
    except BrokerError:
        return None  # a 4.9 broker has no counters in its first second


def _is_counted(client: SyncBrokerClient, topic: str) -> bool:
    try:
        return client.get_stats_data("TOPIC_PUT_NUMS", topic).stats_minute is not None
    except NotFoundError:
        return False
