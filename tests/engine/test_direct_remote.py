"""Direct lanes of a remote: one for each thread, bounded, and the engine for everything else."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
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
)
from pyrocketmq.model.acl import AclCredentials
from pyrocketmq.remote import RemoteConfig, RpcHook, SyncRemote, create_sync_remote
from pyrocketmq.remote.engine import engine
from pyrocketmq.remote.lane import DirectRemote, Lanes
from pyrocketmq.transport import TlsConfig, TransportConfig
from tests.engine.conftest import RunProgram
from tests.engine.server import Client, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no lanes")

DIRECT = RemoteConfig(direct_lane=True)


def until(condition: Callable[[], object]) -> None:
    """Wait for something; the test's own time limit ends a wait in vain."""
    while not condition():
        threading.Event().wait(0.002)


def direct(address: str, **settings: object) -> DirectRemote:
    remote = create_sync_remote(address, DIRECT.copy(**settings))  # type: ignore[arg-type]
    assert isinstance(remote, DirectRemote)
    return remote


def test_calls_of_a_thread_use_one_lane_and_not_the_engine() -> None:
    with serving() as server:
        remote = direct(server.address)
        calls = engine().stats().calls
        assert b"a" == remote.invoke(RemotingCommand(7, body=b"a")).body
        begun = engine().stats().calls
        for _ in range(20):
            assert b"b" == remote.invoke(RemotingCommand(7, body=b"b")).body

        assert 1 == len(server.clients) == len(remote.lanes)
        assert begun == engine().stats().calls
        assert begun - calls <= 1  # the watch over idle lanes
        assert not remote.transport.is_connected
        remote.close()


def test_lanes_end_with_the_with_block() -> None:
    with serving() as server:
        with direct(server.address) as remote:
            remote.invoke(RemotingCommand(7))
            assert 1 == len(remote.lanes)
        assert 0 == len(remote.lanes)


def test_each_thread_has_a_lane_that_ends_with_it() -> None:
    together = threading.Barrier(5)

    def work(number: int) -> bytes | None:
        together.wait(10)
        answer = remote.invoke(RemotingCommand(7, body=str(number).encode()))
        together.wait(10)
        return answer.body

    with serving() as server:
        remote = direct(server.address)
        with ThreadPoolExecutor(5) as pool:
            assert [b"0", b"1", b"2", b"3", b"4"] == list(pool.map(work, range(5)))
            assert 5 == len(server.clients) == len(remote.lanes)
        until(lambda: all(client.has_ended.is_set() for client in server.clients))
        assert 0 == len(remote.lanes)
        remote.close()


def test_threads_above_the_bound_share_the_connection_of_the_engine() -> None:
    together = threading.Barrier(6)

    def work(_: int) -> int:
        together.wait(10)
        code = remote.invoke(RemotingCommand(7)).code
        together.wait(10)
        return code

    with serving() as server:
        remote = direct(server.address, max_lanes=2)
        with ThreadPoolExecutor(6) as pool:
            assert [0] * 6 == list(pool.map(work, range(6)))
            assert 2 == len(remote.lanes)
            assert 3 == len(server.clients)
            assert remote.transport.is_connected
        remote.close()


def test_idle_lane_is_closed_and_the_next_call_has_a_new_one() -> None:
    with serving() as server:
        remote = direct(server.address, lane_idle=0.02)
        remote.invoke(RemotingCommand(7))
        assert server.clients[0].has_ended.wait(10)
        assert 0 == len(remote.lanes)
        until(lambda: not remote.lanes._swept)

        remote.invoke(RemotingCommand(7))
        assert server.clients[1].has_ended.wait(10)
        remote.close()


def test_call_after_the_server_closed_the_lane_uses_a_new_one() -> None:
    with serving() as server:
        remote = direct(server.address)
        remote.invoke(RemotingCommand(7))
        server.clients[0].close()
        threading.Event().wait(0.1)

        assert 0 == remote.invoke(RemotingCommand(8)).code
        assert 2 == len(server.clients)
        assert not remote.transport.is_connected
        remote.close()


def test_lane_is_not_used_again_after_a_time_out() -> None:
    asked: list[tuple[Client, RemotingCommand]] = []

    def late(client: Client, request: RemotingCommand) -> None:
        if request.code == 1:
            asked.append((client, request))
        else:
            client.answer(request, body=b"mine")

    with serving(late) as server:
        remote = direct(server.address)
        with pytest.raises(RpcTimeoutError):
            remote.invoke(RemotingCommand(1), 0.03)
        assert b"mine" == remote.invoke(RemotingCommand(2)).body
        assert 2 == len(server.clients)
        remote.close()


def test_go_away_sends_the_request_again_on_another_connection() -> None:
    def closing(client: Client, request: RemotingCommand) -> None:
        client.answer(request, code=1500 if client is server.clients[0] else 0)

    with serving(closing) as server:
        remote = direct(server.address)
        assert 0 == remote.invoke(RemotingCommand(7)).code
        assert [7, 7] == [request.code for request in server.requests]
        assert server.clients[0].has_ended.wait(10)
        remote.close()


def test_refused_request_is_not_sent() -> None:
    with serving() as server:
        remote = direct(server.address)
        with pytest.raises(SerializationError, match="this is an answer"):
            remote.invoke(RemotingCommand(7, 0, 0, 1, 1))
        assert [] == server.requests
        remote.close()


def test_server_that_is_not_there_is_an_error() -> None:
    with serving() as server:
        address = server.address
    remote = direct(address)
    with pytest.raises(ConnectionError, match="nothing listens there|is tried again"):
        remote.invoke(RemotingCommand(7), 0.5)
    remote.close()


def test_lost_request_that_may_have_arrived_is_not_sent_again() -> None:
    with serving(lambda client, _: client.close()) as server:
        remote = direct(server.address)
        with pytest.raises(ConnectionClosedError) as caught:
            remote.invoke(RemotingCommand(7))
        assert caught.value.maybe_sent
        assert [7] == [request.code for request in server.requests]
        remote.close()


def test_closing_ends_calls_that_wait_in_other_threads() -> None:
    asked = threading.Event()
    with serving(lambda *_: asked.set()) as server, ThreadPoolExecutor(1) as pool:
        remote = direct(server.address)
        waiting = pool.submit(remote.invoke, RemotingCommand(7), 10.0)
        assert asked.wait(10)

        remote.close()

        assert isinstance(waiting.exception(10), ConnectionClosedError)


def test_hooks_and_signing_are_the_same_as_on_the_engine() -> None:
    class Notes(RpcHook):
        def __init__(self) -> None:
            self.seen: list[object] = []

        def before_request(self, address: str, request: RemotingCommand) -> None:
            self.seen.append((address, request.code))

        def after_response(
            self,
            address: str,
            request: RemotingCommand,
            response: RemotingCommand | None,
            error: BaseException | None,
        ) -> None:
            self.seen.append((address, request.code, response.code if response else type(error)))

    def answer(client: Client, request: RemotingCommand) -> None:
        if request.code == 7:
            client.answer(request)

    notes = Notes()
    with serving(answer) as server:
        remote = create_sync_remote(
            server.address, DIRECT, hooks=[notes], credentials=AclCredentials("me", "secret")
        )
        remote.invoke(RemotingCommand(7))
        with pytest.raises(RpcTimeoutError):
            remote.invoke(RemotingCommand(8), 0.02)

        at = server.address
        assert [(at, 7), (at, 7, 0), (at, 8), (at, 8, RpcTimeoutError)] == notes.seen
        fields = server.requests[0].ext_fields or {}
        assert ("me", True) == (fields["AccessKey"], "Signature" in fields)
        remote.close()


def test_oneway_calls_and_requests_of_the_server_use_the_engine() -> None:
    answered = threading.Event()

    def answer(client: Client, request: RemotingCommand) -> None:
        if request.is_response:
            assert b"pong" == request.body
            answered.set()
        elif request.is_oneway:
            client.write(encode_frame(RemotingCommand(40, 0, 513, 77, 0)))
        else:
            client.answer(request)

    with serving(answer) as server:
        remote = direct(server.address)
        remote.on_request(40, lambda request: RemotingCommand(0, opaque=request.opaque, body=b"pong"))
        remote.invoke_oneway(RemotingCommand(8))
        assert answered.wait(10)
        remote.invoke(RemotingCommand(7))
        assert 2 == len(server.clients)
        remote.close()


def test_tls_has_no_lanes() -> None:
    lanes = Lanes(TransportConfig("localhost", 1, tls=TlsConfig()), DIRECT)

    assert not lanes.works
    assert lanes.lane(1.0) is None


def test_lanes_are_used_when_they_are_asked_for_only() -> None:
    assert SyncRemote is type(create_sync_remote("host:1"))
    assert DirectRemote is type(create_sync_remote("host:1", DIRECT))


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"spin": 0.02}, "spin"), ({"max_lanes": 0}, "max_lanes"), ({"lane_idle": 0}, "lane_idle")],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RemoteConfig(**settings)  # type: ignore[arg-type]
    assert field == caught.value.field


def test_child_made_by_fork_has_lanes_of_its_own(run_program: RunProgram) -> None:
    program = """
        import os, sys
        from pyrocketmq._native.command import RemotingCommand
        from pyrocketmq.remote import RemoteConfig, create_sync_remote

        remote = create_sync_remote(sys.argv[1], RemoteConfig(direct_lane=True))
        remote.invoke(RemotingCommand(1))
        pid = os.fork()
        if pid == 0:
            for _ in range(50):
                remote.invoke(RemotingCommand(2))
            remote.close()
            sys.exit(0)
        for _ in range(50):
            remote.invoke(RemotingCommand(3))
        print(os.waitpid(pid, 0)[1])
        remote.invoke(RemotingCommand(3))
        remote.close()
    """

    with serving() as server:
        assert ["0"] == run_program(program, server.address)
        codes = [[request.code for request in client.requests] for client in server.clients]
        assert [[1] + [3] * 51, [2] * 50] == codes
        for client in server.clients:
            assert client.has_ended.wait(10)


def test_opening_and_closing_many_times_leaves_nothing() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0

    def rounds(count: int) -> None:
        for _ in range(count):
            remote = direct(server.address)
            remote.invoke(RemotingCommand(7))
            remote.close()
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
        before = threading.active_count(), descriptors()
        rounds(100)
        gc.collect()
        assert before == (threading.active_count(), descriptors())
