"""Producers that begin and end leave nothing behind, and one that is forgotten ends as the others do."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest

from pyrocketmq import Producer
from pyrocketmq.aio import Producer as AsyncProducer
from pyrocketmq.testing import LocalRocketMQ

from .lives import LIVES, MESSAGES, TOPIC, Life, levels

COUNT = 15


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_lives_of_a_producer_leave_nothing_behind(rocketmq: LocalRocketMQ, life: Life) -> None:
    before, after = asyncio.run(levels(life, rocketmq.addr, COUNT, warm_up=5))

    assert before[:4] == after[:4]
    assert after.blocks - before.blocks < 40 * COUNT
    assert (COUNT + 5) * MESSAGES == len(rocketmq.messages(TOPIC))


def test_dropping_a_producer_warns_and_ends_it(rocketmq: LocalRocketMQ) -> None:
    producers = [Producer("orders", rocketmq.addr)]
    producers[0].send("shop", b"x")
    producers.clear()

    with pytest.warns(ResourceWarning, match=r"group orders, running> was dropped without shutdown\(\)"):
        gc.collect()


def test_dropping_a_producer_that_never_started_or_has_ended_is_nothing_to_tell(
    rocketmq: LocalRocketMQ, recwarn: pytest.WarningsRecorder
) -> None:
    AsyncProducer("orders", rocketmq.addr)
    with Producer("orders", rocketmq.addr) as producer:
        producer.send("shop", b"x")
    del producer
    gc.collect()

    assert [] == recwarn.list


def test_ids_of_clients_differ_where_address_and_process_number_are_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in fifty containers that were started from one image, with the state of the parent in each."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    ids = {_id_in_a_child() for _ in range(50)}

    assert 50 == len(ids)
    assert 1 == len({client_id.partition("#")[0] for client_id in ids})


def _id_in_a_child() -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, AsyncProducer("orders", "127.0.0.1:9").client_id.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        client_id = told.read()
    os.waitpid(child, 0)
    return client_id
