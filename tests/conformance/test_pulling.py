"""Pulls: what a broker gives, what it refuses, and where it says to go on."""

from __future__ import annotations

import pytest

from pyrocketmq.model import (
    Message,
    PullMessageResult,
    PullStatus,
    RemotingCommand,
    SubscriptionData,
    build_pull_sys_flag,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from tests.servers import Server, Wire

from .conftest import QUEUES, Differs
from .reading import READERS, fields, join, offset, pull, read_queue


def filled(server: Server, broker: Wire, topic: str, count: int, queue_id: int = 0) -> None:
    for number in range(count):
        broker.send(Message(topic, f"{number}"), queue_id)
    read_queue(server, broker, topic, queue_id, count)


def ask(broker: Wire, topic: str, queue_id: int, begin: int) -> RemotingCommand:
    return broker.ask(Requests.create_pull_message_request(READERS, topic, queue_id, begin, 32)).command


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_pull_gives_messages_and_says_where_to_go_on(server: Server, broker: Wire, topic: str) -> None:
    filled(server, broker, topic, 5)

    answer = ask(broker, topic, 0, 2)

    result = PullMessageResult.from_command(answer)
    assert (answer.code, answer.remark) == (0, "FOUND")
    assert [message.body for message in result.messages] == [b"2", b"3", b"4"]
    assert (result.next_begin_offset, result.min_offset, result.max_offset) == (5, 0, 5)
    assert result.suggest_which_broker_id == 0


@pytest.mark.parametrize(
    ("count", "begin", "code", "remark", "go_on"),
    [
        (3, 3, 19, "OFFSET_OVERFLOW_ONE", 3),
        (3, 4, 21, "OFFSET_OVERFLOW_BADLY", 3),
        (3, 1000, 21, "OFFSET_OVERFLOW_BADLY", 3),
        (3, -1, 21, "OFFSET_TOO_SMALL", 0),
        (0, 0, 19, "NO_MESSAGE_IN_QUEUE", 0),
        (0, 7, 21, "NO_MESSAGE_IN_QUEUE", 0),
    ],
)
def test_an_offset_without_a_message_is_answered_with_the_one_to_go_on_at(
    server: Server, broker: Wire, topic: str, count: int, begin: int, code: int, remark: str, go_on: int
) -> None:
    filled(server, broker, topic, count) if count else None

    answer = ask(broker, topic, 0, begin)

    result = PullMessageResult.from_command(answer)
    assert (answer.code, answer.remark) == (code, remark)
    assert (result.next_begin_offset, result.min_offset, result.max_offset) == (go_on, 0, count)
    assert result.messages == []


def test_a_pull_is_bounded_by_the_number_of_messages(server: Server, broker: Wire, topic: str) -> None:
    filled(server, broker, topic, 5)

    result = pull(broker, topic, count=2)

    assert [message.body for message in result.messages] == [b"0", b"1"]
    assert (result.next_begin_offset, result.max_offset) == (2, 5)


def test_a_pull_gives_32_messages_at_most(server: Server, broker: Wire, topic: str) -> None:
    messages = [Message(topic, f"{number}") for number in range(50)]
    broker.send(messages)
    server.until(lambda: offset(broker, Requests.create_get_max_offset_request(topic, 0)) == 50, "50 stored")

    result = pull(broker, topic, count=100)

    assert len(result.messages) == 32
    assert result.next_begin_offset == 32


def test_a_pull_gives_256_kib_at_most_and_one_message_whatever_its_size(
    server: Server, broker: Wire, topic: str
) -> None:
    for size in (100_000, 100_000, 100_000, 500_000, 10):
        broker.send(Message(topic, bytes(size)))
    server.until(lambda: offset(broker, Requests.create_get_max_offset_request(topic, 0)) == 5, "5 stored")

    taken = []
    begin = 0
    while begin < 5:
        result = pull(broker, topic, begin=begin)
        taken.append([message.body_size for message in result.messages])
        begin = result.next_begin_offset

    assert taken == [[100_000, 100_000], [100_000], [500_000], [10]]


def test_an_unknown_topic_cannot_be_pulled(broker: Wire) -> None:
    answer = ask(broker, "no-such-topic", 0, 0)

    assert answer.code == 17
    assert "no-such-topic" in (answer.remark or "")


@pytest.mark.parametrize("queue_id", [-1, QUEUES, 99])
def test_a_queue_that_is_not_there_cannot_be_pulled(
    broker: Wire, topic: str, queue_id: int, differs: Differs
) -> None:
    answer = ask(broker, topic, queue_id, 0)

    assert answer.code == (1 if differs("bad-parameters-are-system-errors") else 29)
    assert "queueId" in (answer.remark or "")


def test_a_pull_without_subscription_needs_a_member(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    def ask_as_member(version: int) -> RemotingCommand:
        command = Requests.create_pull_message_request(
            group, topic, 0, 0, 32, subscription=None, sub_version=version, sys_flag=build_pull_sys_flag()
        )
        return broker.ask(command).command

    broker.send(Message(topic, "taken", "new"))
    broker.send(Message(topic, "not taken", "old"))
    read_queue(server, broker, topic, 0, 2)

    stranger = ask_as_member(0)
    join(broker, "member", group, SubscriptionData.build(topic, "new", version=7))
    member = ask_as_member(7)
    newer = ask_as_member(8)

    assert stranger.code == 24
    assert [message.body for message in PullMessageResult.from_command(member).messages] == [b"taken"]
    assert newer.code == 25


def test_a_pull_without_a_subscription_for_the_topic_is_refused(broker: Wire, topic: str, group: str) -> None:
    join(broker, "member", group, SubscriptionData.build("another-topic"))
    command = Requests.create_pull_message_request(
        group, topic, 0, 0, 32, subscription=None, sys_flag=build_pull_sys_flag()
    )

    assert broker.ask(command).command.code == 24


def test_a_pull_stores_the_offset_it_brings(broker: Wire, topic: str, group: str) -> None:
    broker.send(Message(topic, "x"))
    command = Requests.create_pull_message_request(
        group,
        topic,
        0,
        0,
        1,
        commit_offset=1,
        sys_flag=build_pull_sys_flag(commit_offset=True, subscription=True),
    )
    broker.ask(command)

    assert offset(broker, Requests.create_query_consumer_offset_request(group, topic, 0)) == 1


@pytest.mark.unless("no-pop")
def test_the_topic_and_group_flags_come_with_every_answer(broker: Wire, topic: str) -> None:
    """They came with the other novelties of 5.x."""
    answer = ask(broker, topic, 0, 0)

    assert (fields(answer)["topicSysFlag"], fields(answer)["groupSysFlag"]) == ("0", "0")


@pytest.mark.unless("no-pop")
def test_a_lite_pull_is_a_pull(server: Server, broker: Wire, topic: str) -> None:
    filled(server, broker, topic, 2)

    command = Requests.create_lite_pull_message_request(READERS, topic, 0, 1, 32)
    result = PullMessageResult.from_command(broker.call(command))

    assert result.status is PullStatus.FOUND
    assert [message.body for message in result.messages] == [b"1"]


def test_a_group_that_may_not_consume_is_refused(broker: Wire, topic: str, group: str) -> None:
    settings = SubscriptionGroupConfig(group, consume_enable=False)
    broker.call(Requests.create_create_subscription_group_request(settings))

    answer = broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1)).command

    assert answer.code == 16
    assert group in (answer.remark or "")
