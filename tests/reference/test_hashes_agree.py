"""Hashes, queue picks, tag codes, CRCs and the ring: native and reference give the same numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import queuehash

from .agreement import outcome
from .codec import hashes, ring
from .strategies import text, wild_text

long_text = st.text(max_size=300) | st.text(st.characters(min_codepoint=0x10000), max_size=40)
queue_counts = st.integers(-2, 64) | st.integers(1, 2**31 - 1)


@given(wild_text | text | long_text)
def test_java_hash_agrees_for_every_text(key: str) -> None:
    assert hashes.java_hash(key) == queuehash.java_hash(key)


@given(wild_text | text | long_text)
def test_go_hash_agrees_and_both_refuse_what_utf8_cannot_carry(key: str) -> None:
    assert outcome(lambda: hashes.go_hash(key)) == outcome(lambda: queuehash.go_hash(key))


@given(wild_text | text, queue_counts)
def test_queue_picks_agree_and_are_inside_the_queues(key: str, queues: int) -> None:
    java = outcome(lambda: hashes.pick_by_java_hash(key, queues))
    assert java == outcome(lambda: queuehash.pick_queue_java(key, queues))
    go = outcome(lambda: hashes.pick_by_go_hash(key, queues))
    assert go == outcome(lambda: queuehash.pick_queue_go(key, queues))
    for index in (java, go):
        assert not isinstance(index, int) or 0 <= index < queues


@given(st.none() | wild_text | text)
def test_tag_codes_agree(tags: str | None) -> None:
    assert hashes.tags_code(tags) == queuehash.tags_code(tags)


@given(st.binary(max_size=300))
def test_body_crcs_agree(body: bytes) -> None:
    assert hashes.body_crc(body) == queuehash.body_crc(body)
    assert hashes.body_crc(body) == queuehash.body_crc(memoryview(bytearray(body)))


@given(st.lists(text, max_size=5), st.lists(text, max_size=6), st.integers(-1, 12))
def test_ring_owners_agree(nodes: list[str], keys: list[str], virtual_nodes: int) -> None:
    native = outcome(lambda: queuehash.ConsistentHashRing(nodes, virtual_nodes))
    for key in keys or [""]:
        expected = outcome(lambda: ring.owner_of(key, nodes, virtual_nodes))  # noqa: B023
        if isinstance(native, queuehash.ConsistentHashRing):
            assert expected == native.node_for(key)
        else:
            assert expected == native
