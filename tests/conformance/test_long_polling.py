"""Pulls that the broker holds until a message comes or their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pyrocketmq.model import Message, PullMessageResult, PullStatus, RemotingCommand, SubscriptionData
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Server, Wire

from .reading import READERS, fields, join, read_queue


def held(topic: str, hold_ms: int, *, begin: int = 0, queue_id: int = 0, tags: str = "*") -> RemotingCommand:
    return Requests.create_pull_message_request(
        READERS, topic, queue_id, begin, 32, suspend_timeout_millis=hold_ms, subscription=tags
    )


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_held_pull_is_answered_when_a_message_comes(
    broker: Wire, connect: Callable[[], Wire], topic: str
) -> None:
    waiting = connect()
    opaque = waiting.hold(held(topic, 15_000))

    broker.send(Message(topic, "here I am"))

    result = PullMessageResult.from_command(waiting.answer(opaque).command)
    assert [message.body for message in result.messages] == [b"here I am"]
    assert result.next_begin_offset == 1


def test_a_held_pull_ends_when_its_time_is_over(server: Server, broker: Wire, topic: str) -> None:
    """Brokers look at what they hold in intervals, so the answer comes late, and never early."""
    begin_ms = server.now_ms()
    opaque = broker.hold(held(topic, 1000))

    answer = server.until(lambda: broker.arrived(opaque), "the hold is over", within=10.0)

    result = PullMessageResult.from_command(answer.command)
    assert (result.status, result.next_begin_offset) == (PullStatus.NO_NEW_MSG, 0)
    assert server.now_ms() - begin_ms >= 1000


def test_a_pull_that_may_not_be_held_is_answered_at_once(broker: Wire, topic: str) -> None:
    command = Requests.create_pull_message_request(
        READERS, topic, 0, 0, 32, suspend_timeout_millis=15_000, sys_flag=4
    )

    assert PullMessageResult.from_command(broker.ask(command).command).status is PullStatus.NO_NEW_MSG


def test_one_message_wakes_every_pull_that_waits_for_it(
    broker: Wire, connect: Callable[[], Wire], topic: str
) -> None:
    waiting = [connect() for _ in range(3)]
    opaques = [wire.hold(held(topic, 15_000)) for wire in waiting]
    elsewhere = waiting[0].hold(held(topic, 15_000, queue_id=1))

    broker.send(Message(topic, "for all"))

    for wire, opaque in zip(waiting, opaques, strict=True):
        result = PullMessageResult.from_command(wire.answer(opaque).command)
        assert [message.body for message in result.messages] == [b"for all"]
    assert waiting[0].arrived(elsewhere) is None


def test_requests_behind_a_held_pull_do_not_wait(broker: Wire, topic: str) -> None:
    opaque = broker.hold(held(topic, 15_000))

    assert fields(broker.call(Requests.create_get_max_offset_request(topic, 0)))["offset"] == "0"
    assert broker.arrived(opaque) is None


def test_a_message_that_the_filter_leaves_out_wakes_nobody(
    server: Server, broker: Wire, connect: Callable[[], Wire], topic: str
) -> None:
    waiting = connect()
    opaque = waiting.hold(held(topic, 15_000, tags="new"))
    # Otherwise the server may read the send of the other connection first.
    waiting.call(Requests.create_get_max_offset_request(topic, 0))

    broker.send(Message(topic, "x", "old"))
    read_queue(server, broker, topic, 0, 1)
    time.sleep(0.05)
    assert waiting.arrived(opaque) is None
    broker.send(Message(topic, "y", "new"))

    result = PullMessageResult.from_command(waiting.answer(opaque).command)
    assert [message.body for message in result.messages] == [b"y"]
    assert result.next_begin_offset == 2


def test_a_delayed_message_wakes_a_pull_when_it_is_due(
    server: Server, broker: Wire, connect: Callable[[], Wire], topic: str
) -> None:
    waiting = connect()
    opaque = waiting.hold(held(topic, 15_000))

    broker.send(Message(topic, "later", properties={"DELAY": "1"}))

    answer = server.until(lambda: waiting.arrived(opaque), "the message is due")
    result = PullMessageResult.from_command(answer.command)
    assert [message.body for message in result.messages] == [b"later"]


def test_a_held_pull_of_a_closed_connection_is_dropped(
    server: Server, broker: Wire, connect: Callable[[], Wire], topic: str
) -> None:
    leaving = connect()
    leaving.hold(held(topic, 15_000))
    leaving.close()

    broker.send(Message(topic, "x"))

    assert len(read_queue(server, broker, topic, 0, 1)) == 1


def test_a_pull_of_a_member_is_held_with_its_subscription(
    broker: Wire, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    waiting = connect()
    join(waiting, "member", group, SubscriptionData.build(topic, "new"))
    opaque = waiting.hold(
        Requests.create_pull_message_request(
            group, topic, 0, 0, 32, subscription=None, suspend_timeout_millis=15_000, sys_flag=2
        )
    )

    broker.send([Message(topic, "a", "old"), Message(topic, "b", "new")])

    result = PullMessageResult.from_command(waiting.answer(opaque).command)
    assert [message.body for message in result.messages] == [b"b"]
