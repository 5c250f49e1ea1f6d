"""The accumulator: when batches are closed, what counts against the buffer, and what is awaited."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Self

import pytest

from pyrocketmq._native.accumulator import Accumulator
from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.batch import decode_batch_body, encode_batch_body
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import Parcel
from pyrocketmq._native.submitting import AsyncSubmit, BlockingSubmit
from pyrocketmq.errors import (
    BackPressureError,
    InvalidMessageError,
    MessageTooLargeError,
    RocketMQError,
    TransportStateError,
)

KIB = 1024


class FakeLoop:
    """Counts what it is asked for; time is passed by hand."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.later: list[tuple[float, Callable[[], object]]] = []

    def call_soon(self, function: Callable[[], object]) -> None:
        self.soon.append(function)

    def call_soon_threadsafe(self, function: Callable[[], object]) -> None:
        self.soon.append(function)

    def call_later(self, delay: float, function: Callable[[], object]) -> None:
        self.later.append((delay, function))

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> asyncio.Future[None]:
        return asyncio.Future(loop=asyncio.new_event_loop())


class Buffer(Accumulator):
    """An accumulator whose batches stay where they are."""

    odd: list[tuple[Message, bool, object, bool]]

    def __new__(cls, loop: Any, **limits: Any) -> Self:  # noqa: ARG004 - for __init__
        every: dict[str, Any] = {
            "linger": 0.005,
            "batch_bytes": 4 * KIB,
            "batch_count": 1000,
            "buffer_bytes": 1000 * KIB,
            "buffer_messages": 10_000,
            "max_message_bytes": 64 * KIB,
        }
        return super().__new__(cls, **(every | limits))

    def __init__(self, loop: Any, **_: Any) -> None:
        self.odd = []
        self.failures: list[Exception] = []
        self.epochs = 0
        self.attach(loop)

    def _wire_topic(self, topic: str) -> str:
        return "ns%" + topic

    def _take_odd(self, message: Message, _: object, ordered: bool, queue: object, alone: bool) -> None:
        self.odd.append((message, ordered, queue, alone))

    def _run(self) -> None:
        self.begin_turn()

    def _epoch_ended(self) -> None:
        self.epochs += 1

    def _callback_failed(self, _: object, error: Exception) -> None:
        self.failures.append(error)

    def _let_loop_work(self) -> None:
        self.begin_turn()


class Submitter(AsyncSubmit):
    def __new__(cls, buffer: Buffer) -> Self:
        made = super().__new__(cls)
        made._accumulator = buffer
        return made

    def __init__(self, buffer: Buffer) -> None:
        """There are no single sends here."""


class BlockingSubmitter(BlockingSubmit):
    def __init__(self, buffer: Buffer) -> None:
        self._accumulator = buffer


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


def bodies(parcel: Parcel) -> list[bytes]:
    made = parcel.message()
    return [one.body for one in decode_batch_body(made.body)] if made.batch else [made.body]


def test_a_batch_is_closed_before_it_gets_too_large(loop: FakeLoop) -> None:
    buffer = Buffer(loop, batch_bytes=1000)
    submit = Submitter(buffer).submit
    several = [Message("shop", b"%03d" % at + b"x" * 97) for at in range(20)]
    for message in several:
        submit(message)

    assert [6, 6, 6] == [len(parcel) for parcel in buffer.ready]
    assert all(parcel.body_bytes <= 1000 for parcel in buffer.ready)
    buffer.close_all()
    sent = [body for parcel in buffer.ready for body in bodies(parcel)]
    assert [message.body for message in several] == sent
    assert {"ns%shop"} == {parcel.topic for parcel in buffer.ready}
    assert 20 == buffer.held_messages == buffer.taken


def test_a_batch_is_closed_when_it_has_enough_messages(loop: FakeLoop) -> None:
    buffer = Buffer(loop, batch_count=3)
    for at in range(7):
        Submitter(buffer).submit("shop", b"%d" % at)

    assert [3, 3] == [len(parcel) for parcel in buffer.ready]


def test_a_batch_of_many_small_messages_fits_as_brokers_store_it(loop: FakeLoop) -> None:
    buffer = Buffer(loop, batch_bytes=64 * KIB, batch_count=65_536, max_message_bytes=64 * KIB)
    for _ in range(1000):
        Submitter(buffer).submit("shop", b"x")

    for parcel in buffer.ready:
        assert parcel.body_bytes + len(parcel) * (91 - 22 + len("shop") + 130) <= 64 * KIB
    assert len(buffer.ready) > 1


def test_a_batch_that_waits_is_closed_after_the_linger_time(loop: FakeLoop) -> None:
    buffer = Buffer(loop, linger=0.0)
    Submitter(buffer).submit("shop", b"one")
    assert not buffer.ready
    [(delay, close)] = loop.later
    assert 0.0 == delay
    close()

    assert [1] == [len(parcel) for parcel in buffer.ready]
    Submitter(buffer).submit("shop", b"two")
    assert 2 == len(loop.later)


def test_one_timer_serves_all_batches_that_are_open(loop: FakeLoop) -> None:
    buffer = Buffer(loop, linger=60.0)
    for at in range(100):
        Submitter(buffer).submit(f"shop-{at}", b"x")

    assert 1 == len(loop.later)
    loop.later[0][1]()  # too early for all of them
    assert not buffer.ready
    assert 59 < loop.later[1][0] <= 60


def test_each_topic_and_each_queue_has_batches_of_its_own(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    submit = Submitter(buffer).submit
    for at in range(4):
        submit(f"shop-{at % 2}", b"%d" % at)
        buffer.put_into("shop-0", f"queue-{at % 2}", Message("shop-0", b"q%d" % at), None, ordered=False)
    buffer.close_all()

    found = {(parcel.topic, parcel.queue): bodies(parcel) for parcel in buffer.ready}
    assert {
        ("ns%shop-0", None): [b"0", b"2"],
        ("ns%shop-1", None): [b"1", b"3"],
        ("ns%shop-0", "queue-0"): [b"q0", b"q2"],
        ("ns%shop-0", "queue-1"): [b"q1", b"q3"],
    } == found


def test_messages_that_differ_in_waiting_for_the_disk_are_not_together(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    for wait in (None, "false", "false", None):
        message = Message("shop", b"x")
        message.set_property("WAIT", wait)
        Submitter(buffer).submit(message)
    buffer.close_all()

    assert [1, 2, 1] == [len(parcel) for parcel in buffer.ready]


def test_the_message_is_encoded_before_submit_returns(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    message = Message("shop", b"before", tags="old")
    Submitter(buffer).submit(message)
    given = message.unique_id
    message.body, message.tags = b"after", "new"
    Submitter(buffer).submit("shop", b"other")
    buffer.close_all()

    first = decode_batch_body(buffer.ready[0].message().body)[0]
    assert (b"before", "old", given) == (first.body, first.properties["TAGS"], first.properties["UNIQ_KEY"])


def test_what_is_out_of_the_ordinary_is_given_on(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    submit = Submitter(buffer).submit
    keyed = Message("shop", b"x")
    keyed.sharding_key = "order-1"
    delayed = Message("shop", b"x", properties={"DELAY": "3"})
    submit(keyed)
    submit(delayed)
    submit(Message("%RETRY%orders", b"x"))
    submit("shop", b"x", ordered=True)
    submit("shop", b"x", queue="somewhere")  # type: ignore[call-overload]
    submit("shop", b"x", properties={"A": "b"})
    buffer.is_special = True
    submit("shop", b"x")

    assert [
        (False, None, False),
        (False, None, True),
        (False, None, True),
        (True, None, False),
        (False, "somewhere", False),
        (False, None, False),
    ] == [(ordered, queue, alone) for _, ordered, queue, alone in buffer.odd]
    assert 1 == buffer.held_messages


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("shop",), "no body"),
        ((Message("shop", b"x"), b"body"), "besides"),
        (("shop", b""), "empty"),
        (("sh op", b"x"), "topic"),
        ((None, b"x"), "topic"),
    ],
)
def test_arguments_that_make_no_message_are_refused(
    loop: FakeLoop, arguments: tuple[Any, ...], reason: str
) -> None:
    buffer = Buffer(loop)
    with pytest.raises(InvalidMessageError, match=reason):
        Submitter(buffer).submit(*arguments)
    assert 0 == buffer.held_messages


def test_a_message_at_the_limit_is_taken_and_one_over_it_is_not(loop: FakeLoop) -> None:
    buffer = Buffer(loop, max_message_bytes=8 * KIB)
    Submitter(buffer).submit("shop", b"x" * 8 * KIB)
    with pytest.raises(MessageTooLargeError):
        Submitter(buffer).submit("shop", b"x" * (8 * KIB + 1))

    assert [1] == [len(parcel) for parcel in buffer.ready]


# ---- order ----


def test_of_an_ordered_queue_one_batch_is_ready_at_a_time(loop: FakeLoop) -> None:
    buffer = Buffer(loop, batch_count=2)
    for at in range(5):
        buffer.put_into("shop", "queue", Message("shop", b"%d" % at), None, ordered=True)
    buffer.close_all()

    seen: list[bytes] = []
    while buffer.ready:
        [parcel] = buffer.ready
        seen += bodies(parcel)
        buffer.ready.clear()
        parcel.settle(SendResult())
        buffer.finish(parcel)
    assert [b"0", b"1", b"2", b"3", b"4"] == seen
    assert (0, 0) == (buffer.held_messages, buffer.held_bytes)


# ---- ends ----


def end_all(buffer: Buffer, outcome: SendResult | RocketMQError | None = None) -> None:
    buffer.close_all()
    while buffer.ready:
        parcel = buffer.ready.popleft()
        parcel.settle(SendResult(queue_offset=7) if outcome is None else outcome)
        buffer.finish(parcel)


def test_every_callback_is_called_once_with_its_own_result(loop: FakeLoop) -> None:
    buffer = Buffer(loop, batch_bytes=1000)
    heard: dict[bytes, tuple[str | None, str | None, RocketMQError | None]] = {}

    def heard_of(message: Message, result: SendResult | None, error: RocketMQError | None) -> None:
        assert message.body not in heard
        heard[message.body] = (message.unique_id, result.msg_id if result else None, error)

    for at in range(50):
        # Some have no callback, also the first of a batch.
        Submitter(buffer).submit(Message("shop", b"%d" % at), on_delivery=heard_of if at % 3 else None)
    end_all(buffer)

    assert {b"%d" % at for at in range(50) if at % 3} == heard.keys()
    assert all(given == told and error is None for given, told, error in heard.values())
    assert (0, 0) == (buffer.held_messages, buffer.held_bytes)


def test_callbacks_hear_of_failures_and_their_own_are_passed_over(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    heard: list[tuple[SendResult | None, RocketMQError | None]] = []

    def broken(_: Message, result: SendResult | None, error: RocketMQError | None) -> None:
        heard.append((result, error))
        raise ValueError("no")

    for _ in range(3):
        Submitter(buffer).submit("shop", b"x", on_delivery=broken)
    Submitter(buffer).submit("shop", b"unheard")
    error = BackPressureError("full")
    buffer.close_all()
    parcel = buffer.ready[0]
    assert 1 == buffer.without_callback(parcel)
    assert [b"unheard"] == [message.body for message in parcel.unheard(9)]
    end_all(buffer, error)

    assert [(None, error)] * 3 == heard
    assert 3 == len(buffer.failures)


def test_an_interruption_in_a_callback_passes_and_the_others_are_called_later(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    heard: list[bytes] = []

    def interrupted(message: Message, _: object, __: object) -> None:
        heard.append(message.body)
        if message.body == b"1":
            raise KeyboardInterrupt

    for at in range(4):
        Submitter(buffer).submit("shop", b"%d" % at, on_delivery=interrupted)
    with pytest.raises(KeyboardInterrupt):
        end_all(buffer)
    [parcel] = buffer.take_ended()
    assert buffer.is_finishing(parcel)
    buffer.finish(parcel)

    assert [b"0", b"1", b"2", b"3"] == heard
    assert 0 == buffer.held_messages


def test_a_mark_is_reached_when_all_before_it_is_done(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    Submitter(buffer).submit("shop", b"before")
    mark = buffer.mark()
    epoch = buffer.hold(100)
    Submitter(buffer).submit("shop", b"after")
    first = buffer.ready.popleft()
    assert not buffer.is_done_to(mark)
    first.settle(SendResult())
    buffer.finish(first)

    assert buffer.is_done_to(mark)
    assert 1 == buffer.epochs
    assert not buffer.is_done_to(buffer.mark())
    buffer.let_go(100, epoch)
    end_all(buffer)
    assert (0, 0) == (buffer.held_messages, buffer.held_bytes)


# ---- back-pressure ----


def test_a_full_buffer_refuses_who_does_not_wait_and_says_the_figures(loop: FakeLoop) -> None:
    buffer = Buffer(loop, buffer_messages=2)
    submit = BlockingSubmitter(buffer).submit
    submit("shop", b"x")
    submit("shop", b"x")
    with pytest.raises(BackPressureError, match=r"2 messages .* buffer_messages 2"):
        submit("shop", b"x", block=False)

    assert 2 == buffer.held_messages
    end_all(buffer)
    submit("shop", b"x", block=False)


def test_a_blocking_call_on_the_thread_of_the_loop_never_waits(loop: FakeLoop) -> None:
    buffer = Buffer(loop, buffer_messages=1)
    BlockingSubmitter(buffer).submit("shop", b"x")
    with pytest.raises(BackPressureError):
        BlockingSubmitter(buffer).submit("shop", b"x")


def test_bytes_count_as_well(loop: FakeLoop) -> None:
    buffer = Buffer(loop, buffer_bytes=2 * KIB)
    for _ in range(3):
        BlockingSubmitter(buffer).submit("shop", b"x" * 500, block=False)
    with pytest.raises(BackPressureError):
        BlockingSubmitter(buffer).submit("shop", b"x" * 500, block=False)


def test_code_that_does_not_await_is_refused_when_the_buffer_is_full(loop: FakeLoop) -> None:
    buffer = Buffer(loop, buffer_messages=2)
    submit = Submitter(buffer).submit
    for _ in range(3):
        submit("shop", b"x")
    with pytest.raises(BackPressureError, match="not awaited"):
        submit("shop", b"x")
    with pytest.raises(BackPressureError, match="nothing more is taken"):
        submit("shop", b"x", block=False)

    end_all(buffer)
    submit("shop", b"x")
    assert 1 == buffer.held_messages


async def test_what_submit_returns_is_there_at_once_unless_the_buffer_is_full() -> None:
    buffer = Buffer(asyncio.get_running_loop(), buffer_messages=10, linger=30.0)
    submit = Submitter(buffer).submit
    for _ in range(10):
        await submit("shop", b"x")
    waiting = [asyncio.ensure_future(submit("shop", b"x")) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(one.done() for one in waiting)
    assert 13 == buffer.held_messages

    end_all(buffer)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_a_task_that_submits_without_end_lets_the_loop_work() -> None:
    buffer = Buffer(asyncio.get_running_loop(), batch_count=10, buffer_messages=20_000, buffer_bytes=1 << 30)
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        buffer.begin_turn()
        asyncio.get_running_loop().call_soon(turn)

    turn()
    for _ in range(10_000):
        await Submitter(buffer).submit("shop", b"x")
    assert turns >= 8


def test_an_asynchronous_producer_refuses_other_threads(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            Submitter(buffer).submit("shop", b"x")
        except TransportStateError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert 1 == len(caught)


def test_threads_share_batches_and_wake_the_loop_once(loop: FakeLoop) -> None:
    buffer = Buffer(loop, batch_bytes=16 * KIB)
    submitter = BlockingSubmitter(buffer)

    def work(number: int) -> None:
        for at in range(500):
            submitter.submit("shop", b"%d-%d" % (number, at))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.close_all()

    sent = [body for parcel in buffer.ready for body in bodies(parcel)]
    assert {b"%d-%d" % (number, at) for number in range(8) for at in range(500)} == set(sent)
    assert 4000 == len(sent) == buffer.held_messages
    ids = {
        record.properties["UNIQ_KEY"]
        for parcel in buffer.ready
        for record in decode_batch_body(parcel.message().body)
    }
    assert 4000 == len(ids)
    assert len(loop.soon) == 1


def test_a_record_is_that_of_the_batch_encoder(loop: FakeLoop) -> None:
    buffer = Buffer(loop)
    several = [
        Message("shop", b"x" * at, "tag", f"key-{at}", flag=at, properties={"p": "ü" * at})
        for at in range(1, 40)
    ]
    for message in several:
        Submitter(buffer).submit(message)
    buffer.close_all()

    assert encode_batch_body(several)[: buffer.ready[0].body_bytes] == buffer.ready[0].message().body
