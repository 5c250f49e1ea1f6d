"""Batch bodies: 100 messages become the body of one frame."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyrocketmq._native import batch as native

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm
from .samples import messages, plain_twin

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 100


def row_of(body_bytes: int, bound: float | None = None) -> Row:
    """A batch of messages with three properties and bodies of one size."""
    ours = messages(COUNT, body_bytes)
    plain = [plain_twin(message) for message in ours]

    def check() -> None:
        assert native.encode_batch_body(ours) == baseline.encode_batch(plain)

    return Row(
        name=f"batch body: {COUNT} messages, 3 properties, {body_bytes:,} B",
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


ROWS = [row_of(100, bound=30), row_of(32), row_of(1024), plain_bodies_row(100)]


@each_arm(ROWS)
def test_batches(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
