"""TLS on both transports: good ways in, and bad ones that say what to change."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import ConnectionError, ConnectTimeoutError, TlsError  # noqa: A004
from pyrocketmq.transport import AsyncTcpTransport, TcpTransport, TlsConfig, TransportConfig
from tests.transport.certificates import Authority
from tests.transport.peers import answer_to, until

PASSWORD = "open sesame"  # noqa: S105


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


def serving(ca: Authority, name: str = "127.0.0.1", *, expired: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ca.sign(name, expired=expired))
    return context


class Server:
    """An echo over TLS, or over anything else."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.context = context
        self.taken: list[Connection] = []

    async def __aenter__(self) -> int:
        loop = asyncio.get_running_loop()
        # What a client refuses is no fault of the server's.
        before = loop.get_exception_handler()
        loop.set_exception_handler(lambda *_: None)
        self.before = before
        self.server = await loop.create_server(
            lambda: Connection(
                lambda _, command: answer_to(command, command.body),
                on_made=self.taken.append,
            ),
            "127.0.0.1",
            0,
            ssl=self.context,
        )
        return int(self.server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for connection in self.taken:
            connection.abort()
            await connection.wait_closed()
        await self.server.wait_closed()
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().set_exception_handler(self.before)


async def threaded(call: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call)


async def call(port: int, tls: TlsConfig, *, blocking: bool, host: str = "127.0.0.1") -> bytes | None:
    """One request and its answer, over either transport."""
    config = TransportConfig(host, port, 5.0, tls=tls)
    command = RemotingCommand(1, body=bytes(100_000))
    if not blocking:
        async with AsyncTcpTransport(config) as transport:
            return (await transport.connection.request(command, 5)).body

    def use() -> bytes | None:
        with TcpTransport(config) as transport:
            transport.output(command)
            return transport.recv_command().body

    return await threaded(use)  # type: ignore[no-any-return]


both = pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "async"])


@both
async def test_a_server_of_a_trusted_authority_is_taken(ca: Authority, blocking: bool) -> None:
    async with Server(serving(ca)) as port:
        assert bytes(100_000) == await call(port, TlsConfig(ca_file=ca.file), blocking=blocking)


@both
async def test_a_ready_context_is_used(ca: Authority, blocking: bool) -> None:
    context = ssl.create_default_context(cafile=str(ca.file))
    async with Server(serving(ca)) as port:
        assert bytes(100_000) == await call(port, TlsConfig(context=context), blocking=blocking)


@both
async def test_the_name_to_expect_can_be_given(ca: Authority, blocking: bool) -> None:
    async with Server(serving(ca, "broker.example")) as port:
        tls = TlsConfig(ca_file=ca.file, server_name="broker.example")
        assert bytes(100_000) == await call(port, tls, blocking=blocking)


@both
async def test_without_verification_any_certificate_is_taken(stranger: Authority, blocking: bool) -> None:
    async with Server(serving(stranger, "other", expired=True)) as port:
        assert bytes(100_000) == await call(port, TlsConfig(verify=False), blocking=blocking)


@both
async def test_a_client_certificate_with_an_encrypted_key_is_shown(ca: Authority, blocking: bool) -> None:
    context = serving(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.file)
    cert_file, key_file = ca.sign("client", password=PASSWORD.encode())
    tls = TlsConfig(ca_file=ca.file, cert_file=cert_file, key_file=key_file, key_password=PASSWORD)
    async with Server(context) as port:
        assert bytes(100_000) == await call(port, tls, blocking=blocking)


@both
async def test_a_missing_client_certificate_ends_in_a_connection_error(ca: Authority, blocking: bool) -> None:
    context = serving(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.file)
    async with Server(context) as port:
        with pytest.raises(ConnectionError) as caught:
            await call(port, TlsConfig(ca_file=ca.file), blocking=blocking)
    assert str(port) in caught.value.what


@both
async def test_an_unknown_authority_is_refused(ca: Authority, stranger: Authority, blocking: bool) -> None:
    async with Server(serving(stranger)) as port:
        with pytest.raises(TlsError, match="signed by nobody trusted here") as caught:
            await call(port, TlsConfig(ca_file=ca.file), blocking=blocking)
        assert ("ca_file", False) == (caught.value.field, caught.value.retryable)
        with pytest.raises(TlsError, match="signed by nobody trusted here"):
            await call(port, TlsConfig(), blocking=blocking)


@both
async def test_a_certificate_for_another_name_is_refused(ca: Authority, blocking: bool) -> None:
    async with Server(serving(ca, "other.example")) as port:
        with pytest.raises(TlsError, match=r"is not for '127\.0\.0\.1'") as caught:
            await call(port, TlsConfig(ca_file=ca.file), blocking=blocking)
    assert "server_name" == caught.value.field


@both
async def test_an_expired_certificate_is_refused(ca: Authority, blocking: bool) -> None:
    async with Server(serving(ca, expired=True)) as port:
        with pytest.raises(TlsError, match="has expired") as caught:
            await call(port, TlsConfig(ca_file=ca.file), blocking=blocking)
    assert "renew" in str(caught.value.advice)


@both
async def test_a_port_without_tls_is_named_as_such(ca: Authority, blocking: bool) -> None:
    async with Server(None) as port:
        with pytest.raises(TlsError, match="handshake with") as caught:
            await call(port, TlsConfig(ca_file=ca.file), blocking=blocking)
    assert "does not speak TLS" in str(caught.value.likely)


@both
async def test_a_server_that_never_answers_the_handshake_ends_in_time(ca: Authority, blocking: bool) -> None:
    open_ones: list[asyncio.StreamWriter] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConnectTimeoutError, match="handshake was not done in time"):
        await call(port, TlsConfig(ca_file=ca.file, handshake_timeout=0.1), blocking=blocking)
    for writer in open_ones:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.01)


async def test_a_wrong_password_is_an_error_and_no_question(ca: Authority) -> None:
    cert_file, key_file = ca.sign("client", password=PASSWORD.encode())

    for password in (None, "wrong"):
        with pytest.raises(TlsError, match="cannot be used") as caught:
            TlsConfig(cert_file=cert_file, key_file=key_file, key_password=password).create_context()
        assert "wrong" not in str(caught.value.what)


async def test_a_peer_that_does_not_read_is_felt_through_tls_too(ca: Authority) -> None:
    server = Server(serving(ca))
    async with server as port:
        tls = TlsConfig(ca_file=ca.file)
        config = TransportConfig("127.0.0.1", port, tls=tls, write_buffer_bytes=1 << 20, close_timeout=0.1)
        async with AsyncTcpTransport(config) as transport:
            connection = transport.connection
            await until(lambda: server.taken)
            far = server.taken[0].transport
            assert far is not None
            far.pause_reading()
            for _ in range(2000):
                if not connection.can_write:
                    break
                connection.oneway(RemotingCommand(1, body=bytes(100_000)))
                await asyncio.sleep(0)
            assert not connection.can_write
            far.resume_reading()
            await asyncio.wait_for(connection.drain(), 5)


async def test_large_bodies_arrive_whole_through_tls(ca: Authority) -> None:
    bodies = [random.Random(size).randbytes(size) for size in (10, 4 << 20, 65_536, 70_000, 1, (1 << 20) + 1)]
    async with Server(serving(ca)) as port:
        config = TransportConfig(
            "127.0.0.1", port, tls=TlsConfig(ca_file=ca.file), write_buffer_bytes=1 << 25
        )
        async with AsyncTcpTransport(config) as transport:
            futures = [transport.connection.request(RemotingCommand(1, body=body), 20) for body in bodies]

            assert bodies == [answer.body for answer in await asyncio.gather(*futures)]


async def test_closing_leaves_no_warning_behind(ca: Authority) -> None:
    async with Server(serving(ca)) as port:
        for _ in range(20):
            await call(port, TlsConfig(ca_file=ca.file), blocking=False)
