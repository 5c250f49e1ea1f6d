"""The server for tests can be used from tests of any kind, is quick, and does what tests want of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrocketmq.errors import ConfigurationError, StoreLockedError, TransportStateError
from pyrocketmq.model import RemotingCommand, RequestCode, ResponseCode
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ, ManualClock, SystemClock
from pyrocketmq.transport import AsyncTcpTransport, TcpTransport


@pytest.fixture
def rocketmq() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ() as server:
        yield server


def ask(address: str, request: RemotingCommand) -> RemotingCommand:
    with TcpTransport(address) as transport:
        transport.output(request)
        return transport.recv_command(timeout=10)


def send(rocketmq: LocalRocketMQ, topic: str, body: bytes, queue_id: int = 0) -> RemotingCommand:
    request = Requests.create_send_message_request("group", topic, body, queue_id=queue_id, keys="k")
    return ask(rocketmq.broker_addrs[0], request)


def test_messages_come_in_the_order_in_which_they_were_stored(rocketmq: LocalRocketMQ) -> None:
    for number in range(6):
        assert ResponseCode.SUCCESS == send(rocketmq, "shop", b"%d" % number, queue_id=5 - number & 3).code

    found = rocketmq.messages("shop")

    assert [b"0", b"1", b"2", b"3", b"4", b"5"] == [message.body for message in found]
    assert {"broker-a"} == {message.broker_name for message in found}
    assert ["shop"] == rocketmq.topics()
    assert [] == rocketmq.messages("another")


def test_messages_waits_for_those_that_are_on_their_way(rocketmq: LocalRocketMQ) -> None:
    timer = threading.Timer(0.05, send, (rocketmq, "shop", b"late"))
    timer.start()
    try:
        assert [b"late"] == [message.body for message in rocketmq.messages("shop", at_least=1)]
    finally:
        timer.join()
    with pytest.raises(AssertionError, match="has 1 messages after 0.01 s, 2 were expected"):
        rocketmq.messages("shop", at_least=2, timeout=0.01)


def test_topics_are_made_on_every_broker_and_deleted() -> None:
    with LocalRocketMQ(ServerConfig(brokers=2)) as rocketmq:
        rocketmq.create_topic("shop", 3)

        assert ["shop"] == rocketmq.topics()
        route = ask(rocketmq.addr, Requests.create_get_route_info_request("shop"))
        assert 2 == (route.body or b"").count(b'"writeQueueNums":3')
        rocketmq.delete_topic("shop")
        assert [] == rocketmq.topics()


@pytest.mark.parametrize(("values", "field"), [
    (("no good name!",), "topic"),
    (("shop", 0), "queues"),
])  # fmt: skip
def test_a_topic_that_cannot_be_made_is_refused(
    rocketmq: LocalRocketMQ, values: tuple[str], field: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rocketmq.create_topic(*values)
    assert field == caught.value.field


def test_a_failure_hits_as_often_as_it_was_told(rocketmq: LocalRocketMQ) -> None:
    fault = rocketmq.fail("SEND_MESSAGE", code="SYSTEM_BUSY", times=2)

    codes = [send(rocketmq, "shop", b"x").code for _ in range(3)]

    assert [ResponseCode.SYSTEM_BUSY, ResponseCode.SYSTEM_BUSY, ResponseCode.SUCCESS] == codes
    assert (2, True) == (fault.hits, fault.is_spent)
    assert 1 == len(rocketmq.messages("shop"))


def test_a_fault_ends_with_its_block(rocketmq: LocalRocketMQ) -> None:
    with rocketmq.faults.add("send:error=NO_PERMISSION") as fault:
        assert ResponseCode.NO_PERMISSION == send(rocketmq, "shop", b"x").code
        assert [fault.rule] == [each.rule for each in rocketmq.faults.rules]

    assert ResponseCode.SUCCESS == send(rocketmq, "shop", b"x").code
    assert [] == rocketmq.faults.rules


def test_scripted_answers_stand_in_for_the_server(rocketmq: LocalRocketMQ) -> None:
    with rocketmq.answer("GET_BROKER_CONFIG", body="brokerName=scripted", times=1) as script:
        first, second = (
            ask(rocketmq.broker_addrs[0], Requests.create_get_broker_config_request()) for _ in range(2)
        )

    assert b"brokerName=scripted" == first.body
    assert first.body != second.body
    assert 1 == script.hits


def test_scripted_answers_may_be_for_one_topic(rocketmq: LocalRocketMQ) -> None:
    with rocketmq.answer("route", code="SERVICE_NOT_AVAILABLE", topic="shop"):
        shop, other = (
            ask(rocketmq.addr, Requests.create_get_route_info_request(topic)).code
            for topic in ("shop", "TBW102")
        )

    assert (ResponseCode.SERVICE_NOT_AVAILABLE, ResponseCode.SUCCESS) == (shop, other)
    with pytest.raises(ConfigurationError):
        rocketmq.answer("no such request")


def test_a_recording_has_the_requests_of_its_time(rocketmq: LocalRocketMQ) -> None:
    send(rocketmq, "shop", b"before")
    with rocketmq.record() as recording:
        send(rocketmq, "shop", b"inside")
        ask(rocketmq.addr, Requests.create_get_route_info_request("shop"))
    send(rocketmq, "shop", b"after")

    assert [RequestCode.SEND_MESSAGE, RequestCode.GET_ROUTEINFO_BY_TOPIC] == [
        each.code for each in recording.requests
    ]
    assert [b"inside"] == [each.body for each in recording.of("send")]


def test_a_recording_has_requests_that_faults_and_scripts_hit(rocketmq: LocalRocketMQ) -> None:
    rocketmq.fail("send", times=1)
    rocketmq.answer("send", code="MESSAGE_ILLEGAL", times=1)
    with rocketmq.record() as recording:
        codes = [send(rocketmq, "shop", b"x").code for _ in range(3)]

    assert [ResponseCode.SYSTEM_ERROR, ResponseCode.MESSAGE_ILLEGAL, ResponseCode.SUCCESS] == codes
    assert 3 == len(recording.of("send"))


def test_time_goes_on_and_can_be_moved(rocketmq: LocalRocketMQ) -> None:
    before = rocketmq.now_ms()
    send(rocketmq, "shop", b"now")
    rocketmq.advance(3600)
    send(rocketmq, "shop", b"then")

    now, then = (message.store_timestamp for message in rocketmq.messages("shop"))
    assert before <= now < then - 3_599_000


def test_a_manual_clock_stands_still() -> None:
    with LocalRocketMQ(clock=ManualClock(1_000_000)) as rocketmq:
        rocketmq.advance(1.5)
        assert 1_001_500 == rocketmq.now_ms()


def test_the_clock_of_the_machine_cannot_be_moved() -> None:
    with LocalRocketMQ(clock=SystemClock()) as rocketmq, pytest.raises(ConfigurationError) as caught:
        rocketmq.advance(1)
    assert "MovableClock" in (caught.value.advice or "")


def test_connections_can_be_cut(rocketmq: LocalRocketMQ) -> None:
    with TcpTransport(rocketmq.broker_addrs[0]) as transport:
        transport.output(Requests.create_get_max_offset_request("TBW102", 0))
        transport.recv_command(timeout=10)
        rocketmq.disconnect()
        with pytest.raises(ConnectionError):
            transport.recv_command(timeout=10)


async def test_it_serves_the_loop_of_a_test(rocketmq: LocalRocketMQ) -> None:
    async with AsyncTcpTransport(rocketmq.broker_addrs[0]) as transport:
        requests = [
            Requests.create_send_message_request("group", "shop", b"x", queue_id=0) for _ in range(20)
        ]
        answers = await asyncio.gather(*(transport.connection.request(each, 10) for each in requests))

    assert {ResponseCode.SUCCESS} == {each.code for each in answers}
    assert 20 == len(rocketmq.messages("shop"))


def test_without_a_start_it_says_so() -> None:
    rocketmq = LocalRocketMQ()
    with pytest.raises(TransportStateError, match="not running"):
        _ = rocketmq.addr
    rocketmq.start()
    with pytest.raises(TransportStateError, match="runs already"):
        rocketmq.start()
    rocketmq.close()
    rocketmq.close()
    with pytest.raises(TransportStateError, match="not running"):
        rocketmq.topics()


def test_it_starts_again_on_its_data(tmp_path: Path) -> None:
    rocketmq = LocalRocketMQ(ServerConfig(data=tmp_path))
    for _ in range(2):
        with rocketmq:
            send(rocketmq, "shop", b"kept")
            with pytest.raises(StoreLockedError), LocalRocketMQ(ServerConfig(data=tmp_path)):
                pass
    with rocketmq:
        assert 2 == len(rocketmq.messages("shop"))


def test_its_thread_ends_with_it() -> None:
    before = threading.active_count()
    for _ in range(20):
        with LocalRocketMQ():
            assert before + 1 == threading.active_count()
    assert before == threading.active_count()
