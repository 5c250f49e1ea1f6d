"""Spans and counters of real sends."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from pyrocketmq.client.telemetry import OpenTelemetryHook, context_of, prometheus_text
from pyrocketmq.errors import NoPermissionError
from pyrocketmq.producer import AsyncProducer, Producer
from pyrocketmq.testing import LocalRocketMQ


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exported: InMemorySpanExporter) -> trace.Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return provider.get_tracer("test")


async def test_a_consumer_sees_the_trace_of_the_request_that_sent(
    rocketmq: LocalRocketMQ, topic: str, tracer: trace.Tracer, exported: InMemorySpanExporter
) -> None:
    async with AsyncProducer("spans", rocketmq.addr) as producer:
        producer.add_hook(OpenTelemetryHook(tracer))
        with tracer.start_as_current_span("request") as request:
            sent = await producer.send(topic, b"body")

    send = next(span for span in exported.get_finished_spans() if span.name == f"send {topic}")
    (message,) = rocketmq.messages(topic)
    received = trace.get_current_span(context_of(message)).get_span_context()
    assert send.context is not None
    assert received.span_id == send.context.span_id
    assert received.trace_id == request.get_span_context().trace_id
    attributes = dict(send.attributes or {})
    assert attributes["messaging.message.id"] == sent.msg_id
    assert f"{attributes['server.address']}:{attributes['server.port']}" == rocketmq.broker_addrs[0]


def test_a_blocking_send_belongs_to_the_span_of_its_thread(
    rocketmq: LocalRocketMQ, topic: str, tracer: trace.Tracer, exported: InMemorySpanExporter
) -> None:
    with Producer("spans", rocketmq.addr) as producer:
        producer.add_hook(OpenTelemetryHook(tracer))
        with tracer.start_as_current_span("request") as request:
            producer.send(topic, b"body")

    send = next(span for span in exported.get_finished_spans() if span.name == f"send {topic}")
    assert send.parent is not None
    assert send.parent.span_id == request.get_span_context().span_id


async def test_counters_of_sends_are_shown_to_prometheus(rocketmq: LocalRocketMQ, topic: str) -> None:
    async with AsyncProducer("counted", rocketmq.addr, measure_latency=True, retries=0) as producer:
        for _ in range(3):
            await producer.send(topic, b"body")
        with rocketmq.fail("send", code="NO_PERMISSION"), pytest.raises(NoPermissionError):
            await producer.send(topic, b"body")
        text = prometheus_text([producer])

    found = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    labels, sent = found["pyrocketmq_sent_total"]
    assert labels == {"client_id": labels["client_id"], "group": "counted"}
    assert sent == 3
    assert found["pyrocketmq_sent_bytes_total"][1] == 12
    assert found["pyrocketmq_failed_total"][1] == 1
    assert found["pyrocketmq_send_seconds_count"][1] == 3
    assert found["pyrocketmq_brokers_connected"][0]["of"] == "broker-a"


def test_a_blocking_producer_counts_sends_of_its_lanes_too(rocketmq: LocalRocketMQ, topic: str) -> None:
    with Producer("counted", rocketmq.addr) as producer:
        for _ in range(5):
            producer.send(topic, b"body")
        shown = producer.stats()

    assert (shown["sent"], shown["sent_bytes"], shown["group"]) == (5, 20, "counted")


def test_a_submitted_message_belongs_to_the_span_of_its_thread(
    rocketmq: LocalRocketMQ, topic: str, tracer: trace.Tracer, exported: InMemorySpanExporter
) -> None:
    with Producer("spans", rocketmq.addr) as producer:
        producer.add_hook(OpenTelemetryHook(tracer))
        with tracer.start_as_current_span("request") as request:
            producer.submit(topic, b"body")
        producer.flush()

    (message,) = rocketmq.messages(topic)
    received = trace.get_current_span(context_of(message)).get_span_context()
    assert received.trace_id == request.get_span_context().trace_id
    assert f"send {topic}" in [span.name for span in exported.get_finished_spans()]
