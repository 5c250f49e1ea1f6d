"""Event loops: closing one ends its requests, and no transport is used from two of them."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import pytest
import uvloop

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import LoopClosedError, TransportStateError
from pyrocketmq.remote import AsyncRemote
from pyrocketmq.transport import AsyncTcpTransport, TransportConfig
from tests.transport.peers import answer_to, start_server
from tests.transport.test_tcp import unused_port

NewLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    made: NewLoop = request.param
    return made


@pytest.fixture
def port() -> Iterator[int]:
    """A server in a thread: it answers code 1, and nothing else."""
    ports: list[int] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with start_server(lambda _, command: answer_to(command) if command.code == 1 else None) as (
            number,
            _,
        ):
            ports.append(number)
            ready.set()
            await asyncio.get_running_loop().run_in_executor(None, done.wait, 60)
            await asyncio.sleep(0.02)  # one that was just accepted is made in the next turns

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield ports[0]
    done.set()
    thread.join(10)


def test_closing_the_loop_ends_every_request_with_a_loop_closed_error(port: int, new_loop: NewLoop) -> None:
    loop = new_loop()
    remote = AsyncRemote(f"127.0.0.1:{port}")
    callbacks: list[Exception | None] = []

    async def begin() -> list[asyncio.Task[RemotingCommand]]:
        await remote.connect()
        remote.invoke_async(RemotingCommand(2), lambda _, error: callbacks.append(error))
        tasks = [asyncio.create_task(remote.invoke(RemotingCommand(2), 60)) for _ in range(5)]
        await asyncio.sleep(0.01)
        return tasks

    tasks = loop.run_until_complete(begin())
    loop.close()
    gc.collect()

    errors = [*callbacks, *(task.exception() for task in tasks)]
    assert [LoopClosedError] * 6 == [type(error) for error in errors]
    assert {True} == {getattr(error, "maybe_sent", None) for error in errors}
    assert ("DISCONNECTED", 0) == (remote.transport.current_state_name, remote.waiting)


def test_a_loop_that_closes_while_connecting_leaves_nothing(new_loop: NewLoop) -> None:
    loop = new_loop()
    transport = AsyncTcpTransport(TransportConfig("127.0.0.1", unused_port()), reconnect=True)

    async def begin() -> None:
        with pytest.raises(ConnectionError):
            await transport.connect()

    loop.run_until_complete(begin())
    loop.close()
    gc.collect()

    assert "DISCONNECTED" == transport.current_state_name


def test_a_client_can_be_used_on_the_next_loop_after_its_first_is_closed(
    port: int, new_loop: NewLoop
) -> None:
    remote = AsyncRemote(f"127.0.0.1:{port}")
    for _ in range(3):
        loop = new_loop()
        answer = loop.run_until_complete(remote.invoke(RemotingCommand(1)))
        assert 0 == answer.code
        loop.close()
    gc.collect()


def test_use_from_another_loop_of_the_same_thread_is_refused(port: int, new_loop: NewLoop) -> None:
    first, second = new_loop(), new_loop()
    remote = AsyncRemote(f"127.0.0.1:{port}")
    first.run_until_complete(remote.connect())

    for call in (remote.invoke, remote.invoke_oneway):
        with pytest.raises(TransportStateError, match="lives on another event loop"):
            second.run_until_complete(call(RemotingCommand(1)))
    with pytest.raises(TransportStateError, match="lives on another event loop"):
        second.run_until_complete(remote.connect())

    first.run_until_complete(remote.close())
    first.close()
    second.close()


def test_use_from_the_loop_of_another_thread_is_refused_and_can_be_handed_over(
    port: int, new_loop: NewLoop
) -> None:
    loop = new_loop()
    remote = AsyncRemote(f"127.0.0.1:{port}")
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(remote.connect(), loop).result(10)

    with pytest.raises(TransportStateError, match="run_coroutine_threadsafe"):
        asyncio.run(remote.invoke(RemotingCommand(1)))
    handed = asyncio.run_coroutine_threadsafe(remote.invoke(RemotingCommand(1)), loop)
    assert 0 == handed.result(10).code

    asyncio.run_coroutine_threadsafe(remote.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_the_end_of_asyncio_run_closes_what_was_left_open(port: int) -> None:
    remote = AsyncRemote(f"127.0.0.1:{port}")
    seen: list[BaseException | None] = []

    async def main() -> None:
        await remote.connect()
        remote.invoke_async(RemotingCommand(2), lambda _, error: seen.append(error))
        await asyncio.sleep(0.01)

    asyncio.run(main())
    gc.collect()

    assert 1 == len(seen)
    assert isinstance(seen[0], ConnectionError)
    assert "DISCONNECTED" == remote.transport.current_state_name
