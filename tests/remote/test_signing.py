"""Signing a request is the last thing that happens to it, with the credentials of the moment."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import SerializationError
from pyrocketmq.model.acl import sign
from pyrocketmq.remote import AsyncConnectionPool, AsyncRemote, Credentials, RpcHook, create_async_remote
from tests.transport.peers import Peer, answer_frame, answer_to, start_server

SIGNATURE_FIELDS = ("AccessKey", "Signature", "SecurityToken")


def is_signed_by(request: RemotingCommand, credentials: Credentials) -> bool:
    """As a server checks it: everything that came, but for the signature itself."""
    fields = dict(request.ext_fields or {})
    signature = fields.pop("Signature", None)
    token = credentials.security_token
    if fields.get("AccessKey") != credentials.access_key or fields.get("SecurityToken") != token:
        return False
    return sign(fields, request.body, credentials, version=request.version)["Signature"] == signature


class Namespace(RpcHook):
    """Adds fields, as the namespaces of 5.x do."""

    def before_request(self, address: str, request: RemotingCommand) -> None:
        assert address
        request.ext_fields = {**(request.ext_fields or {}), "nsd": "true", "ns": "caf\u00e9"}


@pytest.mark.parametrize("token", [None, "t0ken"])
@pytest.mark.parametrize("oneway", [False, True], ids=["awaited", "one-way"])
async def test_what_a_hook_adds_is_signed_too(peer: Peer, token: str | None, oneway: bool) -> None:
    credentials = Credentials("user", "s3cret-key", token)
    remote = create_async_remote(f"127.0.0.1:{peer.port}", hooks=[Namespace()], credentials=credentials)
    await remote.connect()
    command = RemotingCommand(
        310, ext_fields={"b": "\u8ba2\u5355", "i": "KEYS\x01\U0001f600\x02"}, body=b"\xff"
    )
    task = asyncio.create_task(remote.invoke_oneway(command) if oneway else remote.invoke(command))
    [seen] = await peer.read()

    assert {"nsd": "true", "ns": "caf\u00e9"}.items() <= (seen.ext_fields or {}).items()
    assert is_signed_by(seen, credentials)
    if not oneway:
        await peer.write(answer_frame(seen))
    await task
    await remote.close()


async def test_without_credentials_nothing_is_added(peer: Peer) -> None:
    remote = await create_async_remote(f"127.0.0.1:{peer.port}")
    await remote.invoke_oneway(RemotingCommand(1, ext_fields={"a": "b"}))
    [seen] = await peer.read()

    assert {"a": "b"} == seen.ext_fields
    await remote.close()


async def test_credentials_of_a_function_are_asked_for_each_request() -> None:
    current = [Credentials("first", "s3cret-1", "t0ken")]
    seen: list[RemotingCommand] = []

    def keep(_: Connection, command: RemotingCommand) -> RemotingCommand:
        seen.append(command)
        return answer_to(command)

    async with start_server(keep) as (port, _):
        remote = AsyncRemote(f"127.0.0.1:{port}", credentials=lambda: current[0])
        again = RemotingCommand(1, ext_fields={"topic": "t"})
        await remote.invoke(again)
        current[0] = Credentials("second", "s3cret-2")
        await remote.invoke(again)
        await remote.close()

    assert is_signed_by(seen[0], Credentials("first", "s3cret-1", "t0ken"))
    assert is_signed_by(seen[1], Credentials("second", "s3cret-2"))
    assert "SecurityToken" not in (seen[1].ext_fields or {})


async def test_the_connections_of_a_pool_sign(peer: Peer) -> None:
    credentials = Credentials("user", "s3cret-key")
    async with AsyncConnectionPool(f"127.0.0.1:{peer.port}", credentials=credentials) as pool:
        async with pool.get_connection() as remote:
            await remote.invoke_oneway(RemotingCommand(1))
        await peer.accepted.get()
        [seen] = await peer.read()

        assert is_signed_by(seen, credentials)


async def test_what_cannot_be_signed_is_refused_before_connecting(peer: Peer) -> None:
    remote = AsyncRemote(f"127.0.0.1:{peer.port}", credentials=Credentials("user", "s3cret-key"))

    with pytest.raises(SerializationError, match="ext field topic has the lone surrogate"):
        await remote.invoke(RemotingCommand(1, ext_fields={"topic": "\ud800"}))
    assert "DISCONNECTED" == remote.transport.current_state_name
