"""Commands of all kinds: written as frames, and read from a buffer with many of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyrocketmq._native.command import LANGUAGE_NAMES, RemotingCommand
from pyrocketmq._native.frame import FrameReader, encode_frame

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm
from .test_answer import frame_of

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 1_000
JAVA = LANGUAGE_NAMES.index("JAVA")


def acknowledgement(number: int) -> bytes:
    """A small frame: the answer of a 5.5.0 broker to a request without result, such as a heart-beat."""
    header = (
        f'{{"code":0,"flag":1,"language":"JAVA","opaque":{number},'
        '"serializeTypeCurrentRPC":"JSON","version":513}'
    ).encode()
    return (len(header) + 4).to_bytes(4, "big") + len(header).to_bytes(4, "big") + header


def offset_answer(number: int) -> bytes:
    """A small frame with one ext field: the answer to a query of an offset."""
    header = (
        f'{{"code":0,"extFields":{{"offset":"{4_711_000 + number}"}},"flag":1,"language":"JAVA",'
        f'"opaque":{number},"serializeTypeCurrentRPC":"JSON","version":513}}'
    ).encode()
    return (len(header) + 4).to_bytes(4, "big") + len(header).to_bytes(4, "big") + header


def facts(command: RemotingCommand | baseline.PlainCommand) -> tuple[object, ...]:
    """All that a command says."""
    language = command.language
    return (
        command.code,
        LANGUAGE_NAMES[language] if isinstance(language, int) else language,
        command.version,
        command.opaque,
        command.flag,
        command.remark,
        command.ext_fields,
        command.body,
    )


def reading_row(name: str, frames: list[bytes], bound: float | None = None) -> Row:
    """Read one buffer with 1,000 frames."""
    data = b"".join(frames)
    reader = FrameReader()

    def read() -> list[RemotingCommand]:
        reader.feed(data)
        return reader.read_all()

    def check() -> None:
        assert list(map(facts, read())) == list(map(facts, baseline.read_frames(data)))

    return Row(
        name=f"frame reader: 1,000 {name}",
        module="frame",
        ours=read,
        baseline=partial(baseline.read_frames, data),
        operations=len(frames),
        check=check,
        bound=bound,
    )


def encoding_row(body_bytes: int) -> Row:
    """Write requests with four ext fields."""
    fields = {"consumerGroup": "orders-workers", "topic": "orders", "queueId": "3", "commitOffset": "4711000"}
    body = b"x" * body_bytes or None
    ours = [RemotingCommand(15, JAVA, 513, number, 0, None, dict(fields), body) for number in range(32)]
    plain = [
        baseline.PlainCommand(15, "JAVA", 513, number, 0, None, dict(fields), body) for number in range(32)
    ]

    def encode() -> None:
        for command in ours:
            encode_frame(command)

    def encode_plain() -> None:
        encode_command = baseline.encode_command
        for command in plain:
            encode_command(command)

    def check() -> None:
        assert [encode_frame(command) for command in ours] == [baseline.encode_command(p) for p in plain]

    return Row(
        name=f"frame: encode, 4 ext fields, {body_bytes:,} B",
        module="frame",
        ours=encode,
        baseline=encode_plain,
        operations=len(ours),
        check=check,
    )


ROWS = [
    reading_row("small frames", [acknowledgement(number) for number in range(COUNT)], bound=10),
    reading_row("small frames with a field", [offset_answer(number) for number in range(COUNT)], bound=10),
    reading_row("send answers", [frame_of(number) for number in range(COUNT)]),
    *(encoding_row(size) for size in (0, 1024, 8192)),
]


@each_arm(ROWS)
def test_frames(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
