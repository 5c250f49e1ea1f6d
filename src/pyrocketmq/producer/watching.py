"""What is seen of a producer from outside: its counters, how long sends take, and message traces.

Knows where the numbers are; nothing of how messages are sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyrocketmq.client.hooks import SendHooks
from pyrocketmq.client.outgoing import Packing
from pyrocketmq.client.send import SendCore, SendSettings
from pyrocketmq.client.telemetry import LatencyHook
from pyrocketmq.client.trace import TraceDispatcher, trace_group

if TYPE_CHECKING:
    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq.client.core import ClientCore
    from pyrocketmq.producer.config import ProducerConfig

__all__ = ["Watching"]

TRACE_TIMEOUT_S = 5.0
TRACES_IN_FLIGHT = 16


class Watching:
    """What a producer shows of itself, as its settings say.

    Args:
        core: its client.
        sends: its sends.
        config: its settings.
    """

    def __init__(self, core: ClientCore, sends: SendCore, config: ProducerConfig) -> None:
        self._traces: TraceDispatcher | None = None
        self._trace_sends: SendCore | None = None
        _show(core, sends, config)
        if config.measure_latency:
            core.hooks.add(LatencyHook(core.stats))
        if config.trace:
            # Sends of their own: they are in no counter of the program, and no hook sees them.
            own = SendSettings(
                timeout=TRACE_TIMEOUT_S, max_in_flight=TRACES_IN_FLIGHT, packing=Packing(kind=None)
            )
            group = core.resource(trace_group(config.producer_group))
            self._trace_sends = SendCore(core, group, own, SendHooks())
            self._traces = TraceDispatcher(self._send_trace, core.stats, topic=config.trace_topic)
            core.hooks.add(self._traces)
        sends.settle()

    async def _send_trace(self, message: Message) -> SendResult:
        sends: Any = self._trace_sends
        result: SendResult = await sends.deliver(message)
        return result

    def start(self) -> None:
        """Begin to trace, on the running loop; once more does nothing."""
        if self._trace_sends is not None and self._traces is not None:
            if self._trace_sends.closed:
                self._trace_sends.open()
            self._traces.start()

    async def close(self, timeout: float) -> None:
        """Send the traces that wait, within ``timeout`` seconds."""
        if self._trace_sends is not None and self._traces is not None:
            await self._traces.close(timeout * 0.8)
            await self._trace_sends.close(timeout * 0.2)


def _show(core: ClientCore, sends: SendCore, config: ProducerConfig) -> None:
    table, stats = sends.table, core.stats
    stats.add_label("group", lambda: config.producer_group)
    stats.add_counter("sent", lambda: table.sent)
    stats.add_counter("sent_bytes", lambda: table.sent_bytes)
    stats.add_counter("not_confirmed", lambda: table.not_confirmed)
    stats.add_counter("oneway", lambda: table.oneway)
    stats.add_source(
        "sends", lambda: {"in_flight": table.in_flight, "in_flight_bytes": table.in_flight_bytes}
    )
