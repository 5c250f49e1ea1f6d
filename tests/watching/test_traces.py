"""What a producer sent is found by its id in the trace topic, and the program waits for none of that."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from pyrocketmq.admin import AdminClient
from pyrocketmq.cli.main import main
from pyrocketmq.errors import SendError
from pyrocketmq.model import Message
from pyrocketmq.model.trace import TraceContext, TraceType, decode_traces
from pyrocketmq.producer import AsyncProducer, AsyncTransactionProducer, Producer
from pyrocketmq.producer.transaction import Commit
from pyrocketmq.testing import LocalRocketMQ
from tests.transport.peers import until

TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC"


def traces_of(rocketmq: LocalRocketMQ, topic: str) -> list[TraceContext]:
    """The traces of sends to a topic."""
    return [
        trace
        for message in rocketmq.messages(TRACE_TOPIC)
        for trace in decode_traces(message.body.decode())
        if trace.beans[0].topic == topic
    ]


async def test_a_send_is_found_by_its_id_and_its_keys(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("traced", rocketmq.addr, trace=True) as producer:
        sent = await producer.send(topic, b"body", tags="new", keys=f"order-{topic}")
        stats = producer.stats()
    (stored,) = rocketmq.messages(topic)
    (trace,) = traces_of(rocketmq, topic)
    (bean,) = trace.beans

    assert (trace.trace_type, trace.group_name, trace.success) == (TraceType.PUB, "traced", True)
    assert (bean.msg_id, bean.offset_msg_id) == (sent.msg_id, stored.offset_msg_id)
    assert (bean.tags, bean.keys, bean.body_length) == ("new", f"order-{topic}", 4)
    assert bean.store_host == rocketmq.broker_addrs[0]
    assert stats["sent"] == 1  # traces are no sends of the program
    async with AdminClient(rocketmq.addr) as admin:
        for key in (sent.msg_id or "", f"order-{topic}"):
            (record,) = await admin.message_trace(key)
            assert (record.kind, record.group, record.topic) == ("Pub", "traced", topic)


def test_the_command_line_shows_it(
    rocketmq: LocalRocketMQ, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Producer("traced", rocketmq.addr, trace=True) as producer:
        sent = producer.send(topic, b"body")

    assert main(["msg", "trace", sent.msg_id or "", "--nameserver", rocketmq.addr, "--json"]) == 0

    (record,) = json.loads(capsys.readouterr().out)
    assert (record["kind"], record["group"], record["success"]) == ("Pub", "traced", True)


async def test_a_send_that_failed_is_traced_as_such(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("traced", rocketmq.addr, trace=True, send_timeout=0.2) as producer:
        with rocketmq.fail("send", code="SYSTEM_BUSY", topic=topic), pytest.raises(SendError):
            await producer.send(topic, b"body")

    (trace,) = traces_of(rocketmq, topic)
    assert not trace.success


async def test_half_messages_and_ends_of_transactions_are_traced(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with (
        AsyncTransactionProducer("traced", rocketmq.addr, check=lambda _: Commit, trace=True) as producer,
        producer.transaction(topic, b"body") as tx,
    ):
        pass

    half, end = traces_of(rocketmq, topic)
    assert (half.trace_type, half.beans[0].msg_type) == (TraceType.PUB, 1)
    assert (end.trace_type, end.beans[0].msg_id) == (TraceType.END_TRANSACTION, tx.result.msg_id)
    assert end.beans[0].transaction_state == "COMMIT_MESSAGE"
    assert not end.beans[0].from_transaction_check


async def test_sends_go_on_while_no_trace_is_stored(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("traced", rocketmq.addr, trace=True, send_timeout=30.0) as producer:
        rocketmq.fail("send", code="NO_PERMISSION", topic=TRACE_TOPIC)
        await asyncio.gather(*(producer.send(topic, b"x") for _ in range(200)))
        await until(lambda: producer.stats()["traces_dropped"] == 200)

        assert producer.stats()["sent"] == 200
    assert len(rocketmq.messages(topic)) == 200
    assert traces_of(rocketmq, topic) == []


async def test_traces_may_go_to_another_topic(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("traced", rocketmq.addr, trace=True, trace_topic=f"{topic}-traces") as producer:
        sent = await producer.send(topic, b"body")

    async with AdminClient(rocketmq.addr) as admin:
        (record,) = await admin.message_trace(sent.msg_id or "", trace_topic=f"{topic}-traces")
    assert record.topic == topic


async def test_a_producer_that_is_started_again_goes_on_tracing(rocketmq: LocalRocketMQ, topic: str) -> None:
    producer = AsyncProducer("traced", rocketmq.addr, trace=True)
    for body in ("one", "two"):
        async with producer:
            await producer.send(Message(topic, body))

    assert len(traces_of(rocketmq, topic)) == 2


async def test_every_message_of_a_batch_is_found_by_its_id(rocketmq: LocalRocketMQ, topic: str) -> None:
    messages = [Message(topic, f"{number}") for number in range(5)]
    async with AsyncProducer("traced", rocketmq.addr, trace=True) as producer:
        await producer.send_batch(*messages)

    found = {trace.beans[0].msg_id: trace.beans[0].offset_msg_id for trace in traces_of(rocketmq, topic)}
    assert found == {message.unique_id: message.offset_msg_id for message in rocketmq.messages(topic)}


def test_submitted_messages_are_traced(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("traced", rocketmq.addr, trace=True) as producer:
        for number in range(20):
            producer.submit(topic, f"{number}")
        producer.flush()

    found = {trace.beans[0].msg_id for trace in traces_of(rocketmq, topic)}
    assert found == {message.unique_id for message in rocketmq.messages(topic)}
    assert len(found) == 20


def test_a_producer_goes_on_tracing_on_another_loop(
    rocketmq: LocalRocketMQ, topic: str, recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    producer = AsyncProducer("traced", rocketmq.addr, trace=True)

    async def send(body: str) -> None:
        await producer.send(topic, body)

    asyncio.run(send("one"))  # the loop is closed with the producer still open
    asyncio.run(send("two"))

    async def last() -> None:
        await producer.send(topic, "three")
        await producer.shutdown()

    asyncio.run(last())
    gc.collect()

    assert len(traces_of(rocketmq, topic)) == 3
    assert recwarn.list == []
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
