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


def test_names_of_queues_sort_as_in_java() -> None:
    # U+1F600 is D83D DE00 in UTF-16 and so comes before U+FB01, though its code point is higher.
    emoji, ligature = "\U0001f600", "\ufb01"

    assert MessageQueue(emoji, "b", 1) < MessageQueue(ligature, "a", 0)
    assert MessageQueue("t", emoji, 1) < MessageQueue("t", ligature, 0)
    assert MessageQueue("t", ligature, 0) >= MessageQueue("t", emoji, 1)
    with pytest.raises(TypeError):
        assert MessageQueue("t", "b", 0) < 1  # type: ignore[operator]


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
