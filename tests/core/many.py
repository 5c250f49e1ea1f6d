"""A client that starts against many brokers at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import perf_counter

from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.core import ClientCore
from pyrocketmq.model import RequestCode
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.clients.scripted import reply, scripted
from tests.core.making import GROUP, route, soon

AT_ONE_SERVER = 25


@dataclass
class Started:
    """How a start went: seconds until ``start`` returned, and until every broker had answered a heartbeat."""

    seconds: float
    all_told: float
    heartbeats: int
    failed: int
    connected: int


async def start_against(brokers: int) -> Started:
    """Start a client with one group and one topic that is on so many embedded brokers."""
    async with AsyncExitStack() as stack:
        addresses: dict[str, str] = {}
        while len(addresses) < brokers:
            config = ServerConfig(brokers=min(AT_ONE_SERVER, brokers - len(addresses)))
            server = await stack.enter_async_context(EmbeddedServer(config))
            for broker in server.brokers:
                addresses[f"broker-{len(addresses)}"] = broker.address
        names = await stack.enter_async_context(scripted())
        body = route(addresses, queues=4).encode()
        names.answer(RequestCode.GET_ROUTEINFO_BY_TOPIC, lambda _: reply(body=body))
        core = ClientCore(ClientConfig(namesrv_addr=names.address))
        core.register_producer_group(GROUP)
        begun = perf_counter()
        await core.start()
        seconds = perf_counter() - begun
        await core.prepare(["shop"], soon(30.0))
        all_told = perf_counter() - begun
        made = Started(
            seconds,
            all_told,
            core.heartbeats.sent,
            core.heartbeats.failed,
            sum(link.is_connected for link in core.brokers.links()),
        )
        await core.shutdown(10.0)
        await asyncio.sleep(0)
        return made
