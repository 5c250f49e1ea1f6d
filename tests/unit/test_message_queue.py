"""The queue: its order, its text and hash as in Java, its JSON object."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import DeserializationError
from pyrocketmq.model.message_queue import MessageQueue


def test_queues_sort_by_topic_broker_and_number() -> None:
    queues = [MessageQueue("t", "b", 10), MessageQueue("t", "b", 9), MessageQueue("t", "a", 11)]

    assert [(queue.broker_name, queue.queue_id) for queue in sorted(queues)] == [
        ("a", 11),
        ("b", 9),
        ("b", 10),
    ]


def test_a_queue_prints_and_hashes_as_in_java() -> None:
    queue = MessageQueue("%RETRY%g0", "broker-a", 15)

    assert str(queue) == "MessageQueue [topic=%RETRY%g0, brokerName=broker-a, queueId=15]"
    assert queue.java_hash() == -297777784
    assert {queue: 1}[MessageQueue("%RETRY%g0", "broker-a", 15)] == 1


def test_a_queue_comes_back_from_its_json_object() -> None:
    queue = MessageQueue("t", "b", 3)

    assert queue.to_json_dict() == {"topic": "t", "brokerName": "b", "queueId": 3}
    assert MessageQueue.from_json_dict(queue.to_json_dict()) == queue


@pytest.mark.parametrize("member", ["topic", "brokerName", "queueId"])
def test_a_queue_object_without_a_member_is_refused_by_name(member: str) -> None:
    data: dict[str, object] = {"topic": "t", "brokerName": "b", "queueId": 3}
    del data[member]

    with pytest.raises(DeserializationError, match=f"MessageQueue.{member} must be"):
        MessageQueue.from_json_dict(data)
    with pytest.raises(DeserializationError, match=f"MessageQueue.{member} must be"):
        MessageQueue.from_json_dict({**data, member: True})
