"""A broker with access control, and one with TLS, as their clients see them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from pyrocketmq._native.connection import Connection
from pyrocketmq.model import RemotingCommand
from pyrocketmq.model.acl import AclCredentials, sign
from pyrocketmq.server import AccessRules, EmbeddedServer, ServerConfig, ServerTls
from pyrocketmq.transport.utils import parse_address
from tests.server.client import Client, send_header
from tests.transport.certificates import Authority
from tests.transport.peers import shut

RULES = AccessRules.read(
    {"accounts": [{"accessKey": "application", "secretKey": "12345678", "topicPerms": ["out=PUB"]}]}
)
USER = AclCredentials("application", "12345678")


async def test_a_broker_with_access_rules_takes_only_what_they_allow() -> None:
    async with EmbeddedServer(ServerConfig(acl=RULES)) as server, Client(server.brokers[0].address) as client:
        answers: list[RemotingCommand] = []
        for topic, credentials in (("out", USER), ("in", USER), ("out", None)):
            fields = send_header(topic).to_ext_fields()
            if credentials is not None:
                fields |= sign(fields, b"x", credentials)
            answers.append(await client.ask(310, fields, b"x"))

    denied = "org.apache.rocketmq.acl.common.AclException: "
    assert [
        (0, None),
        (16, denied + "No default permission for topic:in"),
        (16, denied + "No accessKey is configured"),
    ] == [(answer.code, answer.remark) for answer in answers]


async def test_the_name_server_asks_for_no_signature() -> None:
    async with EmbeddedServer(ServerConfig(acl=RULES)) as server, Client(server.addr) as client:
        assert 0 == (await client.ask(105, {"topic": "TBW102"})).code


@pytest.mark.parametrize("mode", ["enforcing", "permissive"])
async def test_name_server_and_broker_speak_tls(tmp_path: Path, mode: str) -> None:
    authority = Authority(tmp_path, "authority")
    cert_file, key_file = authority.sign("127.0.0.1")
    tls = ServerTls(cert_file=cert_file, key_file=key_file, mode=mode)  # type: ignore[arg-type]
    trusting = ssl.create_default_context(cafile=str(authority.file))
    loop = asyncio.get_running_loop()
    codes: list[int] = []
    async with EmbeddedServer(ServerConfig(tls=tls)) as server:
        for address, code in ((server.addr, 105), (server.brokers[0].address, 30)):
            host, port = parse_address(address)
            _, connection = await loop.create_connection(Connection, host, port, ssl=trusting)
            command = RemotingCommand(code, ext_fields={"topic": "TBW102", "queueId": "0"})
            codes.append((await connection.request(command, 5)).code)
            await shut(connection)

    assert [0, 0] == codes
