"""Offsets: of queues, of groups, and for a time."""

from __future__ import annotations

import pytest

from pyrocketmq.model import BoundaryType, Message, MessageQueue
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.result_data import ConsumerOffsetSerializeWrapper, ResetOffsetBody
from tests.servers import Server, Wire

from .conftest import QUEUES, Differs
from .reading import fields, offset, pull, read_queue


def known(broker: Wire, group: str, topic: str) -> None:
    """A 5.x broker keeps offsets only of groups it knows; a pull makes the group known."""
    broker.ask(Requests.create_pull_message_request(group, topic, 3, 0, 1))


def committed(broker: Wire, group: str, topic: str, queue_id: int = 0) -> int:
    return offset(broker, Requests.create_query_consumer_offset_request(group, topic, queue_id))


def spaced(server: Server, broker: Wire, topic: str, count: int) -> list[int]:
    """Messages with store times of their own, as a search by time cannot tell equal ones apart."""
    for number in range(count):
        broker.send(Message(topic, f"{number}"))
        server.passes(0.02)
    return [message.store_timestamp for message in read_queue(server, broker, topic, 0, count)]


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_the_bounds_of_a_queue_are_told(server: Server, broker: Wire, topic: str) -> None:
    for _ in range(2):
        broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 2)

    assert offset(broker, Requests.create_get_max_offset_request(topic, 0)) == 2
    assert offset(broker, Requests.create_get_min_offset_request(topic, 0)) == 0
    assert offset(broker, Requests.create_get_max_offset_request(topic, 3)) == 0
    assert offset(broker, Requests.create_get_max_offset_request("no-such-topic", 0)) == 0


def test_the_offset_of_a_time_is_found(server: Server, broker: Wire, topic: str, differs: Differs) -> None:
    first, second, third = spaced(server, broker, topic, 3)

    def at(time_ms: int) -> int:
        return offset(broker, Requests.create_search_offset_request(topic, 0, time_ms))

    assert [at(first), at(second), at(third)] == [0, 1, 2]
    assert at(first - 60_000) == 0
    if differs("search-gives-the-message-before"):
        assert [at(first + 1), at(second + 1), at(third + 60_000)] == [0, 1, 2]
    else:
        assert [at(first + 1), at(second + 1), at(third + 60_000)] == [1, 2, 3]


def test_the_upper_boundary_of_a_time_is_the_last_message_before_it(
    server: Server, broker: Wire, topic: str
) -> None:
    first, second, third = spaced(server, broker, topic, 3)

    def at(time_ms: int) -> int:
        upper = BoundaryType.UPPER
        return offset(broker, Requests.create_search_offset_request(topic, 0, time_ms, boundary_type=upper))

    assert [at(first), at(second), at(third)] == [0, 1, 2]
    assert [at(first + 1), at(second + 1), at(third + 60_000)] == [0, 1, 2]


def test_the_time_of_the_oldest_message_is_told(server: Server, broker: Wire, topic: str) -> None:
    (first, _) = spaced(server, broker, topic, 2)

    stamp = broker.call(Requests.create_get_earliest_msg_storetime_request(topic, 0))
    empty = broker.call(Requests.create_get_earliest_msg_storetime_request(topic, 1))

    assert fields(stamp)["timestamp"] == str(first)
    assert fields(empty)["timestamp"] == "-1"


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_the_offset_of_a_group_is_kept(broker: Wire, topic: str, group: str) -> None:
    broker.send(Message(topic, "x"))
    known(broker, group, topic)

    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    assert committed(broker, group, topic) == 1


def test_an_offset_comes_one_way_too_and_may_be_any_number(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    known(broker, group, topic)
    broker.tell(Requests.create_update_consumer_offset_request(group, topic, 2, 1_000_000))

    server.until(lambda: committed(broker, group, topic, 2) == 1_000_000, "the offset is stored")


def test_a_group_without_an_offset_reads_a_young_queue_from_its_beginning(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 1)
    known(broker, group, topic)

    assert committed(broker, group, topic) == 0


def test_a_group_without_an_offset_can_be_told_so(
    broker: Wire, topic: str, group: str, differs: Differs
) -> None:
    command = Requests.create_query_consumer_offset_request(group, topic, 0, set_zero_if_not_found=False)

    answer = broker.ask(command).command

    assert answer.code == (0 if differs("zero-for-a-missing-offset") else 22)


def test_the_offset_of_an_unknown_topic_is_refused(broker: Wire, group: str, differs: Differs) -> None:
    broker.ask(Requests.create_pull_message_request(group, "no-such-topic", 0, 0, 1))
    command = Requests.create_update_consumer_offset_request(group, "no-such-topic", 0, 1)

    assert broker.ask(command).command.code == (0 if differs("offsets-of-unknown-topics") else 17)


def test_all_offsets_can_be_read(broker: Wire, topic: str, group: str) -> None:
    known(broker, group, topic)
    for queue_id in (0, 2):
        broker.call(Requests.create_update_consumer_offset_request(group, topic, queue_id, 5 + queue_id))

    answer = broker.call(Requests.create_get_all_consumer_offset_request())

    table = ConsumerOffsetSerializeWrapper.decode(answer.body).offset_table
    assert {queue: at for queue, at in table[f"{topic}@{group}"].items() if at} == {0: 5, 2: 7}


def test_offsets_outlive_the_members(broker: Wire, topic: str, group: str) -> None:
    known(broker, group, topic)
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 4))

    broker.call(Requests.create_unregister_client_request("member", consumer_group=group))

    assert committed(broker, group, topic) == 4


def test_offsets_are_cloned_for_another_group(broker: Wire, topic: str, group: str) -> None:
    other = f"{group}-copy"
    for name in (group, other):
        known(broker, name, topic)
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 1, 3))

    broker.call(Requests.create_clone_group_offset_request(group, other, topic))

    assert committed(broker, other, topic, 1) == 3


def test_an_offset_is_reset_on_the_server(
    server: Server, broker: Wire, topic: str, group: str, differs: Differs
) -> None:
    first, second, _ = spaced(server, broker, topic, 3)
    del first
    known(broker, group, topic)
    for queue_id in range(QUEUES):
        broker.call(
            Requests.create_update_consumer_offset_request(group, topic, queue_id, 0 if queue_id else 3)
        )

    answer = broker.ask(Requests.create_reset_offset_request(group, topic, second)).command

    if differs("resets-by-telling-members"):
        assert answer.code == 206
        assert committed(broker, group, topic) == 3
        return
    table = ResetOffsetBody.decode(answer.body).offset_table
    assert table[MessageQueue(topic, server.broker_name, 0)] == 1
    assert committed(broker, group, topic) == 1
    moved = broker.ask(Requests.create_pull_message_request(group, topic, 0, 3, 32)).command
    assert (moved.code, moved.remark) == (21, "OFFSET_RESET")
    assert fields(moved)["nextBeginOffset"] == "1"


@pytest.mark.unless("resets-by-telling-members")
def test_one_queue_is_reset_to_an_offset(server: Server, broker: Wire, topic: str, group: str) -> None:
    spaced(server, broker, topic, 3)
    known(broker, group, topic)

    command = Requests.create_reset_offset_request(group, topic, queue_id=0, offset=2)
    table = ResetOffsetBody.decode(broker.call(command).body).offset_table

    assert table == {MessageQueue(topic, server.broker_name, 0): 2}
    assert committed(broker, group, topic) == 2


def test_the_reset_of_an_unknown_group_is_refused(broker: Wire, topic: str, differs: Differs) -> None:
    answer = broker.ask(Requests.create_reset_offset_request("no-such-group", topic)).command

    assert answer.code == (1 if differs("resets-by-telling-members") else 26)
    assert "no-such-group" in (answer.remark or "")


def test_a_pull_far_beyond_says_where_the_queue_ends(server: Server, broker: Wire, topic: str) -> None:
    spaced(server, broker, topic, 1)

    assert pull(broker, topic, begin=100).next_begin_offset == 1
