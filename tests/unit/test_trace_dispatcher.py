"""Traces of sends: several in a message, bounded, and never waited for by who sends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from pyrocketmq._native.answer import SendResult, decode_send_answer
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import encode_frame
from pyrocketmq._native.message import Message
from pyrocketmq.client.hooks import EndContext, SendContext, SendHooks, SendKind
from pyrocketmq.client.stats import ClientStats
from pyrocketmq.client.trace import MAX_KEY_BYTES, TRACE_TOPIC, TraceDispatcher, trace_group
from pyrocketmq.errors import BrokerBusyError, ConfigurationError
from pyrocketmq.model.trace import TraceContext, decode_traces

PLACE = "7F00000100002A9F00000000000000C0"


class Sink:
    """Takes the trace messages in place of a broker."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.taken = asyncio.Event()
        self.refusals = 0

    async def send(self, message: Message) -> SendResult:
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise BrokerBusyError("busy")
        self.messages.append(message)
        self.taken.set()
        return SendResult()

    @property
    def traces(self) -> list[TraceContext]:
        return [trace for message in self.messages for trace in decode_traces(message.body.decode())]


def tell(dispatcher: TraceDispatcher, messages: Iterable[Message], **changes: object) -> None:
    """A send that went well, or as ``changes`` say."""
    hooks = SendHooks([dispatcher])
    error = changes.pop("error", None)
    result = changes.pop("result", SendResult(offset_msg_id=PLACE, region_id="DefaultRegion"))
    context = hooks.begin(SendContext("g", list(messages), **changes))  # type: ignore[arg-type]
    if error is None:
        hooks.end(context, result)  # type: ignore[arg-type]
    else:
        hooks.end(context, error=error)  # type: ignore[arg-type]


async def test_a_send_is_traced_as_other_clients_trace_it() -> None:
    sink, stats = Sink(), ClientStats()
    dispatcher = TraceDispatcher(sink.send, stats)
    dispatcher.start()
    message = Message("T", b"body", "new", "k1 k2", properties={"UNIQ_KEY": "ABC"})

    tell(dispatcher, [message])
    await dispatcher.close()

    (sent,) = sink.messages
    (trace,) = sink.traces
    (bean,) = trace.beans
    assert sent.topic == TRACE_TOPIC
    assert (sent.keys or "").split() == ["ABC", "k1", "k2"]
    assert (trace.trace_type, trace.region_id, trace.group_name, trace.success) == (
        "Pub",
        "DefaultRegion",
        "g",
        True,
    )
    assert (bean.topic, bean.msg_id, bean.tags, bean.keys) == ("T", "ABC", "new", "k1 k2")
    assert (bean.store_host, bean.body_length, bean.msg_type) == ("127.0.0.1:10911", 4, 0)
    assert bean.offset_msg_id == PLACE
    assert (stats.traces, stats.traces_dropped) == (1, 0)


async def test_every_message_of_a_batch_is_found_by_its_own_id() -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats(), batch=2)
    dispatcher.start()
    messages = [Message("T", b"x", properties={"UNIQ_KEY": f"M{number}"}) for number in range(5)]

    tell(dispatcher, messages, kind=SendKind.BATCH)
    await dispatcher.close()

    assert [trace.beans[0].msg_id for trace in sink.traces] == ["M0", "M1", "M2", "M3", "M4"]
    assert [message.keys for message in sink.messages] == ["M0 M1", "M2 M3", "M4"]


@pytest.mark.parametrize(
    ("kind", "properties", "number"),
    [
        (SendKind.HALF, {}, 1),
        (SendKind.SEND, {"DELAY": "3"}, 3),
        (SendKind.SEND, {"TIMER_DELAY_SEC": "3"}, 3),
        (SendKind.SEND, {"SHARDING_KEY": "k"}, 4),
    ],
)
async def test_the_type_of_a_message_is_in_its_trace(
    kind: SendKind, properties: dict[str, str], number: int
) -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats())
    dispatcher.start()

    tell(dispatcher, [Message("T", b"x", properties=properties)], kind=kind)
    await dispatcher.close()

    assert sink.traces[0].beans[0].msg_type == number


async def test_a_failed_send_and_the_end_of_a_transaction_are_traced() -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats())
    dispatcher.start()
    half = Message("T", b"x", properties={"UNIQ_KEY": "H"})

    tell(dispatcher, [half], error=BrokerBusyError("busy"))
    SendHooks([dispatcher]).ended(
        EndContext(
            group="g",
            message=half,
            transaction_id="tx",
            state="ROLLBACK_MESSAGE",
            from_check=True,
            address="10.0.0.1:10911",
            confirmed=True,
        )
    )
    await dispatcher.close()

    failed, ended = sink.traces
    assert not failed.success
    assert (ended.trace_type, ended.beans[0].transaction_id) == ("EndTransaction", "tx")
    assert (ended.beans[0].transaction_state, ended.beans[0].from_transaction_check) == (
        "ROLLBACK_MESSAGE",
        True,
    )


async def test_records_beyond_the_bound_are_dropped_and_nobody_waits() -> None:
    sink, stats = Sink(), ClientStats()
    sink.gate.clear()
    dispatcher = TraceDispatcher(sink.send, stats, max_waiting=10, interval=0.01)
    dispatcher.start()

    for _ in range(25):
        tell(dispatcher, [Message("T", b"x")])
    assert dispatcher.waiting == 10
    assert stats.traces_dropped == 15

    sink.gate.set()
    await dispatcher.close()
    assert stats.traces == 10


async def test_a_full_batch_leaves_before_the_interval_is_over() -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats(), interval=3600.0, batch=5)
    dispatcher.start()
    await asyncio.sleep(0)

    for _ in range(5):
        tell(dispatcher, [Message("T", b"x")])
    async with asyncio.timeout(5.0):
        await sink.taken.wait()

    assert len(sink.traces) == 5
    await dispatcher.close()


async def test_traces_that_a_broker_refuses_are_counted_as_dropped() -> None:
    sink, stats = Sink(), ClientStats()
    sink.refusals = 1
    dispatcher = TraceDispatcher(sink.send, stats, batch=1)
    dispatcher.start()

    tell(dispatcher, [Message("T", b"1")])
    tell(dispatcher, [Message("T", b"2")])
    await dispatcher.close()

    assert (stats.traces, stats.traces_dropped) == (1, 1)


async def test_closing_takes_no_longer_than_it_may() -> None:
    sink, stats = Sink(), ClientStats()
    sink.gate.clear()
    dispatcher = TraceDispatcher(sink.send, stats, batch=1)
    dispatcher.start()
    for _ in range(3):
        tell(dispatcher, [Message("T", b"x")])

    await dispatcher.close(0.01)

    assert dispatcher.waiting == 0
    assert stats.traces == 0
    assert stats.traces_dropped == 3


async def test_what_is_not_to_be_traced_is_not() -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats())
    dispatcher.start()
    untraced = decode_send_answer(encode_frame(RemotingCommand(0, flag=1, ext_fields={"TRACE_ON": "false"})))

    tell(dispatcher, [Message(TRACE_TOPIC, b"x")])
    tell(dispatcher, [Message("T", b"x")], result=untraced)
    tell(dispatcher, [Message("T", b"x")], result=None)
    await dispatcher.close()

    assert sink.messages == []


async def test_keys_of_many_records_stay_within_what_a_message_may_have() -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats())
    dispatcher.start()

    for number in range(20):
        tell(dispatcher, [Message("T", b"x", keys=f"{number}-" + "k" * 2000)])
    await dispatcher.close()

    assert len(sink.traces) == 20
    assert max(len(message.keys or "") for message in sink.messages) < MAX_KEY_BYTES + 4000


async def test_it_can_start_again_after_it_was_closed() -> None:
    sink = Sink()
    dispatcher = TraceDispatcher(sink.send, ClientStats())
    for _ in range(2):
        dispatcher.start()
        tell(dispatcher, [Message("T", b"x")])
        await dispatcher.close()

    assert len(sink.traces) == 2


@pytest.mark.parametrize("bad", [{"max_waiting": 0}, {"interval": 0.0}, {"batch": 0}, {"batch": 101}])
def test_settings_that_cannot_work_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TraceDispatcher(Sink().send, ClientStats(), **bad)
    assert caught.value.field in bad


def test_the_group_of_traces_fits_into_what_brokers_take() -> None:
    assert trace_group("g") == "_INNER_TRACE_PRODUCER-g-PRODUCE-0"
    assert len(trace_group("g" * 120)) == 120
