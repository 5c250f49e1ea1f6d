"""Send frames, written straight from a message into a buffer that is sent in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.sending import SendEncoder

from .arms import Row
from .baseline import SendFrames
from .fixtures import each_arm, run_arm
from .samples import BORN_MS, BROKER, FRAMES_PER_ARM, GROUP, messages, plain_twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from .baseline import PlainMessage

PLAIN = SendFrames(GROUP, BROKER)


def row_of(
    codec: str,
    body_bytes: int,
    plain_frame: Callable[[PlainMessage, int, int, int], bytes],
    note: str = "",
    bound: float | None = None,
) -> Row:
    """Frames of messages with three properties and the unique id."""
    buffer = WriteBuffer()
    put = SendEncoder(GROUP, BROKER, codec).put
    clear = buffer.clear
    ours = messages(FRAMES_PER_ARM, body_bytes)
    for message in ours:
        put(buffer, message, 3, 1_234_567)  # the first encoding gives the message its unique id
    plain = [plain_twin(message) for message in ours]

    def run() -> None:
        for message in ours:
            put(buffer, message, 3, 1_234_567, BORN_MS)
        clear()

    def run_plain() -> None:
        for message in plain:
            plain_frame(message, 3, 1_234_567, BORN_MS)

    def check() -> None:
        clear()
        for message in ours:
            put(buffer, message, 3, 1_234_567, BORN_MS)
        expected = [plain_frame(message, 3, 1_234_567, BORN_MS) for message in plain]
        assert buffer.take() == b"".join(expected)

    return Row(
        name=f"send frame, {codec}{note}: 3 properties, {body_bytes:,} B",
        module="sending",
        ours=run,
        baseline=run_plain,
        operations=FRAMES_PER_ARM,
        check=check,
        bound=bound,
    )


ROWS = [
    row_of("json", 100, PLAIN.json, bound=15),
    row_of("binary", 100, PLAIN.binary, bound=15),
    row_of("json", 100, PLAIN.json_by_dict, note=" (baseline: dict and orjson)"),
    *(row_of("json", size, PLAIN.json) for size in (32, 1024, 8192)),
    *(row_of("binary", size, PLAIN.binary) for size in (32, 1024, 8192)),
]


@each_arm(ROWS)
def test_send_frames(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
