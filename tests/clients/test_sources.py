"""Where name-server lists come from, and which texts are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from pyrocketmq.errors import ConfigurationError, NoNameServerError
from pyrocketmq.nameserver import HttpSource, ListSource, NameServerAddress
from pyrocketmq.nameserver.sources import parse_name_servers, source_of


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a:1;b:2", ["a:1", "b:2"]),
        (" a:1 ; b:2; ", ["a:1", "b:2"]),
        ("a:1,b:2", ["a:1", "b:2"]),
        ("http://a:1;https://b:2/", ["a:1", "b:2"]),
        ("a", ["a:9876"]),
        ("[::1]:9876;a:1;a:1", ["[::1]:9876", "a:1"]),
    ],
)
async def test_every_usual_form_of_a_list_is_read(text: str, addresses: list[str]) -> None:
    assert addresses == parse_name_servers(text)


@pytest.mark.parametrize("text", ["", " ; ", "a:b", "a:0", "a:99999", "::1", "a:1;:2"])
async def test_a_list_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_name_servers(text)


async def test_addresses_stay_as_they_are_and_never_change() -> None:
    source = ListSource(["10.0.0.1:9876", "[::1]:9876"])

    assert [("10.0.0.1:9876", None), ("[::1]:9876", None)] == await source.addresses()
    assert source.interval is None


async def test_a_name_stands_for_all_of_its_addresses_each_time_anew() -> None:
    answers = [["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "fd00::3"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        assert ("mq.internal", 9876) == (host, port)
        return answers.pop(0)

    source = ListSource("mq.internal", resolve=resolve, interval=7)

    assert 7 == source.interval
    assert [("10.0.0.1:9876", "mq.internal"), ("10.0.0.2:9876", "mq.internal")] == await source.addresses()
    assert [("10.0.0.2:9876", "mq.internal"), ("[fd00::3]:9876", "mq.internal")] == await source.addresses()


async def test_a_name_that_is_not_known_any_more_keeps_its_addresses() -> None:
    known = True

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        if host == "b.internal" and not known:
            raise OSError("no such host")
        return ["10.0.0.1" if host == "a.internal" else "10.0.0.2"]

    source = ListSource("a.internal:1;b.internal:2", resolve=resolve)
    before = await source.addresses()
    known = False

    assert before == await source.addresses()
    assert 2 == len(before)


async def test_a_name_that_was_never_known_is_tried_as_it_is() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError(f"no such host: {host}:{port}")

    assert [("a.internal:1", None)] == await ListSource("a.internal:1", resolve=resolve).addresses()


async def test_a_name_of_this_machine_and_a_mapped_one_are_not_resolved() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        assert "localhost" == host
        return ["127.0.0.1", "::1"]

    source = ListSource("localhost:1;mq:2", resolve=resolve, is_mapped=lambda address: address == "mq:2")

    assert [("localhost:1", None), ("mq:2", None)] == await source.addresses()


async def test_the_argument_and_the_environment_give_the_same_sources() -> None:
    assert "ListSource('a:1;b:2')" == repr(source_of("a:1;b:2"))
    assert "ListSource('a:1;b:2')" == repr(source_of(["a:1", "b:2"]))
    assert "ListSource('a:1')" == repr(source_of(None, environ={"NAMESRV_ADDR": "a:1"}))
    assert "HttpSource('http://c:8080/rocketmq/nsaddr')" == repr(source_of("http://c:8080/rocketmq/nsaddr"))
    assert "ListSource('c:8080')" == repr(source_of("http://c:8080"))
    own = ListSource("a:1")
    assert own is source_of(own)


async def test_no_argument_and_no_variable_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="NAMESRV_ADDR"):
        source_of(None, environ={})


@asynccontextmanager
async def web_page(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A web server with one page; gives its URL and what it was asked."""
    asked: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rocketmq/nsaddr?nofix=1", asked
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


async def test_an_address_service_gives_the_text_of_its_page() -> None:
    page = b"HTTP/1.0 200 OK\r\n\r\n 10.0.0.1:9876;10.0.0.2:9876 \n"
    async with web_page(page) as (url, asked):
        found = await HttpSource(url).addresses()

    assert [NameServerAddress("10.0.0.1:9876"), NameServerAddress("10.0.0.2:9876")] == found
    assert asked[0].startswith(b"GET /rocketmq/nsaddr?nofix=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\na:1", "status 404"),
        (b"HTTP/1.0 200 OK\r\n\r\n", "no address"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>sorry</html>", "is no address"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"a:1;" * 20_000, "longer than"),
        (b"no http\r\n\r\n", "no http"),
    ],
)
async def test_a_page_that_is_no_list_is_refused_with_the_reason(page: bytes, reason: str) -> None:
    async with web_page(page) as (url, _):
        with pytest.raises(NoNameServerError) as caught:
            await HttpSource(url).addresses()

    assert reason in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://a/b", "a:9876/x", "http:///x"])
async def test_an_address_service_needs_a_web_address(url: str) -> None:
    with pytest.raises(ConfigurationError):
        HttpSource(url)
