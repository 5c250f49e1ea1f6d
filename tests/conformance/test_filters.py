"""Filters of tags and of SQL92 conditions: the broker takes what ours takes, and goes on behind all of it."""

from __future__ import annotations

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.errors import SubscriptionParseError
from pyrocketmq.model import Message, PullMessageResult, PullStatus, SubscriptionData, build_pull_sys_flag
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.client_data import CheckClientRequestBody
from pyrocketmq.server.filters import compile_filter, compile_sql
from tests.servers import Server, Wire

from .conftest import Differs
from .reading import join, pull, read_queue


def check_filter(broker: Wire, everything: list[MessageExt], kind: str, expression: str) -> None:
    ours = compile_filter(kind, expression)
    expected = [message for message in everything if ours(message.properties)]

    result = pull(broker, everything[0].topic, expression=expression, kind=kind)

    assert [message.queue_offset for message in result.messages] == [item.queue_offset for item in expected]
    if expected:
        assert result.status is PullStatus.FOUND
    else:
        assert result.status is PullStatus.NO_MATCHED_MSG
    assert result.next_begin_offset == len(everything)


@pytest.mark.parametrize("expression", ["new", "new || paid", "*", "gone", "new||other", "Aa"])
def test_tags_are_filtered_as_our_filter_does(
    server: Server, broker: Wire, topic: str, expression: str
) -> None:
    for tag in ("new", "paid", None, "other", "new"):
        broker.send(Message(topic, "x", tag))

    check_filter(broker, read_queue(server, broker, topic, 0, 5), "TAG", expression)


def test_tags_of_one_hash_are_left_to_the_client(server: Server, broker: Wire, topic: str) -> None:
    """``Aa`` and ``BB`` have the same Java hash, and the broker compares only hashes."""
    broker.send(Message(topic, "x", "Aa"))
    broker.send(Message(topic, "y", "BB"))
    read_queue(server, broker, topic, 0, 2)

    result = pull(broker, topic, expression="Aa")

    assert [message.body for message in result.messages] == [b"x", b"y"]


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
def test_sql92_is_filtered_as_our_filter_does(
    server: Server, broker: Wire, topic: str, condition: str
) -> None:
    for properties in (
        {"a": "3", "b": "x"},
        {"a": "6", "b": "it's", "c": "true"},
        {"a": "7.5", "c": "false"},
        {"a": "many", "b": "x", "c": "TRUE"},
        {"b": "y"},
        {"a": "10", "b": "9"},
    ):
        broker.send(Message(topic, "x", "new", properties=properties))

    check_filter(broker, read_queue(server, broker, topic, 0, 6), "SQL92", condition)


@pytest.mark.parametrize(
    ("condition", "taken_without"),
    [("b CONTAINS 'bc'", 0), ("b NOT STARTSWITH 'ab'", 4), ("b ENDSWITH 'cd' OR a = 1", 0)],
)
def test_texts_are_searched_as_our_filter_does(
    server: Server, broker: Wire, topic: str, condition: str, taken_without: int, differs: Differs
) -> None:
    for value in ("abcd", "bcda", "cdab", "x"):
        broker.send(Message(topic, "x", properties={"b": value}))
    everything = read_queue(server, broker, topic, 0, 4)

    if differs("no-text-search-in-conditions"):
        result = pull(broker, topic, expression=condition, kind="SQL92")
        assert len(result.messages) == taken_without
    else:
        check_filter(broker, everything, "SQL92", condition)


@pytest.mark.parametrize(
    "condition", ["a = 1", "a BETWEEN 3 AND 1", "a ! b", "a = NULL", "a > 'x'", "a IN (1)"]
)
def test_the_broker_refuses_the_conditions_that_we_refuse(
    broker: Wire, topic: str, group: str, condition: str
) -> None:
    subscription = SubscriptionData.build(topic, condition, "SQL92")
    body = CheckClientRequestBody("127.0.0.1@79", group, subscription)

    answer = broker.ask(Requests.create_check_client_config_request(body)).command

    try:
        compile_sql(condition)
    except SubscriptionParseError:
        assert answer.code == 23
        assert answer.remark
    else:
        assert answer.code == 0


def test_a_condition_that_cannot_be_read_filters_nothing(server: Server, broker: Wire, topic: str) -> None:
    """A pull does not report it; clients ask CHECK_CLIENT_CONFIG before they start."""
    broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 1)

    result = pull(broker, topic, expression="a ! b", kind="SQL92")

    assert [message.body for message in result.messages] == [b"x"]


def test_the_condition_of_a_member_is_used(server: Server, broker: Wire, topic: str, group: str) -> None:
    join(broker, "member", group, SubscriptionData.build(topic, "a > 5", "SQL92", version=3))
    for value in ("4", "6"):
        broker.send(Message(topic, value, properties={"a": value}))
    read_queue(server, broker, topic, 0, 2)

    command = Requests.create_pull_message_request(
        group,
        topic,
        0,
        0,
        32,
        subscription=None,
        expression_type="SQL92",
        sub_version=3,
        sys_flag=build_pull_sys_flag(),
    )
    result = PullMessageResult.from_command(broker.call(command))

    assert [message.body for message in result.messages] == [b"6"]
