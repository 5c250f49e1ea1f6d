"""Servers killed, stopped or cut off: what was acknowledged is there, and traffic goes on by itself."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.remote import AsyncRemote, RemoteConfig
from pyrocketmq.transport import TransportConfig
from tests.faults.processes import server_process
from tests.faults.proxy import start_proxy
from tests.faults.storm import run_storm
from tests.faults.traffic import Traffic, all_messages, client_of
from tests.transport.peers import answer_to, start_server, until


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_killed_broker_loses_nothing_and_sends_go_on_after_its_restart() -> None:
    loop = asyncio.get_running_loop()
    with server_process() as server:
        traffic = Traffic()
        async with client_of(server.broker) as client:
            tasks = [asyncio.create_task(traffic.send(client)) for _ in range(4)]
            await traffic.more(50)
            await loop.run_in_executor(None, server.kill)
            await until(lambda: not client.is_connected)
            await loop.run_in_executor(None, server.start)
            await traffic.more(50)
            traffic.end()
            await asyncio.gather(*tasks)
            found = await all_messages(client)

    assert traffic.stored <= set(found)
    assert len(found) == len(set(found))
    assert not traffic.refused & set(found)
    connecting = {"ConnectionClosedError", "ConnectionError", "ConnectTimeoutError"}
    assert set(traffic.errors) <= {*connecting, "RpcTimeoutError"}


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_stopped_broker_is_given_up_while_another_is_not_disturbed() -> None:
    config = TransportConfig(probe_timeout=0.2)
    with server_process() as stopped, server_process() as other:
        one, two = Traffic(), Traffic()
        async with (
            client_of(stopped.broker, config) as first,
            client_of(other.broker, config) as second,
        ):
            tasks = [
                asyncio.create_task(one.send(first, 0.3)),
                asyncio.create_task(two.send(second, 10)),
            ]
            await until(lambda: one.stored and two.stored)
            stopped.hold()
            await until(lambda: not first.is_connected)
            await two.more(20)
            stopped.go_on()
            await one.more(20)
            one.end()
            two.end()
            await asyncio.gather(*tasks)
            assert one.stored <= set(await all_messages(first))

    assert {} == two.errors
    assert one.unknown


async def test_a_connection_that_is_cut_again_and_again_always_comes_back() -> None:
    async with (
        start_server(lambda _, command: answer_to(command)) as (port, taken),
        start_proxy(port) as proxy,
        AsyncRemote(f"127.0.0.1:{proxy.port}", RemoteConfig(timeout=10)) as remote,
    ):
        for _ in range(100):
            assert 0 == (await remote.invoke(RemotingCommand(1))).code
            # The first waits are short, so a hundred of them take seconds; here only the cuts matter.
            proxy.cut()
            await until(lambda: not remote.transport.is_connected)
            remote.transport.backoff.retry_now()
        assert 0 == (await remote.invoke(RemotingCommand(1))).code

        assert 101 == len(proxy.accepted)
    assert not any(connection.is_open for connection in taken)


async def test_a_silent_network_ends_calls_in_time_and_heals() -> None:
    async with start_server(lambda _, command: answer_to(command)) as (port, _), start_proxy(port) as proxy:
        config = TransportConfig("127.0.0.1", proxy.port, probe_timeout=0.1)
        async with AsyncRemote(config, RemoteConfig(timeout=0.2)) as remote:
            await remote.invoke(RemotingCommand(1))
            proxy.silent = True
            results = await asyncio.gather(
                *(remote.invoke(RemotingCommand(1)) for _ in range(50)), return_exceptions=True
            )
            assert all(isinstance(result, OSError) for result in results)
            await until(lambda: not remote.transport.is_connected)
            proxy.silent = False
            assert 0 == (await remote.invoke(RemotingCommand(1), 10)).code


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_server_that_comes_back_is_not_run_over_by_its_clients() -> None:
    storm = await run_storm(250, 0.2)

    assert storm.most_in_a_second <= 200
    assert 250 == storm.attempts
