"""Spans of sends, and the context that travels with the message."""

from __future__ import annotations

import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.message import Message
from pyrocketmq.client.hooks import SendContext, SendHooks, SendKind
from pyrocketmq.client.stats import ClientStats
from pyrocketmq.client.telemetry import OpenTelemetryHook, PrometheusCollector, context_of
from pyrocketmq.errors import MissingExtraError, RpcTimeoutError
from pyrocketmq.model.message_queue import MessageQueue


class Traced:
    """Hooks with a tracer of their own, and what was exported."""

    def __init__(self) -> None:
        self.stats = ClientStats()
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")
        self.hooks = SendHooks([OpenTelemetryHook(self.tracer)], self.stats)

    def sent(self, context: SendContext, result: SendResult | None = None, **more: BaseException) -> None:
        self.hooks.begin(context)
        context.address = "127.0.0.1:10911"
        self.hooks.end(context, result, **more)
        assert self.stats.hook_failures == 0

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()


@pytest.fixture
def traced() -> Traced:
    return Traced()


def test_a_send_is_a_span_of_a_producer(traced: Traced) -> None:
    message = Message("T", b"body", "new", ["k1", "k2"])
    result = SendResult(msg_id="m", message_queue=MessageQueue("T", "broker-a", 1))

    traced.sent(SendContext("g", [message], client_id="a@1"), result)

    (span,) = traced.spans
    assert (span.name, span.kind) == ("send T", trace.SpanKind.PRODUCER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "rocketmq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "T",
        "messaging.rocketmq.client_group": "g",
        "messaging.rocketmq.message.type": "normal",
        "messaging.message.body.size": 4,
        "messaging.client.id": "a@1",
        "messaging.rocketmq.message.tag": "new",
        "messaging.rocketmq.message.keys": ("k1", "k2"),
        "messaging.rocketmq.send.attempts": 1,
        "messaging.rocketmq.send.status": "SEND_OK",
        "server.address": "127.0.0.1",
        "server.port": 10911,
    }


def test_a_send_belongs_to_the_span_that_is_current_where_it_is_called(traced: Traced) -> None:
    message = Message("T", b"body")
    with traced.tracer.start_as_current_span("order") as order:
        traced.sent(SendContext("g", [message]), SendResult())

    send = next(span for span in traced.spans if span.name == "send T")
    assert send.parent is not None
    assert send.parent.span_id == order.get_span_context().span_id


def test_a_consumer_goes_on_with_the_trace(traced: Traced) -> None:
    message = Message("T", b"body")

    traced.sent(SendContext("g", [message]), SendResult())

    (span,) = traced.spans
    assert span.context is not None
    received = trace.get_current_span(context_of(message)).get_span_context()
    assert (received.trace_id, received.span_id) == (span.context.trace_id, span.context.span_id)
    assert received.is_remote


def test_a_failed_send_is_an_error_of_its_span(traced: Traced) -> None:
    traced.sent(SendContext("g", [Message("T", b"body")]), error=RpcTimeoutError("no answer"))

    (span,) = traced.spans
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "no answer" in (span.status.description or "")
    assert (span.attributes or {})["error.type"] == "RpcTimeoutError"
    assert [event.name for event in span.events] == ["exception"]


def test_the_messages_of_a_batch_share_one_span(traced: Traced) -> None:
    messages = [Message("T", b"a"), Message("T", b"bc")]

    traced.sent(SendContext("g", messages, SendKind.BATCH), SendResult())

    (span,) = traced.spans
    assert (span.attributes or {})["messaging.batch.message_count"] == 2
    assert (span.attributes or {})["messaging.message.body.size"] == 3
    assert messages[0].get_property("traceparent") == messages[1].get_property("traceparent")


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        (SendKind.HALF, {}, "transaction"),
        (SendKind.SEND, {"DELAY": "3"}, "delay"),
        (SendKind.SEND, {"TIMER_DELAY_MS": "1000"}, "delay"),
        (SendKind.SEND, {"SHARDING_KEY": "k"}, "fifo"),
    ],
)
def test_the_type_of_a_message_is_told(
    traced: Traced, kind: SendKind, properties: dict[str, str], expected: str
) -> None:
    traced.sent(SendContext("g", [Message("T", b"x", properties=properties)], kind), SendResult())

    assert (traced.spans[0].attributes or {})["messaging.rocketmq.message.type"] == expected


@pytest.mark.parametrize(
    ("module", "make", "extra"),
    [
        ("opentelemetry.trace", OpenTelemetryHook, "otel"),
        ("prometheus_client.core", PrometheusCollector, "prometheus"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, make: type, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingExtraError, match=rf"pyrocketmq-turbo\[{extra}\]"):
        make()
