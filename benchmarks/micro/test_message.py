"""Making messages, against a plain class with slots that checks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native.message import Message

from .arms import Row
from .baseline import PlainMessage
from .fixtures import each_arm, run_arm
from .samples import TOPIC

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 100
BODIES = [bytes([65 + n % 26]) * 100 for n in range(COUNT)]
KEYS = [f"order-{n}" for n in range(COUNT)]


def make() -> None:
    """Topic and body."""
    for body in BODIES:
        Message(TOPIC, body)


def make_plain() -> None:
    """The same by the baseline."""
    for body in BODIES:
        PlainMessage(TOPIC, body)


def make_tagged() -> None:
    """Topic, body, tags and keys."""
    for body, keys in zip(BODIES, KEYS, strict=True):
        Message(TOPIC, body, "paid", keys)


def make_tagged_plain() -> None:
    """The same by the baseline."""
    for body, keys in zip(BODIES, KEYS, strict=True):
        PlainMessage(TOPIC, body, "paid", keys)


def check_made() -> None:
    """Both kinds hold the same."""
    ours, plain = Message(TOPIC, BODIES[3]), PlainMessage(TOPIC, BODIES[3])
    assert (ours.topic, ours.body, ours.flag) == (plain.topic, plain.body, plain.flag)
    tagged, plain = Message(TOPIC, BODIES[3], "paid", "k-1"), PlainMessage(TOPIC, BODIES[3], "paid", "k-1")
    assert dict(tagged.properties) == plain.properties


ROWS = [
    Row(
        name="message: topic, body",
        module="message",
        ours=make,
        baseline=make_plain,
        operations=COUNT,
        check=check_made,
    ),
    Row(
        name="message: topic, body, tags, keys",
        module="message",
        ours=make_tagged,
        baseline=make_tagged_plain,
        operations=COUNT,
        check=check_made,
    ),
]


@each_arm(ROWS)
def test_messages(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
