"""Hashes that decide where messages go, and checksums."""

from __future__ import annotations

from pyrocketmq._native.queuehash import body_crc, java_hash, pick_queue_go, pick_queue_java, tags_code
from pyrocketmq.model.message_queue import MessageQueue

from .loader import Case, body_of, cases


@cases("java_hash")
def test_java_hashes_and_the_queues_they_pick(case: Case) -> None:
    assert java_hash(case["text"]) == case["java_hash"]
    picks = {count: pick_queue_java(case["text"], int(count)) for count in case["select_by_hash"]}
    assert picks == case["select_by_hash"]


@cases("go_hash")
def test_the_queues_that_the_go_client_picks(case: Case) -> None:
    picks = {count: pick_queue_go(case["text"], int(count)) for count in case["go_hash_selector"]}
    assert picks == case["go_hash_selector"]


@cases("tag", only="tags")
def test_the_code_of_a_tag_in_a_consume_queue(case: Case) -> None:
    assert tags_code(case["tags"]) == case["tags_code"]


@cases("crc")
def test_the_checksum_of_a_body(case: Case) -> None:
    assert body_crc(body_of(case)) == case["crc"]


@cases("message_queue", only="to_string")
def test_a_queue_has_the_text_and_hash_of_java(case: Case) -> None:
    queue = MessageQueue(case["topic"], case["brokerName"], case["queueId"])
    assert str(queue) == case["to_string"]
    assert queue.java_hash() == case["java_hash"]


@cases("message_queue", only="unsorted")
def test_queues_are_sorted_as_in_java(case: Case) -> None:
    queues = sorted([MessageQueue(*parts) for parts in case["unsorted"]])
    assert [[queue.topic, queue.broker_name, queue.queue_id] for queue in queues] == case["sorted"]
