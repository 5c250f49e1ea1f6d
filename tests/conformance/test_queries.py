"""Messages found again: by key, by unique id, by place; and the entries of a queue."""

from __future__ import annotations

from functools import partial

import pytest

from pyrocketmq._native.queuehash import java_hash
from pyrocketmq._native.stored import MessageExt, decode_messages_strict
from pyrocketmq.model import Message, RemotingCommand
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.result_data import QueryConsumeQueueResponseBody
from tests.servers import Server, Wire

from .reading import fields, read_queue


def found(broker: Wire, command: RemotingCommand) -> list[MessageExt]:
    answer = broker.ask(command).command
    if answer.code == 0:
        return decode_messages_strict(answer.body or b"")
    assert answer.code == 22
    return []


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_messages_are_found_by_each_of_their_keys(server: Server, broker: Wire, topic: str) -> None:
    wanted = Message(topic, "wanted", keys=["order-7", "customer-3"])
    broker.send([Message(topic, "other", keys="order-8"), wanted])
    broker.send(Message(topic, "another", keys="order-9"))

    for key in ("order-7", "customer-3"):
        command = Requests.create_query_message_request(topic, key)
        messages = server.until(partial(found, broker, command), f"{key} is indexed")
        assert [message.body for message in messages if key in (message.keys or "").split()] == [b"wanted"]


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_message_is_found_by_its_unique_id(server: Server, broker: Wire, topic: str) -> None:
    wanted = Message(topic, "wanted")
    broker.send([Message(topic, "other"), wanted])
    assert wanted.unique_id is not None

    command = Requests.create_query_message_request(topic, wanted.unique_id, unique_key=True)
    (message,) = server.until(partial(found, broker, command), "the unique id is indexed")

    assert (message.body, message.unique_id) == (b"wanted", wanted.unique_id)


def test_a_query_gives_the_newest_up_to_a_number(server: Server, broker: Wire, topic: str) -> None:
    for number in range(6):
        broker.send(Message(topic, f"{number}", keys="same"))
    everything = Requests.create_query_message_request(topic, "same")
    server.until(lambda: len(found(broker, everything)) == 6, "all are indexed")

    some = found(broker, Requests.create_query_message_request(topic, "same", max_num=2))

    assert {message.body for message in some} == {b"4", b"5"}


def test_a_query_is_bounded_by_times(server: Server, broker: Wire, topic: str) -> None:
    broker.send(Message(topic, "early", keys="same"))
    server.passes(2.0)  # an index has times to the second
    broker.send(Message(topic, "late", keys="same"))
    late_ms = read_queue(server, broker, topic, 0, 2)[1].store_timestamp
    server.until(
        lambda: len(found(broker, Requests.create_query_message_request(topic, "same"))) == 2, "both"
    )

    command = Requests.create_query_message_request(
        topic, "same", begin_timestamp=late_ms - 1000, end_timestamp=late_ms + 10_000
    )

    assert [message.body for message in found(broker, command)] == [b"late"]


def test_a_key_of_another_topic_is_not_found(server: Server, broker: Wire, topic: str) -> None:
    broker.send(Message(topic, "x", keys="mine"))
    command = Requests.create_query_message_request(topic, "mine")
    server.until(partial(found, broker, command), "it is indexed")

    assert found(broker, Requests.create_query_message_request("another-topic", "mine")) == []
    assert found(broker, Requests.create_query_message_request(topic, "not-mine")) == []


def test_a_delayed_message_is_found_by_its_key_when_it_is_delivered(
    server: Server, broker: Wire, topic: str
) -> None:
    broker.send(Message(topic, "later", keys="delayed", properties={"DELAY": "1"}))
    command = Requests.create_query_message_request(topic, "delayed")

    (message,) = server.until(partial(found, broker, command), "it is delivered and indexed")

    assert (message.topic, message.body) == (topic, b"later")


def test_a_place_without_a_message_is_refused(server: Server, broker: Wire, topic: str) -> None:
    broker.send(Message(topic, "x"))
    (message,) = read_queue(server, broker, topic, 0, 1)

    answer = broker.ask(Requests.create_view_message_request(message.commit_log_offset + 5)).command

    assert answer.code == 1


def test_the_entries_of_a_queue_can_be_read(server: Server, broker: Wire, topic: str) -> None:
    broker.send([Message(topic, "a", "new"), Message(topic, "b"), Message(topic, "c", "old")])
    stored = read_queue(server, broker, topic, 0, 3)

    answer = broker.call(Requests.create_query_consume_queue_request(topic, 0, 1, 10))

    body = QueryConsumeQueueResponseBody.decode(answer.body)
    assert (body.min_queue_index, body.max_queue_index) == (0, 3)
    entries = [(entry.physic_offset, entry.physic_size, entry.tags_code) for entry in body.queue_data]
    assert entries == [
        (stored[1].commit_log_offset, stored[1].store_size, 0),
        (stored[2].commit_log_offset, stored[2].store_size, java_hash("old")),
    ]


def test_the_answer_of_a_query_tells_how_far_the_index_is(server: Server, broker: Wire, topic: str) -> None:
    broker.send(Message(topic, "x", keys="mine"))
    command = Requests.create_query_message_request(topic, "mine")
    server.until(partial(found, broker, command), "it is indexed")

    told = fields(broker.call(command))

    assert int(told["indexLastUpdateTimestamp"]) > 0
    assert int(told["indexLastUpdatePhyoffset"]) > 0
