"""Pulls, offsets and look-ups on a real broker."""

from __future__ import annotations

import time
from functools import partial

import pytest

from pyrocketmq._native.stored import MessageExt, decode_messages_strict
from pyrocketmq.model import (
    Message,
    OffsetResult,
    PullMessageResult,
    PullStatus,
    RemotingCommand,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.server.filters import compile_filter

from .conftest import Cluster
from .polling import read_queue, until
from .wire import Wire


def pull(
    broker: Wire, topic: str, *, begin: int = 0, expression: str = "*", kind: str = "TAG"
) -> PullMessageResult:
    command = Requests.create_pull_message_request(
        "readers", topic, 0, begin, 32, subscription=expression, expression_type=kind
    )
    return PullMessageResult.from_command(broker.ask(command).command)


def offset(broker: Wire, command: RemotingCommand) -> int:
    return OffsetResult.from_value(broker.call(command).ext_fields).offset


def test_a_pull_says_where_to_go_on(broker: Wire, topic: str) -> None:
    for number in range(5):
        broker.send(Message(topic, f"{number}"))
    read_queue(broker, topic, 0, 5)

    some = pull(broker, topic, begin=2)
    none = pull(broker, topic, begin=5)
    beyond = pull(broker, topic, begin=50)

    assert some.status is PullStatus.FOUND
    assert [message.body for message in some.messages] == [b"2", b"3", b"4"]
    assert (some.next_begin_offset, some.min_offset, some.max_offset) == (5, 0, 5)
    assert (none.status, none.next_begin_offset, none.messages) == (PullStatus.NO_NEW_MSG, 5, [])
    assert beyond.status is PullStatus.OFFSET_ILLEGAL
    assert beyond.next_begin_offset == 5


def test_a_held_pull_is_answered_when_a_message_comes(cluster: Cluster, broker: Wire, topic: str) -> None:
    command = Requests.create_pull_message_request("readers", topic, 0, 0, 32, suspend_timeout_millis=15_000)
    with Wire(cluster.broker, broker.codec) as holding:
        held = holding.hold(command)
        broker.send(Message(topic, "here I am"))
        result = PullMessageResult.from_command(holding.read()[held].command)

    assert [message.body for message in result.messages] == [b"here I am"]


@pytest.mark.parametrize("expression", ["new", "new || paid", "*", "gone"])
def test_tags_are_filtered_as_our_filter_does(broker: Wire, topic: str, expression: str) -> None:
    for tag in ("new", "paid", None, "other", "new"):
        broker.send(Message(topic, "x", tag))

    check_filter(broker, read_queue(broker, topic, 0, 5), "TAG", expression)


@pytest.mark.parametrize(
    "condition",
    [
        "a > 5",
        "a > 5.5 OR b = 'x'",
        "a BETWEEN 3 AND 7 AND b IS NOT NULL",
        "b IN ('x', 'it''s')",
        "b NOT IN ('x')",
        "NOT (b = 'x') AND a <> 3",
        "a IS NULL",
        "c = TRUE",
        "TRUE = c",
        "a = 'x' OR (b <> 'x' AND c = false)",
        "TAGS = 'new'",
        "a >= b",
    ],
)
def test_sql92_is_filtered_as_our_filter_does(broker: Wire, topic: str, condition: str) -> None:
    for properties in (
        {"a": "3", "b": "x"},
        {"a": "6", "b": "it's", "c": "true"},
        {"a": "7.5", "c": "false"},
        {"a": "many", "b": "x", "c": "TRUE"},
        {"b": "y"},
        {"a": "10", "b": "9"},
    ):
        broker.send(Message(topic, "x", "new", properties=properties))

    check_filter(broker, read_queue(broker, topic, 0, 6), "SQL92", condition)


@pytest.mark.parametrize(
    ("condition", "taken_by_4_9"),
    [("b CONTAINS 'bc'", 0), ("b NOT STARTSWITH 'ab'", 4), ("b ENDSWITH 'cd' OR a = 1", 0)],
)
def test_texts_are_searched_as_our_filter_does(
    cluster: Cluster, broker: Wire, topic: str, condition: str, taken_by_4_9: int
) -> None:
    for value in ("abcd", "bcda", "cdab", "x"):
        broker.send(Message(topic, "x", properties={"b": value}))
    everything = read_queue(broker, topic, 0, 4)

    if cluster.is_5:
        check_filter(broker, everything, "SQL92", condition)
    else:
        # These words came with 5.x. A 4.9 broker reads as far as it can: a property alone is never true, and
        # with a condition that it cannot read it filters nothing.
        result = pull(broker, topic, expression=condition, kind="SQL92")
        assert len(result.messages) == taken_by_4_9


def check_filter(broker: Wire, everything: list[MessageExt], kind: str, expression: str) -> None:
    """The broker gives the messages that our filter takes, and goes on behind all of them."""
    ours = compile_filter(kind, expression)
    expected = [message for message in everything if ours(message.properties)]

    result = pull(broker, everything[0].topic, expression=expression, kind=kind)

    assert [message.queue_offset for message in result.messages] == [item.queue_offset for item in expected]
    if expected:
        assert result.status is PullStatus.FOUND
    else:
        assert result.status is PullStatus.NO_MATCHED_MSG
        assert result.next_begin_offset == len(everything)


def test_offsets_are_told_and_kept(cluster: Cluster, broker: Wire, topic: str, group: str) -> None:
    first = broker.send(Message(topic, "first"))
    time.sleep(0.005)  # a millisecond of its own for each, as the search by time cannot tell equal ones apart
    broker.send(Message(topic, "second"))
    stored_at = [message.store_timestamp for message in read_queue(broker, topic, 0, 2)]
    assert first.ok

    assert offset(broker, Requests.create_get_max_offset_request(topic, 0)) == 2
    assert offset(broker, Requests.create_get_min_offset_request(topic, 0)) == 0
    assert offset(broker, Requests.create_get_max_offset_request(topic, 3)) == 0
    assert offset(broker, Requests.create_search_offset_request(topic, 0, stored_at[0])) == 0
    beyond = offset(broker, Requests.create_search_offset_request(topic, 0, stored_at[1] + 60_000))
    assert beyond == (2 if cluster.is_5 else 1)  # 4.9 stops at the last message

    # A 5.x broker keeps offsets only of groups it knows; a pull creates the group.
    broker.ask(Requests.create_pull_message_request(group, topic, 3, 0, 1))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))
    assert offset(broker, Requests.create_query_consumer_offset_request(group, topic, 0)) == 1

    unknown = broker.ask(Requests.create_query_consumer_offset_request(group, topic, 3)).command
    assert unknown.code in (0, 22)  # a young queue counts as read from its beginning
    stamp = broker.call(Requests.create_get_earliest_msg_storetime_request(topic, 0))
    assert (stamp.ext_fields or {})["timestamp"] == str(stored_at[0])


def test_messages_are_found_by_key_and_by_unique_id(broker: Wire, topic: str) -> None:
    wanted = Message(topic, "wanted", keys=["order-7", "customer-3"])
    broker.send([Message(topic, "other", keys="order-8"), wanted])
    broker.send(Message(topic, "another", keys="order-9"))
    assert wanted.unique_id is not None

    def found(command: RemotingCommand) -> list[MessageExt]:
        answer = broker.ask(command).command
        return decode_messages_strict(answer.body or b"") if answer.code == 0 else []

    for key in ("order-7", "customer-3"):
        messages = until(partial(found, Requests.create_query_message_request(topic, key)), key)
        assert [message.body for message in messages if key in (message.keys or "").split()] == [b"wanted"]
    by_id = Requests.create_query_message_request(topic, wanted.unique_id, unique_key=True)
    (message,) = until(lambda: found(by_id), "the unique id is indexed")
    assert (message.body, message.unique_id) == (b"wanted", wanted.unique_id)


def test_a_message_given_back_comes_to_the_retry_topic(broker: Wire, topic: str, group: str) -> None:
    broker.send(Message(topic, "again", "new"))
    (message,) = read_queue(broker, topic, 0, 1)
    broker.call(
        Requests.create_consumer_send_msg_back_request(
            group, message.commit_log_offset, 1, origin_msg_id=message.unique_id, origin_topic=topic
        )
    )

    retry = f"%RETRY%{group}"
    (again,) = read_queue(broker, retry, 0, 1)

    assert (again.body, again.tags, again.reconsume_times) == (b"again", "new", 1)
    assert (again.topic, again.real_topic) == (retry, topic)
    assert again.unique_id == message.unique_id
