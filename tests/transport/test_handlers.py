"""Requests of the peer: answered by a handler, at once or later, and never left without an answer."""

from __future__ import annotations

import asyncio
import gc

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.frame import encode_frame
from tests.transport.peers import answer_to, connect, shut, start_server, until


async def ask(port: int, code: int, **options: object) -> RemotingCommand:
    connection = await connect(port, **options)
    try:
        return await connection.request(RemotingCommand(code), 5)
    finally:
        await shut(connection)


async def test_a_handler_answers_at_once_or_later() -> None:
    async def later(command: RemotingCommand) -> RemotingCommand:
        await asyncio.sleep(0.001)
        return RemotingCommand(0, opaque=0, body=b"later %d" % command.code)

    def handler(_: Connection, command: RemotingCommand) -> object:
        return later(command) if command.code == 2 else RemotingCommand(0, opaque=0, body=b"now")

    async with start_server(handler) as (port, _):
        assert b"now" == (await ask(port, 1)).body
        answer = await ask(port, 2)
        assert (b"later 2", 1) == (answer.body, answer.flag)


async def test_a_handler_may_answer_by_itself_long_after_its_return() -> None:
    async with start_server(lambda connection, command: keep.append((connection, command))) as (port, _):
        keep: list[tuple[Connection, RemotingCommand]] = []
        connection = await connect(port)
        future = connection.request(RemotingCommand(11), 5)
        await until(lambda: keep)
        asked, command = keep[0]
        asked.reply(answer_to(command, b"at last"))

        assert b"at last" == (await future).body
        await shut(connection)


async def test_a_kept_traceback_of_a_handler_does_not_stop_the_connection() -> None:
    """Its frames lead to that of the event loop's read, which holds the memory that was read into."""
    kept: list[Exception] = []

    def handler(_: Connection, command: RemotingCommand) -> RemotingCommand:
        try:
            raise ValueError(command.code)  # noqa: TRY301
        except ValueError as error:
            kept.append(error)
        return RemotingCommand(0, opaque=0, body=b"%d" % command.code)

    async with start_server(handler) as (port, _):
        connection = await connect(port)
        for code in (1, 2, 3):
            assert b"%d" % code == (await connection.request(RemotingCommand(code), 5)).body
        whole = encode_frame(RemotingCommand(5, body=b"x" * 100_000))
        raw = connection.transport
        assert raw is not None
        for start in range(0, len(whole), 30_000):
            raw.write(whole[start : start + 30_000])
            await asyncio.sleep(0.001)
        await until(lambda: len(kept) == 4)
        await shut(connection)
    kept.clear()


@pytest.mark.parametrize("kind", ["raises", "raises later", "wrong", "wrong later"])
async def test_a_handler_that_fails_is_logged_and_answered_with_code_1(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def later() -> object:
        if kind == "raises later":
            raise ValueError("no such queue")
        return 5

    def handler(_: Connection, __: RemotingCommand) -> object:
        if kind == "raises":
            raise ValueError("no such queue")
        return later() if kind.endswith("later") else 5

    async with start_server(handler) as (port, _):
        answer = await ask(port, 9)

    assert 1 == answer.code
    assert ("no such queue" if "raises" in kind else "TypeError") in (answer.remark or "")
    assert "request code 9" in caplog.text


async def test_without_a_handler_requests_are_answered_with_code_3() -> None:
    async with start_server(lambda *_: None) as (port, made):
        connection = await connect(port)
        await until(lambda: made)
        answer = await made[0].request(RemotingCommand(40), 5)

        assert (3, "request code 40 is not served here") == (answer.code, answer.remark)
        await shut(connection)


async def test_a_oneway_request_is_handled_and_not_answered() -> None:
    seen: list[int] = []

    def handler(_: Connection, command: RemotingCommand) -> RemotingCommand:
        seen.append(command.code)
        return answer_to(command)

    async with start_server(handler) as (port, taken):
        connection = await connect(port)
        connection.oneway(RemotingCommand(1))
        await connection.request(RemotingCommand(2), 5)

        assert [1, 2] == seen
        assert 1 == taken[0].stats().frames_out
        await shut(connection)


async def test_an_answer_that_is_too_large_becomes_an_error_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with start_server(lambda _, command: answer_to(command, bytes(10_000)), max_frame_bytes=5000) as (
        port,
        _,
    ):
        answer = await ask(port, 1)

    assert 1 == answer.code
    assert "max_frame_bytes" in (answer.remark or "")
    assert "request code 1" in caplog.text


async def test_a_handler_may_close_the_connection() -> None:
    async with start_server(lambda connection, _: connection.close()) as (port, taken):
        connection = await connect(port)
        futures = [connection.request(RemotingCommand(1), 5) for _ in range(5)]
        results = await asyncio.gather(*futures, return_exceptions=True)

        assert all(isinstance(result, ConnectionError) for result in results)
        await connection.wait_closed()
        assert 1 == taken[0].stats().requests_in


async def test_handlers_that_still_run_are_cancelled_when_the_connection_is_lost() -> None:
    ended: list[str] = []

    async def forever(_: Connection, __: RemotingCommand) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async with start_server(forever) as (port, taken):
        connection = await connect(port)
        connection.request(RemotingCommand(1), 5)
        await until(lambda: taken and taken[0].stats().requests_in)
        connection.abort()
        await connection.wait_closed()
        await until(lambda: ended)


async def test_both_sides_may_ask_at_the_same_time() -> None:
    async with start_server(lambda _, command: answer_to(command, b"server")) as (port, taken):
        connection = await connect(port, handler=lambda _, command: answer_to(command, b"client"))
        # The same numbers on purpose: bit 0 of the flag tells requests from answers.
        first = [connection.request(RemotingCommand(1, opaque=n), 5) for n in range(50)]
        await until(lambda: taken)
        second = [taken[0].request(RemotingCommand(2, opaque=n), 5) for n in range(50)]

        assert {b"server"} == {answer.body for answer in await asyncio.gather(*first)}
        assert {b"client"} == {answer.body for answer in await asyncio.gather(*second)}
        await shut(connection)


async def test_a_connection_that_is_dropped_is_collected() -> None:
    import weakref  # noqa: PLC0415

    async with start_server(lambda _, command: answer_to(command)) as (port, _):
        connection = await connect(port)
        await connection.request(RemotingCommand(1), 5)
        await shut(connection)
        gone = weakref.ref(connection)
        del connection
        await asyncio.sleep(0)
        gc.collect()

        assert gone() is None
