"""Errors and cancels leave nothing behind."""

from __future__ import annotations

import asyncio

from pyrocketmq.cli.benching.server import own_server

from .flat import FAULT, send_many


def test_memory_is_level_under_sends_that_are_refused_and_cancelled() -> None:
    with own_server("--topic", "orders:4", "--fault", FAULT) as address:
        course = asyncio.run(send_many(address, 40_000))

    assert 200 < course.refused < 700
    assert 50 < course.cancelled < 700
    assert course.grown < 5_000_000
