"""Clients that share an id which their programs have chosen are told of each other."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq.client.core import ClientCore
from pyrocketmq.testing import LocalRocketMQ
from tests.core.making import GROUP, config_of
from tests.transport.peers import until


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said of a shared id."""
    return [record.getMessage() for record in caplog.records if "takes them for one" in record.getMessage()]


def named(rocketmq: LocalRocketMQ, client_id: str | None) -> ClientCore:
    """A client with this id whose heartbeats come ten times in a second."""
    return ClientCore(config_of(rocketmq, client_id=client_id, heartbeat_interval=0.1))


async def test_two_clients_of_one_id_are_warned_of_once(
    rocketmq: LocalRocketMQ, caplog: pytest.LogCaptureFixture
) -> None:
    rocketmq.create_topic("shop")
    async with named(rocketmq, "till-7") as first, named(rocketmq, "till-7") as second:
        for core in (first, second):
            core.register_producer_group(GROUP)
            await core.prepare(["shop"], asyncio.get_running_loop().time() + 10)
        await until(lambda: len(warnings_in(caplog)) >= 4)  # each of the two, for each of the two brokers
        said = first.heartbeats.sent
        await until(lambda: first.heartbeats.sent > said + 10)

    told = warnings_in(caplog)
    assert 4 == len(told)
    assert "2 clients with the client id till-7, at 127.0.0.1:" in told[0]
    assert "leave it out" in told[0]


async def test_one_client_that_connects_anew_and_others_with_other_ids_are_nothing_to_warn_of(
    rocketmq: LocalRocketMQ, caplog: pytest.LogCaptureFixture
) -> None:
    rocketmq.create_topic("shop")
    async with named(rocketmq, "till-7") as first, named(rocketmq, "till-8") as second, named(rocketmq, None):
        for core in (first, second):
            core.register_producer_group(GROUP)
            await core.prepare(["shop"], asyncio.get_running_loop().time() + 10)
        for _ in range(3):
            said = first.heartbeats.sent
            rocketmq.disconnect()
            await until(lambda: first.heartbeats.sent > said + 4)  # noqa: B023 - looked at in this round

    assert [] == warnings_in(caplog)
