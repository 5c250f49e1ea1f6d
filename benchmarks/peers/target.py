"""Where the peers send: the counting sink, or a real broker that is asked what it has stored."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from benchmarks.broker.arms import launched
from benchmarks.wire.sink import running_sink

from .peers import ArmError
from .works import RAW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.broker.arms import Arm
    from benchmarks.wire.sink import Sink

    from .peers import Figures

TOPIC: Final = "bench-topic"
ARRIVAL_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 0.7  # a broker that has stored nothing for so long has stored all


class WrongCountError(ArmError):
    """Something else has arrived than the client says it has sent."""


class Target(Protocol):
    """A server."""

    topic: str
    name_server: str
    raw_port: int

    def begin(self) -> None:
        """What arrives from now on counts."""
        ...

    def confirm(self, arm: str, figures: Figures) -> Figures:
        """The figures as the server sees them; raises WrongCountError where they should agree and do not."""
        ...


class SinkTarget:
    """The counting sink: every message has to arrive whole and with an id of its own, once."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._begun = 0.0
        self._cpu = 0.0
        self.topic = TOPIC
        self.name_server = f"127.0.0.1:{sink.port}"
        self.raw_port = sink.port

    def begin(self) -> None:
        """Counters at zero."""
        self._sink.reset()
        self._cpu = self._sink.stats()["cpu_s"]
        self._begun = time.monotonic()

    def confirm(self, arm: str, figures: Figures) -> Figures:
        """With how busy the sink was."""
        seen, ended, late = self._sink.stats(), time.monotonic(), 0.0
        # What a client has not sent when it says so (Java: one-way messages) counts for its time.
        while seen["messages"] < figures["count"] and late < ARRIVAL_SECONDS:
            time.sleep(0.002)
            seen, late = self._sink.stats(), time.monotonic() - ended
        figures = figures | {"rate": figures["count"] / (figures["count"] / figures["rate"] + late)}
        seconds = max(time.monotonic() - self._begun, 1e-3)
        good = seen["messages"] == seen["messages_with_id"] >= figures["count"]
        # The raw generator sends whole groups of frames, so its last one may go over the count.
        if arm != RAW:
            good = good and seen["messages"] == figures["count"]
        if not good or seen["errors"] or figures.get("failed"):
            text = f"{arm}: {figures['count']:,} were sent, the sink saw {seen}"
            raise WrongCountError("sent something else than it says", text)
        return figures | {"sink_busy": (seen["cpu_s"] - self._cpu) / seconds}


class BrokerTarget:
    """A real broker; what counts is by how much the ends of its queues have moved."""

    def __init__(self, broker: Arm, name_server: str, topic: str) -> None:
        self._broker = broker
        self._before = 0
        self.topic = topic
        self.name_server = name_server
        self.raw_port = int(broker.address.rpartition(":")[2])

    def begin(self) -> None:
        """Where the queues end now."""
        self._before = self._settled()

    def confirm(self, arm: str, figures: Figures) -> Figures:  # noqa: ARG002 - a difference is a figure here
        """At the rate of what was stored, with how many messages are not there."""
        stored = self._broker.stored_at_last(self.topic, self._before + int(figures["count"])) - self._before
        lost = figures["count"] - stored
        seconds = figures["count"] / figures["rate"]
        return figures | {"rate": min(stored, figures["count"]) / seconds, "lost": max(0.0, lost)}

    def _settled(self) -> int:
        """The messages there are once no more come: one-way ones may still be on their way."""
        found, since = self._broker.stored(self.topic), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.1)
            now = self._broker.stored(self.topic)
            if now != found:
                found, since = now, time.monotonic()
        return found


@contextmanager
def sink_target(processor: int | None, rate: int = 0) -> Iterator[Target]:
    """A sink of its own; with a rate it takes no more messages than that in a second."""
    options = ("-rate", str(rate)) if rate else ()
    with running_sink(processor, *options) as sink:
        yield SinkTarget(sink)


@contextmanager
def broker_target(folder: Path) -> Iterator[Target]:
    """A real broker on all processors, with a topic of its own."""
    with launched(folder) as (broker, name_server):
        broker.make_topic(TOPIC)
        yield BrokerTarget(broker, name_server, TOPIC)
