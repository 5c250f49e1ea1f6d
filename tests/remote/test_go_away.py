"""A server that asks to go away: new requests move to another connection, those on the old one end."""

from __future__ import annotations

import asyncio

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from pyrocketmq.transport import TransportConfig
from tests.transport.peers import answer_to, start_server, until

GO_AWAY = 1500


class Leaver:
    """Holds code 2 back; says GO_AWAY on its first connections."""

    def __init__(self, leaving: int) -> None:
        self.leaving = leaving
        self.seen: list[Connection] = []
        self.held: list[tuple[Connection, RemotingCommand]] = []
        self.opaques: list[int] = []

    def __call__(self, connection: Connection, command: RemotingCommand) -> RemotingCommand | None:
        if connection not in self.seen:
            self.seen.append(connection)
        if command.code == 2:
            self.held.append((connection, command))
            return None
        self.opaques.append(command.opaque)
        number = self.seen.index(connection)
        return answer_to(command, b"%d" % number, GO_AWAY if number < self.leaving else 0)


async def test_a_request_is_sent_again_on_a_new_connection_under_another_number() -> None:
    leaver = Leaver(1)
    async with (
        start_server(leaver) as (port, taken),
        AsyncRemote(f"127.0.0.1:{port}", RemoteConfig(timeout=30)) as remote,
    ):
        answer = await remote.invoke(RemotingCommand(1))

        assert (0, b"1", 2) == (answer.code, answer.body, len(taken))
        assert 2 == len(set(leaver.opaques))
        await until(lambda: not taken[0].is_open)
        assert taken[1].is_open


async def test_what_waits_on_the_old_connection_still_gets_its_answer() -> None:
    leaver = Leaver(1)
    async with (
        start_server(leaver) as (port, taken),
        AsyncRemote(f"127.0.0.1:{port}", RemoteConfig(timeout=30)) as remote,
    ):
        waiting = asyncio.create_task(remote.invoke(RemotingCommand(2)))
        await until(lambda: leaver.held)
        answers = await asyncio.gather(*(remote.invoke(RemotingCommand(1)) for _ in range(50)))
        connection, command = leaver.held[0]
        assert taken[0].is_open
        connection.reply(answer_to(command, b"late"))

        assert b"late" == (await waiting).body
        assert ({0}, 2) == ({answer.code for answer in answers}, len(taken))
        await until(lambda: not taken[0].is_open)


async def test_a_second_go_away_is_given_to_the_caller() -> None:
    async with (
        start_server(Leaver(5)) as (port, taken),
        AsyncRemote(f"127.0.0.1:{port}", RemoteConfig(timeout=30)) as remote,
    ):
        assert GO_AWAY == (await remote.invoke(RemotingCommand(1))).code
        assert 2 == len(taken)


async def test_a_request_that_never_ends_does_not_keep_the_old_connection_for_ever() -> None:
    leaver = Leaver(1)
    async with start_server(leaver) as (port, taken):
        config = TransportConfig("127.0.0.1", port, timeout=0.1)
        async with AsyncRemote(config, RemoteConfig(timeout=30)) as remote:
            waiting = asyncio.create_task(remote.invoke(RemotingCommand(2)))
            await until(lambda: leaver.held)
            await remote.invoke(RemotingCommand(1))

            [error] = await asyncio.gather(waiting, return_exceptions=True)
            assert isinstance(error, ConnectionError)
            await until(lambda: not taken[0].is_open)
            assert taken[1].is_open


async def test_closing_while_leaving_closes_both_connections() -> None:
    leaver = Leaver(1)
    async with start_server(leaver) as (port, taken):
        remote = AsyncRemote(f"127.0.0.1:{port}", RemoteConfig(timeout=30))
        waiting = asyncio.create_task(remote.invoke(RemotingCommand(2)))
        await until(lambda: leaver.held)
        await remote.invoke(RemotingCommand(1))
        await remote.close()
        [error] = await asyncio.gather(waiting, return_exceptions=True)

        assert isinstance(error, ConnectionError)
        await until(lambda: not any(connection.is_open for connection in taken))
