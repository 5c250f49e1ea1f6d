"""Batch bodies: 100 messages become the body of one frame."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyrocketmq._native import batch as native
from pyrocketmq._native.message import Message

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm
from .samples import TOPIC, messages, plain_twin

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 100


def row_of(what: str, ours: list[Message], bound: float | None = None) -> Row:
    """A batch of messages."""
    plain = [plain_twin(message) for message in ours]

    def check() -> None:
        assert native.encode_batch_body(ours) == baseline.encode_batch(plain)

    return Row(
        name=f"batch body: {COUNT} messages, {what}",
        module="batch",
        ours=partial(native.encode_batch_body, ours),
        baseline=partial(baseline.encode_batch, plain),
        operations=COUNT,
        check=check,
        bound=bound,
    )


def plain_bodies_row(body_bytes: int) -> Row:
    """A batch of plain bytes."""
    bodies = [message.body for message in messages(COUNT, body_bytes)]

    def check() -> None:
        assert native.encode_batch_bodies(bodies) == baseline.encode_bodies(bodies)

    return Row(
        name=f"batch body: {COUNT} byte strings, {body_bytes:,} B",
        module="batch",
        ours=partial(native.encode_batch_bodies, bodies),
        baseline=partial(baseline.encode_bodies, bodies),
        operations=COUNT,
        check=check,
    )


TAGGED = [Message(TOPIC, b"x" * 100, "paid", f"order-{number}") for number in range(COUNT)]
BARE = [Message(TOPIC, b"x" * 100) for _ in range(COUNT)]

ROWS = [
    row_of("tags, keys, 100 B", TAGGED, bound=30),
    *(row_of(f"tags, keys, 1 more, {size:,} B", messages(COUNT, size)) for size in (32, 100, 1024)),
    row_of("no properties, 100 B", BARE),
    plain_bodies_row(100),
]


@each_arm(ROWS)
def test_batches(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
