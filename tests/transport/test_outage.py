"""A server that is away: what is logged, what a call waits for, and what the error of a broker says."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import BrokerUnreachableError, ConnectionError  # noqa: A004
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.transport import AsyncTcpTransport, Backoff, TcpTransport, TransportConfig, async_tcp
from pyrocketmq.transport.turns import Turns
from tests.transport.peers import Peer, answer_frame, until
from tests.transport.test_tcp import unused_port


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_ten_minutes_of_outage_are_fewer_than_100_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    logger = logging.getLogger("pyrocketmq.transport.async_tcp")
    monkeypatch.setattr(async_tcp, "_repeats", RepeatedFaults(logger, clock=clock))
    caplog.set_level(logging.INFO, "pyrocketmq")
    monkeypatch.setattr(async_tcp, "TURNS", Turns(clock=clock))
    address = f"127.0.0.1:{unused_port()}"
    clients = [AsyncTcpTransport(address, backoff=Backoff(1e-9, 1e-9, clock=clock)) for _ in range(3)]
    for _ in range(600):
        clock.seconds += 1
        for client in clients:
            with pytest.raises(ConnectionError):
                await client.connect()

    lines = [record.getMessage() for record in caplog.records]
    assert 55 <= len(lines) <= 65
    assert all(address in line for line in lines)
    assert "more like this in the last 10" in lines[-1]


async def test_a_lost_connection_and_its_coming_back_are_each_logged_once(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pyrocketmq")
    transport = AsyncTcpTransport(
        TransportConfig("127.0.0.1", peer.port), reconnect=True, backoff=Backoff(0.001, 0.002)
    )
    await transport.connect()
    for _ in range(5):
        await peer.accepted.get()
        peer.cut()
        await until(lambda: not transport.is_connected)
        await until(lambda: transport.is_connected)
    await peer.accepted.get()
    await asyncio.sleep(0)
    await transport.close()

    levels = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert ["WARNING", "INFO"] == [level for level, _ in levels]
    assert f"connected to 127.0.0.1:{peer.port} again" == levels[1][1]


def test_a_call_waits_less_than_the_background_after_a_long_outage() -> None:
    clock = Clock()
    backoff = Backoff(0.05, 30, clock=clock, random_part=lambda: 1.0)
    for _ in range(12):
        backoff.failed()
    assert (30.0, 2.0) == (backoff.seconds_left, backoff.seconds_left_when_wanted)
    clock.seconds += 1.5
    assert (28.5, 0.5) == (backoff.seconds_left, backoff.seconds_left_when_wanted)
    clock.seconds += 1
    assert (27.5, 0.0) == (backoff.seconds_left, backoff.seconds_left_when_wanted)
    backoff.retry_now()
    assert 0.0 == backoff.seconds_left

    backoff.succeeded()
    backoff.failed()
    assert backoff.seconds_left == backoff.seconds_left_when_wanted < 0.11


async def test_a_call_after_an_outage_does_not_wait_for_the_background(peer: Peer) -> None:
    backoff = Backoff(60, 60, wanted_maximum=0.01)
    transport = AsyncTcpTransport(f"127.0.0.1:{peer.port}", lambda *_: None, reconnect=True, backoff=backoff)
    backoff.failed()
    await transport.connect()
    future = transport.connection.request(RemotingCommand(1), 10)
    [seen] = await peer.read()
    await peer.write(answer_frame(seen))

    await future
    await transport.close()


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("mapped", [False, True])
async def test_an_unreachable_broker_is_named_with_the_address_map_to_use(
    blocking: bool, mapped: bool
) -> None:
    port = unused_port()
    announced = "10.255.255.1:10911" if mapped else f"127.0.0.1:{port}"
    changes: dict[str, Any] = {"announced_as": "broker-a"}
    if mapped:
        changes["address_map"] = {announced: f"127.0.0.1:{port}"}
    config = TransportConfig.from_address(announced, **changes)

    loop = asyncio.get_running_loop()
    connect = (
        loop.run_in_executor(None, TcpTransport(config).connect)
        if blocking
        else AsyncTcpTransport(config).connect()
    )
    with pytest.raises(BrokerUnreachableError) as caught:
        await connect

    text = str(caught.value)
    assert text.startswith(f"[C204] broker-a is registered as {announced}")
    assert f"127.0.0.1:{port}: nothing listens there" in text
    if mapped:
        assert f"(address_map: 127.0.0.1:{port})" in text
        assert 'correct address_map={"10.255.255.1:10911"' in text
    else:
        assert f'brokerIP1 in broker.conf, or address_map={{"{announced}": "localhost:{port}"}}' in text
    assert (announced, True) == (caught.value.address, isinstance(caught.value, OSError))
