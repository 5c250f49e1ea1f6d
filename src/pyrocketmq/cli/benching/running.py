"""Runs ways to send in turn, round after round, and counts what the topic has afterwards."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from pyrocketmq._native.message import Message
from pyrocketmq.admin import AdminClient
from pyrocketmq.cli.benching.figures import latency_figures
from pyrocketmq.cli.benching.loads import Outcome
from pyrocketmq.cli.benching.meter import Meter
from pyrocketmq.errors import RocketMQError, RouteNotFoundError
from pyrocketmq.producer import AsyncProducer, Producer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyrocketmq.cli.benching.live import View
    from pyrocketmq.cli.benching.loads import Load, Way
    from pyrocketmq.cli.benching.result import Result

__all__ = ["run_ways"]

_GROUP = "pyrocketmq-bench"
_STORED_WITHIN_S = 5.0


def run_ways(ways: Sequence[Way], load: Load, options: Mapping[str, Any], result: Result, view: View) -> bool:
    """Do every way once to warm up and then in each of the runs; False when Ctrl-C ended it before.

    Args:
        ways: what to measure.
        load: what to send.
        options: the settings of the producers.
        result: where the figures and counts go; its settings say how many runs there are.
        view: shows it meanwhile.
    """
    runs = int(str(result.settings["runs"]))
    before = _messages_in(load.topic, options)
    total = Outcome()
    done = True
    try:
        for number in range(runs + 1):
            for way in ways:
                view.begin(way.named(load), number, runs)
                outcome = Outcome()
                try:
                    figures = _run(way, load, options, outcome, view)
                finally:
                    _add(total, outcome)
                if number:
                    result.row(way.named(load)).runs.append(figures)
                    view.end(figures)
    except KeyboardInterrupt:
        done = False
    result.counts = {"sent": total.count - total.unanswered, "failed": total.failed}
    if total.unanswered:
        result.counts["sent one-way"] = total.unanswered
    if before is not None and done:
        result.counts["stored"] = _stored(load.topic, options, before, total.count)
    result.failures = dict(total.errors)
    return done


def _run(way: Way, load: Load, options: Mapping[str, Any], outcome: Outcome, view: View) -> dict[str, float]:
    meter = Meter(lambda seconds: view.look(outcome.count, seconds))

    async def on_loop() -> None:
        async with AsyncProducer(_GROUP, **options) as producer:
            await producer.send(Message(load.topic, load.body))  # finds the route and connects
            outcome.count += 1
            with meter:
                if way.on_loop is not None:
                    await way.on_loop(producer, load, outcome)

    if way.on_threads is None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(on_loop())
    else:
        with Producer(_GROUP, **options) as producer:
            producer.send(Message(load.topic, load.body))
            outcome.count += 1
            with meter:
                way.on_threads(producer, load, outcome)
    return meter.figures(outcome.count - 1, load.size) | latency_figures(outcome.times_ns)


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


def _add(total: Outcome, outcome: Outcome) -> None:
    total.count += outcome.count
    total.unanswered += outcome.unanswered
    total.failed += outcome.failed
    total.errors += outcome.errors


def _messages_in(topic: str, options: Mapping[str, Any]) -> int | None:
    """How many messages a topic has ever had; None where the server does not tell."""

    async def ask() -> int:
        names = ("namesrv_addr", "credentials", "tls", "address_map")
        async with AdminClient(**{name: options[name] for name in names}) as client:
            status = await client.topic_status(topic)
            return sum(queue.max_offset for queue in status.queues)

    try:
        return asyncio.run(ask())
    except RouteNotFoundError:
        return 0  # the first send makes it
    except RocketMQError:
        return None


def _stored(topic: str, options: Mapping[str, Any], before: int, sent: int) -> int:
    """How many messages came since; those without an answer may still be on their way."""
    end = time.monotonic() + _STORED_WITHIN_S
    while True:
        found = (_messages_in(topic, options) or before) - before
        if found >= sent or time.monotonic() > end:
            return found
        time.sleep(0.1)
