"""Two brokers in processes of their own, to be killed and stopped; a name server that sees who is there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pyrocketmq.broker import BrokerClient
from pyrocketmq.errors import RouteNotFoundError
from pyrocketmq.model import RemotingCommand, RequestCode, ResponseCode
from pyrocketmq.nameserver import NameServerClient
from pyrocketmq.transport.utils import parse_address
from tests.clients.scripted import Scripted, reply
from tests.core.making import route
from tests.faults.processes import ServerProcess
from tests.servers.real import launch
from tests.transport.peers import start_server
from tests.transport.test_tcp import unused_port

QUEUES = 4
NAMES = ("left", "right")
STARTS = 10
NOTICE_S = 0.3
"""A name server takes up to so long to see that a broker is gone, or back."""


class Member:
    """One broker, and what the name server of the embedded ones thinks of it."""

    def __init__(self, name: str, process: ServerProcess) -> None:
        self.name = name
        self.process = process
        self.is_listed = True

    @property
    def address(self) -> str:
        return self.process.broker


class Cluster(ABC):
    """Some brokers that can be killed and stopped."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The name server."""

    @property
    @abstractmethod
    def brokers(self) -> dict[str, str]:
        """The brokers by name, with their addresses."""

    @abstractmethod
    async def kill(self, name: str) -> None:
        """kill -9 of a broker; the name server sees it a moment later."""

    @abstractmethod
    async def start(self, name: str) -> None:
        """Start it again on its port, with its data."""

    @abstractmethod
    async def hold(self, name: str) -> None:
        """Stop it where it is: connections stay, nothing is answered, and the name server sees nothing."""

    @abstractmethod
    async def go_on(self, name: str) -> None:
        """The end of ``hold``."""

    @abstractmethod
    async def name_server_down(self) -> None:
        """End the name server."""

    @abstractmethod
    async def name_server_up(self) -> None:
        """Start it again, on the same port."""

    async def until_listed(self, topic: str) -> None:
        """Wait until the name server knows of a topic on all brokers, and each of them answers."""
        listed: set[str] = set()
        async with NameServerClient(*parse_address(self.address)) as names:
            while listed != set(self.brokers):
                await asyncio.sleep(0.1)
                with contextlib.suppress(RouteNotFoundError):
                    data = await names.get_route_info(topic)
                    listed = {broker.broker_name or "" for broker in data.broker_datas}
        for address in self.brokers.values():
            async with BrokerClient(*parse_address(address)) as broker:
                await broker.get_max_offset(topic, 0, timeout=30.0)


class EmbeddedCluster(Cluster):
    """Embedded brokers in processes of their own; their name server is part of the test.

    Args:
        members: the brokers, running.
        rng: when the name server notices what has happened.
    """

    def __init__(self, members: list[Member], rng: random.Random) -> None:
        self.members = {member.name: member for member in members}
        self.rng = rng
        self.server = Scripted()
        self.server.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, self._route)
        self._port = unused_port()
        self._serving: AsyncExitStack | None = None
        self._noticing: set[asyncio.TimerHandle] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def brokers(self) -> dict[str, str]:
        return {name: member.address for name, member in self.members.items()}

    def _route(self, _: RemotingCommand) -> RemotingCommand:
        listed = {name: member.address for name, member in self.members.items() if member.is_listed}
        if not listed:
            return reply(ResponseCode.TOPIC_NOT_EXIST, remark="no route")
        return reply(body=route(listed, QUEUES).encode())

    async def kill(self, name: str) -> None:
        member = self.members[name]
        await asyncio.to_thread(member.process.kill)
        self._notice(member, is_listed=False)

    async def start(self, name: str) -> None:
        member = self.members[name]
        await asyncio.to_thread(member.process.start)
        self._notice(member, is_listed=True)

    async def hold(self, name: str) -> None:
        self.members[name].process.hold()

    async def go_on(self, name: str) -> None:
        self.members[name].process.go_on()

    async def name_server_up(self) -> None:
        self._serving = AsyncExitStack()
        await self._serving.enter_async_context(start_server(self.server.take, port=self._port))

    async def name_server_down(self) -> None:
        if self._serving is not None:
            await self._serving.aclose()
            self._serving = None

    def _notice(self, member: Member, *, is_listed: bool) -> None:
        def notice() -> None:
            member.is_listed = is_listed

        loop = asyncio.get_running_loop()
        self._noticing.add(loop.call_later(self.rng.uniform(0.0, NOTICE_S), notice))

    def end(self) -> None:
        """Notice nothing more."""
        for timer in self._noticing:
            timer.cancel()


@asynccontextmanager
async def embedded_cluster(members: list[Member], seed: int = 0) -> AsyncIterator[EmbeddedCluster]:
    """These brokers with a name server that runs."""
    cluster = EmbeddedCluster(members, random.Random(seed))
    await cluster.name_server_up()
    try:
        yield cluster
    finally:
        cluster.end()
        await cluster.name_server_down()


@contextmanager
def running_brokers(names: tuple[str, ...] = NAMES) -> Iterator[list[Member]]:
    """Embedded brokers in processes of their own, whose data are gone afterwards."""
    with ExitStack() as stack:
        members: list[Member] = []
        for name in names:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            process = ServerProcess(Path(folder) / "data")
            stack.callback(process.kill)
            process.start()
            members.append(Member(name, process))
        yield members


class RealCluster(Cluster):
    """Apache RocketMQ in JVMs: a name server and two brokers.

    Args:
        folder: where the launcher keeps them.
        facts: what it said when they were up.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self._folder = folder
        self._facts = facts

    @property
    def address(self) -> str:
        return str(self._facts["namesrv_addr"])

    @property
    def brokers(self) -> dict[str, str]:
        return dict(self._facts["brokers"])

    async def kill(self, name: str) -> None:
        await self._do("kill-broker", self._index(name))

    async def start(self, name: str) -> None:
        done = await asyncio.to_thread(self._launch, "start-broker", self._index(name))
        again = STARTS
        while "Address already in use" in done.stderr and again:
            # While it was away some program has got one of its ports for a connection of its own.
            await asyncio.sleep(1.0)
            done = await asyncio.to_thread(self._launch, "start-broker", self._index(name))
            again -= 1
        assert done.returncode == 0, done.stderr

    async def hold(self, name: str) -> None:
        await self._do("kill-broker", self._index(name), "--signal", "STOP")

    async def go_on(self, name: str) -> None:
        await self._do("kill-broker", self._index(name), "--signal", "CONT")

    async def be_busy(self, *, is_busy: bool) -> None:
        """Let all brokers answer SYSTEM_BUSY to every send, as they do without a buffer to write to."""
        setting = {"transientStorePoolEnable": str(is_busy).lower()}
        for address in self.brokers.values():
            async with BrokerClient(*parse_address(address)) as broker:
                await broker.update_broker_config(setting)

    async def name_server_down(self) -> None:
        await self._do("kill-namesrv", "0")

    async def name_server_up(self) -> None:
        await self._do("start-namesrv", "0")

    def _index(self, name: str) -> str:
        return str(list(self._facts["brokers"]).index(name))

    async def _do(self, *arguments: str) -> None:
        done = await asyncio.to_thread(self._launch, *arguments)
        assert done.returncode == 0, done.stderr

    def _launch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return launch(*arguments, "--dir", str(self._folder))


@contextmanager
def real_cluster(version: str, folder: Path, *topics: str) -> Iterator[RealCluster]:
    """Two real brokers, until the end of the block."""
    options = ["--brokers", "2", "--namesrv-port", "0", "--broker-port", "0"]
    options += ["--heap", "384m", "--direct", "384m"]
    for topic in topics:
        options += ["--topic", f"{topic}:{QUEUES}"]
    try:
        up = launch("up", "--version", version, "--dir", str(folder), *options)
        assert up.returncode == 0, up.stderr
        yield RealCluster(folder, json.loads(up.stdout))
    finally:
        launch("down", "--dir", str(folder), "--now", "--wipe")
