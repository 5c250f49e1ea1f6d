"""The list of name servers changes under load, while those that were left answer with routes of the past."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pyrocketmq.nameserver import NameServerAddress
from tests.promises.cluster import EmbeddedCluster, Member, embedded_cluster
from tests.promises.outages import under_load
from tests.promises.traffic import Account, Found, read_all
from tests.transport.peers import until


class MovingSource:
    """A list of one name server, which may be another one later."""

    interval: float | None = 0.2

    def __init__(self, address: str) -> None:
        self.address = address

    async def addresses(self) -> Sequence[NameServerAddress]:
        return [NameServerAddress(self.address)]


async def move_name_server(members: list[Member], topic: str = "moving") -> tuple[Account, Found]:
    """Begin with a name server that knows one broker only, then go over to one that knows both."""
    async with embedded_cluster(members) as new:
        old = EmbeddedCluster(members[:1], random.Random(0))
        await old.name_server_up()
        source = MovingSource(old.address)
        try:
            async with under_load(source, topic, route_poll_interval=0.2) as (account, _):
                source.address = new.address
                await until(lambda: len(account.brokers) == 2)
                await account.more(100)
        finally:
            await old.name_server_down()
        found = await read_all([member.address for member in members], topic)
    return account, found
