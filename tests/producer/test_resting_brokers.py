"""Brokers that rest after failures or slow answers: others are preferred; they are used if there is none."""

from __future__ import annotations

import asyncio
from typing import Any

from pyrocketmq.producer import AsyncProducer
from pyrocketmq.testing import LocalRocketMQ


async def ready(rocketmq: LocalRocketMQ, topic: str) -> AsyncProducer:
    """A producer whose plain sends all have to take the quick way."""
    sender = AsyncProducer("orders", rocketmq.addr)
    results = await asyncio.gather(*(sender.send(topic, b"before") for _ in range(8)))
    assert {"broker-a", "broker-b"} == {result.message_queue.broker_name for result in results}  # type: ignore[attr-defined]

    def refuse(*args: Any) -> Any:
        raise AssertionError(f"took the general way: {args}")

    sender._sends.table.general = refuse
    return sender


async def brokers_used(sender: AsyncProducer, topic: str, count: int = 8) -> set[tuple[str, int]]:
    results = await asyncio.gather(*(sender.send(topic, b"x") for _ in range(count)))
    return {(one.message_queue.broker_name, one.queue_id) for one in results}  # type: ignore[attr-defined]


async def test_a_broker_that_rests_is_left_alone(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with await ready(rocketmq, topic) as sender:
        sender._core.faults.rest_on("broker-a", 60.0)
        assert {("broker-b", 0), ("broker-b", 1)} == await brokers_used(sender, topic)


async def test_when_all_rest_the_one_with_the_shortest_rest_is_used_in_the_quick_way(
    rocketmq: LocalRocketMQ, topic: str
) -> None:
    async with await ready(rocketmq, topic) as sender:
        sender._core.faults.rest_on("broker-a", 60.0)
        sender._core.faults.rest_on("broker-b", 90.0)
        sends = [asyncio.create_task(sender.send(topic, b"x")) for _ in range(4)]
        results = await asyncio.gather(*sends)

        assert {"broker-a"} == {one.message_queue.broker_name for one in results}  # type: ignore[attr-defined]
        assert {0, 1} == {one.queue_id for one in results}
        assert ["broker-b"] == sender._core.faults.resting()
