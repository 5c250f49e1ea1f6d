"""One-way sends of threads wait for the loop in a bounded place, which it empties."""

from __future__ import annotations

import pytest

from pyrocketmq import Message, Producer
from pyrocketmq.testing import LocalRocketMQ

from .test_blocking import stored


def hand_over(producer: Producer, topic: str, body: bytes) -> int:
    """How many are taken while the loop, which runs this, cannot write them."""
    taken = 0
    while producer._oneways.put(Message(topic, body)):
        taken += 1
        assert taken < 20_000
    return taken


@pytest.mark.parametrize(
    ("window", "size", "least", "most"),
    [
        (0, 1, 4096, 2 * 4096),  # so many for each of two brokers
        (0, 4000, 262, 263),  # 1 MiB in all
        (64, 1, 16, 2 * 64),
    ],
)
def test_a_loop_that_is_late_has_a_bounded_number_to_write_and_then_takes_as_many_again(
    rocketmq: LocalRocketMQ, topic: str, window: int, size: int, least: int, most: int
) -> None:
    with Producer("orders", rocketmq.addr, oneway_window=window) as producer:
        producer.send(topic, b"first")
        taken = [producer._engine.run(hand_over, producer, topic, b"x" * size)]
        # What waits is written before the loop does the next thing that it is told, and then confirmed.
        for queue in producer.queues(topic):
            producer.send(topic, b"between", queue=queue)
        taken.append(producer._engine.run(hand_over, producer, topic, b"x" * size))

        assert least <= min(taken) <= max(taken) <= most
        count = sum(taken) + 1 + len(producer.queues(topic))
        assert {b"first", b"between", b"x" * size} == stored(rocketmq, topic, count)


def test_the_id_of_a_one_way_message_is_known_when_the_call_returns(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    messages = [Message(topic, b"%d" % number) for number in range(20)]
    with Producer("orders", rocketmq.addr) as producer:
        producer.send(topic, b"first")
        for message in messages:
            producer.send_oneway(message)
        sent = {message.body: message.unique_id for message in messages}
        stored(rocketmq, topic, 21)

    found = {message.body: message.get_property("UNIQ_KEY") for message in rocketmq.messages(topic)}
    assert 20 == len(set(sent.values()) - {None})
    assert sent == {body: found[body] for body in sent}
