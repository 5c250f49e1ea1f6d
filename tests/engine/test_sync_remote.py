"""Blocking remotes and pools: the same calls as the asynchronous ones, from any thread, after a fork too."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import encode_frame
from pyrocketmq.errors import (
    ConfigurationError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004
    RpcTimeoutError,
    SerializationError,
    TransportStateError,
)
from pyrocketmq.model.acl import AclCredentials
from pyrocketmq.remote import ConnectionPool, RemoteConfig, SyncRemote, create_sync_remote
from pyrocketmq.remote.engine import engine
from tests.engine.conftest import RunProgram
from tests.engine.server import Client, serving


def silent(_: Client, __: RemotingCommand) -> None:
    """Answer nothing."""


def test_invoke_gives_the_answer() -> None:
    with serving() as server, create_sync_remote(server.address) as remote:
        assert "CONNECTED" == remote.transport.current_state_name

        answer = remote.invoke(RemotingCommand(7, body=b"hello"))

        assert (0, b"hello") == (answer.code, answer.body)


def test_remote_connects_on_first_use_and_again_after_a_close() -> None:
    with serving() as server:
        remote = create_sync_remote(server.address)
        assert not remote.transport.is_connected
        assert b"a" == remote.invoke(RemotingCommand(7, body=b"a")).body
        remote.close()
        assert b"b" == remote.invoke(RemotingCommand(7, body=b"b")).body
        remote.close()


def test_many_threads_share_one_connection_and_each_gets_its_own_answer() -> None:
    def work(thread: int) -> None:
        for number in range(50):
            body = f"{thread} {number}".encode()
            assert body == remote.invoke(RemotingCommand(7, body=body)).body

    with serving() as server, create_sync_remote(server.address) as remote, ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
        assert 1 == len(server.clients)


def test_time_out_of_a_call_and_of_the_settings() -> None:
    with serving(silent) as server:
        with create_sync_remote(server.address) as remote, pytest.raises(RpcTimeoutError, match=r"0\.02"):
            remote.invoke(RemotingCommand(7), timeout=0.02)
        config = RemoteConfig(timeout=0.03)
        with (
            create_sync_remote(server.address, config) as remote,
            pytest.raises(RpcTimeoutError, match=r"0\.03"),
        ):
            remote.invoke(RemotingCommand(7))


def test_oneway_call_has_flag_2_and_returns_without_an_answer() -> None:
    with serving() as server, create_sync_remote(server.address) as remote:
        remote.invoke_oneway(RemotingCommand(8))
        remote.invoke(RemotingCommand(9))

        assert [(8, 2), (9, 0)] == [(request.code, request.flag) for request in server.requests]


def test_callback_gets_the_answer_or_the_error() -> None:
    done: list[object] = []
    ended = threading.Event()

    def callback(answer: RemotingCommand | None, error: Exception | None) -> None:
        done.append(error or (answer and answer.body))
        if len(done) == 2:
            ended.set()

    with serving() as server, create_sync_remote(server.address) as remote:
        remote.invoke_async(RemotingCommand(7, body=b"x"), callback)
        remote.invoke_async(RemotingCommand(7, 0, 0, 1, 1), callback)
        assert ended.wait(10)

    assert b"x" in done
    assert [SerializationError] == [type(item) for item in done if item != b"x"]


def test_blocking_call_inside_a_callback_is_refused() -> None:
    errors: list[TransportStateError] = []
    ended = threading.Event()

    def callback(_: RemotingCommand | None, __: Exception | None) -> None:
        try:
            remote.invoke(RemotingCommand(7))
        except TransportStateError as error:
            errors.append(error)
        ended.set()

    with serving() as server, create_sync_remote(server.address) as remote:
        remote.invoke_async(RemotingCommand(7), callback)
        assert ended.wait(10)

    assert ["C207"] == [error.code for error in errors]


def test_request_of_the_server_reaches_its_handler() -> None:
    answered = threading.Event()

    def answer(client: Client, request: RemotingCommand) -> None:
        if request.is_response:
            assert (b"pong", 77) == (request.body, request.opaque)
            answered.set()
            return
        client.write(encode_frame(RemotingCommand(40, 0, 513, 77, 0, None, None, b"ping")))
        client.answer(request)

    with serving(answer) as server, create_sync_remote(server.address) as remote:
        remote.on_request(40, lambda request: RemotingCommand(0, opaque=request.opaque, body=b"pong"))
        remote.invoke(RemotingCommand(7))
        assert answered.wait(10)


def test_requests_are_signed() -> None:
    with (
        serving() as server,
        create_sync_remote(server.address, credentials=AclCredentials("me", "secret")) as remote,
    ):
        remote.invoke(RemotingCommand(7))

        fields = server.requests[0].ext_fields or {}
        assert ("me", True) == (fields["AccessKey"], "Signature" in fields)


def test_server_that_is_not_there_is_an_error_with_advice() -> None:
    with serving() as server:
        address = server.address
    with pytest.raises(ConnectionError, match="nothing listens there"), create_sync_remote(address):
        pass


def test_close_ends_calls_that_wait_in_other_threads() -> None:
    asked = threading.Event()
    with serving(lambda *_: asked.set()) as server, ThreadPoolExecutor(1) as pool:
        remote = create_sync_remote(server.address)
        waiting = pool.submit(remote.invoke, RemotingCommand(7), 10.0)
        assert asked.wait(10)
        assert 1 == remote.waiting

        remote.close()

        assert isinstance(waiting.exception(10), ConnectionClosedError)


def test_wrong_settings_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no port"):
        SyncRemote("localhost")


def test_blocking_call_works_while_the_callers_own_loop_runs() -> None:
    async def main() -> bytes | None:
        return remote.invoke(RemotingCommand(7, body=b"from a loop")).body

    with serving() as server, create_sync_remote(server.address) as remote:
        assert b"from a loop" == asyncio.run(main())


def test_remote_says_what_it_is_over() -> None:
    config = RemoteConfig(timeout=1.5)
    remote = SyncRemote("host:1", config)

    assert ("host:1", config) == (remote.address, remote.config)
    assert "<SyncRemote over <AsyncRemote to host:1, DISCONNECTED, 0 waiting>>" == repr(remote)


# ---- pool ----


def test_pool_shares_its_connections() -> None:
    with serving() as server, ConnectionPool(server.address, max_size=2) as pool:
        assert 0 == pool.size
        with pool.get_connection() as first, pool.get_connection() as second:
            assert b"1" == first.invoke(RemotingCommand(7, body=b"1")).body
            assert b"2" == second.invoke(RemotingCommand(7, body=b"2")).body
        assert 1 == pool.size == len(server.clients)


def test_pool_takes_its_connection_back_after_an_error_too() -> None:
    with serving(silent) as server, ConnectionPool(server.address) as pool:
        with pytest.raises(RpcTimeoutError), pool.get_connection() as remote:
            remote.invoke(RemotingCommand(7), 0.01)
        assert [0] == list(pool._async._leases.values())


def test_closed_pool_gives_nothing() -> None:
    pool = ConnectionPool("localhost:1")
    pool.close()

    with pytest.raises(ConnectionClosedError, match="the pool is closed"), pool.get_connection():
        pass


# ---- fork, and what is left behind ----


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_child_made_by_fork_uses_a_connection_of_its_own(run_program: RunProgram) -> None:
    program = """
        import os, sys
        from pyrocketmq._native.command import RemotingCommand
        from pyrocketmq.remote import create_sync_remote

        remote = create_sync_remote(f"127.0.0.1:{sys.argv[1]}")

        def say_who(request):
            return RemotingCommand(0, opaque=request.opaque, body=str(os.getpid()).encode())

        remote.on_request(40, say_who)
        remote.invoke(RemotingCommand(1))
        pid = os.fork()
        if pid == 0:
            for _ in range(100):
                remote.invoke(RemotingCommand(2))
            remote.close()
            sys.exit(0)
        for _ in range(100):
            remote.invoke(RemotingCommand(3))
        print(os.waitpid(pid, 0)[1])
        remote.close()
    """

    def answer(client: Client, request: RemotingCommand) -> None:
        if not request.is_response:
            client.answer(request)
            if len(client.requests) == 1:
                client.write(encode_frame(RemotingCommand(40, 0, 513, 77, 0)))

    with serving(answer) as server:
        assert ["0"] == run_program(program, server.port)
        assert 2 == len(server.clients)
        handled = set()
        for client, codes in zip(server.clients, ([1] + [3] * 100, [2] * 100), strict=True):
            assert client.has_ended.wait(10)
            assert codes == [request.code for request in client.requests if not request.is_response]
            handled |= {request.body for request in client.requests if request.is_response}
        assert 2 == len(handled)


def test_opening_and_closing_many_times_leaves_nothing() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0

    def rounds(count: int) -> None:
        for _ in range(count):
            with create_sync_remote(server.address) as remote:
                remote.invoke(RemotingCommand(7))
        while server.clients:
            client = server.clients.pop()
            assert client.has_ended.wait(10)
            client.sock.close()
        for thread in server.threads[1:]:
            thread.join(10)
        del server.threads[1:]

    with serving() as server:
        rounds(5)
        gc.collect()
        before = (
            threading.active_count(),
            descriptors(),
            engine().run(lambda: len(asyncio.all_tasks(engine().loop))),
        )
        rounds(100)
        gc.collect()
        after = (
            threading.active_count(),
            descriptors(),
            engine().run(lambda: len(asyncio.all_tasks(engine().loop))),
        )
        assert before == after
