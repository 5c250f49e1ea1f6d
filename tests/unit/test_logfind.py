"""Finding messages by key in a queue of the log."""

from __future__ import annotations

import pytest

from pyrocketmq._native.logfind import find_offsets
from pyrocketmq._native.logqueue import LogQueue
from pyrocketmq._native.properties import encode_properties
from pyrocketmq.server.store import MessageStore

EVERY = 1 << 60


def filled(*messages: dict[str, str]) -> tuple[MessageStore, LogQueue]:
    store = MessageStore()
    queue = store.log.queue("orders", 0)
    for properties in messages:
        store.append(queue, b"body", encode_properties(properties).encode())
    store.commit()
    return store, queue


def find(store: MessageStore, queue: LogQueue, key: str, **options: int) -> list[int]:
    return find_offsets(store.log, queue, key.encode(), 0, EVERY, **options)


@pytest.fixture
def orders() -> tuple[MessageStore, LogQueue]:
    return filled(
        {"KEYS": "a ab", "UNIQ_KEY": "U0"},
        {"KEYS": "ab", "UNIQ_KEY": "U1"},
        {"TAGS": "a", "UNIQ_KEY": "U2"},
        {"KEYS": "b a", "UNIQ_KEY": "U3"},
        {},
        {"KEYS": "a", "UNIQ_KEY": "a"},
    )


@pytest.mark.parametrize(
    ("key", "offsets"),
    [("a", [5, 3, 0]), ("ab", [1, 0]), ("b", [3]), ("U1", [1]), ("U", []), ("a ab", []), ("b a U3", [])],
)
def test_a_key_is_one_of_the_keys_or_the_senders_id(
    orders: tuple[MessageStore, LogQueue], key: str, offsets: list[int]
) -> None:
    assert offsets == find(*orders, key)


def test_a_search_can_be_for_keys_or_ids_only(orders: tuple[MessageStore, LogQueue]) -> None:
    assert [5] == find(*orders, "a", keys=False)
    assert [] == find(*orders, "U1", unique=False)


def test_the_newest_are_found_first_and_not_more_than_wanted(orders: tuple[MessageStore, LogQueue]) -> None:
    assert [5, 3] == find(*orders, "a", most=2)


def test_only_the_given_offsets_are_looked_at(orders: tuple[MessageStore, LogQueue]) -> None:
    store, queue = orders

    assert [3] == find_offsets(store.log, queue, b"a", 1, 5)
    assert [] == find_offsets(store.log, queue, b"a", 6, 5)
    assert [5, 3, 0] == find_offsets(store.log, queue, b"a", -7, EVERY)


def test_a_message_that_is_not_committed_is_not_found() -> None:
    store, queue = filled({"KEYS": "a"})
    store.log.visible = store.log.end
    store.append(queue, b"body", encode_properties({"KEYS": "a"}).encode())

    assert [0] == find(store, queue, "a")


def test_messages_that_retention_took_are_passed_over() -> None:
    store, queue = filled(*[{"KEYS": "a"}] * 3)
    store.log.begin_segment(store.log.end, 1 << 16)
    store.append(queue, b"body", encode_properties({"KEYS": "a"}).encode())
    store.log.drop_before(store.log.segments[-1].base)

    assert [3] == find(store, queue, "a")
