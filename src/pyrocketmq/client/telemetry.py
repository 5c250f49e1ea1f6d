"""Telemetry of clients: OpenTelemetry spans around sends, and their counters as Prometheus text.

Knows hooks and the snapshots of ``stats()``; nothing of how messages are sent. OpenTelemetry (extra
``otel``) and the client library of Prometheus (extra ``prometheus``) are imported only by what uses them; the
text needs neither.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeGuard, cast

from pyrocketmq.client.hooks import TIMER_PROPERTIES, SendHook, SendKind
from pyrocketmq.client.stats import COUNTERS, LatencyCounts
from pyrocketmq.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer
    from prometheus_client.registry import CollectorRegistry

    from pyrocketmq._native.message import Message
    from pyrocketmq.client.hooks import SendContext
    from pyrocketmq.client.stats import ClientStats

__all__ = ["LatencyHook", "OpenTelemetryHook", "PrometheusCollector", "context_of", "prometheus_text"]

PREFIX: Final = "pyrocketmq"

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_]")


class HasStats(Protocol):
    """A client: anything with ``stats()``."""

    def stats(self) -> Mapping[str, object]:
        """Its counters; texts among them become labels."""
        ...


# ---- OpenTelemetry ----


class OpenTelemetryHook(SendHook):
    """A span of kind PRODUCER around each send; its context travels in the properties of the message.

    Names and attributes are those of OpenTelemetry's conventions for messaging. Consumers go on with the
    trace by ``context_of(message)``.

    Args:
        tracer: makes the spans; that of the global provider by default.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._trace: Any = _needed("opentelemetry.trace", "otel")
        self._propagate: Any = _needed("opentelemetry.propagate", "otel")
        self._tracer = tracer or self._trace.get_tracer("pyrocketmq")

    def before_send(self, context: SendContext) -> None:
        """Begin the span, and write its context into the messages."""
        span = self._tracer.start_span(
            f"send {context.topic}", kind=self._trace.SpanKind.PRODUCER, attributes=_attributes(context)
        )
        context.values[self] = span
        carrier: dict[str, str] = {}
        self._propagate.inject(carrier, self._trace.set_span_in_context(span))
        for message in context.messages:
            for name, value in carrier.items():
                if value:
                    message.set_property(name, value)

    def after_send(self, context: SendContext) -> None:
        """End the span with what came of the send."""
        span: Any = context.values.pop(self, None)
        if span is None:
            return
        if span.is_recording():
            span.set_attributes(_outcome(context))
            if context.error is not None:
                span.record_exception(context.error)
                span.set_status(self._trace.StatusCode.ERROR, str(context.error).partition("\n")[0])
        span.end()


def context_of(message: Message | Any) -> Context:
    """The OpenTelemetry context in the properties of a message, for the spans of whoever consumes it.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """
    context: Context = _needed("opentelemetry.propagate", "otel").extract(dict(message.properties))
    return context


def _attributes(context: SendContext) -> dict[str, Any]:
    message = context.message
    found: dict[str, Any] = {
        "messaging.system": "rocketmq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": context.topic,
        "messaging.rocketmq.client_group": context.group,
        "messaging.rocketmq.message.type": _type_of(context),
        "messaging.message.body.size": sum([len(each.body) for each in context.messages]),
    }
    if context.client_id:
        found["messaging.client.id"] = context.client_id
    if context.namespace:
        found["messaging.rocketmq.namespace"] = context.namespace
    if context.is_batch:
        found["messaging.batch.message_count"] = len(context.messages)
        return found
    if message.tags:
        found["messaging.rocketmq.message.tag"] = message.tags
    if message.keys:
        found["messaging.rocketmq.message.keys"] = message.keys.split()
    if message.sharding_key:
        found["messaging.rocketmq.message.group"] = message.sharding_key
    if message.delay_level:
        found["messaging.rocketmq.message.delay_time_level"] = message.delay_level
    return found


def _type_of(context: SendContext) -> str:
    message = context.message
    if context.kind is SendKind.HALF:
        return "transaction"
    if message.delay_level or any(name in message.properties for name in TIMER_PROPERTIES):
        return "delay"
    return "fifo" if message.sharding_key else "normal"


def _outcome(context: SendContext) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not context.is_batch and context.message.unique_id:
        found["messaging.message.id"] = context.message.unique_id
    if context.address:
        host, _, port = context.address.rpartition(":")
        found["server.address"] = host
        if port.isdecimal():
            found["server.port"] = int(port)
    result = context.result
    if result is not None:
        found["messaging.rocketmq.send.attempts"] = result.attempts
        if result.status is not None:
            found["messaging.rocketmq.send.status"] = result.status.name
    if context.error is not None:
        found["error.type"] = type(context.error).__name__
    return found


# ---- latency ----


class LatencyHook(SendHook):
    """Counts how long sends take, all tries together; shown in a client's ``stats()`` and for Prometheus.

    Args:
        stats: the counters of the client, which show it as ``latency``.
    """

    def __init__(self, stats: ClientStats) -> None:
        self.counts = LatencyCounts()
        stats.add_source("latency", self.counts.snapshot)

    def after_send(self, context: SendContext) -> None:
        """Count a send that was answered."""
        if context.result is not None:
            self.counts.add(context.seconds)


# ---- Prometheus ----


class _Sample(NamedTuple):
    """One number of one client."""

    name: str
    kind: str
    says: str
    labels: dict[str, str]
    value: float | Mapping[str, object]
    """A number, or the latency with its classes."""


def prometheus_text(clients: Iterable[HasStats], *, prefix: str = PREFIX) -> str:
    """The counters of clients in the text format of Prometheus, to be served at ``/metrics``.

    Texts of a snapshot, such as ``client_id`` and ``group``, are the labels. No package is needed.
    """
    lines: list[str] = []
    for name, samples in _by_name(clients, prefix).items():
        lines += (f"# HELP {name} {samples[0].says}", f"# TYPE {name} {samples[0].kind}")
        for sample in samples:
            if isinstance(sample.value, Mapping):
                lines += _histogram_lines(name, sample.labels, sample.value)
            else:
                lines.append(f"{name}{_label_text(sample.labels)} {_number(sample.value)}")
    return "".join([f"{line}\n" for line in lines])


class PrometheusCollector:
    """Shows the counters of clients through the client library of Prometheus::

        REGISTRY.register(PrometheusCollector([producer]))

    Args:
        clients: whose ``stats()`` are read at each scrape; more can be added by ``add``.
        prefix: what names begin with.

    Raises:
        MissingExtraError: prometheus-client is not installed.
    """

    def __init__(self, clients: Iterable[HasStats] = (), *, prefix: str = PREFIX) -> None:
        self._families: Any = _needed("prometheus_client.core", "prometheus")
        self._clients = list(clients)
        self._prefix = prefix

    def add(self, client: HasStats) -> None:
        """Show a further client."""
        self._clients.append(client)

    def remove(self, client: HasStats) -> None:
        """Show a client no more; one that is not there is fine."""
        self._clients = [other for other in self._clients if other is not client]

    def register(self, registry: CollectorRegistry | None = None) -> None:
        """Register it; with the global registry by default."""
        (self._families.REGISTRY if registry is None else registry).register(self)

    def collect(self) -> Iterator[Any]:
        """What a scrape shows; called by the registry."""
        for name, samples in _by_name(self._clients, self._prefix).items():
            labels = list(samples[0].labels)
            first = samples[0]
            if first.kind == "histogram":
                family = self._families.HistogramMetricFamily(name, first.says, labels=labels)
            elif first.kind == "counter":
                family = self._families.CounterMetricFamily(name, first.says, labels=labels)
            else:
                family = self._families.GaugeMetricFamily(name, first.says, labels=labels)
            for sample in samples:
                values = [sample.labels.get(label, "") for label in labels]
                if isinstance(sample.value, Mapping):
                    buckets = [(bound, float(count)) for bound, count in _cumulated(sample.value)]
                    family.add_metric(values, buckets, sum_value=sample.value["seconds"])
                else:
                    family.add_metric(values, sample.value)
            yield family


def _by_name(clients: Iterable[HasStats], prefix: str) -> dict[str, list[_Sample]]:
    found: dict[str, list[_Sample]] = {}
    for client in clients:
        for sample in _samples(client.stats(), prefix):
            found.setdefault(sample.name, []).append(sample)
    return found


def _samples(snapshot: Mapping[str, object], prefix: str) -> Iterator[_Sample]:
    labels = {name: value for name, value in snapshot.items() if isinstance(value, str)}
    for name, value in snapshot.items():
        if name in COUNTERS and isinstance(value, int):
            yield _Sample(f"{prefix}_{name}_total", "counter", COUNTERS[name], labels, value)
        elif name == "latency" and isinstance(value, Mapping):
            says = "Seconds that sends took."
            yield _Sample(f"{prefix}_send_seconds", "histogram", says, labels, value)
        elif isinstance(value, Mapping):
            yield from _gauges(f"{prefix}_{name}", cast("Mapping[str, Any]", value), labels)
        elif _is_number(value):
            yield _Sample(_name(f"{prefix}_{name}"), "gauge", f"{name} of the client.", labels, value)


def _gauges(name: str, values: Mapping[str, Any], labels: dict[str, str]) -> Iterator[_Sample]:
    """Numbers of one source; one mapping deeper a label ``of`` has the key, such as the name of a broker."""
    for key, value in values.items():
        if _is_number(value):
            yield _Sample(_name(f"{name}_{key}"), "gauge", f"{key} of {name}.", {**labels, "of": ""}, value)
        elif isinstance(value, Mapping):
            for inner, number in cast("Mapping[str, Any]", value).items():
                if _is_number(number):
                    full = _name(f"{name}_{inner}")
                    yield _Sample(full, "gauge", f"{inner} of {name}.", {**labels, "of": str(key)}, number)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float)


def _name(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text)


def _histogram_lines(name: str, labels: dict[str, str], latency: Mapping[str, Any]) -> Iterator[str]:
    for bound, count in _cumulated(latency):
        yield f"{name}_bucket{_label_text({**labels, 'le': bound})} {count}"
    yield f"{name}_sum{_label_text(labels)} {_number(latency['seconds'])}"
    yield f"{name}_count{_label_text(labels)} {latency['count']}"


def _cumulated(latency: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    seen = 0
    for bound, count in latency["classes"].items():
        seen += count
        yield ("+Inf" if bound == "inf" else bound), seen


def _label_text(labels: Mapping[str, str]) -> str:
    parts = [f'{_name(name)}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(parts) + "}" if parts else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if isinstance(value, int) else repr(value)


def _needed(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module.partition('.')[0]} is not installed",
            advice=f"pip install 'pyrocketmq-turbo[{extra}]'",
        ) from error
