"""Messages that become visible later: by one of the 18 levels, and by a time of their own (5.x)."""

from __future__ import annotations

import pytest

from pyrocketmq.model import Message, RecallHandle
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Server, Wire

from .reading import fields, pull, read_queue


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_delayed_message_arrives_later_with_its_own_topic_and_queue(
    server: Server, broker: Wire, topic: str
) -> None:
    message = Message(topic, "later", "new", "key", flag=3, properties={"DELAY": "1", "mine": "yes"})
    sent_ms = server.now_ms()
    result = broker.send(message, 3)
    assert result.ok
    assert pull(broker, topic, 3).max_offset == 0

    (read,) = read_queue(server, broker, topic, 3, 1)

    assert (read.topic, read.queue_id, read.body) == (topic, 3, b"later")
    assert (read.tags, read.keys, read.flag) == ("new", "key", 3)
    assert read.unique_id == message.unique_id
    assert read.store_timestamp - sent_ms >= 1_000
    assert read.get_property("DELAY") == "1"
    assert read.get_property("REAL_TOPIC") == topic
    assert read.get_property("REAL_QID") == "3"
    assert read.get_property("mine") == "yes"
    assert read.offset_msg_id != result.offset_msg_id  # that one named the record that waited


def test_levels_have_their_own_times(server: Server, broker: Wire, topic: str) -> None:
    sent_ms = server.now_ms()
    broker.send(Message(topic, "5 s", properties={"DELAY": "2"}))
    broker.send(Message(topic, "1 s", properties={"DELAY": "1"}))

    read = read_queue(server, broker, topic, 0, 2)

    assert [message.body for message in read] == [b"1 s", b"5 s"]
    assert read[0].store_timestamp - sent_ms >= 1_000
    assert read[1].store_timestamp - sent_ms >= 5_000


def test_messages_of_one_level_keep_their_order(server: Server, broker: Wire, topic: str) -> None:
    for number in range(5):
        broker.send(Message(topic, f"{number}", properties={"DELAY": "1"}))

    read = read_queue(server, broker, topic, 0, 5)

    assert [message.body for message in read] == [f"{number}".encode() for number in range(5)]


def test_a_level_above_the_last_is_the_last(server: Server, broker: Wire, topic: str) -> None:
    """It is taken, and not delivered soon."""
    assert broker.send(Message(topic, "in two hours", properties={"DELAY": "99"})).ok

    server.passes(2.0)

    assert pull(broker, topic).max_offset == 0


def test_level_0_is_no_delay(server: Server, broker: Wire, topic: str) -> None:
    command = Requests.create_send_message_v2_request("producers", topic, b"now", properties={"DELAY": "0"})
    broker.call(command)

    (read,) = read_queue(server, broker, topic, 0, 1)

    # What was delayed names the topic that it waited for.
    assert (read.body, read.get_property("REAL_TOPIC")) == (b"now", None)


@pytest.mark.unless("no-timer")
@pytest.mark.parametrize("name", ["TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS"])
def test_a_timer_message_arrives_at_its_time(server: Server, broker: Wire, topic: str, name: str) -> None:
    sent_ms = server.now_ms()
    value = {"TIMER_DELAY_SEC": 2, "TIMER_DELAY_MS": 2000, "TIMER_DELIVER_MS": sent_ms + 2000}[name]
    message = Message(topic, "timed", "new", properties={name: str(value)})
    assert broker.send(message, 2).ok
    assert pull(broker, topic, 2).max_offset == 0

    (read,) = read_queue(server, broker, topic, 2, 1)

    assert (read.topic, read.queue_id, read.body, read.tags) == (topic, 2, b"timed", "new")
    assert read.unique_id == message.unique_id
    assert 1_000 <= read.store_timestamp - sent_ms <= 15_000  # to the second, as the wheel turns
    assert read.get_property("REAL_TOPIC") == topic
    assert read.get_property("TIMER_OUT_MS")


@pytest.mark.unless("no-timer")
def test_a_time_in_the_past_is_now(server: Server, broker: Wire, topic: str) -> None:
    past = str(server.now_ms() - 10_000)
    assert broker.send(Message(topic, "late", properties={"TIMER_DELIVER_MS": past})).ok

    (read,) = read_queue(server, broker, topic, 0, 1)

    assert read.body == b"late"


@pytest.mark.unless("no-timer")
def test_a_time_too_far_away_is_refused(broker: Wire, topic: str) -> None:
    result = broker.send(Message(topic, "next week", properties={"TIMER_DELAY_SEC": str(259_201)}))

    assert (result.ok, result.code) == (False, 13)


@pytest.mark.unless("no-timer")
def test_a_timer_message_can_be_recalled(server: Server, broker: Wire, topic: str) -> None:
    kept, recalled = (
        Message(topic, text, properties={"TIMER_DELAY_SEC": "4"}) for text in ("kept", "recalled")
    )
    broker.send(kept)
    result = broker.send(recalled)
    assert result.recall_handle is not None
    handle = RecallHandle.decode(result.recall_handle)
    assert (handle.topic, handle.broker_name, handle.message_id) == (
        topic,
        server.broker_name,
        recalled.unique_id,
    )

    answer = broker.call(Requests.create_recall_message_request(topic, result.recall_handle, "producers"))

    assert fields(answer)["msgId"] == recalled.unique_id
    server.passes(6.0)
    assert [message.body for message in read_queue(server, broker, topic, 0, 1)] == [b"kept"]


@pytest.mark.unless("no-timer")
def test_a_send_without_a_timer_has_no_recall_handle(broker: Wire, topic: str) -> None:
    assert broker.send(Message(topic, "x")).recall_handle is None
    assert broker.send(Message(topic, "x", properties={"DELAY": "1"})).recall_handle is None


@pytest.mark.unless("no-timer")
def test_a_handle_that_is_none_is_refused(server: Server, broker: Wire, topic: str) -> None:
    past = RecallHandle(topic, server.broker_name, str(server.now_ms() - 1000), "0" * 32).encode()
    elsewhere = RecallHandle(topic, "another-broker", str(server.now_ms() + 9000), "0" * 32).encode()
    for handle in ("nonsense", past, elsewhere):
        answer = broker.ask(Requests.create_recall_message_request(topic, handle, "producers")).command
        assert answer.code == 604, handle


@pytest.mark.where("no-timer")
def test_timer_properties_mean_nothing_to_older_brokers(server: Server, broker: Wire, topic: str) -> None:
    message = Message(topic, "now", properties={"TIMER_DELAY_SEC": "60"})
    result = broker.send(message)

    (read,) = read_queue(server, broker, topic, 0, 1)

    assert result.recall_handle is None
    assert read.get_property("TIMER_DELAY_SEC") == "60"
    assert broker.ask(Requests.create_recall_message_request(topic, "x", "g")).command.code == 3
