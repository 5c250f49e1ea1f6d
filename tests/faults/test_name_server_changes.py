"""The list of name servers changes under load, while the old ones go on answering with stale routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import pytest

from pyrocketmq.model import RequestCode
from pyrocketmq.nameserver import HttpSource, ListSource, NameServerAddress, NameServers
from pyrocketmq.transport import TransportConfig
from tests.clients.scripted import Scripted, reply, scripted
from tests.transport.peers import until

INTERVAL_S = 0.05
TOPICS = RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER


class Way(NamedTuple):
    """Name servers whose list is changed by a call of ``change``."""

    servers: NameServers
    change: Callable[[], None]


class OwnSource:
    """A source of the program's own."""

    interval = INTERVAL_S

    def __init__(self, address: str) -> None:
        self.address = address

    async def addresses(self) -> Sequence[NameServerAddress]:
        return [NameServerAddress(self.address)]


@asynccontextmanager
async def by_source(old: Scripted, new: Scripted) -> AsyncIterator[Way]:
    source = OwnSource(old.address)

    def change() -> None:
        source.address = new.address

    async with NameServers(source) as servers:
        yield Way(servers, change)


@asynccontextmanager
async def by_dns(old: Scripted, new: Scripted) -> AsyncIterator[Way]:
    found = ["10.0.0.1"]

    async def resolve(_host: str, _port: int) -> list[str]:
        return found

    config = TransportConfig(address_map={"10.0.0.1:9876": old.address, "10.0.0.2:9876": new.address})
    source = ListSource("names.internal:9876", interval=INTERVAL_S, resolve=resolve)
    async with NameServers(source, transport_config=config) as servers:
        yield Way(servers, lambda: found.__setitem__(0, "10.0.0.2"))


@asynccontextmanager
async def by_address_service(old: Scripted, new: Scripted) -> AsyncIterator[Way]:
    page = [old.address]

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + page[0].encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rocketmq/nsaddr"
    try:
        async with NameServers(HttpSource(url, interval=INTERVAL_S)) as servers:
            yield Way(servers, lambda: page.__setitem__(0, new.address))
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


@pytest.mark.parametrize("way", [by_source, by_dns, by_address_service])
async def test_traffic_follows_the_list_and_no_call_fails(
    way: Callable[[Scripted, Scripted], AbstractAsyncContextManager[Way]],
) -> None:
    async with scripted() as old, scripted() as new:
        old.answer(TOPICS, reply(body='{"topicList":["stale"]}'))
        new.answer(TOPICS, reply(body='{"topicList":["fresh"]}'))
        async with way(old, new) as (servers, change):
            seen: list[str] = []
            ended = asyncio.Event()

            async def ask() -> None:
                while not ended.is_set():
                    seen.extend((await servers.get_all_topic_list()).topic_list)
                    await asyncio.sleep(0)

            tasks = [asyncio.create_task(ask()) for _ in range(5)]
            await until(lambda: len(seen) > 100)
            change()
            await until(lambda: seen[-100:] == ["fresh"] * 100)
            await until(lambda: not any(connection.is_open for connection in old.connections))
            before = len(old.requests)
            await until(lambda: len(new.requests) > 300)
            ended.set()
            await asyncio.gather(*tasks)  # raises what any call has raised

            assert before == len(old.requests)
