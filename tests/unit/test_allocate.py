"""Strategies: whoever is in the list, the queues are divided without gaps and overlaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.allocate import (
    AllocateStrategy,
    ByConfig,
    ByMachineRoom,
    ConsistentHash,
    NearbyMachineRoom,
    allocate_average,
    allocate_average_by_circle,
    sort_client_ids,
)
from pyrocketmq.model.message_queue import MessageQueue
from tests.properties import FEWER_EXAMPLES

STRATEGIES: list[AllocateStrategy] = [
    allocate_average,
    allocate_average_by_circle,
    ConsistentHash(),
    ByMachineRoom(["r1", "r2"]),
    NearbyMachineRoom(),
    NearbyMachineRoom(allocate_average_by_circle, room_of_queue=lambda queue: queue.broker_name[:2]),
]


def room_queues(count: int) -> list[MessageQueue]:
    return sorted([MessageQueue("T", f"r{number % 3}@b-x", number) for number in range(count)])


@FEWER_EXAMPLES
@given(st.integers(0, 40), st.sets(st.text(min_size=1, max_size=6), min_size=1, max_size=9))
def test_every_queue_has_exactly_one_owner(count: int, members: set[str]) -> None:
    client_ids, queues = sort_client_ids(members), room_queues(count)
    for strategy in STRATEGIES:
        shares = [strategy(member, queues, client_ids) for member in client_ids]
        expected = queues
        if isinstance(strategy, ByMachineRoom):
            expected = [queue for queue in queues if queue.broker_name != "r0@b-x"]
        assert sorted(queue for share in shares for queue in share) == expected


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_is_not_in_the_list_gets_nothing(strategy: AllocateStrategy) -> None:
    assert strategy("stranger", room_queues(6), ["a", "b"]) == []
    assert strategy("a", room_queues(6), []) == []
    assert strategy("a", [], ["a"]) == []


def test_a_fixed_share_is_the_same_for_any_list() -> None:
    mine = room_queues(2)
    assert ByConfig(mine)("a", [], []) == mine


@pytest.mark.parametrize("name", ["r1", "r1@", "r1@b@c", "r9@b", "b", "@"])
def test_brokers_not_named_room_at_name_are_in_no_room(name: str) -> None:
    assert ByMachineRoom(["r1", "b"])("a", [MessageQueue("T", name, 0)], ["a"]) == []


@pytest.mark.parametrize("name", ["r1@b", "@b", "r1@b@@"])
def test_broker_names_are_split_as_java_splits_text(name: str) -> None:
    queue = MessageQueue("T", name, 0)
    assert ByMachineRoom(["r1", ""])("a", [queue], ["a"]) == [queue]


def test_rooms_without_members_are_divided_among_all() -> None:
    queues = [MessageQueue("T", f"{room}-b", number) for room in ("r1", "r2") for number in range(2)]
    members = ["r1-a", "r1-b"]
    shares = [NearbyMachineRoom()(member, queues, members) for member in members]
    assert [[queue.queue_id for queue in share] for share in shares] == [[0, 0], [1, 1]]


def test_client_ids_are_sorted_as_java_sorts_text() -> None:
    assert sort_client_ids(["\ufb01", "b", "a", "\U0001f600"]) == ["a", "b", "\U0001f600", "\ufb01"]


def test_a_ring_without_points_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ConsistentHash(0)
    assert caught.value.field == "virtual_nodes"
