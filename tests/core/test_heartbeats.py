"""Heartbeats: to all brokers at once, again and again, and a broker that hangs holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from pyrocketmq.client.brokers import BrokerManager
from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.heartbeats import Heartbeats
from pyrocketmq.model import RemotingCommand, RequestCode
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.producer_consumer import ConsumerData
from tests.clients.scripted import Scripted, reply, scripted
from tests.core.making import route
from tests.transport.peers import until

BEAT = RequestCode.HEART_BEAT


class Stage:
    """Some brokers, and the heartbeats of a client to them."""

    def __init__(self, servers: list[Scripted], interval: float) -> None:
        self.servers = servers
        self.manager = BrokerManager(ClientConfig(request_timeout=0.5))
        names = {f"broker-{number}": server.address for number, server in enumerate(servers)}
        self.manager.take(route(names))
        self.links = [self.manager.link(name) for name in names]
        self.beats = Heartbeats(lambda: "me", lambda: self.links, interval)
        for server in servers:
            server.answer(BEAT, reply())

    def told(self, number: int = 0) -> list[HeartbeatData]:
        """What a broker was told."""
        return [HeartbeatData.decode(request.body) for request in self.servers[number].requests]

    def groups(self, number: int = 0) -> list[list[str]]:
        """The producer groups of each heartbeat to a broker."""
        return [[one.group_name for one in data.producer_data_set] for data in self.told(number)]


@asynccontextmanager
async def stage(brokers: int = 1, interval: float = 30.0, *, group: str = "makers") -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(scripted()) for _ in range(brokers)]
        made = Stage(servers, interval)
        if group:
            made.beats.add_producer(group)
        task = asyncio.create_task(made.beats.run())
        await asyncio.sleep(0)
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await made.manager.close()


async def test_all_brokers_hear_of_all_groups() -> None:
    async with stage(5) as made:
        made.beats.add_consumer("readers", lambda: ConsumerData("readers"))
        await made.beats.beat_and_wait(made.links)
        for number in range(5):
            last = made.told(number)[-1]
            assert "me" == last.client_id
            assert ["makers"] == [one.group_name for one in last.producer_data_set]
            assert ["readers"] == [one.group_name for one in last.consumer_data_set]


async def test_they_are_repeated() -> None:
    async with stage(2, interval=0.02) as made:
        await until(lambda: made.beats.sent >= 10)

        assert len(made.told(0)) >= 4
        assert len(made.told(1)) >= 4


async def test_a_broker_that_hangs_holds_up_no_other() -> None:
    async with stage(10, interval=0.05) as made:
        made.servers[0].answer(BEAT, lambda _: None)
        await until(lambda: all(len(made.told(number)) >= 3 for number in range(1, 10)))

        assert len(made.told(0)) <= 2


async def test_without_a_group_there_is_nothing_to_tell() -> None:
    async with stage(1, interval=0.02, group="") as made:
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert [] == made.told()
        made.beats.add_producer("makers")
        await until(made.told)


async def test_a_group_that_comes_while_one_is_on_its_way_is_told_right_after() -> None:
    async with stage() as made:
        hold = asyncio.Event()

        async def later(opaque: int) -> RemotingCommand:
            await hold.wait()
            made_answer = reply()
            made_answer.opaque = opaque
            return made_answer

        made.servers[0].answer(BEAT, lambda request: later(request.opaque))
        made.beats.beat_all()
        await until(made.told)
        made.beats.add_producer("others")
        made.beats.add_producer("others")
        hold.set()
        await until(lambda: len(made.told()) >= 2)

        assert [["makers"], ["makers", "others"]] == made.groups()


async def test_a_group_that_is_gone_is_not_told() -> None:
    async with stage() as made:
        made.beats.add_producer("others")
        assert made.beats.remove_producer("others")
        assert not made.beats.remove_producer("others")
        await made.beats.beat_and_wait(made.links)

        assert ["makers"] == made.groups()[-1]


async def test_failures_are_counted_and_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async with stage(1, interval=0.02) as made:
        made.servers[0].answer(BEAT, reply(1, remark="no"))
        await until(lambda: made.beats.failed >= 5)

    assert 1 == len([record for record in caplog.records if "heartbeat" in record.message])
