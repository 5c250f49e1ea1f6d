"""The counters of a client, and their form for Prometheus."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pyrocketmq.client.stats import COUNTERS, LATENCY_BOUNDS, ClientStats, LatencyCounts
from pyrocketmq.client.telemetry import LatencyHook, PrometheusCollector, prometheus_text


class Client:
    """Counters with a name."""

    def __init__(self, name: str) -> None:
        self.counters = ClientStats()
        self.counters.add_label("client_id", lambda: name)
        self.counters.add_label("group", lambda: "g")

    def stats(self) -> dict[str, object]:
        return self.counters.snapshot()


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels["client_id"] + sample.labels.get("le", "") + sample.labels.get("of", "")):
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


def test_every_counter_begins_at_zero_and_is_shown() -> None:
    stats = ClientStats()
    stats.sent += 3

    shown = stats.snapshot()

    assert shown["sent"] == 3
    assert {name: shown[name] for name in COUNTERS if name != "sent"} == dict.fromkeys(
        [name for name in COUNTERS if name != "sent"], 0
    )


def test_what_is_counted_elsewhere_is_added() -> None:
    stats = ClientStats()
    stats.sent += 3
    stats.add_counter("sent", lambda: 4)

    assert stats.snapshot()["sent"] == 7


def test_what_others_hold_is_asked_for_when_it_is_shown() -> None:
    stats = ClientStats()
    held = {"open": 1}
    stats.add_source("connections", lambda: held)
    held["open"] = 2

    assert stats.snapshot()["connections"] == {"open": 2}


def test_quantiles_are_the_bounds_of_their_classes() -> None:
    counts = LatencyCounts()
    for _ in range(98):
        counts.add(0.0004)
    counts.add(0.3)
    counts.add(99.0)

    assert counts.quantile(0.5) == 0.0005
    assert counts.quantile(0.99) == 0.5
    assert counts.quantile(1.0) == LATENCY_BOUNDS[-1]
    assert counts.count == 100


def test_without_calls_there_is_no_latency() -> None:
    assert LatencyCounts().quantile(0.99) == 0.0


def test_prometheus_reads_the_text() -> None:
    first, second = Client("a@1"), Client('b"\\\n@2')
    first.counters.sent = 5
    second.counters.sent = 7
    LatencyHook(first.counters).counts.add(0.0002)
    first.counters.add_source("windows", lambda: {"limit": 9, "broker-a": {"in_flight": 4}})

    found = samples(prometheus_text([first, second]))

    assert found["pyrocketmq_sent_total", "a@1"] == 5
    assert found["pyrocketmq_sent_total", 'b"\\\n@2'] == 7
    assert found["pyrocketmq_send_seconds_bucket", "a@10.0001"] == 0
    assert found["pyrocketmq_send_seconds_bucket", "a@10.00025"] == 1
    assert found["pyrocketmq_send_seconds_bucket", "a@1+Inf"] == 1
    assert found["pyrocketmq_send_seconds_count", "a@1"] == 1
    assert found["pyrocketmq_windows_limit", "a@1"] == 9
    assert found["pyrocketmq_windows_in_flight", "a@1broker-a"] == 4


def test_the_collector_shows_what_the_text_shows() -> None:
    client, gone = Client("a@1"), Client("b@2")
    client.counters.sent = 5
    LatencyHook(client.counters).counts.add(0.0002)
    client.counters.add_source("windows", lambda: {"broker-a": {"in_flight": 4}})
    collector = PrometheusCollector([gone])
    collector.add(client)
    collector.remove(gone)
    registry = CollectorRegistry()
    collector.register(registry)

    found = samples(generate_latest(registry).decode())

    assert found == samples(prometheus_text([client]))


@pytest.mark.parametrize("name", ["sent", "failed", "traces_dropped"])
def test_each_counter_says_what_it_counts(name: str) -> None:
    assert f"# HELP pyrocketmq_{name}_total {COUNTERS[name]}\n" in prometheus_text([Client("a@1")])
