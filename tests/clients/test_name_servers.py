"""Several name servers behind one face: which one is asked, and how the list changes under way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from pyrocketmq.errors import NoNameServerError, RouteNotFoundError
from pyrocketmq.model import RemotingCommand, RequestCode, ResponseCode, TopicList
from pyrocketmq.nameserver import NameServerAddress, NameServerClient, NameServers
from tests.transport.peers import until

from .scripted import Scripted, reply, scripted
from .test_name_server import ROUTE

TOPICS = RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER
ROUTES = RequestCode.GET_ROUTEINFO_BY_TOPIC


@pytest_asyncio.fixture
async def servers() -> AsyncIterator[list[Scripted]]:
    """Three name servers; each says its number as the only topic."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(scripted()) for _ in range(3)]
        for number, server in enumerate(made):
            server.answer(TOPICS, reply(body=f'{{"topicList":["{number}"]}}'))
        yield made


class Listed:
    """A source whose list the test changes; None is a source that fails."""

    def __init__(self, *servers: Scripted, interval: float | None = None) -> None:
        self.now: Sequence[Scripted] | None = servers
        self.interval = interval
        self.asked = 0

    async def addresses(self) -> Sequence[NameServerAddress]:
        self.asked += 1
        if self.now is None:
            raise NoNameServerError("the list is gone")
        return [NameServerAddress(server.address) for server in self.now]


class First(random.Random):
    """Chooses the first of a list, and never jitters."""

    def choice(self, seq: Sequence[object]) -> object:  # type: ignore[override]
        return seq[0]

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def text_of(servers: Sequence[Scripted]) -> str:
    return ";".join(server.address for server in servers)


async def test_one_server_is_asked_as_long_as_it_answers(servers: list[Scripted]) -> None:
    async with NameServers(text_of(servers)) as group:
        answers = {str(await group.get_all_topic_list()) for _ in range(9)}

    assert 1 == len(answers)
    assert [0, 0, 9] == sorted(len(server.requests) for server in servers)


async def test_clients_choose_different_servers(servers: list[Scripted]) -> None:
    for seed in range(12):
        async with NameServers(text_of(servers), rng=random.Random(seed)) as group:
            await group.get_all_topic_list()

    assert all(server.requests for server in servers)


async def test_a_server_that_is_gone_is_passed_over_and_not_asked_again(servers: list[Scripted]) -> None:
    async with scripted() as gone:
        address = gone.address
    async with NameServers(f"{address};{servers[0].address}", rng=First()) as group:
        for _ in range(3):
            assert TopicList(["0"]) == await group.get_all_topic_list()

    assert 3 == len(servers[0].requests)


async def test_a_server_that_does_not_answer_leaves_time_for_the_next(servers: list[Scripted]) -> None:
    servers[0].answer(TOPICS, lambda _: None)
    async with NameServers(text_of(servers[:2]), rng=First(), timeout=0.6) as group:
        assert TopicList(["1"]) == await group.get_all_topic_list()
        assert TopicList(["1"]) == await group.get_all_topic_list()

    assert 1 == len(servers[0].requests)


async def test_the_only_server_is_asked_again_when_it_drops_the_connection(servers: list[Scripted]) -> None:
    server = servers[0]

    def drop_the_first(_: RemotingCommand) -> RemotingCommand | None:
        if len(server.requests) > 1:
            return reply(body='{"topicList":["0"]}')
        server.connections[0].abort()
        return None

    server.answer(TOPICS, drop_the_first)
    async with NameServers(server.address) as group:
        assert TopicList(["0"]) == await group.get_all_topic_list()

    assert 2 == len(server.connections)


async def test_when_nobody_answers_the_error_names_each_server() -> None:
    async with scripted() as first, scripted() as second:
        gone = [first.address, second.address]
    async with NameServers(gone, timeout=0.5) as group:
        with pytest.raises(NoNameServerError) as caught:
            await group.get_all_topic_list()

    assert set(gone) == set(caught.value.failures)
    assert all(address in str(caught.value) for address in gone)
    assert "GET_ALL_TOPIC_LIST_FROM_NAMESERVER" in str(caught.value)


async def test_a_topic_is_looked_for_on_every_server(servers: list[Scripted]) -> None:
    for server in servers[:2]:
        server.answer(ROUTES, reply(ResponseCode.TOPIC_NOT_EXIST, remark="no route"))
    servers[2].answer(ROUTES, reply(body=ROUTE))
    async with NameServers(text_of(servers), rng=First()) as group:
        route = await group.get_route_info("orders")

    assert "a" == route.broker_datas[0].broker_name


async def test_a_topic_that_no_server_knows_is_reported_with_all_of_them(servers: list[Scripted]) -> None:
    for server in servers:
        server.answer(ROUTES, reply(ResponseCode.TOPIC_NOT_EXIST, remark="no route"))
    async with NameServers(text_of(servers)) as group:
        with pytest.raises(RouteNotFoundError) as caught:
            await group.get_route_info("orders")

    assert all(server.address in str(caught.value) for server in servers)
    assert [1, 1, 1] == [len(server.requests) for server in servers]


async def test_a_change_goes_to_each_server_and_failures_are_told_by_address(
    servers: list[Scripted],
) -> None:
    for server in servers[:2]:
        server.answer(RequestCode.PUT_KV_CONFIG, reply())

    async def put(client: NameServerClient) -> str:
        await client.put_kv_config("n", "k", "v")
        return "done"

    async with NameServers(text_of(servers)) as group:
        results = await group.on_each(put)

    assert ["done", "done"] == [results[server.address] for server in servers[:2]]
    assert "REQUEST_CODE_NOT_SUPPORTED" in str(results[servers[2].address])


async def test_after_a_change_running_requests_finish_and_old_sockets_close(
    servers: list[Scripted],
) -> None:
    old, new = servers[:2]
    release = asyncio.Event()

    async def answer_late() -> RemotingCommand:
        await release.wait()
        late = reply(body='{"topicList":["late"]}')
        late.opaque = old.last.opaque
        return late

    old.answer(TOPICS, lambda _: answer_late())
    source = Listed(old)
    async with NameServers(source) as group:
        running = asyncio.create_task(group.get_all_topic_list())
        await until(lambda: old.requests)
        source.now = [new]
        assert await group.refresh()

        assert (new.address,) == group.addresses
        assert TopicList(["1"]) == await group.get_all_topic_list()
        assert old.connections[0].is_open
        release.set()
        assert TopicList(["late"]) == await running
        await until(lambda: not old.connections[0].is_open)


async def test_a_server_that_stays_in_the_list_keeps_its_connection(servers: list[Scripted]) -> None:
    source = Listed(servers[0], servers[1])
    async with NameServers(source, rng=First()) as group:
        await group.get_all_topic_list()
        source.now = servers
        assert await group.refresh()
        assert not await group.refresh()
        await group.get_all_topic_list()

    assert 1 == len(servers[0].connections)


async def test_an_empty_or_failing_source_does_not_erase_the_list(
    servers: list[Scripted], caplog: pytest.LogCaptureFixture
) -> None:
    source = Listed(servers[0])
    async with NameServers(source) as group:
        await group.get_all_topic_list()
        source.now = []
        assert not await group.refresh()
        source.now = None
        assert not await group.refresh()

        assert TopicList(["0"]) == await group.get_all_topic_list()

    assert 1 == sum("stays as it was" in record.message for record in caplog.records)


async def test_without_any_list_a_query_says_so_and_the_next_one_tries_again(
    servers: list[Scripted],
) -> None:
    source = Listed()
    source.now = None
    group = NameServers(source)
    with pytest.raises(NoNameServerError, match="the list is gone"):
        await group.get_all_topic_list()
    source.now = servers[:1]

    assert TopicList(["0"]) == await group.get_all_topic_list()
    await group.close()


async def test_the_list_is_followed_while_it_is_in_use(servers: list[Scripted]) -> None:
    source = Listed(servers[0], interval=0.01)
    async with NameServers(source) as group:
        await group.get_all_topic_list()
        source.now = servers[1:2]
        await until(lambda: group.addresses == (servers[1].address,))

        assert TopicList(["1"]) == await group.get_all_topic_list()


async def test_closed_name_servers_can_be_used_again(servers: list[Scripted]) -> None:
    group = NameServers(servers[0].address)
    await group.get_all_topic_list()
    await group.close()
    await group.close()
    assert () == group.addresses

    assert TopicList(["0"]) == await group.get_all_topic_list()
    await group.close()


async def test_no_query_fails_while_the_list_changes_and_none_goes_to_a_server_that_left(
    servers: list[Scripted],
) -> None:
    source = Listed(servers[0])
    async with NameServers(source) as group:
        for turn in range(30):
            asked = [asyncio.create_task(group.get_all_topic_list()) for _ in range(5)]
            await asyncio.sleep(0)
            source.now = [servers[turn % 3]]
            await group.refresh()
            before = [len(server.requests) for server in servers]
            found = await group.get_all_topic_list()
            await asyncio.gather(*asked)

            assert TopicList([str(turn % 3)]) == found
            assert len(servers[turn % 3].requests) > before[turn % 3]


async def test_opening_and_closing_many_times_leaves_nothing_behind(servers: list[Scripted]) -> None:
    """Tasks and logged errors are looked for after each test; here there would be one for each round."""
    for _ in range(50):
        async with NameServers(text_of(servers)) as group:
            await group.get_all_topic_list()
    await until(lambda: not any(c.is_open for server in servers for c in server.connections))

    assert 50 == sum(len(server.connections) for server in servers)
