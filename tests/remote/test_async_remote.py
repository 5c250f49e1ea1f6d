"""Calls: connecting on first use, one deadline, flags, callbacks, hooks, the server's own requests."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.errors import (
    BackPressureError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    MaxWaitersExceededError,
    RemoteError,
    RpcTimeoutError,
    SerializationError,
)
from pyrocketmq.remote import AsyncRemote, RemoteConfig, RpcHook, create_async_remote
from pyrocketmq.transport import TransportConfig
from tests.transport.peers import Peer, answer_frame, answer_to, start_server, until
from tests.transport.test_tcp import unused_port


def request(code: int = 31, **fields: str) -> RemotingCommand:
    return RemotingCommand(code, ext_fields=fields or None)


def echo(_: Connection, command: RemotingCommand) -> RemotingCommand:
    return answer_to(command, command.body, code=command.code)


def remote_to(
    port: int, timeout: float = 30.0, *, max_retries: int | None = None, max_waiters: int | None = None
) -> AsyncRemote:
    config = RemoteConfig().copy(timeout, max_retries=max_retries, max_waiters=max_waiters)
    return AsyncRemote(f"127.0.0.1:{port}", config)


async def test_a_remote_connects_on_first_use_and_gives_any_answer() -> None:
    async with start_server(echo) as (port, taken):
        remote = create_async_remote(TransportConfig("127.0.0.1", port), RemoteConfig())
        assert ("DISCONNECTED", 0) == (remote.transport.current_state_name, len(taken))

        answer = await remote.invoke(request(17))

        assert (17, "CONNECTED", 1) == (answer.code, remote.transport.current_state_name, len(taken))
        await remote.close()


async def test_awaiting_a_remote_connects_it_and_gives_it() -> None:
    async with start_server(echo) as (port, _):
        made = create_async_remote(f"127.0.0.1:{port}")
        remote = await made

        assert (True, True) == (remote is made, remote.transport.is_connected)
        assert remote is await remote
        await remote.close()


async def test_many_calls_share_one_connection_and_each_gets_its_own_answer() -> None:
    async with start_server(echo) as (port, taken), remote_to(port) as remote:
        commands = [RemotingCommand(1, body=b"%d" % number) for number in range(500)]
        answers = await asyncio.gather(*map(remote.invoke, commands))

        assert [b"%d" % number for number in range(500)] == [answer.body for answer in answers]
        assert (1, 0) == (len(taken), remote.waiting)


@pytest.mark.parametrize(("flag", "words"), [(1, "this is an answer"), (2, "nobody waits"), (3, "answer")])
async def test_invoke_refuses_a_flag_that_is_no_request_and_says_why(flag: int, words: str) -> None:
    async with start_server(echo) as (port, taken):
        remote = remote_to(port)

        with pytest.raises(SerializationError, match=words) as caught:
            await remote.invoke(RemotingCommand(310, flag=flag))

        assert ("flag", 0) == (caught.value.field, len(taken))
        assert "invoke_oneway" in (caught.value.advice or "")


@pytest.mark.parametrize("flag", [0, 1, 2])
async def test_a_oneway_request_leaves_with_flag_2(peer: Peer, flag: int) -> None:
    remote = remote_to(peer.port)
    await remote.invoke_oneway(RemotingCommand(310, flag=flag))
    await peer.accepted.get()
    [seen] = await peer.read()

    assert (310, 2, 0) == (seen.code, seen.flag, remote.waiting)
    await remote.close()


async def test_a_callback_gets_the_answer_or_the_error(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    remote = await remote_to(peer.port)
    got: list[tuple[RemotingCommand | None, Exception | None]] = []
    remote.invoke_async(request(1), lambda answer, error: got.append((answer, error)))
    [seen] = await peer.read()
    await peer.write(answer_frame(seen, b"x"))
    await until(lambda: got)
    remote.invoke_async(request(2), lambda answer, error: got.append((answer, error)), timeout=0.03)
    await until(lambda: len(got) == 2)
    remote.invoke_async(request(3), lambda answer, error: got.append((answer, error)))
    remote.invoke_async(request(4), lambda *_: 1 / 0)
    await peer.read(3)
    await remote.close()

    assert got[0][0] is not None
    assert (b"x", None) == (got[0][0].body, got[0][1])
    assert [None, None] == [answer for answer, _ in got[1:]]
    assert [RpcTimeoutError, ConnectionClosedError] == [type(error) for _, error in got[1:]]
    assert "the callback of a call to 127.0.0.1" in caplog.text


async def test_a_call_that_is_not_answered_ends_in_time(peer: Peer) -> None:
    remote = await remote_to(peer.port, timeout=0.03)

    with pytest.raises(RpcTimeoutError, match="no answer from 127.0.0.1") as caught:
        await remote.invoke(request())

    assert isinstance(caught.value, RemoteError)
    assert (True, 0) == (caught.value.maybe_sent, remote.waiting)
    await remote.close()


async def test_the_deadline_of_a_call_includes_the_wait_for_room(peer: Peer) -> None:
    config = TransportConfig("127.0.0.1", peer.port, write_buffer_bytes=1024)
    remote = await AsyncRemote(config)
    remote.transport.connection.pause_writing()
    full = asyncio.create_task(remote.invoke(RemotingCommand(1, body=bytes(2000))))
    await until(lambda: remote.waiting and not remote.transport.connection.can_write)

    with pytest.raises(BackPressureError, match="this one was not sent") as caught:
        await remote.invoke(request(), timeout=0.03)

    assert not caught.value.maybe_sent
    remote.transport.connection.resume_writing()
    [seen] = await peer.read()
    await peer.write(answer_frame(seen))
    await full
    await remote.close()


async def test_more_calls_than_may_wait_are_refused_before_sending(peer: Peer) -> None:
    remote = await remote_to(peer.port, max_waiters=2)
    calls = [asyncio.create_task(remote.invoke(request())) for _ in range(2)]
    seen = await peer.read(2)

    with pytest.raises(MaxWaitersExceededError, match="max_waiters is 2") as caught:
        await remote.invoke(request())

    assert isinstance(caught.value, BackPressureError)
    for command in seen:
        await peer.write(answer_frame(command))
    await asyncio.gather(*calls)
    assert 2 == remote.transport.connection.stats().frames_out
    await remote.close()


async def test_calls_that_were_sent_end_with_the_connection_and_are_not_repeated(peer: Peer) -> None:
    remote = await remote_to(peer.port)
    call = asyncio.create_task(remote.invoke(request()))
    await peer.read()
    peer.cut()

    with pytest.raises(ConnectionClosedError) as caught:
        await call

    assert caught.value.maybe_sent
    await remote.close()


async def test_a_lost_connection_is_made_again_for_the_next_call() -> None:
    async with start_server(echo) as (port, taken), remote_to(port) as remote:
        await remote.invoke(request())
        taken[0].abort()
        await until(lambda: not remote.transport.is_connected)

        answer = await remote.invoke(request(5))

        assert (5, 2) == (answer.code, len(taken))


async def test_what_did_not_leave_is_tried_again(peer: Peer) -> None:
    remote = await remote_to(peer.port)
    remote.transport.connection.pause_writing()
    call = asyncio.create_task(remote.invoke(request(9)))
    await until(lambda: remote.transport.connection.stats().frames_out)
    await peer.accepted.get()
    peer.cut()
    await peer.accepted.get()
    [seen] = await peer.read()
    await peer.write(answer_frame(seen, b"second"))

    assert (9, b"second") == (seen.code, (await call).body)
    await remote.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    port = unused_port()
    remote = remote_to(port, max_retries=0)

    with pytest.raises(ConnectionError, match=f"cannot connect to 127.0.0.1:{port}"):
        await remote.invoke(request())
    await remote.close()


async def test_requests_of_the_server_are_dispatched_by_code() -> None:
    seen: list[int] = []

    async def later(command: RemotingCommand) -> RemotingCommand:
        await asyncio.sleep(0)
        return RemotingCommand(0, body=b"later %d" % command.code)

    def at_once(command: RemotingCommand) -> None:
        seen.append(command.code)

    async with start_server(echo) as (port, taken):
        remote = await remote_to(port)
        remote.on_request(40, at_once)
        remote.on_request(307, later)
        taken[0].oneway(RemotingCommand(40))

        assert b"later 307" == (await taken[0].request(RemotingCommand(307), 5)).body
        unknown = await taken[0].request(RemotingCommand(220), 5)
        assert (3, "request code 220 is not served by this client") == (unknown.code, unknown.remark)
        assert [40] == seen
        await remote.close()


class Recorder(RpcHook):
    """Notes what it is told, and adds a field."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def before_request(self, address: str, request: RemotingCommand) -> None:
        request.ext_fields = {"ns": "test"} | (request.ext_fields or {})
        self.told.append((f"before {address[:3]}", request.code))

    def after_response(
        self,
        address: str,
        request: RemotingCommand,
        response: RemotingCommand | None,
        error: BaseException | None,
    ) -> None:
        self.told.append((f"after {address[:3]}", type(error) if response is None else response.code))
        if request.code == 6:
            raise ValueError("a faulty hook")


async def test_hooks_see_and_change_every_request(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    hook = Recorder()
    remote = await create_async_remote(f"127.0.0.1:{peer.port}", hooks=[hook])
    call = asyncio.create_task(remote.invoke(request(5, topic="t")))
    [first] = await peer.read()
    await peer.write(answer_frame(first))
    await call
    with pytest.raises(RpcTimeoutError):
        await remote.invoke(request(6), timeout=0.03)
    await remote.invoke_oneway(request(7))

    assert {"ns": "test", "topic": "t"} == first.ext_fields
    assert hook.told == [
        ("before 127", 5),
        ("after 127", 0),
        ("before 127", 6),
        ("after 127", RpcTimeoutError),
        ("before 127", 7),
    ]
    assert "a hook failed after request code 6" in caplog.text
    await remote.close()


async def test_a_hook_that_raises_refuses_the_request(peer: Peer) -> None:
    class Refuser(RpcHook):
        def before_request(self, address: str, request: RemotingCommand) -> None:
            raise PermissionError(f"{request.code} not to {address}")

    remote = create_async_remote(f"127.0.0.1:{peer.port}", hooks=[Refuser()])

    with pytest.raises(PermissionError, match="31 not to 127.0.0.1"):
        await remote.invoke(request())
    assert "DISCONNECTED" == remote.transport.current_state_name
