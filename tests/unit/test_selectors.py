"""Which queue a message goes to."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from typing import Final, Literal

import pytest

from pyrocketmq._native.queuehash import pick_queue_go, pick_queue_java, pick_queue_xxh3
from pyrocketmq.client.selectors import (
    AsyncMessageHashSelector,
    AsyncRandomSelector,
    AsyncRoundRobinSelector,
    MessageHashSelector,
    QueuePair,
    RandomSelector,
    RoundRobinSelector,
)
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model import Message, MessageQueue
from pyrocketmq.model.route import BrokerData

HASHES: Final[tuple[Literal["go", "java", "xxh3"], ...]] = ("go", "java", "xxh3")


def queues(count: int, broker: str = "broker-a") -> tuple[QueuePair, ...]:
    data = BrokerData(broker_name=broker, broker_addrs={0: "127.0.0.1:10911"})
    return tuple((MessageQueue("shop", broker, number), data) for number in range(count))


def number(pair: QueuePair | None) -> int:
    assert pair is not None
    return pair[0].queue_id


def test_round_robin_takes_each_queue_in_turn() -> None:
    selector, four = RoundRobinSelector(), queues(4)

    assert [0, 1, 2, 3, 0, 1] == [number(selector.select("shop", four)) for _ in range(6)]


def test_topics_have_turns_of_their_own() -> None:
    selector, four = RoundRobinSelector(), queues(4)
    selector.select("shop", four)

    assert 0 == number(selector.select("bank", four))
    assert 1 == number(selector.select("shop", four))


def test_round_robin_begins_anew_when_the_queues_change() -> None:
    selector = RoundRobinSelector()
    for _ in range(3):
        selector.select("shop", queues(4))

    assert [0, 1] == [number(selector.select("shop", five)) for five in [queues(5)] * 2]


def test_the_same_queues_in_another_list_are_no_change() -> None:
    selector = RoundRobinSelector()

    assert [0, 1, 2] == [number(selector.select("shop", list(queues(4)))) for _ in range(3)]


def test_round_robin_may_begin_anywhere() -> None:
    four = queues(4)

    assert {0, 1, 2, 3} == {number(RoundRobinSelector(start=None).select("shop", four)) for _ in range(200)}
    assert 2 == number(RoundRobinSelector(start=2).select("shop", four))


def test_threads_share_the_turns() -> None:
    selector, four = RoundRobinSelector(), queues(4)
    selector.select("shop", four)
    taken: list[int] = []

    def take() -> None:
        taken.extend([number(selector.select("shop", four)) for _ in range(1000)])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert {1000} == set(Counter(taken).values())


def test_turns_of_many_topics_are_not_kept_for_ever() -> None:
    selector, one = RoundRobinSelector(), queues(1)
    for topic in range(10_000):
        selector.select(str(topic), one)

    assert len(selector._turns) <= 4096


def test_without_queues_nothing_is_picked() -> None:
    message = Message("shop", b"x", keys="k")
    for selector in (RoundRobinSelector(), RandomSelector(), MessageHashSelector()):
        assert selector.select("shop", (), message) is None
        assert selector.select("shop", ()) is None


def test_random_picks_all_of_them() -> None:
    selector, four = RandomSelector(random.Random(1)), queues(4)

    assert {0, 1, 2, 3} == {number(selector.select("shop", four)) for _ in range(100)}


@pytest.mark.parametrize(
    ("name", "pick"), [("go", pick_queue_go), ("java", pick_queue_java), ("xxh3", pick_queue_xxh3)]
)
def test_a_hash_agrees_with_the_client_it_is_named_after(name: str, pick: object) -> None:
    assert callable(pick)
    selector = MessageHashSelector(name)  # type: ignore[arg-type]
    seven = queues(7)
    for key in ("customer-1", "customer-2", "ä", "0"):
        message = Message("shop", b"x")
        message.sharding_key = key

        assert pick(key, 7) == number(selector.select("shop", seven, message))


def test_the_sharding_key_counts_more_than_keys() -> None:
    message = Message("shop", b"x", keys="other")
    message.sharding_key = "customer-1"

    assert pick_queue_go("customer-1", 7) == number(MessageHashSelector().select("shop", queues(7), message))


def test_the_sharding_key_of_java_is_read_too() -> None:
    message = Message("shop", b"x", properties={"__SHARDINGKEY": "customer-1"})

    assert pick_queue_go("customer-1", 7) == number(MessageHashSelector().select("shop", queues(7), message))


def test_the_first_of_several_keys_counts() -> None:
    message = Message("shop", b"x", keys=["order-1", "customer-7"])

    assert pick_queue_go("order-1", 7) == number(MessageHashSelector().select("shop", queues(7), message))


def test_messages_without_key_go_anywhere() -> None:
    selector, four = MessageHashSelector(), queues(4)

    assert {0, 1, 2, 3} == {number(selector.select("shop", four, Message("shop", b"x"))) for _ in range(200)}
    assert {0, 1, 2, 3} == {number(selector.select("shop", four)) for _ in range(200)}


def test_an_unknown_hash_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="md5"):
        MessageHashSelector("md5")  # type: ignore[arg-type]


def test_every_process_picks_the_same_queue() -> None:
    message = Message("shop", b"x", keys="order-1")
    many = queues(97)

    # Numbers that were there before this process: hash() of Python is another one in each.
    assert [56, 48, 81] == [
        number(MessageHashSelector(name).select("shop", many, message)) for name in HASHES
    ]


def test_the_asynchronous_ones_pick_alike() -> None:
    message = Message("shop", b"x", keys="order-1")
    four = queues(4)

    async def pick() -> None:
        robin = AsyncRoundRobinSelector()
        assert [0, 1] == [number(await robin.select("shop", four)) for _ in range(2)]
        hashed = await AsyncMessageHashSelector("java").select("shop", four, message)
        assert pick_queue_java("order-1", 4) == number(hashed)
        assert await AsyncRandomSelector().select("shop", four) in four

    asyncio.run(pick())
