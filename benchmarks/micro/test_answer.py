"""Answers to a send: what a producer reads for every message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native import answer as native

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 32


def frame_of(number: int) -> bytes:
    """An answer as a 5.5.0 broker writes it."""
    offset_id = f"0A0102030000A9F7{number * 411:016X}"
    unique_id = f"7F00000100010A0B0C0D{number:012X}"
    header = (
        f'{{"code":0,"extFields":{{"queueId":"{number % 8}","transactionId":"{unique_id}",'
        f'"msgId":"{offset_id}","queueOffset":"{4_711_000 + number}",'
        f'"MSG_REGION":"DefaultRegion","TRACE_ON":"true"}},"flag":1,'
        f'"language":"JAVA","opaque":{9_000 + number},"serializeTypeCurrentRPC":"JSON","version":513}}'
    ).encode()
    return (len(header) + 4).to_bytes(4, "big") + len(header).to_bytes(4, "big") + header


FRAMES = [frame_of(number) for number in range(COUNT)]
Answer = native.SendResult | baseline.PlainSendResult


def facts(answer: Answer) -> tuple[object, ...]:
    """All that an answer says."""
    return (
        answer.code,
        answer.opaque,
        answer.offset_msg_id,
        answer.queue_id,
        answer.queue_offset,
        answer.transaction_id,
        answer.region_id,
        answer.remark,
    )


def decode() -> None:
    """A result; its texts are decoded when asked for."""
    decode_send_answer = native.decode_send_answer
    for frame in FRAMES:
        decode_send_answer(frame)


def decode_plain() -> None:
    """A result by the baseline."""
    decode_send_answer = baseline.decode_send_answer
    for frame in FRAMES:
        decode_send_answer(frame)


def read() -> None:
    """A result, and all it says."""
    decode_send_answer = native.decode_send_answer
    for frame in FRAMES:
        facts(decode_send_answer(frame))


def read_plain() -> None:
    """The same by the baseline."""
    decode_send_answer = baseline.decode_send_answer
    for frame in FRAMES:
        facts(decode_send_answer(frame))


def check() -> None:
    """Both say the same."""
    ours = [facts(native.decode_send_answer(frame)) for frame in FRAMES]
    assert ours == [facts(baseline.decode_send_answer(frame)) for frame in FRAMES]


ROWS = [
    Row(
        name="send answer: decode",
        module="answer",
        ours=decode,
        baseline=decode_plain,
        operations=COUNT,
        check=check,
        bound=5,
    ),
    Row(
        name="send answer: decode and read all fields",
        module="answer",
        ours=read,
        baseline=read_plain,
        operations=COUNT,
        check=check,
    ),
]


@each_arm(ROWS)
def test_send_answers(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
