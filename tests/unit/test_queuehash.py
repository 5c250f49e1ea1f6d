"""Hashes, queue picks, the tag code, the body CRC and the consistent-hash ring."""

from __future__ import annotations

import hashlib

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.queuehash import (
    ConsistentHashRing,
    body_crc,
    go_hash,
    java_hash,
    pick_queue_go,
    pick_queue_java,
    pick_queue_xxh3,
    tags_code,
    xxh3,
)
from pyrocketmq.errors import ConfigurationError, InvalidMessageError

any_text = st.text(st.characters(exclude_categories=[]))  # lone surrogates too
valid_text = st.text(st.characters(exclude_categories=["Cs"]))


def plain_java_hash(text: str) -> int:
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    h = 0
    for unit in units:
        h = (31 * h + unit) & 0xFFFFFFFF
    return h - (1 << 32) if h & 0x80000000 else h


def plain_go_hash(text: str) -> int:
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


@given(any_text)
def test_java_hash_counts_utf16_units(text: str) -> None:
    assert plain_java_hash(text) == java_hash(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("hello", 99162322), ("polygenelubricants", -2147483648), ("\U0001f600 smile", -1559691765)],
)
def test_java_hash_of_known_texts(text: str, expected: int) -> None:
    assert expected == java_hash(text)


@given(valid_text)
def test_go_hash_is_fnv_1a_of_the_utf8_bytes(text: str) -> None:
    assert plain_go_hash(text) == go_hash(text)


@given(valid_text)
def test_xxh3_is_taken_of_the_utf8_bytes(text: str) -> None:
    assert xxhash.xxh3_64_intdigest(text.encode()) == xxh3(text)


@given(valid_text, st.integers(1, 1 << 40))
def test_picked_queue_is_always_one_of_the_queues(key: str, queues: int) -> None:
    for pick in (pick_queue_java, pick_queue_go, pick_queue_xxh3):
        assert 0 <= pick(key, queues) < queues


def test_java_pick_takes_the_absolute_value_after_the_remainder() -> None:
    assert 2 == pick_queue_java("polygenelubricants", 3)
    assert 9 == pick_queue_java("polygenelubricants", 17)


@pytest.mark.parametrize("queues", [0, -1])
@pytest.mark.parametrize("pick", [pick_queue_java, pick_queue_go, pick_queue_xxh3])
def test_picking_from_no_queues_is_refused_by_name(pick: object, queues: int) -> None:
    assert callable(pick)
    with pytest.raises(ConfigurationError, match=f"queues is {queues}") as caught:
        pick("key", queues)
    assert "queues" == caught.value.field


@pytest.mark.parametrize("function", [go_hash, xxh3])
def test_lone_surrogate_is_refused_where_utf8_is_hashed(function: object) -> None:
    assert callable(function)
    with pytest.raises(InvalidMessageError, match=r"lone surrogate U\+D83D at index 2") as caught:
        function("ab\ud83d")
    assert "key" == caught.value.field


def test_tags_code_is_the_java_hash_and_zero_without_tags() -> None:
    assert 97 == tags_code("a")
    assert 0 == tags_code("")
    assert 0 == tags_code(None)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_body_crc_drops_the_sign_bit(kind: type) -> None:
    assert 61811491 == body_crc(kind(bytes.fromhex("857bbc47")))
    assert 0 == body_crc(kind(b""))


def test_ring_gives_a_key_to_the_first_point_at_or_after_it_and_wraps() -> None:
    nodes = ["one", "two", "three"]
    points = {
        int.from_bytes(hashlib.md5(f"{node}-{i}".encode(), usedforsecurity=False).digest()[:4], "big"): node
        for node in nodes
        for i in range(10)
    }
    ring = ConsistentHashRing(nodes)
    wrapped = 0
    for n in range(2000):
        key = f"key-{n}"
        at = int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest()[:4], "big")
        later = [point for point in points if point >= at]
        wrapped += not later
        assert points[min(later or points)] == ring.node_for(key)
    assert wrapped


def test_key_that_equals_a_point_belongs_to_that_point() -> None:
    assert "b" == ConsistentHashRing(["a", "b"]).node_for("b-7")


def test_ring_does_not_depend_on_the_order_of_its_nodes() -> None:
    nodes = [f"10.0.0.{n}@4711" for n in range(5)]
    forward, backward = ConsistentHashRing(nodes, 3), ConsistentHashRing(reversed(nodes), 3)
    assert all(forward.node_for(str(n)) == backward.node_for(str(n)) for n in range(500))
    assert 3 == forward.virtual_nodes


def test_empty_ring_and_ring_without_points_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="nodes is empty"):
        ConsistentHashRing([])
    with pytest.raises(ConfigurationError, match="virtual_nodes is 0"):
        ConsistentHashRing(["a"], 0)
