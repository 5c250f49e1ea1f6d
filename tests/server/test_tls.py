"""Listeners with TLS: what each mode takes, and what it turns away."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model import RemotingCommand
from pyrocketmq.server.tls import ServerTls, listen
from tests.transport.certificates import Authority
from tests.transport.peers import shut, until

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


def answer(_connection: Connection, request: RemotingCommand) -> RemotingCommand:
    return RemotingCommand(0, opaque=0, remark=f"answer to {request.code}")


@asynccontextmanager
async def served(tls: ServerTls) -> AsyncIterator[int]:
    """The port of a server that answers everything."""
    taken: list[Connection] = []
    listener = await listen(lambda: Connection(answer, on_made=taken.append), HOST, 0, tls)
    await listener.start_serving()
    try:
        yield listener.address[1]
    finally:
        listener.close()
        for connection in taken:
            connection.abort()
            await connection.wait_closed()


def trusting(authority: Authority, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return context


async def ask(port: int, context: ssl.SSLContext | None) -> str | None:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, HOST, port, ssl=context)
    try:
        return (await connection.request(RemotingCommand(7), 5)).remark
    finally:
        await shut(connection)


def server_tls(authority: Authority, **options: Any) -> ServerTls:
    cert_file, key_file = authority.sign(HOST)
    return ServerTls(cert_file=cert_file, key_file=key_file, **options)


@pytest.mark.parametrize("mode", ["enforcing", "permissive"])
async def test_a_client_that_trusts_the_authority_is_served(authority: Authority, mode: str) -> None:
    async with served(server_tls(authority, mode=mode)) as port:
        assert "answer to 7" == await ask(port, trusting(authority))


async def test_a_permissive_port_takes_plain_clients_too(authority: Authority) -> None:
    async with served(server_tls(authority, mode="permissive")) as port:
        answers = await asyncio.gather(*[ask(port, trusting(authority) if n % 2 else None) for n in range(6)])

    assert ["answer to 7"] * 6 == answers


async def test_an_enforcing_port_does_not_serve_plain_clients(authority: Authority) -> None:
    async with served(server_tls(authority)) as port:
        with pytest.raises(ConnectionError):
            await ask(port, None)


@pytest.mark.parametrize("mode", ["enforcing", "permissive"])
async def test_a_client_without_the_wanted_certificate_is_turned_away(
    authority: Authority, mode: str
) -> None:
    tls = server_tls(authority, mode=mode, client_auth="required", ca_file=authority.file)
    async with served(tls) as port:
        assert "answer to 7" == await ask(port, trusting(authority, authority.sign("client")))
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await ask(port, trusting(authority))


async def test_others_are_served_while_a_client_says_nothing(authority: Authority) -> None:
    async with served(server_tls(authority, mode="permissive")) as port:
        _, writer = await asyncio.open_connection(HOST, port)
        assert "answer to 7" == await ask(port, None)
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_says_nothing_for_too_long_is_turned_away(authority: Authority) -> None:
    async with served(server_tls(authority, mode="permissive", handshake_timeout=0.02)) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        assert b"" == await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_closing_a_permissive_port_closes_connections_that_said_nothing(authority: Authority) -> None:
    async with served(server_tls(authority, mode="permissive")) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        await until(lambda: len(asyncio.all_tasks()) > 2)
    assert b"" == await reader.read()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"cert_file": "nowhere.pem"}, "which is no file"),
        ({"client_auth": "required"}, "ca_file is None"),
        ({"client_auth": "always"}, "none, optional or required"),
        ({"mode": "disabled"}, "enforcing or permissive"),
        ({"handshake_timeout": 0}, "handshake_timeout is 0"),
        ({"key_file": None}, "cannot be used"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    authority: Authority, changes: dict[str, Any], fault: str
) -> None:
    cert_file, key_file = authority.sign(HOST)
    with pytest.raises(ConfigurationError, match=fault):
        ServerTls(**{"cert_file": cert_file, "key_file": key_file, **changes})
