"""What a producer with its default settings promises while brokers and name servers fail, in short forms.

The long ones are programs in ``tests/soak``; docs/promises.md has their figures.
"""

from __future__ import annotations

import pytest

from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from tests.promises.cluster import Member, embedded_cluster
from tests.promises.kills import ORDERED, kill_and_send
from tests.promises.moving import move_name_server
from tests.promises.outages import SENDERS, black_hole, busy, many_in_flight, no_broker, no_name_server

pytestmark = [pytest.mark.asyncio(loop_factories=["uvloop"]), pytest.mark.timeout(60)]


async def test_brokers_that_are_killed_cost_no_send_no_message_and_no_order(members: list[Member]) -> None:
    async with embedded_cluster(members) as cluster:
        kills = await kill_and_send(cluster, 2)

    assert {} == kills.failures()
    assert all(len(account.acked) > 20 for account in kills.accounts.values())
    assert set() == kills.lost()
    assert [] == kills.found.out_of_order()
    assert 0 == kills.extra_copies()
    # An ordered send has one broker only: its time may be over before that one is back.
    assert set(kills.accounts[ORDERED].errors) <= {"SendTimeoutError"}


async def test_brokers_that_are_busy_for_a_while_cost_no_send() -> None:
    with LocalRocketMQ(ServerConfig(brokers=2)) as rocketmq:
        outage = await busy(rocketmq, 1.0)

    assert {} == outage.account.texts
    assert set() == outage.lost()
    assert 0 == outage.found.copies.total()


async def test_a_broker_that_hangs_costs_no_send(members: list[Member]) -> None:
    async with embedded_cluster(members) as cluster:
        outage = await black_hole(cluster, 1.5)

    assert {} == outage.account.texts
    assert set() == outage.lost()
    assert set(outage.found.copies) <= outage.account.may_be_twice()
    # Those that were on their way, one for each sender; then others are preferred to it.
    assert len(outage.account.slow) <= 2 * SENDERS


async def test_name_servers_that_are_away_cost_no_send(members: list[Member]) -> None:
    async with embedded_cluster(members) as cluster:
        outage = await no_name_server(cluster, 1.0)

    assert {} == outage.account.texts
    assert set() == outage.lost()
    assert 0 == outage.found.copies.total()


async def test_another_name_server_is_followed_and_costs_no_send(members: list[Member]) -> None:
    account, found = await move_name_server(members)

    assert {} == account.texts
    assert account.acked <= set(found.numbers)
    assert all(found.queues)  # of both brokers


async def test_sends_go_on_when_all_brokers_come_back(members: list[Member]) -> None:
    async with embedded_cluster(members) as cluster:
        outage = await no_broker(cluster, 0.2)

    assert set() == outage.lost()
    assert set(outage.account.errors) <= {"SendTimeoutError"}


async def test_thousands_of_sends_to_stopped_brokers_end_well(members: list[Member]) -> None:
    async with embedded_cluster(members) as cluster:
        account, _, _ = await many_in_flight(cluster, 5000, 0.5)

    assert {} == account.texts
    assert 5100 == len(account.acked)
